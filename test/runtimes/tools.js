/**
 * What the runners stand on: tools, which are installed on demand; the package as its users get it; and processes, of which none is
 * left behind.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { readLetters, writeLetters } from './conformance.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const MODULES = join(FOLDER, 'node_modules')

// Tools

/** Brings test/runtimes/node_modules to what package-lock.json says. */
export const installTools = () => installInto(FOLDER, 'the runtimes (about 1 GB)')

/** The same for a folder of its own. What npm has not for this platform is left out: all are optional. @param {string} folder @param {string} what */
export function installInto(folder, what) {
  const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8')
  const mark = join(folder, 'node_modules/.installed.json')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return
  console.log(`Installing ${what} into ${relative(ROOT, join(folder, 'node_modules'))}: npm ci`)
  npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder)
  writeFileSync(mark, lock)
}

/** A file of a package in test/runtimes/node_modules. @param {string} path */
export const inModules = (path) => join(MODULES, path)

/** @param {string} name The version that lies in node_modules. */
export const versionOf = (name) => JSON.parse(readFileSync(inModules(`${name}/package.json`), 'utf8')).version

/** Why there is none, or undefined. @param {string} name A package in node_modules. */
export const missingPackage = (name) => (existsSync(inModules(name)) ? undefined : `npm did not install ${name} here`)

/** The same of a program of the system, which Debian's packages bring. @param {string} path @param {string[]} packages */
export function missingProgram(path, packages) {
  if (existsSync(path)) return undefined
  const install = `apt-get install --no-install-recommends ${packages.join(' ')}`
  if (process.getuid?.() !== 0) return `there is no ${path}: ${install}`
  console.log(`There is no ${path}: ${install}`)
  const apt = (/** @type {string[]} */ ...args) => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    return spawnSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
  }
  apt('update')
  const done = apt('install', '-y', '--no-install-recommends', ...packages) && existsSync(path)
  return done ? undefined : `there is no ${path}, and this failed: ${install}`
}

/** Under `npm run` the same npm, whatever stands first in PATH. @param {string[]} args @param {string} cwd */
export function npm(args, cwd) {
  const { npm_execpath: path = '' } = process.env
  const [command, first] = /\.c?js$/.test(path) ? [process.execPath, [path]] : ['npm', []]
  const run = spawnSync(command, [...first, ...args], { cwd, encoding: 'utf8', shell: process.platform === 'win32' })
  if (run.status !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${run.error?.message ?? run.stderr}`)
  return run.stdout
}

// The package

/** The path of the package as npm would publish it. @param {string} folder Where it is put. */
export function pack(folder) {
  const [{ filename }] = JSON.parse(npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], ROOT))
  return join(folder, filename)
}

/** @typedef {ReturnType<typeof createApp>} App */

/** An app in a folder of its own, with the packed package installed. The files of this folder that run in a runtime are copied there. */
export function createApp() {
  const folder = mkdtempSync(join(tmpdir(), 'cookie-sessions-runtimes-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  const tarball = pack(folder)
  writeFileSync(join(folder, 'package.json'), '{ "name": "app", "private": true, "type": "module" }\n')
  const { connect } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).devDependencies
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  npm(['install', tarball, `connect@${connect}`, ...quiet], folder)
  for (const file of IN_RUNTIMES) copyFileSync(join(FOLDER, file), join(folder, file))

  const { createCodec } = createRequire(join(folder, 'package.json'))('cookie-sessions/codec')
  const node = { createCodec, backend: 'node' }
  const vectors = readFileSync(join(ROOT, 'test/vectors/format-v1.json'), 'utf8')
  const letters = JSON.stringify(writeLetters(node))
  writeFileSync(join(folder, 'input.js'), `export const vectors = ${vectors}\nexport const letters = ${letters}\n`)

  return {
    folder,
    createCodec,
    /** A new folder in it. @param {string} name */
    makeFolder(name) {
      return mkdtempSync(join(folder, `${name}-`))
    },
    /** Opens in Node what was sealed elsewhere. @param {string[]} tokens */
    readLetters: (tokens) => readLetters(node, tokens),
    /**
     * Bundles one of the app's files, as its users' bundlers do.
     * @param {string} entry @param {string} outdir @param {import('esbuild').BuildOptions} [options]
     */
    async bundle(entry, outdir, options = {}) {
      const own = { entryPoints: [join(folder, entry)], outdir, absWorkingDir: folder }
      const common = /** @type {const} */ ({ bundle: true, format: 'esm', target: 'es2022', logLevel: 'silent' })
      await build({ ...common, platform: 'neutral', mainFields: ['module', 'main'], ...own, ...options })
      return join(outdir, entry)
    },
  }
}

/** What runs in the app's folder, where the package is found by its name. */
const IN_RUNTIMES = [
  'conformance.js',
  'conformance-fetch.js',
  'examine.js',
  'subject.js',
  'program.js',
  'worker.js',
  'browser.js',
  'engine.js',
  'views.js',
  'views-connect.js',
]

// Processes

/** @type {Set<number>} */
const running = new Set()
process.on('exit', () => running.forEach(end))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

/**
 * Starts a process that ends when the signal says so, at the latest with this one, and with it all that it has started in its turn.
 * @param {string} command @param {string[]} args
 * @param {{ signal: AbortSignal, cwd?: string, env?: NodeJS.ProcessEnv, stdio?: import('node:child_process').StdioOptions }} options
 */
export function start(command, args, { signal, ...options }) {
  signal.throwIfAborted()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options, detached: true })
  const { pid } = child
  if (pid === undefined) return child
  running.add(pid)
  signal.addEventListener('abort', () => end(pid))
  return child
}

/** @param {number} pid Of a process that leads a group of its own, being detached. */
function end(pid) {
  if (!running.delete(pid)) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // They have ended by themselves.
  }
}

/** What a program prints. @param {string} command @param {string[]} args @param {Parameters<typeof start>[2]} options */
export async function output(command, args, options) {
  const child = start(command, args, options)
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  if (child.exitCode === 0) return out
  throw new Error(`${command} ended with ${child.exitCode ?? child.signalCode}: ${(err || out).trim().slice(-2_000)}`)
}
