/** Where bundles run: each runs what was built and returns what the app reports (apps/report.js). */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import workerd from 'workerd'
import { COMPATIBILITY_DATE } from './bundlers.js'

/** @import { Browser } from 'playwright-core' */

/** Slower than this is hung. */
const PATIENCE_MS = 30_000
const REPORT = 'report '

/** @param {string} line */
function parse(line) {
  if (!line.startsWith(REPORT)) throw new Error(`no report, but: ${line}`)
  return JSON.parse(line.slice(REPORT.length))
}

/** @param {string} file */
export async function runInNode(file) {
  const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: PATIENCE_MS })
  return parse(stdout)
}

/** In raw workerd: nothing stands between it and the files that were built. @param {string} file */
export async function runInWorkerd(file) {
  const folder = dirname(file)
  const kernels = readdirSync(folder).filter((name) => name.endsWith('.wasm'))
  const modules = kernels.map((name) => `(name = "./${name}", wasm = embed "${name}")`)
  modules.unshift('(name = "worker.js", esModule = embed "worker.js")')
  const config = join(folder, 'config.capnp')
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "app", worker = (modules = [${modules}], compatibilityDate = "${COMPATIBILITY_DATE}"))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "app")],
);
`,
  )
  const server = spawn(workerd.default, ['serve', config, '--control-fd=3'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  })
  const listening = once(/** @type {import('node:stream').Readable} */ (server.stdio[3]), 'data')
  const ended = once(server, 'exit').then(([code]) => Promise.reject(new Error(`workerd ended with ${code}`)))
  try {
    const [message] = await Promise.race([listening, ended])
    const signal = AbortSignal.timeout(PATIENCE_MS)
    return parse(await (await fetch(`http://127.0.0.1:${JSON.parse(message).port}/`, { signal })).text())
  } finally {
    server.kill()
  }
}

/** Chromium, or undefined where there is none: $CHROMIUM, or where Debian and others have it. */
export async function launchChromium() {
  const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
  const { CHROMIUM: executablePath = usual } = process.env
  return executablePath === undefined ? undefined : await chromium.launch({ executablePath, args: ['--no-sandbox'] })
}

/**
 * The page at `url`. With `files` it is a folder's index.html under that Content-Security-Policy, and needs no server.
 * @param {Browser} browser @param {string} url @param {{ folder: string, policy: string }} [files]
 */
export async function runInPage(browser, url, files) {
  const page = await browser.newPage()
  try {
    if (files !== undefined) {
      const headers = { 'Content-Security-Policy': files.policy }
      await page.route(new URL('**', url).href, (route) => {
        const path = join(files.folder, new URL(route.request().url()).pathname)
        return route.fulfill(existsSync(path) ? { path, headers } : { status: 404 })
      })
    }
    return await new Promise((resolve, reject) => {
      page.on('console', (message) => {
        if (message.text().startsWith(REPORT)) resolve(parse(message.text()))
      })
      page.on('pageerror', reject)
      page.on('response', (response) => {
        if (response.status() >= 400) reject(new Error(`${response.url()}: status ${response.status()}`))
      })
      page.goto(url).catch(reject)
      setTimeout(() => reject(new Error(`no report within ${PATIENCE_MS} ms`)), PATIENCE_MS).unref()
    })
  } finally {
    await page.close()
  }
}
