/** The suite for `cookie-sessions/fetch`, in runtimes whose Request and Response carry cookies. */
import { collector, equal } from './conformance.js'

/** @import { Result } from './conformance.js' */

const SECRET = 'a published secret, good for test vectors only'
const URL = 'https://example.com/'
const NOW = 1_700_000_000_000

/**
 * @param {{ sessions: Function, backend: string | object, random?: (bytes: Uint8Array) => void }} subject
 * @returns {Promise<Result[]>}
 */
export async function conformanceFetch({ sessions, backend }) {
  const results = collector()
  const test = results.testAsync
  const told = []
  const options = { secret: SECRET, backend, onError: (error) => told.push(error.code), now: () => NOW }
  const withSession = sessions({ ...options, onInvalid: (reason) => told.push(reason) })

  const ask = (cookie) => new Request(URL, { headers: cookie === undefined ? {} : { cookie } })
  const views = withSession((_, session) => {
    session.views = (session.views ?? 0) + 1
    return new Response(String(session.views))
  })
  const cookieOf = (response) =>
    response.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ')
  const first = await views(ask())

  await test('a new session: the cookie, its attributes, and what caches are told', async () => {
    const [cookie, ...others] = first.headers.getSetCookie()
    equal(others, [])
    const [pair, ...attributes] = cookie.split('; ')
    equal(/^_node=AQ[\w-]+$/.test(pair), true, cookie)
    equal(attributes, [
      'Max-Age=86400',
      'Path=/',
      'Expires=Wed, 15 Nov 2023 22:13:20 GMT',
      'HttpOnly',
      'Secure',
      'SameSite=Lax',
    ])
    equal([first.headers.get('Vary'), first.headers.get('Cache-Control')], ['Cookie', 'private'])
    equal(await first.text(), '1')
  })
  await test('it counts on', async () => {
    const second = await views(ask(cookieOf(first)))
    const third = await views(ask(`other=1; ${cookieOf(second)}; more=2`))
    equal([await second.text(), await third.text()], ['2', '3'])
  })
  await test('what is only read sets no cookie', async () => {
    const read = withSession((_, session) => Response.json({ ...session, isNew: session.isNew }))
    const response = await read(ask(cookieOf(first)))
    equal([await response.json(), cookieOf(response)], [{ views: 1, isNew: false }, ''])
  })
  await test('a cookie that was tampered with is a new session, and onInvalid is told', async () => {
    const forged = cookieOf(first).replace(/.{4}$/, 'AAAA')
    equal([await (await views(ask(forged))).text(), told.splice(0)], ['1', ['bad-tag']])
  })
  await test('destroy() takes the cookie away', async () => {
    const logout = withSession((_, session) => {
      session.destroy()
      return new Response('bye')
    })
    const [line] = (await logout(ask(cookieOf(first)))).headers.getSetCookie()
    equal(/^_node=; Max-Age=0;/.test(line), true, line)
  })
  await test('headers that cannot be changed: a redirect', async () => {
    const login = withSession((_, session) => {
      session.regenerate()
      session.user = 'alice'
      return Response.redirect(URL, 303)
    })
    const response = await login(ask())
    equal([response.status, response.headers.get('Location'), cookieOf(response) !== ''], [303, URL, true])
  })
  await test("the app's own cookies stay", async () => {
    const both = withSession((_, session) => {
      session.user = 'alice'
      return new Response('', {
        headers: [
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
        ],
      })
    })
    equal(/^a=1; b=2; _node=AQ[\w-]+$/.test(cookieOf(await both(ask()))), true)
  })
  await test('a body that has not ended is not waited for', async () => {
    let stream
    const body = new ReadableStream({
      start(controller) {
        stream = controller
      },
    })
    const streamed = withSession((_, session) => {
      session.user = 'alice'
      return new Response(body)
    })
    const response = await streamed(ask())
    equal(cookieOf(response) !== '', true)
    const reader = response.body.getReader()
    stream.enqueue(new TextEncoder().encode('one'))
    equal(new TextDecoder().decode((await reader.read()).value), 'one')
    await reader.cancel()
  })
  await test('a session that cannot be saved: 500, no cookie, and onError is told', async () => {
    const grow = withSession((_, session) => {
      session.text = 'x'.repeat(5_000)
      return new Response('done')
    })
    const response = await grow(ask())
    equal([response.status, cookieOf(response), told.splice(0)], [500, '', ['too-large']])
    equal(response.headers.get('Cache-Control'), 'no-store')
  })
  await test('the two steps apart', async () => {
    const session = withSession.open(ask(cookieOf(first)))
    session.views += 1
    const headers = new Headers()
    withSession.commit(session, headers)
    equal(await (await views(ask(cookieOf({ headers })))).text(), '3')
  })
  return results
}
