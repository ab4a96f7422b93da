/** `cookie-sessions/fetch`: the same sessions for handlers of the Fetch API. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { SessionErrorCode } from '../src/errors.ts'
import * as entry from '../src/fetch.ts'
import { generateSecret, type Session, SessionError, type SessionOptions, sessions } from '../src/fetch.ts'
import { thrownBy } from './helpers/codec.ts'
import {
  type Answer,
  createClock,
  DAY,
  names as namesOf,
  OLD_SECRET,
  opened as openedIn,
  SECRET,
  START,
  sealed,
  serve,
  type TestRequest,
} from './helpers/server.ts'

// biome-ignore lint/suspicious/noExplicitAny: what an app keeps in its sessions is not typed here.
type Anything = any
type Options = Partial<SessionOptions<Request>>

const ann = (): string => sealed({ user: 'ann' })
const spoil = (session: Anything): void => {
  session.n = 1n
}
const count = (session: Anything): number => {
  session.views = (session.views ?? 0) + 1
  return session.views
}
const read = (session: Anything): unknown => session.user ?? null

const answerOf = (headers: Headers): Answer => ({ cookies: headers.getSetCookie() }) as Anything
const names = ({ headers }: { headers: Headers }): string[] => namesOf(answerOf(headers))
const opened = ({ headers }: { headers: Headers }, sealing = {}): Anything => openedIn(answerOf(headers), sealing)
const pairOf = ({ headers }: { headers: Headers }): string | undefined => headers.getSetCookie()[0]?.split(';')[0]

interface Ask extends Options {
  readonly url?: string
  readonly cookie?: string | undefined
  readonly headers?: HeadersInit
}

function ask({ url = 'http://example.com/', cookie, headers }: Ask = {}): Request {
  const request = new Request(url, { headers: headers ?? {} })
  if (cookie !== undefined) request.headers.set('Cookie', cookie)
  return request
}

/** The glue with these options, and what its callbacks are told. */
function setUp(options: Options = {}) {
  const errors: Anything[] = []
  const invalid: string[] = []
  const withSession = sessions({
    secret: SECRET,
    onError: (error) => errors.push(error),
    onInvalid: (reason) => invalid.push(reason),
    ...options,
  })
  return { withSession, errors, invalid }
}

/** One request, handled by `act`: what that returns goes out as JSON unless it is a response. */
async function visit(
  act: (session: Anything, request: Request) => unknown,
  { url, cookie, headers, ...options }: Ask = {},
) {
  const { withSession, errors, invalid } = setUp(options)
  let value: Anything
  const handler = withSession(async (request: Request, session) => {
    value = await act(session, request)
    return value instanceof Response ? value : Response.json(value ?? null)
  })
  const request = ask({ ...(url !== undefined && { url }), cookie, ...(headers !== undefined && { headers }) })
  const response = await handler(request)
  return { response, value, errors, invalid, request }
}

afterEach(() => vi.restoreAllMocks())

describe('the entry', () => {
  it('has sessions by default and by name, and what goes with it', () => {
    expect(entry.default).toBe(sessions)
    expect(Object.keys(entry).sort()).toEqual(['SessionError', 'default', 'generateSecret', 'sessions'])
    expect(sessions({ secret: generateSecret() })).toBeTypeOf('function')
  })

  it('types what it wraps', () => {
    type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
    const holds = <_ extends true>(): void => {}
    class NextRequest extends Request {
      readonly nextUrl = new URL(this.url)
    }
    const withSession = sessions({ secret: SECRET })

    const plain = withSession((request, session) => {
      holds<Equal<typeof request, Request>>()
      holds<Equal<typeof session, Session>>()
      // @ts-expect-error: nothing was declared
      session.nothing
      return new Response()
    })
    holds<Equal<typeof plain, (request: Request) => Promise<Response>>>()

    const worker = withSession(async (_request, _session, env: { KEY: string }, _ctx: unknown) => new Response(env.KEY))
    holds<Equal<typeof worker, (request: Request, env: { KEY: string }, ctx: unknown) => Promise<Response>>>()

    const next = withSession((request: NextRequest) => Response.json(request.nextUrl))
    holds<Equal<typeof next, (request: NextRequest) => Promise<Response>>>()

    const bun = withSession((request) => (request.url === '' ? undefined : new Response()))
    holds<Equal<typeof bun, (request: Request) => Promise<Response | undefined>>>()

    // @ts-expect-error: a response is wanted
    withSession(async () => 'text')
    // @ts-expect-error: one that is not forgotten
    withSession(async () => {})
    expect(withSession.open).toBeTypeOf('function')
  })

  it('checks its options at once, as the middleware does', () => {
    expect(() => sessions({ secret: '' })).toThrow(TypeError)
    expect(() => sessions({ secret: SECRET, maxAge: 5 } as never)).toThrow(/timeout/)
  })

  it('takes the same options as the middleware: property means nothing, and path is the cookie alone', async () => {
    const options = { property: 'admin', path: '/app' }
    for (const url of ['http://example.com/app', 'http://example.com/apple', 'http://example.com/']) {
      const { response, value } = await visit(count, { url, cookie: sealed({ views: 1 }), ...options })
      expect(value).toBe(2)
      expect(response.headers.getSetCookie()[0]).toContain('; Path=/app;')
    }
  })
})

describe('a wrapped handler', () => {
  it('keeps a session from one request to the next', async () => {
    const { withSession, errors } = setUp()
    const handler = withSession((_, session) => new Response(String(count(session))))
    let cookie: string | undefined
    const bodies = []
    for (const _ of 'abc') {
      const response = await handler(ask({ cookie }))
      bodies.push(await response.text())
      cookie = pairOf(response)
    }
    expect([bodies, errors]).toEqual([['1', '2', '3'], []])
  })

  it('may be synchronous', async () => {
    const handler = sessions({ secret: SECRET })(() => new Response('here'))
    const promise = handler(ask())
    expect(promise).toBeInstanceOf(Promise)
    expect(await (await promise).text()).toBe('here')
  })

  it('is handed the request itself, and all that comes after it', async () => {
    const seen: unknown[] = []
    const handler = sessions({ secret: SECRET })((request, session, env: object, ctx: object) => {
      seen.push(request, { ...session }, env, ctx)
      return new Response()
    })
    const [request, env, ctx] = [ask({ cookie: ann() }), { KEY: 1 }, { waitUntil() {} }]
    await handler(request, env, ctx)
    expect(seen).toEqual([request, { user: 'ann' }, env, ctx])
    expect([seen[0] === request, seen[2] === env, seen[3] === ctx]).toEqual([true, true, true])
  })

  it.each<[string, () => never]>([
    [
      'throws',
      () => {
        throw new Error('its own')
      },
    ],
    ['rejects', (() => Promise.reject(new Error('its own'))) as never],
  ])('that %s does so unchanged, and nothing is saved or reported', async (_, fault) => {
    const { withSession, errors } = setUp()
    const handler = withSession((_request, session) => {
      count(session)
      return fault()
    })
    await expect(handler(ask())).rejects.toThrow(/^its own$/)
    expect(errors).toEqual([])
  })

  it('never sees the session of another request', async () => {
    const { withSession } = setUp()
    const handler = withSession(async (_, session: Anything) => {
      const before = session.user
      await new Promise((resolve) => setImmediate(resolve))
      session.seen = before
      return new Response(session.user)
    })
    const users = Array.from({ length: 50 }, (_, i) => `user${i}`)
    const responses = await Promise.all(users.map((user) => handler(ask({ cookie: sealed({ user }) }))))
    expect(await Promise.all(responses.map((response) => response.text()))).toEqual(users)
    expect(responses.map((response) => opened(response))).toEqual(users.map((user) => ({ user, seen: user })))
  })

  it('can be wrapped twice, by sessions in two cookies', async () => {
    const user = sessions({ secret: SECRET })
    const admin = sessions({ secret: SECRET, session_key: 'admin' })
    const handler = user((request, session: Anything) =>
      admin((_, second: Anything) => {
        session.n = 1
        second.n = 2
        return new Response()
      })(request),
    )
    const response = await handler(ask())
    expect(names(response).sort()).toEqual(['_node=*', 'admin=*'])
    expect([opened(response), opened(response, { name: 'admin' })]).toEqual([{ n: 1 }, { n: 2 }])
    expect(response.headers.get('Vary')).toBe('Cookie')
  })
})

describe('the rules are those of the middleware:', () => {
  it('a session that is only read leaves no cookie', async () => {
    const { response, value } = await visit((session) => [session.user, session.isNew, session.isChanged], {
      cookie: ann(),
    })
    expect([value, names(response)]).toEqual([['ann', false, false], []])
  })

  it('a new and empty one neither', async () => {
    const { response, value } = await visit((session) => [session.isNew, session.isChanged, session.isPopulated])
    expect([value, names(response)]).toEqual([[true, false, false], []])
  })

  it('changes deep inside count, and created-at is kept', async () => {
    const now = createClock(START + 5)
    const cookie = sealed({ cart: { items: [1] } }, { at: START })
    const { response } = await visit((session) => void session.cart.items.push(2), { cookie, now })
    expect(opened(response, { at: START + 5 })).toEqual({ cart: { items: [1, 2] } })
    const again = await visit((session) => session.createdAt, { cookie: pairOf(response), now })
    expect(again.value).toBe(START)
  })

  it('the cookie has the attributes of the options', async () => {
    const line = async (options: Options): Promise<string | undefined> =>
      (await visit(count, { now: createClock(), ...options })).response.headers
        .getSetCookie()[0]
        ?.replace(/=[\w-]{86,}/, '=*')
    expect(await line({})).toBe(
      '_node=*; Max-Age=86400; Path=/; Expires=Fri, 02 Jan 2026 00:00:00 GMT; HttpOnly; SameSite=Lax',
    )
    expect(await line({ session_key: '__Host-sid', sameSite: 'strict', persistent: false })).toBe(
      '__Host-sid=*; Path=/; HttpOnly; Secure; SameSite=Strict',
    )
  })

  it.each<[string, string, object, boolean]>([
    ['http', 'http://example.com/', {}, false],
    ['https', 'https://example.com/', {}, true],
    ['HTTPS', 'HTTPS://example.com/', {}, true],
    ['secure: true', 'http://example.com/', { secure: true }, true],
    ['secure: false', 'https://example.com/', { secure: false }, false],
    ['X-Forwarded-Proto alone', 'http://example.com/', { headers: { 'X-Forwarded-Proto': 'https' } }, false],
    ['a trusted proxy', 'http://a/', { trustProxy: true, headers: { 'X-Forwarded-Proto': 'HTTPS, http' } }, true],
    [
      'a trusted proxy of http',
      'http://a/',
      { trustProxy: true, headers: { 'X-Forwarded-Proto': 'http, https' } },
      false,
    ],
    ['a trusted proxy that says nothing', 'http://a/', { trustProxy: true }, false],
  ])('Secure with %s', async (_, url, options, secure) => {
    for (const act of [count, (session: Anything) => session.destroy()]) {
      const { response } = await visit(act, { url, cookie: ann(), ...options })
      expect(/; Secure/.test(response.headers.getSetCookie()[0] ?? '')).toBe(secure)
    }
  })

  it.each<[string, string, string]>([
    ['malformed', '_node=junk', ''],
    ['malformed', '_node=', ''],
    ['unknown-key', '', 'another secret of thirty-two chars'],
  ])('a refused cookie (%s: %j) is a new session', async (reason, cookie, secret) => {
    const told: unknown[] = []
    const { value, response, request } = await visit((session) => [session.isNew, { ...session }], {
      cookie: cookie === '' ? sealed({ user: 'eve' }, { secret }) : cookie,
      onInvalid: (...args) => told.push(...args),
    })
    expect([value, names(response)]).toEqual([[true, {}], []])
    expect(told).toEqual([reason, request])
    expect(told[1]).toBe(request)
  })

  it('times out idle and for good', async () => {
    const now = createClock(START + DAY - 1)
    const cookie = sealed({ user: 'ann' }, { at: START })
    expect((await visit(read, { cookie, now })).value).toBe('ann')
    expect((await visit(read, { cookie, now: () => START + DAY })).invalid).toEqual(['expired'])
    expect((await visit(read, { cookie, now, absoluteTimeout: DAY - 1, timeout: 5_000 })).invalid).toEqual(['expired'])
  })

  it('of several cookies the newest that opens serves, of sixteen', async () => {
    const junk = '_node=x; '
    const good = await visit(read, { cookie: junk.repeat(15) + ann() })
    expect([good.value, good.invalid]).toEqual(['ann', []])
    const { value, invalid } = await visit(read, { cookie: junk.repeat(16) + ann() })
    expect([value, invalid]).toEqual([null, Array(16).fill('malformed')])
  })

  const responses: [string, () => Response, boolean][] = [
    ['a 304', () => new Response(null, { status: 304 }), true],
    ['a public 304', () => new Response(null, { status: 304, headers: { 'Cache-Control': 'public' } }), false],
    ['Cache-Control: public', () => new Response('', { headers: { 'Cache-Control': 'max-age=5, Public' } }), false],
    ['s-maxage', () => new Response('', { headers: { 'cache-control': 'S-MaxAge=5' } }), false],
    ['Cache-Control: private', () => new Response('', { headers: { 'Cache-Control': 'private' } }), true],
    ['no Cache-Control', () => new Response(''), true],
    ['a 404', () => new Response('', { status: 404 }), true],
    ['a redirect', () => Response.redirect('http://example.com/'), true],
  ]
  it.each(responses)('rolling, and sealing anew after a rotation, on %s', async (_, respond, rolls) => {
    const roll = async (age: number, options: Options = {}, secret = SECRET): Promise<boolean> => {
      const now = createClock(START + age)
      const cookie = sealed({ user: 'ann' }, { at: START, secret })
      const { response } = await visit(respond, { cookie, now, ...options })
      if (names(response).length > 0) expect(opened(response, { at: now.time })).toEqual({ user: 'ann' })
      return names(response).length > 0
    }
    expect([await roll(0), await roll(DAY / 10 - 1)]).toEqual([false, false])
    expect(await roll(DAY / 10)).toBe(rolls)
    expect(await roll(0, { rolling: true })).toBe(rolls)
    expect(await roll(DAY - 1, { rolling: false })).toBe(false)
    expect(await roll(0, { secret: [SECRET, OLD_SECRET] }, OLD_SECRET)).toBe(rolls)
  })

  it.each(responses)('a change goes out on %s', async (_, respond) => {
    const act = (session: Anything): Response => {
      count(session)
      return respond()
    }
    expect(names((await visit(act, { cookie: ann() })).response)).toEqual(['_node=*'])
  })

  it.each<[string | undefined, string]>([
    [undefined, 'Cookie'],
    ['Accept', 'Accept, Cookie'],
    ['Accept, cookie', 'Accept, cookie'],
    ['Cookie2', 'Cookie2, Cookie'],
    ['*', '*'],
  ])('Vary: %s becomes %s', async (vary, expected) => {
    const respond = () => new Response('', { headers: vary === undefined ? {} : { Vary: vary } })
    expect((await visit(respond)).response.headers.get('Vary')).toBe(expected)
  })

  it.each<[string | undefined, string]>([
    [undefined, 'private'],
    ['no-cache', 'no-cache'],
    ['public, max-age=5', 'public, max-age=5'],
  ])('Cache-Control: %s becomes %s', async (control, expected) => {
    const respond = () => new Response('', { headers: control === undefined ? {} : { 'Cache-Control': control } })
    expect((await visit(respond)).response.headers.get('Cache-Control')).toBe(expected)
  })

  it('what a callback throws or rejects with ends nothing', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const fault = new Error('of the callback')
    const onInvalid = async () => {
      throw fault
    }
    const { value, errors } = await visit(read, { cookie: '_node=junk', onInvalid })
    await vi.waitFor(() => expect(errors).toEqual([fault]))
    const onError = () => {
      throw fault
    }
    const { response } = await visit(spoil, { onError })
    expect([value, response.status, log.mock.calls]).toEqual([null, 500, [[fault]]])
  })
})

describe('the handler holds the session itself:', () => {
  it('regenerate() makes it new and empty in place', async () => {
    const now = createClock(START + 9)
    const act = (session: Anything): unknown => {
      session.planted = true
      session.regenerate()
      const state = [{ ...session }, session.isNew, session.createdAt]
      session.user = 42
      return state
    }
    const { value, response } = await visit(act, { cookie: sealed({ user: 'ann', csrf: 1 }, { at: START }), now })
    expect(value).toEqual([{}, true, START + 9])
    expect(opened(response, { at: now.time })).toEqual({ user: 42 })
    const again = await visit((session) => session.createdAt, { cookie: pairOf(response), now })
    expect(again.value).toBe(START + 9)
  })

  it('regenerate() leaves nothing hidden behind', async () => {
    const act = (session: Anything): unknown => {
      Object.defineProperty(session, 'toJSON', { value: () => ({ user: 'eve' }), configurable: true })
      session[Symbol.for('planted')] = 1
      session.regenerate()
      return Reflect.ownKeys(session)
    }
    expect((await visit(act)).value).toEqual([])
  })

  it('regenerate() of what cannot be emptied throws, and the session stays what it was', async () => {
    const { value, response } = await visit(
      (session) => [thrownBy(() => Object.freeze(session).regenerate()).name, session.isNew, session.createdAt],
      { cookie: sealed({ user: 'ann' }, { at: START }), now: () => START + 9 },
    )
    expect([value, names(response)]).toEqual([['TypeError', false, START], []])
  })

  it('regenerate() takes the cookie away when it stays empty', async () => {
    const { response } = await visit((session) => session.regenerate(), { cookie: ann() })
    expect(names(response)).toEqual(['_node='])
  })

  it('destroy() empties it, takes the cookie away, and keeps nothing of what is put in afterwards', async () => {
    const act = (session: Anything): unknown => {
      session.destroy()
      const content = { ...session }
      session.user = 'bob'
      return content
    }
    const { value, response } = await visit(act, { cookie: ann() })
    expect([value, names(response)]).toEqual([{}, ['_node=']])
    expect(names((await visit(act)).response)).toEqual([])
  })

  it('regenerate() after destroy() begins anew', async () => {
    const act = (session: Anything): void => {
      session.destroy()
      session.lost = 1
      session.regenerate()
      session.user = 'bob'
    }
    expect(opened((await visit(act, { cookie: ann() })).response)).toEqual({ user: 'bob' })
  })

  it.each(['destroy', 'regenerate', 'touch'] as const)(
    'reload() brings it back after %s(), in place',
    async (method) => {
      const cookie = sealed({ user: 'ann', deep: { n: 1 } }, { at: START })
      const act = (session: Anything): unknown => {
        session.deep.n = 2
        session[method]()
        session.more = 1
        session.reload()
        return [{ ...session }, session.isNew, session.isChanged, session.createdAt]
      }
      const { value, response } = await visit(act, { cookie, now: () => START + 9 })
      expect([value, names(response)]).toEqual([[{ user: 'ann', deep: { n: 1 } }, false, false, START], []])
    },
  )

  it('touch() issues it anew', async () => {
    expect(names((await visit((session) => session.touch(), { cookie: ann() })).response)).toEqual(['_node=*'])
  })

  it('all its data is replaced by emptying it first; regenerate() makes it a new session besides', async () => {
    const act = (session: Anything): void => {
      for (const key of Object.keys(session)) delete session[key]
      Object.assign(session, { n: 1 })
    }
    const now = () => START + 9
    const { response } = await visit(act, { cookie: sealed({ user: 'ann' }, { at: START }), now })
    expect(opened(response, { at: START + 9 })).toEqual({ n: 1 })
    expect((await visit((session) => session.createdAt, { cookie: pairOf(response), now })).value).toBe(START)
  })

  it("a key '__proto__' is data like any other", async () => {
    const data = JSON.parse('{"__proto__":{"admin":true}}')
    const { value } = await visit(
      (session) => {
        session.reload()
        return [session.admin, typeof session.save, Object.keys(session)]
      },
      { cookie: sealed(data) },
    )
    expect(value).toEqual([undefined, 'function', ['__proto__']])
  })
})

describe('the response', () => {
  const withCookie = (response: Response) => (session: Anything) => {
    count(session)
    return response
  }

  it('is copied, so that one which the app keeps bears the session of no client', async () => {
    const kept = new Response(null, { status: 404, headers: { 'X-App': '1' } })
    const first = await visit(withCookie(kept))
    const second = await visit(() => kept, { cookie: ann() })
    expect([names(first.response), names(second.response)]).toEqual([['_node=*'], []])
    expect([...kept.headers]).toEqual([['x-app', '1']])
  })

  it('keeps its status, text, headers and body', async () => {
    const response = new Response('body', { status: 418, statusText: 'Short and stout', headers: { 'X-App': '1' } })
    const { response: copy } = await visit(withCookie(response))
    expect([copy.status, copy.statusText, copy.headers.get('X-App')]).toEqual([418, 'Short and stout', '1'])
    expect(copy.headers.get('Content-Type')).toBe('text/plain;charset=UTF-8')
    expect(await copy.text()).toBe('body')
  })

  it('is given back itself when there is nothing to add', async () => {
    const response = new Response('', { headers: { Vary: 'Cookie', 'Cache-Control': 'no-store' } })
    expect((await visit(() => response, { cookie: ann() })).response).toBe(response)
  })

  it('of Response.redirect(), whose headers are immutable, bears the cookie', async () => {
    const { response } = await visit(withCookie(Response.redirect('http://example.com/next', 303)))
    expect([response.status, response.headers.get('Location')]).toEqual([303, 'http://example.com/next'])
    expect(names(response)).toEqual(['_node=*'])
  })

  it('of fetch() does so as well', async () => {
    const site = await serve((_, res) => {
      res.setHeader('Set-Cookie', ['upstream=1', 'upstream=2; Path=/x'])
      res.end('from afar')
    })
    const fetched = await fetch(site.url)
    expect(() => fetched.headers.append('a', 'b')).toThrow(TypeError)
    const { response } = await visit(withCookie(fetched))
    expect(names(response)).toEqual(['upstream=1', 'upstream=2', '_node=*'])
    expect(await response.text()).toBe('from afar')
  })

  it('keeps the cookies of the app', async () => {
    const own = new Response()
    own.headers.append('Set-Cookie', 'a=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT')
    own.headers.append('Set-Cookie', 'a=2; Path=/x')
    const { response } = await visit(withCookie(own))
    expect(names(response)).toEqual(['a=1', 'a=2', '_node=*'])
  })

  it('is there before its stream has ended, which nothing holds up', async () => {
    let controller: ReadableStreamDefaultController | undefined
    let pulls = 0
    const stream = new ReadableStream(
      {
        start(started) {
          controller = started
        },
        pull() {
          pulls++
        },
      },
      { highWaterMark: 0 },
    )
    const { response } = await visit(withCookie(new Response(stream)))
    expect([names(response), pulls, response.bodyUsed]).toEqual([['_node=*'], 0, false])
    const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>
    for (const part of ['one', 'two']) {
      const read = reader.read()
      controller?.enqueue(new TextEncoder().encode(part))
      expect(new TextDecoder().decode((await read).value)).toBe(part)
    }
    controller?.close()
    expect((await reader.read()).done).toBe(true)
  })

  it.each([204, 205, 304])('of status %i stays without a body', async (status) => {
    const { response } = await visit(withCookie(new Response(null, { status })))
    expect([response.status, response.body, names(response)]).toEqual([status, null, ['_node=*']])
  })

  it('whose body is used up is refused by the runtime, and told to nobody', async () => {
    const used = new Response('body')
    await used.text()
    const { withSession, errors } = setUp()
    await expect(withSession(() => used)(ask())).rejects.toThrow(TypeError)
    expect(errors).toEqual([])
  })

  const bare: [string, () => Response | undefined][] = [
    ['of status 101', () => Object.defineProperty(new Response(), 'status', { value: 101 })],
    ['Response.error()', () => Response.error()],
    ['that is none (undefined)', () => undefined],
  ]
  it.each(bare)('%s is given back itself', async (_, respond) => {
    const { withSession, errors } = setUp({ rolling: true })
    const answer = respond()
    expect(await withSession(() => answer)(ask({ cookie: ann() }))).toBe(answer)
    expect(errors).toEqual([])
  })

  it.each(bare)('%s bears no change of the session, and onError hears of it', async (_, respond) => {
    for (const [value, code] of [
      [1, 'headers-sent'],
      [1n, 'unserializable'],
    ] as const) {
      const { withSession, errors } = setUp()
      const answer = respond()
      const handler = withSession((_request, session: Anything) => {
        session.n = value
        return answer
      })
      expect(await handler(ask())).toBe(answer)
      expect(errors.map((error) => error.code)).toEqual([code])
    }
  })
})

describe('a session that cannot be saved', () => {
  const faults: [SessionErrorCode, unknown][] = [
    ['too-large', { text: 'x'.repeat(5_000) }],
    ['unserializable', { n: 1n }],
    ['reserved-name', JSON.parse('{"save":1}')],
  ]
  const put = (session: object, data: object): void => {
    for (const [key, value] of Object.entries(data)) Object.defineProperty(session, key, { value, enumerable: true })
  }

  it.each(faults)('(%s) makes the response a 500 that nobody keeps', async (code, data) => {
    const { response, errors } = await visit(
      (session) => {
        put(session, data as object)
        const headers = new Headers({ ETag: '"1"', 'Last-Modified': 'now', 'Cache-Control': 'public', 'X-App': '1' })
        headers.append('Set-Cookie', 'a=1')
        headers.append('Set-Cookie', 'b=2')
        return new Response('body', { status: 201, statusText: 'Made', headers })
      },
      { cookie: ann() },
    )
    const body = 'The session could not be saved.\n'
    expect([response.status, response.statusText, await response.text()]).toEqual([500, '', body])
    expect(names(response)).toEqual(['a=1', 'b=2'])
    expect([...response.headers].filter(([name]) => name !== 'set-cookie')).toEqual([
      ['cache-control', 'no-store'],
      ['content-length', String(body.length)],
      ['content-type', 'text/plain; charset=utf-8'],
      ['x-app', '1'],
    ])
    const message = expect.stringMatching(/^cookie-sessions: GET \/: the session was not saved: /)
    expect(errors).toEqual([expect.objectContaining({ name: 'SessionError', code, message })])
  })

  it('is told to onError with the request, and by default to the console', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const told: unknown[] = []
    const { request } = await visit(spoil, { onError: (...args) => told.push(...args) })
    expect(told).toEqual([expect.any(SessionError), request])
    expect(told[1]).toBe(request)
    await sessions({ secret: SECRET })((_, session: Anything) => {
      session.n = 1n
      return new Response()
    })(ask())
    expect(log).toHaveBeenCalledExactlyOnceWith(expect.any(SessionError))
  })

  it('makes one of a 204, a 304 and a redirect as well', async () => {
    for (const answer of [
      new Response(null, { status: 204 }),
      new Response(null, { status: 304 }),
      Response.redirect('http://a/'),
    ]) {
      const act = (session: Anything): Response => {
        session.n = 1n
        return answer
      }
      const { status, headers } = (await visit(act)).response
      expect([status, headers.get('Location'), headers.get('Cache-Control')]).toEqual([500, null, 'no-store'])
    }
  })

  it('leaves the answer to the app when save() has thrown that very error', async () => {
    const { response, value, errors } = await visit((session) => {
      session.text = 'x'.repeat(5_000)
      return Response.json(thrownBy(() => session.save()).code, { status: 413 })
    })
    expect([response.status, names(response), errors]).toEqual([413, [], []])
    expect([response.headers.get('Cache-Control'), await response.json()]).toEqual(['private', 'too-large'])
    expect(value).toBeInstanceOf(Response)
  })

  it('is what the handler threw when it lets save() throw', async () => {
    const { withSession, errors } = setUp()
    const handler = withSession((_, session: Anything) => {
      session.n = 1n
      session.save()
      return new Response()
    })
    await expect(handler(ask())).rejects.toMatchObject({ code: 'unserializable' })
    expect(errors).toEqual([])
  })

  it('once the response is made, hears it from save()', async () => {
    let kept: Anything
    await visit((session) => {
      kept = session
      session.save()
    })
    expect(thrownBy(() => kept.save())).toMatchObject({ name: 'SessionError', code: 'headers-sent' })
  })
})

describe('open() and commit()', () => {
  it('are the two steps of a wrapped handler', () => {
    const { withSession } = setUp()
    const session: Anything = withSession.open(ask({ cookie: sealed({ views: 1 }) }))
    count(session)
    const headers = new Headers({ 'Set-Cookie': 'a=1', Vary: 'Accept' })
    withSession.commit(session, headers)
    expect(names({ headers })).toEqual(['a=1', '_node=*'])
    expect(opened({ headers })).toEqual({ views: 2 })
    expect([headers.get('Vary'), headers.get('Cache-Control')]).toEqual(['Accept, Cookie', 'private'])
  })

  it('work in place, as in a wrapped handler', () => {
    const { withSession } = setUp()
    const session: Anything = withSession.open(ask({ cookie: ann() }))
    session.regenerate()
    session.user = 'bob'
    const headers = new Headers()
    withSession.commit(session, headers)
    expect(opened({ headers })).toEqual({ user: 'bob' })
  })

  it('leave mere rolling out of what a shared cache may keep', () => {
    const { withSession } = setUp({ rolling: true })
    for (const [control, expected] of [
      ['private', ['_node=*']],
      ['public', []],
      ['s-maxage=5', []],
    ] as const) {
      const headers = new Headers({ 'Cache-Control': control })
      withSession.commit(withSession.open(ask({ cookie: ann() })), headers)
      expect(names({ headers })).toEqual(expected)
    }
  })

  it('throw what cannot be saved, and leave the headers alone then', () => {
    const { withSession, errors } = setUp()
    const session: Anything = withSession.open(ask())
    session.n = 1n
    const headers = new Headers({ 'X-App': '1' })
    expect(thrownBy(() => withSession.commit(session, headers))).toMatchObject({ code: 'unserializable' })
    expect([[...headers], errors]).toEqual([[['x-app', '1']], []])
  })

  it('but not what save() has thrown before', () => {
    const { withSession } = setUp()
    const session: Anything = withSession.open(ask())
    session.n = 1n
    expect(thrownBy(() => session.save())).toMatchObject({ code: 'unserializable' })
    const headers = new Headers()
    withSession.commit(session, headers)
    expect([...headers.keys()]).toEqual(['cache-control', 'vary'])
  })

  it('go together once: a second commit() and a later save() are told so', () => {
    const { withSession } = setUp()
    const session: Anything = withSession.open(ask())
    count(session)
    const headers = new Headers()
    withSession.commit(session, headers)
    const late = { name: 'SessionError', code: 'headers-sent' }
    expect(thrownBy(() => withSession.commit(session, headers))).toMatchObject(late)
    expect(thrownBy(() => session.save())).toMatchObject(late)
    expect(names({ headers })).toEqual(['_node=*'])
  })

  it.each<[string, (open: (request: Request) => unknown) => unknown]>([
    ['a plain object', () => ({ user: 'ann' })],
    ['nothing', () => undefined],
    ['null', () => null],
    ['text', () => '_node'],
    ['a copy of a session', (open) => ({ ...(open(ask()) as object) })],
    ['a session of other options', () => sessions({ secret: SECRET }).open(ask())],
  ])('commit() of %s is a TypeError that says what to do', (_, make) => {
    const { withSession } = setUp()
    const error = thrownBy(() => withSession.commit(make(withSession.open) as Session, new Headers()))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/^cookie-sessions: commit\(\) takes .* withSession\.open\(request\)$/)
  })

  it('commit() of a session of Connect is one as well', async () => {
    let error: Anything
    const site = await serve((req, res) => {
      error = thrownBy(() => sessions({ secret: SECRET }).commit(req.session, new Headers()))
      res.end()
    })
    await site.get()
    expect(error).toBeInstanceOf(TypeError)
  })
})

describe('one cookie, any side', () => {
  const now = createClock()
  const options = { secret: SECRET, now }
  const see = (session: Anything): unknown => ({ ...session, createdAt: session.createdAt, isNew: session.isNew })
  const fetching = async (
    act: (session: Anything) => unknown,
    cookie?: string,
  ): Promise<[unknown, string | undefined]> => {
    const { value, response } = await visit(act, { cookie, ...options })
    return [value, pairOf(response)]
  }
  const connecting = async (
    act: (session: Anything) => unknown,
    cookie?: string,
  ): Promise<[unknown, string | undefined]> => {
    const site = await serve((req: TestRequest, res) => res.end(JSON.stringify(act(req.session))), options)
    const answer = await site.get('/', { cookie })
    return [JSON.parse(answer.body), answer.cookies[0]?.split(';')[0]]
  }

  it.each([
    ['on Connect, changed by a fetch handler and read on Connect', connecting, fetching],
    ['by a fetch handler, changed on Connect and read by a fetch handler', fetching, connecting],
  ])('a session begun %s is one and the same', async (_, here, there) => {
    now.time = START
    const [, begun] = await here((session) => {
      session.user = { name: 'Zoë', roles: ['editor'] }
      return see(session)
    })
    now.time += 1_000
    const [between, changed] = await there((session) => {
      session.user.roles.push('admin')
      return see(session)
    }, begun)
    now.time += 1_000
    const [after, unchanged] = await here(see, changed)
    const expected = { user: { name: 'Zoë', roles: ['editor', 'admin'] }, createdAt: START, isNew: false }
    expect([between, after, unchanged]).toEqual([expected, expected, undefined])
  })

  it.each([
    ['on Connect', connecting, fetching],
    ['by a fetch handler', fetching, connecting],
  ])('a login %s ends what was planted on the other side', async (_, here, there) => {
    const [, planted] = await there((session) => {
      session.planted = true
      return null
    })
    const [, cookie] = await here((session) => {
      session.regenerate()
      return null
    }, planted)
    expect(cookie).toBe('_node=')
  })
})
