/** One app through one bundler: build, look into it, run, and hold what it reports against what it should. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createCodec, generateSecret } from '../../dist/codec/index.js'
import { serveWithVite } from './bundlers.js'
import { runInNode, runInPage, runInWorkerd } from './targets.js'

/** @import { Browser } from 'playwright-core' */
/** @import { Bundler } from './bundlers.js' */

/** The longest string in a file of build/: no minifier changes it. @param {string} file */
function longestString(file) {
  const text = readFileSync(new URL(`../../build/${file}`, import.meta.url), 'utf8')
  return text.split(/["'\n]/).reduce((longest, one) => (one.length > longest.length ? one : longest))
}

/** The parts of the package, each with a text that tells that it is in a bundle. */
const PARTS = {
  wasm: longestString('codec.wasm.js'),
  js: longestString('codec.scalar.js'),
  session: 'regenerate',
  connect: 'writeHead',
}

const NO_COOKIES = 'a page may not see the headers Cookie and Set-Cookie'
const NO_HTTP = 'it is for node:http'

/**
 * The apps/: the parts that each should draw in, and where it has no business and why.
 * @type {Record<string, { parts: (keyof typeof PARTS)[], not?: Partial<Record<Bundler['target'], string>> }>}
 */
export const APPS = {
  codec: { parts: ['wasm'] },
  js: { parts: ['wasm', 'js'] },
  secret: { parts: [] },
  fetch: { parts: ['wasm', 'session'], not: { page: NO_COOKIES } },
  connect: { parts: ['wasm', 'session', 'connect'], not: { page: NO_HTTP, worker: NO_HTTP } },
  require: { parts: ['wasm', 'session', 'connect'], not: { page: NO_HTTP, worker: NO_HTTP } },
}

const secret = generateSecret()
const codec = createCodec({ secret, name: '_node', backend: 'node' })

/** Writes each app's folder: the apps/, the given.js that they import, and what starts this one. @param {string} folder */
export function writeApps(folder) {
  const token = codec.seal({ views: 1 })
  const given = `export const secret = '${secret}'
export const token = '${token}'
export const forged = '${token.slice(0, -4)}AAAA'
`
  const page = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>\n'
  for (const app of Object.keys(APPS)) {
    const imports = `import { app } from './${app}.js'\nimport { report } from './report.js'\n`
    cpSync(new URL('apps', import.meta.url), join(folder, app), { recursive: true })
    writeFileSync(join(folder, app, 'given.js'), given)
    writeFileSync(join(folder, app, 'index.html'), page)
    writeFileSync(join(folder, app, 'main.js'), `${imports}report(app).then((line) => console.log(line))\n`)
    const handler = '{ fetch: async () => new Response(await report(app)) }'
    writeFileSync(join(folder, app, 'worker.js'), `${imports}export default ${handler}\n`)
  }
}

/** @param {Bundler} bundler @param {string} app @param {string} folder Of the app. @param {string} out @param {Browser} [browser] */
export async function check(bundler, app, folder, out, browser) {
  mkdirSync(out, { recursive: true })
  const file = await bundler.build?.(folder, out)
  if (file !== undefined) checkParts(app, dirname(file))
  checkReport(bundler, app, await run(bundler, folder, file, /** @type {Browser} */ (browser)))
}

/** @param {Bundler} bundler @param {string} folder @param {string | undefined} file @param {Browser} browser */
async function run(bundler, folder, file, browser) {
  if (file === undefined) {
    const server = await serveWithVite(folder)
    try {
      return await runInPage(browser, /** @type {string} */ (server.resolvedUrls?.local[0]))
    } finally {
      await server.close()
    }
  }
  if (bundler.target === 'node') return await runInNode(file)
  if (bundler.target === 'worker') return await runInWorkerd(file)
  // Vite has made its own of it.
  cpSync(join(folder, 'index.html'), join(dirname(file), 'index.html'), { force: false })
  const policy = bundler.forbidsWasm ? "script-src 'self'" : "script-src 'self' 'wasm-unsafe-eval'"
  return await runInPage(browser, 'http://app.test/index.html', { folder: dirname(file), policy })
}

/** @param {string} app @param {string} out */
function checkParts(app, out) {
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' })
  const scripts = files.filter((name) => /\.c?js$/.test(name)).map((name) => readFileSync(join(out, name), 'utf8'))
  // For a worker the kernel is a file beside the code, which imports it by name.
  const parts = { ...PARTS, wasm: files.find((name) => name.endsWith('.wasm')) ?? PARTS.wasm }
  const found = Object.entries(parts).filter(([, text]) => scripts.some((script) => script.includes(text)))
  assert.deepEqual(
    found.map(([part]) => part),
    APPS[app].parts,
  )
}

/** @param {Bundler} bundler @param {string} app @param {any} report */
function checkReport(bundler, app, report) {
  if (app === 'secret') {
    assert.match(report.secret, /^[\w-]{43}$/)
  } else if (app === 'codec' && bundler.forbidsWasm) {
    assert.match(report.error, /^SessionError no-backend: .*'wasm-unsafe-eval'.* import js from 'cookie-sessions\/js'/)
  } else {
    assert.equal(report.error, undefined)
    if (app === 'codec') assert.equal(report.backend, bundler.target === 'node' ? 'auto' : 'wasm')
    if (app === 'js') assert.equal(report.backend, 'js')
    assert.equal(report.refused, 'bad-tag')
    const opened = codec.open(report.token)
    assert.deepEqual(opened.ok && opened.data, { views: 2 })
  }
}
