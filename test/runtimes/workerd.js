/** workerd: Cloudflare's runtime. What a worker does depends on its compatibility date. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { inModules, missingPackage, start, versionOf } from './tools.js'

/** @import { App } from './tools.js' */
/** @import { Group, Run } from './run.js' */

/** npm's package holds a script that looks for this one. */
const PACKAGE = `@cloudflare/workerd-${process.platform}-${process.arch === 'x64' ? '64' : process.arch}`

/** A date before node:crypto could be had without asking for it. */
const BEFORE_NODE = '2025-05-01'

/** The newest that it knows: its version is a date. */
const newest = () => versionOf('workerd').replace(/^\d+\.(\d{4})(\d\d)(\d\d)\..*$/, '$1-$2-$3')

/**
 * Starts a worker; returns its URL.
 * @param {App} app @param {string} entry One of the app's files. @param {string} date @param {AbortSignal} signal
 */
export async function serveWorker(app, entry, date, signal) {
  const folder = app.makeFolder('workerd')
  // As wrangler does it: the .wasm stays a module of its own.
  const options = { conditions: ['workerd', 'worker', 'import'], loader: { '.wasm': 'copy' }, assetNames: '[name]' }
  await app.bundle(entry, folder, /** @type {import('esbuild').BuildOptions} */ (options))
  writeFileSync(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [
      (name = "${entry}", esModule = embed "${entry}"),
      (name = "./codec.wasm", wasm = embed "codec.wasm"),
    ],
    compatibilityDate = "${date}",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);`,
  )
  const args = ['serve', '--control-fd=3', join(folder, 'config.capnp')]
  const { stderr, stdio } = start(inModules(`${PACKAGE}/bin/workerd`), args, {
    signal,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  const errors = text(stderr)
  // It tells here which port it got.
  let events = ''
  for await (const chunk of /** @type {import('node:stream').Readable} */ (stdio[3])) {
    events += chunk
    const [, port] = /"event":"listen".*"port":(\d+)/.exec(events) ?? []
    if (port !== undefined) return `http://127.0.0.1:${port}/`
  }
  throw new Error(`workerd has ended: ${await errors}`)
}

/** @param {() => string} date @returns {Run} */
function worker(date) {
  return async ({ app, signal }) => {
    const response = await fetch(await serveWorker(app, 'worker.js', date(), signal), { signal })
    if (!response.ok) throw new Error(`the worker answered ${response.status}: ${await response.text()}`)
    return response.json()
  }
}

const serves = { auto: 'wasm', wasm: 'wasm', js: 'js', fetch: 'fetch' }

/** @type {Group[]} */
export const groups = [
  {
    name: 'workerd',
    missing: () => missingPackage(PACKAGE),
    version: () => versionOf('workerd'),
    rows: [
      { title: `workerd at ${BEFORE_NODE}`, serves, run: worker(() => BEFORE_NODE) },
      { title: 'workerd at its own date', serves: { ...serves, auto: 'auto' }, run: worker(newest) },
    ],
  },
]
