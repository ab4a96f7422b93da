/**
 * Browsers. Each is started with the address of a page, which runs the suite and sends its report: so none of them needs to be driven.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { FOLDER, missingPackage, missingProgram, output, start } from './tools.js'

/** @import { Check, Group, Report, Run } from './run.js' */

const CHROMIUM = '/usr/bin/chromium'
const FIREFOX = '/usr/bin/firefox-esr'
const LIBRARIES = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`
const MINIBROWSER = `${LIBRARIES}/webkit2gtk-4.1/MiniBrowser`

/** Starts a browser, its files in an empty folder. @typedef {(url: string, folder: string, signal: AbortSignal) => unknown} Open */

/** @type {Open} */
function openChromium(url, folder, signal) {
  const quiet = 'no-first-run disable-sync disable-component-update disable-background-networking disable-quic'
  const flags = `headless=new disable-gpu ${quiet} enable-precise-memory-info js-flags=--expose-gc user-data-dir=${folder}`
  start(CHROMIUM, [...flags.split(' ').map((flag) => `--${flag}`), ...sandbox(), url], { signal })
}

/** Chromium refuses root its sandbox. */
const sandbox = () => (process.getuid?.() === 0 ? ['--no-sandbox'] : [])

/** @type {Open} */
function openFirefox(url, folder, signal) {
  const preferences = {
    'app.normandy.enabled': false,
    'browser.aboutwelcome.enabled': false,
    'browser.shell.checkDefaultBrowser': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'toolkit.telemetry.enabled': false,
  }
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${value});\n`)
  writeFileSync(join(folder, 'user.js'), lines.join(''))
  const env = { ...process.env, HOME: folder }
  start(FIREFOX, ['--headless', '--no-remote', '--profile', folder, url], { env, signal })
}

/** WebKitGTK has no headless mode: it gets a screen of its own. @type {Open} */
async function openWebKit(url, folder, signal) {
  const screen = start('Xvfb', ['-displayfd', '3', '-nolisten', 'tcp'], {
    signal,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const [display] = await once(/** @type {import('node:stream').Readable} */ (screen.stdio[3]), 'data', { signal })
  const env = {
    ...process.env,
    DISPLAY: `:${String(display).trim()}`,
    HOME: folder,
    XDG_RUNTIME_DIR: folder,
    LIBGL_ALWAYS_SOFTWARE: '1',
    WEBKIT_DISABLE_COMPOSITING_MODE: '1',
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
  }
  start(MINIBROWSER, ['--private', url], { env, signal })
}

/**
 * @param {Open} open @param {string} [where] In the page itself unless this says otherwise (browser.js).
 * @param {string} [policy] The page's Content-Security-Policy. @returns {Run}
 */
function browse(open, where = '', policy = '') {
  return async ({ app, signal }) => {
    const folder = app.makeFolder('browser')
    const bundle = readFileSync(await app.bundle('browser.js', folder, { conditions: ['browser', 'import'] }))
    /** @type {(body: { report: Report, error?: string }) => void} */
    let receive = () => {}
    const server = createServer(async (request, response) => {
      if (request.method === 'POST') receive(/** @type {any} */ (await json(request)))
      const isPage = request.url === '/'
      if (isPage && policy !== '') response.setHeader('Content-Security-Policy', policy)
      response.setHeader('Content-Type', isPage ? 'text/html' : 'text/javascript')
      response.end(isPage ? '<!doctype html><script type="module" src="/browser.js"></script>' : bundle)
    })
    signal.addEventListener('abort', () => server.close().closeAllConnections())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())

    const received = new Promise((resolve) => {
      receive = resolve
    })
    await open(`http://127.0.0.1:${port}/${where}`, app.makeFolder('profile'), signal)
    const { report, error } = await received
    if (error !== undefined) throw new Error(error)
    return report
  }
}

/** @type {Check['run']} */
async function clickThrough({ app, signal }) {
  // Its driver puts the browser's files where temporary files go.
  const env = { ...process.env, TMPDIR: app.makeFolder('clicks') }
  const args = [join(FOLDER, 'clicks.js'), CHROMIUM, '--disable-gpu', ...sandbox()]
  return JSON.parse(await output(process.execPath, args, { env, signal }))
}

const serves = { auto: 'wasm', wasm: 'wasm', js: 'js' }

/** @type {Group[]} */
export const groups = [
  {
    name: 'chromium',
    missing: () => missingPackage('playwright-core') ?? missingProgram(CHROMIUM, ['chromium']),
    version: () => printed(CHROMIUM, '--version'),
    rows: [
      { title: 'Chromium', serves, run: browse(openChromium) },
      { title: 'Chromium, module worker', serves, run: browse(openChromium, '#worker') },
      { title: 'Chromium, service worker', serves, run: browse(openChromium, '#service-worker') },
      {
        title: "Chromium, policy `script-src 'self'`",
        serves: { js: 'js' },
        run: browse(openChromium, '', "script-src 'self'"),
      },
      {
        title: "Chromium, policy `script-src 'self' 'wasm-unsafe-eval'`",
        serves,
        run: browse(openChromium, '', "script-src 'self' 'wasm-unsafe-eval'"),
      },
    ],
    checks: [{ title: 'The examples and a cross-site login, in Chromium', run: clickThrough }],
  },
  {
    name: 'firefox',
    missing: () => missingProgram(FIREFOX, ['firefox-esr']),
    version: () => printed(FIREFOX, '--version'),
    rows: [{ title: 'Firefox', serves, run: browse(openFirefox) }],
  },
  {
    name: 'webkit',
    missing: () =>
      missingProgram(MINIBROWSER, ['libwebkit2gtk-4.1-0']) ?? missingProgram('/usr/bin/Xvfb', ['xvfb', 'dbus']),
    version: () => printed('dpkg-query', '--show', 'libwebkit2gtk-4.1-0'),
    rows: [{ title: 'WebKitGTK', serves, run: browse(openWebKit) }],
  },
]

/** The version in what a program prints. @param {string} command @param {string[]} args */
function printed(command, ...args) {
  const text = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return /\d+(\.\d+){1,}/.exec(text.replace(/gtk-4\.1-0/, ''))?.[0] ?? ''
}
