/** Starts the servers, talks to them, and checks that they do what is to be timed. */
import { deepStrictEqual, strictEqual } from 'node:assert'
import { fork } from 'node:child_process'
import { once } from 'node:events'

export const BARE = 'bare'
/** The JSON of the session is this long. */
export const SESSION_BYTES = 256
const DATA = { views: 100_000_000, user: '' }
DATA.user = 'a'.repeat(SESSION_BYTES - JSON.stringify(DATA).length)

/** Starts these, passes them to `use`, and stops them whatever happens. */
export async function withServers(names, use) {
  const servers = []
  try {
    for (const name of names) servers.push(await startServer(name))
    // The bare server's client sends a cookie as well: that of ours.
    const cookie = servers.find(({ cookie }) => cookie !== '').cookie
    for (const server of servers) if (server.name === BARE) server.cookie = cookie
    for (const server of servers) await check(server)
    return await use(servers)
  } finally {
    for (const server of servers) server.stop()
  }
}

/**
 * A server's name, its URL and the cookie that its clients send. `ask` sets the mode, if one is given, and resolves to the microseconds
 * of CPU and the requests to `/` since the process began.
 */
async function startServer(name) {
  // As servers run: without the checks that help only a developer.
  const env = { ...process.env, NODE_ENV: 'production' }
  const child = fork(new URL('server.js', import.meta.url), [name, JSON.stringify(DATA)], { env })
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the server of ${name} ended early`)
  })
  // It ends while no question is open, when it is stopped.
  ended.catch(() => {})
  const answer = async () => (await Promise.race([once(child, 'message'), ended]))[0]
  const { port } = await answer()
  const url = `http://127.0.0.1:${port}/`
  return {
    name,
    url,
    cookie: name === BARE ? '' : cookiesOf(await get(`${url}begin`)),
    ask(mode) {
      const usage = answer()
      child.send({ mode })
      return usage
    },
    stop: () => child.connected && child.disconnect(),
  }
}

async function get(url, cookie) {
  const response = await fetch(url, { headers: cookie ? { cookie } : {} })
  return { status: response.status, cookies: response.headers.getSetCookie(), body: await response.text() }
}

/** The Cookie header that answers a response's Set-Cookie headers. */
const cookiesOf = ({ cookies }) => cookies.map((cookie) => cookie.split(';')[0]).join('; ')

/** Throws unless the server does in each mode what it is to be timed at. */
async function check({ name, url, cookie, ask }) {
  const dataOf = async (cookie) => JSON.parse((await get(`${url}data`, cookie)).body)
  if (name !== BARE) deepStrictEqual(await dataOf(cookie), DATA, `${name}: the session`)
  for (const mode of ['rw', 'r', 'untouched']) {
    await ask(mode)
    const response = await get(url, cookie)
    const is = `${name}, ${mode}`
    deepStrictEqual([response.status, response.body], [200, 'ok'], is)
    const changes = name !== BARE && mode === 'rw'
    strictEqual(response.cookies.length > 0, changes, `${is}: Set-Cookie`)
    if (changes) {
      const after = await dataOf(cookiesOf(response))
      deepStrictEqual(after, { ...DATA, views: DATA.views + 1 }, `${is}: the session afterwards`)
    }
    // The app must notice when its cookie is missing, or a load that loses it would pass for a good one.
    if (name !== BARE && mode !== 'untouched') strictEqual((await get(url)).status, 500, `${is}: no cookie`)
  }
}
