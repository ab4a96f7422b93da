/**
 * `npm run test:bundlers`: the packed tarball, installed into an empty folder, goes through each bundler in each of the apps/, and what
 * comes out is run: it has to open a token that node:crypto sealed here, refuse a forged one, and seal one that node:crypto opens here.
 * It must also hold the parts of the package that the app asked for, and no other. `--help` lists the options.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** @import { Bundler } from './bundlers.js' */

const HERE = fileURLToPath(new URL('.', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const USAGE = `npm run test:bundlers -- [options]

  --only <regex>       only the bundlers whose row matches
  --require-browser    it is a failure when there is no Chromium for the pages
`

/** @param {string[]} args */
async function main(args) {
  const { values } = parseArgs({
    args,
    options: { only: { type: 'string' }, 'require-browser': { type: 'boolean' }, help: { type: 'boolean' } },
  })
  if (values.help) {
    console.log(USAGE)
    return
  }
  installBundlers()
  const { BUNDLERS } = await import('./bundlers.js')
  const { launchChromium } = await import('./targets.js')
  const bundlers = BUNDLERS.filter((bundler) => new RegExp(values.only ?? '', 'i').test(title(bundler)))
  if (bundlers.length === 0) throw new Error(`--only ${values.only} matches none of: ${BUNDLERS.map(title).join('; ')}`)

  const browser = await launchChromium()
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cookie-sessions-')))
  try {
    installPackage(folder)
    const failures = await runAll(bundlers, folder, browser)
    const missing = browser === undefined && bundlers.some(({ target }) => target === 'page')
    if (missing) {
      console.log(
        '\nSKIPPED, and so not known to work: every page. There is no Chromium here: apt-get install chromium, or set CHROMIUM to the path of one.',
      )
    }
    process.exitCode = failures > 0 || (missing && values['require-browser']) ? 1 : 0
  } finally {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {Bundler} bundler */
const title = ({ name, target }) => `${name} -> ${target}`

/**
 * Prints a row a bundler as it goes, and what failed at the end.
 * @param {Bundler[]} bundlers @param {string} folder @param {import('playwright-core').Browser} [browser]
 * @returns {Promise<number>} How many failed.
 */
async function runAll(bundlers, folder, browser) {
  const { APPS, check, writeApps } = await import('./check.js')
  writeApps(folder)
  const apps = Object.entries(APPS)
  const width = Math.max(...bundlers.map((bundler) => title(bundler).length))
  const line = (/** @type {string} */ head, /** @type {string[]} */ cells) =>
    console.log([head.padEnd(width), ...cells.map((cell) => cell.padEnd(7))].join('  ').trimEnd())
  line('', Object.keys(APPS))

  /** @type {string[]} */
  const failures = []
  const notes = new Set()
  for (const bundler of bundlers) {
    const cells = []
    for (const [app, { not }] of apps) {
      const reason = not?.[bundler.target]
      if (reason !== undefined) {
        notes.add(`- ${app}, ${bundler.target}: ${reason}`)
        cells.push('-')
      } else if (bundler.target === 'page' && browser === undefined) cells.push('SKIPPED')
      else {
        try {
          await check(bundler, app, join(folder, app), join(folder, 'out', title(bundler), app), browser)
          cells.push('pass')
        } catch (error) {
          failures.push(`${title(bundler)}, ${app}: ${error instanceof Error ? error.stack : error}`)
          cells.push('FAIL')
        }
      }
    }
    line(title(bundler), cells)
  }
  for (const note of notes) console.log(note)
  for (const failure of failures) console.log(`\nFAIL ${failure}`)
  return failures.length
}

/** As package.json here pins them, into this folder's own node_modules. */
function installBundlers() {
  const read = (/** @type {string} */ path) => JSON.parse(readFileSync(join(HERE, path), 'utf8'))
  const isThere = (/** @type {[string, unknown]} */ [name, version]) =>
    existsSync(join(HERE, 'node_modules', name)) && read(`node_modules/${name}/package.json`).version === version
  if (Object.entries(read('package.json').dependencies).every(isThere)) return
  console.log('Installing the bundlers into test/bundlers/node_modules: npm ci')
  npm(['ci'], HERE)
}

/** As a user gets it. Built it is already. @param {string} folder */
function installPackage(folder) {
  npm(['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], ROOT)
  const [tarball] = readdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "name": "app", "version": "1.0.0", "type": "module" }\n')
  npm(['install', `./${tarball}`, '--silent', '--prefer-offline', '--ignore-scripts'], folder)
}

/** @param {string[]} args @param {string} cwd */
function npm(args, cwd) {
  const options = /** @type {const} */ ({
    cwd,
    shell: process.platform === 'win32',
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const { status, error } = spawnSync('npm', [...args, '--no-audit', '--no-fund'], options)
  if (status !== 0) throw new Error(`npm ${args[0]} failed in ${cwd}: ${error?.message ?? `status ${status}`}`)
}

await main(process.argv.slice(2))
