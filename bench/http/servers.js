/** Starts the servers, talks to them, and sees to it that they do what is to be timed. */
import assert from 'node:assert'
import { fork } from 'node:child_process'
import http from 'node:http'
import { BARE, MODES, sessionData } from './contenders.js'

/** @import { Mode } from './contenders.js' */
/** @import { Usage } from './server.js' */

/**
 * @typedef {object} Server
 * @property {string} name
 * @property {string} url
 * @property {string} cookie What the client sends.
 * @property {(mode?: Mode) => Promise<Usage>} ask Sets the mode, if one is given, and tells what was used so far.
 * @property {() => void} stop
 */

/** @param {string} name @returns {Promise<Server>} */
export async function startServer(name) {
  const child = fork(new URL('server.js', import.meta.url), [name])
  /** The next message; nothing else is waited for meanwhile. @type {{ resolve: (message: any) => void, reject: (error: Error) => void } | undefined} */
  let waiting
  const answer = () =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject }
    })
  child.on('message', (message) => waiting?.resolve(message))
  child.on('error', (error) => waiting?.reject(error))
  child.on('exit', () => waiting?.reject(new Error(`the server of ${name} ended early`)))
  const { port } = await answer()
  const server = {
    name,
    url: `http://127.0.0.1:${port}/`,
    cookie: '',
    async ask(/** @type {Mode | undefined} */ mode) {
      const usage = answer()
      child.send({ mode })
      return usage
    },
    stop: () => child.connected && child.disconnect(),
  }
  if (name !== BARE) server.cookie = cookiesOf(await get(`${server.url}begin`))
  return server
}

/** @param {string} url @param {string} [cookie] @returns {Promise<{ status: number, cookies: string[], body: string }>} */
function get(url, cookie) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false, headers: cookie ? { cookie } : {} }, async (response) => {
      let body = ''
      try {
        for await (const chunk of response) body += chunk
      } catch (error) {
        reject(error)
      }
      resolve({ status: response.statusCode ?? 0, cookies: response.headers['set-cookie'] ?? [], body })
    })
    request.on('error', reject)
  })
}

/** The Cookie header that answers a response's Set-Cookie headers. @param {{ cookies: string[] }} response */
const cookiesOf = ({ cookies }) => cookies.map((cookie) => cookie.split(';')[0]).join('; ')

/** Throws unless the server does in each mode what it is to be timed at. @param {Server} server */
export async function check(server) {
  const { name, url, cookie, ask } = server
  const begun = sessionData()
  const dataOf = async (/** @type {string} */ cookie) => JSON.parse((await get(`${url}data`, cookie)).body)
  if (name !== BARE) assert.deepStrictEqual(await dataOf(cookie), begun, `${name}: the session`)
  for (const mode of MODES) {
    await ask(mode)
    const response = await get(url, cookie)
    const is = `${name}, ${mode}`
    assert.deepStrictEqual([response.status, response.body], [200, 'ok'], is)
    const changes = name !== BARE && mode === 'rw'
    assert.strictEqual(response.cookies.length > 0, changes, `${is}: Set-Cookie`)
    if (changes) {
      assert.deepStrictEqual(
        await dataOf(cookiesOf(response)),
        { ...begun, views: begun.views + 1 },
        `${is}: the session afterwards`,
      )
    }
    // Without its cookie the app must notice, or a load that loses it would be taken for a good one.
    if (name !== BARE && mode !== 'untouched') assert.strictEqual((await get(url)).status, 500, `${is}: no cookie`)
  }
}
