/** One cookie, any side: a session that begins on Connect, is changed by workerd and by Deno, and is read again on Connect. */
import { collector, equal } from './conformance.js'
import { inModules, missingPackage, start } from './tools.js'
import { serveWorker } from './workerd.js'

/** @import { App } from './tools.js' */
/** @import { Group } from './run.js' */

/** @param {{ app: App, signal: AbortSignal }} context */
async function run({ app, signal }) {
  const deno = ['serve', '--no-remote', '--node-modules-dir=manual', '--host=127.0.0.1', '--port=0', '--allow-read']
  const sides = {
    Connect: await listening(process.execPath, ['views-connect.js'], /^(\d+)\n/, app, signal),
    workerd: await serveWorker(app, 'views.js', '2025-05-01', signal),
    Deno: await listening(inModules('.bin/deno'), [...deno, 'views.js'], /:(\d+)\//, app, signal),
  }
  const results = collector()
  let cookie = ''
  const visitors = []
  let createdAt
  for (const name of ['Connect', 'workerd', 'Deno', 'Connect', 'Deno', 'workerd']) {
    await results.testAsync(`${visitors.length + 1}. ${name}`, async () => {
      visitors.push(name)
      const response = await fetch(`${sides[name]}?visitor=${name}`, { headers: { cookie }, signal })
      const answer = await response.json()
      const isNew = cookie === ''
      createdAt ??= answer.createdAt
      equal(answer, { visitors, isNew, createdAt })
      const [line] = response.headers.getSetCookie()
      cookie = line.split(';')[0]
    })
  }
  for (const [name, url] of Object.entries(sides)) {
    await results.testAsync(`${name} reads what the others wrote`, async () => {
      const response = await fetch(url, { headers: { cookie }, signal })
      equal(await response.json(), { visitors, isNew: false, createdAt })
      equal(response.headers.getSetCookie(), [])
    })
  }
  return results
}

/**
 * Starts a server; returns its URL.
 * @param {string} command @param {string[]} args @param {RegExp} port Where it says its port. @param {App} app @param {AbortSignal} signal
 */
async function listening(command, args, port, app, signal) {
  const { stdout, stderr } = start(command, args, { cwd: app.folder, signal })
  let said = ''
  // It may say so on either.
  return new Promise((resolve, reject) => {
    for (const stream of [stdout, stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        said += chunk
        const [, number] = port.exec(said) ?? []
        if (number !== undefined) resolve(`http://127.0.0.1:${number}/`)
      })
      stream.on('close', () => reject(new Error(`${command} has ended: ${said}`)))
    }
  })
}

/** @type {Group[]} */
export const groups = [
  {
    name: 'one-cookie',
    missing: () => missingPackage('workerd') ?? missingPackage('deno'),
    version: () => '',
    rows: [],
    checks: [{ title: 'One cookie, any side', run }],
  },
]
