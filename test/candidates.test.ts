/** Which of a request's cookies is the session: several of one name, quoted ones, and several middlewares. */
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createCodec } from '../src/codec/codec.ts'
import type { SessionOptions } from '../src/options.ts'
import { PLATFORMS, visitFetch, warnings } from './helpers/platforms.ts'
import { decode, encode } from './helpers/reference.js'
import {
  app,
  Browser,
  createClock,
  DAY,
  type Handler,
  mount,
  names,
  OLD_SECRET,
  routes,
  SECRET,
  START,
  sealed,
  serve,
  serveApp,
  type TestRequest,
  type Visit,
  visit,
} from './helpers/server.ts'

type Session = TestRequest['session']

const HOUR = 3_600_000
const now = (): number => START
const read = (session: Session): unknown => session?.user ?? null
const count = (session: Session): void => {
  session.n = (session.n ?? 0) + 1
}
const enter =
  (user: string) =>
  (session: Session): void => {
    session.user = user
  }

/** The cookie of `user`, issued `ms` after START. */
const issued = (user: string, ms: number): string => sealed({ user }, { at: START + ms })

/** The cookie with another issued-at and a tag that is wrong. */
function forged(cookie: string, issuedAt: number): string {
  const bytes = decode(cookie.slice('_node='.length)) as Uint8Array
  for (let i = 0; i < 6; i++) bytes[10 + i] = Math.floor(issuedAt / 256 ** (5 - i)) % 256
  bytes[bytes.length - 1] = 1 ^ (bytes.at(-1) as number)
  return `_node=${encode(bytes)}`
}

/** Cookies that do not open, each for another reason. */
const GARBAGE: [string, string][] = [
  ['junk', '_node=junk'],
  ['empty', '_node='],
  ['of another version', `_node=${'B'.repeat(86)}`],
  ['a long one', `_node=AQ${'_'.repeat(4_000)}`],
  ['expired', issued('eve', -2 * DAY)],
  ['from the future', issued('eve', HOUR)],
  ['of another secret', sealed({ user: 'eve' }, { at: START, secret: OLD_SECRET })],
  ['a list', sealed(['eve'], { at: START + 1 })],
  ...[0, START - 1, START, START + 59_999, START + HOUR, 2 ** 48 - 1].map((at): [string, string] => [
    `forged, issued at ${at}`,
    forged(issued('eve', 0), at),
  ]),
]
const FORGED = forged(issued('eve', 0), START + 59_999)

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]]
  return list.flatMap((item, i) => permutations(list.toSpliced(i, 1)).map((rest) => [item, ...rest]))
}

/** What the answer's only Set-Cookie opens to, a while later. */
function openSet({ cookies }: Pick<Visit, 'cookies'>, at = START + 1_000) {
  expect(names({ cookies })).toEqual(['_node=*'])
  const token = /^_node=([\w-]+)/.exec(cookies[0] as string)?.[1] as string
  return createCodec({ secret: SECRET, name: '_node', now: () => at }).open(token)
}

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

describe.each(PLATFORMS)('of several cookies of the name, on %s,', (_, visitBy) => {
  it('the one issued last serves, in any order of the header', async () => {
    const cookies = [issued('old', -HOUR), issued('middle', -1), issued('young', 0)]
    for (const order of permutations(cookies)) {
      expect((await visitBy(read, { cookie: order.join('; '), now })).value).toBe('young')
    }
  })

  it('one that only claims to be the youngest changes nothing', async () => {
    const cookies = [issued('old', -1), issued('young', 0), forged(issued('eve', 0), 2 ** 48 - 1)]
    for (const order of permutations(cookies)) {
      expect((await visitBy(read, { cookie: order.join('; '), now })).value).toBe('young')
    }
  })

  it('the first in the header serves, of those issued at the same time', async () => {
    for (const order of permutations(['ann', 'bob', 'cyd'])) {
      const cookie = order.map((user) => issued(user, 0)).join('; ')
      expect((await visitBy(read, { cookie, now })).value).toBe(order[0])
    }
  })

  it.each<[string, string, Partial<SessionOptions>]>([
    ['expired for good', sealed({ user: 'eve' }, { at: START, createdAt: START - 2 * DAY }), { absoluteTimeout: DAY }],
    ['beyond the skew of clocks', issued('eve', 60_001), {}],
    ['no session', sealed([1], { at: START + 1 }), {}],
    ['of reserved names', sealed({ save: 1 }, { at: START + 1 }), {}],
    ['of an unknown secret', sealed({ user: 'eve' }, { at: START + 1, secret: OLD_SECRET }), {}],
  ])('a younger one that is %s leaves it to the next', async (_, bad, options) => {
    for (const order of permutations([issued('old', -2), issued('ann', -1), bad])) {
      expect((await visitBy(read, { cookie: order.join('; '), now, ...options })).value).toBe('ann')
    }
  })

  it('the youngest serves under whichever secret, and though its clock is ahead', async () => {
    const cookies = [issued('ann', 0), sealed({ user: 'bob' }, { at: START + 60_000, secret: OLD_SECRET })]
    for (const order of permutations(cookies)) {
      expect((await visitBy(read, { cookie: order.join('; '), now, secret: [SECRET, OLD_SECRET] })).value).toBe('bob')
    }
  })

  it.each(GARBAGE)('fifteen planted before it do no harm: %s', async (_, garbage) => {
    const cookie = [...Array.from({ length: 15 }, () => garbage), issued('ann', -1)].join('; ')
    // Over a real socket, fifteen long ones are more than node takes.
    const visitOne = cookie.length > 15_000 ? visitFetch : visitBy
    expect((await visitOne(read, { cookie, now })).value).toBe('ann')
  })

  it('any change is issued later than what served, though that came from a clock ahead', async () => {
    const cookies = [issued('ann', 0), issued('bob', 59_999)]
    for (const change of [
      count,
      (session: Session) => session.touch(),
      (session: Session) => session.regenerate(['user']),
      (session: Session) => {
        count(session)
        session.save()
      },
    ]) {
      for (const order of permutations(cookies)) {
        const opened = openSet(await visitBy(change, { cookie: order.join('; '), now }))
        expect((opened as { issuedAt: number }).issuedAt).toBeGreaterThan(START + 59_999)
      }
    }
  })

  it('only as much later as it needs: a cookie alone is replaced now, unless it came from a clock ahead', async () => {
    const alone = openSet(await visitBy(count, { cookie: issued('ann', 0), now }))
    expect(alone).toMatchObject({ ok: true, issuedAt: START, data: { user: 'ann', n: 1 } })
    // Both come with the next request, if a deployment has changed the domain.
    const ahead = openSet(await visitBy(count, { cookie: issued('ann', 30_000), now }))
    expect(ahead).toMatchObject({ ok: true, issuedAt: START + 30_001, data: { user: 'ann', n: 1 } })
    const twice = openSet(await visitBy(count, { cookie: `${issued('ann', -9)}; ${issued('bob', -8)}`, now }))
    expect(twice).toMatchObject({ ok: true, issuedAt: START, data: { user: 'bob', n: 1 } })
  })

  it('what only claims to be younger puts off nothing: a token from the future would not open elsewhere', async () => {
    for (const at of [START + 59_999, START + HOUR, 2 ** 48 - 1]) {
      for (const order of permutations([issued('ann', -1), forged(issued('eve', 0), at)])) {
        for (const change of [count, (session: Session) => session.destroy()]) {
          const opened = openSet(await visitBy(change, { cookie: order.join('; '), now }))
          expect(opened).toMatchObject({ ok: true, issuedAt: START })
        }
      }
    }
  })
})

describe('of up to sixteen cookies', () => {
  it('the youngest good one serves, whatever the others are and wherever they stand', async () => {
    const good = fc.uniqueArray(fc.integer({ min: -DAY + 1, max: 60_000 }), { minLength: 1, maxLength: 5 })
    const mixed = fc
      .tuple(good, fc.array(fc.constantFrom(...GARBAGE.map(([, cookie]) => cookie)), { maxLength: 11 }))
      .chain(([times, garbage]) =>
        fc.tuple(
          fc.constant(Math.max(...times)),
          fc.shuffledSubarray([...times.map((ms) => issued(`at ${ms}`, ms)), ...garbage], {
            minLength: times.length + garbage.length,
          }),
        ),
      )
    await fc.assert(
      fc.asyncProperty(mixed, async ([youngest, cookies]) => {
        const { value, errors } = await visitFetch(read, { cookie: cookies.join('; '), now })
        expect([value, errors]).toEqual([`at ${youngest}`, []])
      }),
      { numRuns: 200, seed: 1 },
    )
  })

  it('HTTP/2, where each may be a header of its own, is no different', async () => {
    for (const order of permutations([issued('old', -2), issued('ann', -1), FORGED])) {
      const { value } = await visit((req) => read(req.session), { cookie: order, protocol: 'http2', now })
      expect(value).toBe('ann')
    }
  })

  it('no more are opened, however many come', async () => {
    const cookie = Array.from({ length: 20_000 }, () => FORGED).join('; ')
    const { value, invalid } = await visitFetch(read, { cookie, now })
    expect(value).toBe(null)
    expect(invalid.length).toBeGreaterThan(0)
    expect(invalid.length).toBeLessThanOrEqual(16)
  })

  it('middleware.open(req) takes the same one', () => {
    const middleware = mount({ now }) as Handler & { open(req: unknown): Session }
    for (const order of permutations([issued('old', -2), issued('ann', -1), FORGED])) {
      expect(middleware.open({ headers: { cookie: order.join('; ') } }).user).toBe('ann')
    }
  })
})

describe('ending a session of which several cookies came', () => {
  const none = (req: TestRequest): void => {
    req.session = null
  }
  const drop = (req: { session?: unknown }): void => {
    delete req.session
  }
  const onBoth: [string, (session: Session) => void][] = [
    ['destroy()', (session) => session.destroy()],
    ['regenerate() left empty', (session) => session.regenerate()],
    [
      'destroy() after save()',
      (session) => {
        session.user = 'cyd'
        session.save()
        session.destroy()
      },
    ],
  ]
  const onConnect: [string, (req: TestRequest) => void][] = [
    ...onBoth.map(([name, act]): [string, typeof none] => [name, (req) => act(req.session)]),
    ['req.session = null', none],
    ['req.session = null once it is read', (req) => none(Object.assign(req, [req.session]))],
    ['delete req.session', drop],
    ['delete req.session once it is read', (req) => drop(Object.assign(req, [req.session]))],
    [
      'regenerate() emptied again',
      (req) => {
        req.session.regenerate()
        req.session.user = 'cyd'
        delete req.session.user
      },
    ],
  ]
  const table = [
    ...onConnect.map(([name, act]) => ['Connect', name, (ask: object) => visit(act, ask)] as const),
    ...onBoth.map(([name, act]) => ['Fetch', name, (ask: object) => visitFetch(act, ask)] as const),
  ]

  it.each(table)('on %s, by %s: an empty session younger than all of them takes their place', async (_, __, end) => {
    for (const ahead of [-1, 0, 59_999]) {
      const cookies = [issued('ann', -2), issued('bob', ahead)]
      for (const order of permutations(cookies)) {
        const clock = createClock()
        const answer = await end({ cookie: order.join('; '), now: clock })
        const opened = openSet(answer)
        expect(opened).toMatchObject({ ok: true, data: {} })
        expect((opened as { data: object }).data).toEqual({})
        expect((opened as { issuedAt: number }).issuedAt).toBeGreaterThan(START + ahead)
        clock.time += 1_000
        const empty = (answer.cookies[0] as string).split(';')[0] as string
        for (const next of permutations([...cookies, empty])) {
          const { value } = await visitFetch((session) => ({ ...session }), { cookie: next.join('; '), now: clock })
          expect(value).toEqual({})
        }
      }
    }
  })

  it.each(table)('on %s, by %s: a cookie alone is taken away, and none is none', async (_, __, end) => {
    expect(names(await end({ cookie: issued('ann', 0), now }))).toEqual(['_node='])
    expect(names(await end({ cookie: '_node=junk', now }))).toEqual(['_node='])
    expect(names(await end({ cookie: `other=1; ${issued('ann', 0)}; my_node=1`, now }))).toEqual(['_node='])
    expect((await end({ now })).cookies).toEqual([])
  })

  it.each(table)('on %s, by %s: bad ones, which another server may open, count', async (_, __, end) => {
    const bad = sealed({ user: 'eve' }, { at: START, secret: OLD_SECRET })
    for (const order of [...permutations([issued('ann', 0), bad]), ['_node=junk', bad]]) {
      expect(openSet(await end({ cookie: order.join('; '), now }))).toMatchObject({ ok: true, data: {} })
    }
  })

  it.each(PLATFORMS)('on %s, as far ahead as a clock may be, it is younger still', async (_, visitBy) => {
    const cookies = [issued('ann', 0), issued('bob', 60_000)]
    for (const order of permutations(cookies)) {
      const clock = createClock()
      const { cookies: set } = await visitBy((session) => session.destroy(), { cookie: order.join('; '), now: clock })
      clock.time += 1_000
      for (const next of permutations([...cookies, set[0]?.split(';')[0]])) {
        expect((await visitFetch(read, { cookie: next.join('; '), now: clock })).value).toBe(null)
      }
    }
  })

  it('the empty one is set as any session is', async () => {
    const options = { domain: 'example.com', secure: true, priority: 'high' } as const
    const cookie = `${issued('ann', 0)}; ${issued('bob', -1)}`
    const { cookies } = await visit((req) => req.session.destroy(), { cookie, now, ...options })
    const set = await visit((req) => req.session.touch(), { cookie, now, ...options })
    const attributes = (line = ''): string => line.slice(line.indexOf(';'))
    expect(attributes(cookies[0])).toBe(attributes(set.cookies[0]))
    expect(attributes(cookies[0])).toContain('; Max-Age=86400;')
  })

  it('a login right after it takes effect', async () => {
    const clock = createClock()
    const cookies = [issued('ann', -1), issued('bob', 59_999)]
    const out = await visit((req) => req.session.destroy(), { cookie: cookies.join('; '), now: clock })
    clock.time += 1_000
    const empty = out.cookies[0]?.split(';')[0]
    const again = await visitFetch(enter('cyd'), { cookie: [...cookies, empty].join('; '), now: clock })
    clock.time += 1_000
    const last = again.cookies[0]?.split(';')[0]
    const { value } = await visitFetch(read, { cookie: [...cookies, empty, last].join('; '), now: clock })
    expect(value).toBe('cyd')
  })
})

describe('in a browser, when a deployment changed', () => {
  const handler = routes({
    '/app/login': (req) => {
      req.session.regenerate()
      req.session.user = new URL(req.url ?? '', 'http://a').searchParams.get('as')
    },
    '/app/logout': (req) => req.session.destroy(),
    '/app/null': (req) => {
      req.session = null
    },
    '/app/': (req) => read(req.session),
  })

  const DOMAIN = { domain: 'example.com' }
  it.each<[string, Partial<SessionOptions>, Partial<SessionOptions>]>([
    ['domain, from the host to its parent', {}, DOMAIN],
    ['domain, from the parent to the host', DOMAIN, {}],
    ['path, from / to /app', {}, { path: '/app' }],
    ['path, from /app to /', { path: '/app' }, {}],
    ['both', { ...DOMAIN, path: '/app' }, {}],
    ['both, the other way', {}, { ...DOMAIN, path: '/app' }],
  ])('%s, a login takes effect and a logout logs out', async (_, before, after) => {
    const clock = createClock()
    const old = new Browser(await serve(handler, { ...before, now: clock }), 'sub.example.com')
    const site = await serve(handler, { ...after, now: clock })
    const browser = new Browser(site, 'sub.example.com', 'http:', old.jar)
    const ask = async (one: Browser, path: string): Promise<string> => {
      clock.time += 1_000
      return (await one.get(path)).body
    }
    await ask(old, '/app/login?as=ann')
    expect(await ask(browser, '/app/')).toBe('"ann"')
    await ask(browser, '/app/login?as=bob')
    expect(await ask(browser, '/app/')).toBe('"bob"')
    await ask(browser, '/app/login?as=cyd')
    expect([await ask(browser, '/app/'), await ask(old, '/app/')]).toEqual(['"cyd"', '"cyd"'])
    for (const logout of ['/app/logout', '/app/null']) {
      await ask(browser, logout)
      expect([await ask(browser, '/app/'), await ask(old, '/app/')]).toEqual(['null', 'null'])
      await ask(browser, '/app/login?as=dan')
      expect(await ask(browser, '/app/')).toBe('"dan"')
    }
    // Back to the deployment before: the same holds.
    await ask(old, '/app/logout')
    expect([await ask(old, '/app/'), await ask(browser, '/app/')]).toEqual(['null', 'null'])
  })
})

describe.each(PLATFORMS)('a quoted value, on %s,', (_, visitBy) => {
  const token = issued('ann', 0).slice('_node='.length)

  it.each<[string, string, unknown]>([
    ["Java's CookieManager", `$Version="1"; _node="${token}";$Path="/"`, 'ann'],
    ["Java's, with a domain", `$Version="1"; _node="${token}";$Path="/";$Domain="example.com"`, 'ann'],
    ['one pair', `_node="${token}"`, 'ann'],
    ['one pair between others', `a="1"; _node="${token}" ; b="2"`, 'ann'],
    ['none', `_node=${token}`, 'ann'],
    ['two pairs', `_node=""${token}""`, null],
    ['one at the beginning', `_node="${token}`, null],
    ['one at the end', `_node=${token}"`, null],
    ['one in the middle', `_node=${token.slice(0, 40)}"${token.slice(40)}`, null],
    ['single ones', `_node='${token}'`, null],
    ['around the name', `"_node"=${token}`, null],
    ['around the pair', `"_node=${token}"`, null],
    ['around white space', `_node=" ${token} "`, null],
    ['around nothing', '_node=""', null],
    ['a lone one', '_node="', null],
  ])('%s', async (_, cookie, expected) => {
    expect((await visitBy(read, { cookie, now })).value).toBe(expected)
  })

  it('may be as long as an unquoted one', async () => {
    const cookie = sealed({ user: 'ann', text: 'x'.repeat(2_979) }, { at: START })
    expect(cookie).toHaveLength(4_096)
    expect((await visitBy(read, { cookie: cookie.replace(/=(.*)/, '="$1"'), now })).value).toBe('ann')
  })

  it('counts among the candidates', async () => {
    const cookies = [issued('old', -2), `_node="${token}"`, issued('middle', -1)]
    for (const order of permutations(cookies)) {
      expect((await visitBy(read, { cookie: order.join('; '), now })).value).toBe('ann')
    }
  })
})

describe.each(PLATFORMS)('Expires, on %s,', (_, visitBy) => {
  const line = async (options: object): Promise<string> => (await visitBy(count, options)).cookies[0] as string

  it('is the time at which the session times out, by the clock of the app', async () => {
    const clock = createClock()
    expect(await line({ now: clock })).toContain('; Expires=Fri, 02 Jan 2026 00:00:00 GMT')
    expect(await line({ now: clock, timeout: 60_000 })).toContain('; Expires=Thu, 01 Jan 2026 00:01:00 GMT')
    expect(await line({ now: clock })).toContain('; Max-Age=86400;')
  })

  it('moves with the clock', async () => {
    const clock = createClock()
    const options = { now: clock, timeout: HOUR }
    for (const ms of [0, 1_000, 1_000, 60_000, HOUR, DAY, 365 * DAY, -DAY]) {
      clock.time += ms
      expect(await line(options)).toContain(`; Expires=${new Date(clock.time + HOUR).toUTCString()}`)
    }
  })

  it('is left out with persistent: false', async () => {
    expect(await line({ now, persistent: false })).not.toMatch(/Expires|Max-Age/)
  })

  it('is the epoch where the cookie is taken away', async () => {
    const { cookies } = await visitBy((session) => session.destroy(), { cookie: issued('ann', 0), now })
    expect(cookies[0]).toContain('; Expires=Thu, 01 Jan 1970 00:00:00 GMT')
  })

  it.each([DAY * 400, DAY * 365_000, 2 ** 47])('is a date or nothing with a timeout of %i ms', async (timeout) => {
    const cookie = await line({ now, timeout })
    const date = /; Expires=([^;]*)/.exec(cookie)?.[1]
    if (date !== undefined) expect(date).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
    expect(cookie).toContain(`; Max-Age=${Math.ceil(timeout / 1_000)};`)
  })

  it('moves on one instance, where a line made before may be kept', async () => {
    const clock = createClock()
    const site = await serve(
      (req, res) => {
        req.session.n = clock.time
        res.end()
      },
      { now: clock },
    )
    for (const ms of [0, 500, 400, 100, 1_000, DAY]) {
      clock.time += ms
      const { cookies } = await site.get()
      expect(cookies[0]).toContain(`; Expires=${new Date(clock.time + DAY).toUTCString()}`)
    }
  })
})

describe('a second middleware on one request', () => {
  const show: Handler = (req, res) => {
    const { session, admin } = req
    res.end(JSON.stringify([session?.user ?? null, admin?.user ?? null]))
  }
  const both = async (first: Handler, second: Handler, cookie?: string, path = '/') =>
    (await serveApp(app(first, second, show))).get(path, { cookie })

  it.each<[string, object]>([
    ['another secret', { secret: OLD_SECRET }],
    ['another timeout', { timeout: 60_000 }],
    ['another path', { path: '/admin' }],
    ['another cookie', { session_key: 'sid' }],
    ['another sameSite', { sameSite: 'strict' }],
    ['rolling', { rolling: true }],
    ['another onError', { onError: () => {} }],
    ['the same options', {}],
  ])('of the same property is an error: %s', async (_, options) => {
    for (const order of [
      [{}, options],
      [options, {}],
    ]) {
      const [first, second] = order.map((one) => mount(one)) as [Handler, Handler]
      const { status, body } = await both(first, second, undefined, '/admin')
      expect(status).toBe(500)
      expect(body).toMatch(/^TypeError +cookie-sessions: /)
      for (const word of ['req.session', 'property', 'session_key']) expect(body).toContain(word)
    }
  })

  it('names the property that it is about', async () => {
    const { status, body } = await both(mount({ property: 'admin' }), mount({ property: 'admin', timeout: 60_000 }))
    expect([status, body]).toEqual([500, expect.stringContaining('req.admin')])
  })

  it('of the same cookie under another property is one too', async () => {
    const { status, body } = await both(mount(), mount({ property: 'admin' }))
    expect([status, body]).toEqual([500, expect.stringContaining('session_key')])
  })

  it('that is the very same does its work once', async () => {
    const middleware = mount({ now })
    expect(await both(middleware, middleware, issued('ann', 0))).toMatchObject({ status: 200, body: '["ann",null]' })
  })

  it('with a property and a cookie of its own is fine, both ways', async () => {
    const admin = mount({ now, property: 'admin', session_key: 'admin', timeout: 60_000 })
    const cookie = `${issued('ann', 0)}; ${sealed({ user: 'root' }, { name: 'admin', at: START })}`
    for (const [first, second] of permutations([mount({ now }), admin]) as [Handler, Handler][]) {
      expect(await both(first, second, cookie)).toMatchObject({ status: 200, body: '["ann","root"]' })
    }
  })

  it('is fine where the first has no sessions', async () => {
    const middlewares = [mount({ now, path: '/admin' }), mount({ now })] as const
    expect(await both(...middlewares, issued('ann', 0), '/x')).toMatchObject({ status: 200, body: '["ann",null]' })
  })
})

describe('the first cookie of an unknown key', () => {
  const CODE = 'COOKIE_SESSIONS_UNKNOWN_KEY'
  const foreign = sealed({ user: 'eve' }, { secret: OLD_SECRET })

  /** Requests to both platforms of a process that has not warned yet. */
  async function freshProcess() {
    vi.resetModules()
    const { sessions } = await import('../src/connect.ts')
    const { sessions: sessionsFetch } = await import('../src/fetch.ts')
    return {
      connect: async (cookie: string, options = {}) => {
        const middleware = sessions({ secret: SECRET, ...options }) as unknown as Handler
        const site = await serveApp(app(middleware, (req, res) => res.end(String(req.session.isNew))))
        expect((await site.get('/', { cookie })).status).toBe(200)
      },
      fetch: async (cookie: string, options = {}) => {
        const handler = sessionsFetch({ secret: SECRET, ...options })((_, session) => Response.json(session.isNew))
        const response = await handler(new Request('http://a/', { headers: { Cookie: cookie } }))
        expect(response.status).toBe(200)
      },
    }
  }

  it.each(['connect', 'fetch'] as const)('warns once in a process (%s first), and names the cookie', async (first) => {
    const told = warnings(CODE)
    const process = await freshProcess()
    await process[first](foreign)
    expect(told).toEqual([expect.stringMatching(/^cookie-sessions: .*_node/)])
    for (const platform of ['connect', 'fetch'] as const) await process[platform](foreign)
    expect(told).toHaveLength(1)
  })

  it('is never told with onInvalid, which has heard of it', async () => {
    const told = warnings(CODE)
    const process = await freshProcess()
    const invalid: string[] = []
    const onInvalid = (reason: string): unknown => invalid.push(reason)
    for (const platform of ['connect', 'fetch'] as const) await process[platform](foreign, { onInvalid })
    expect([told, invalid]).toEqual([[], ['unknown-key', 'unknown-key']])
    await process.connect(foreign)
    expect(told).toHaveLength(1)
  })

  it('warns in production as well, where a secret changes', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const told = warnings(CODE)
    await (await freshProcess()).connect(foreign)
    expect(told).toHaveLength(1)
  })

  it.each<[string, string]>([
    ['malformed', '_node=junk'],
    ['expired', sealed({}, { at: START })],
    ['of a wrong tag', forged(sealed({ user: 'ann' }), 1)],
    ['good', sealed({ user: 'ann' })],
    ["another's", foreign.replace('_node', 'other')],
  ])('is not told for one that is %s', async (_, cookie) => {
    const told = warnings(CODE)
    const process = await freshProcess()
    for (const platform of ['connect', 'fetch'] as const) await process[platform](cookie)
    expect(told).toEqual([])
  })
})
