/** The middleware on real servers: Connect, Express and plain node; HTTP/1.1, HTTP/2 and TLS. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import connect from 'connect'
// @ts-expect-error: Express brings no types.
import express from 'express'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  app,
  Browser,
  createClock,
  DAY,
  type Handler,
  mount,
  names,
  OLD_SECRET,
  opened,
  type Protocol,
  routes,
  SECRET,
  START,
  sealed,
  sendRaw,
  serve,
  serveApp,
  type TestRequest,
  visit,
} from './helpers/server.ts'

const count = (req: TestRequest): number => {
  req.session.views = (req.session.views ?? 0) + 1
  return req.session.views
}
const read = (req: TestRequest): unknown => req.session.user ?? null
const ann = (): string => sealed({ user: 'ann' })

afterEach(() => vi.restoreAllMocks())

describe('a session', () => {
  it.each<Protocol>(['http', 'https', 'http2', 'http2s'])('is kept over %s', async (protocol) => {
    const site = await serve(routes({ '/': count }), {}, protocol)
    const browser = new Browser(site)
    const bodies = []
    for (const _ of 'abc') bodies.push((await browser.get()).body)
    expect(bodies).toEqual(['1', '2', '3'])
    expect(site.errors).toEqual([])
  })

  it('is kept on plain node, without a framework', async () => {
    const session = mount()
    const site = await serveApp((req, res) => session(req, res, () => res.end(String(count(req)))))
    const browser = new Browser(site)
    await browser.get()
    expect((await browser.get()).body).toBe('2')
  })

  it('is kept under Express', async () => {
    const server = express()
    server.use(mount())
    server.get('/', (req: TestRequest, res: { json(body: unknown): void }) => res.json(count(req)))
    const browser = new Browser(await serveApp(server))
    await browser.get()
    expect((await browser.get()).body).toBe('2')
  })

  it.each(['wasm', 'node', 'auto'] as const)('is kept by the backend %s, and read by the others', async (backend) => {
    const answer = await visit(count, { backend })
    const cookie = answer.cookies[0]?.split(';')[0]
    for (const other of ['wasm', 'node', 'auto'] as const) {
      expect((await visit(count, { backend: other, cookie })).value).toBe(2)
    }
  })

  it('calls next before it returns, and hands on nothing', async () => {
    const calls: unknown[][] = []
    const site = await serveApp((req, res) => {
      mount()(req, res, (...args) => calls.push(args))
      res.end(String(calls.length))
    })
    expect((await site.get()).body).toBe('1')
    expect(calls).toEqual([[]])
  })
})

describe('requests at the same time', () => {
  const slowly = async (req: TestRequest, res: http.ServerResponse): Promise<void> => {
    const before = req.session.user
    await new Promise((resolve) => setImmediate(resolve))
    req.session.seen = before
    await new Promise((resolve) => setImmediate(resolve))
    res.end(`<${req.session.user}>`)
  }

  it.each<Protocol>(['http', 'http2'])('never see the session of another, over %s', async (protocol) => {
    const site = await serve(slowly, {}, protocol)
    const users = Array.from({ length: 60 }, (_, i) => `user${i}`)
    const answers = await Promise.all(users.map((user) => site.get('/', { cookie: sealed({ user }) })))
    expect(answers.map((answer) => answer.body)).toEqual(users.map((user) => `<${user}>`))
    expect(answers.map((answer) => opened(answer))).toEqual(users.map((user) => ({ user, seen: user })))
  })

  it('on one connection keep apart as well', async () => {
    const site = await serve(slowly)
    const request = (user: string, end = ''): string =>
      `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${sealed({ user })}\r\n${end}\r\n`
    const text = await sendRaw(site, request('ann') + request('bob') + request('cat', 'Connection: close\r\n'))
    expect(text.match(/<\w+>/g)).toEqual(['<ann>', '<bob>', '<cat>'])
    const tokens = [...text.matchAll(/_node=([\w-]+)/g)].map(([cookie]) => opened({ cookies: [cookie] } as never)?.seen)
    expect(tokens).toEqual(['ann', 'bob', 'cat'])
  })
})

describe('"session_key" option', () => {
  it('defaults to _node', async () => {
    expect(names(await visit(count))).toEqual(['_node=*'])
  })

  it('names the cookie', async () => {
    const answer = await visit(count, { session_key: 'sid', cookie: sealed({ views: 4 }, { name: 'sid' }) })
    expect(names(answer)).toEqual(['sid=*'])
    expect(opened(answer, { name: 'sid' })).toEqual({ views: 5 })
  })

  it('is bound into the token, which opens under no other name', async () => {
    const cookie = sealed({ user: 'ann' }, { name: 'admin' }).replace('admin=', '_node=')
    const { value, invalid } = await visit(read, { cookie })
    expect([value, invalid]).toEqual([null, ['unknown-key']])
  })
})

/** What is sent in the place of an answer whose session cannot be saved, and what is not. */
const FAILURE = 'The session could not be saved.\n'
const FAILED = {
  'cache-control': 'no-store',
  'content-length': String(FAILURE.length),
  'content-type': 'text/plain; charset=utf-8',
}
const OF_ANSWER = ['etag', 'last-modified', 'location']

describe('"property" option', () => {
  it('says where on the request the session stands', async () => {
    const answer = await visit(
      (req) => {
        req.admin.n = 1
        return 'session' in req
      },
      { property: 'admin' },
    )
    expect(answer.value).toBe(false)
    expect(opened(answer)).toEqual({ n: 1 })
  })

  it.each(['url', 'headers', '__proto__', 'constructor'])(
    'hands an error to next where %s stands',
    async (property) => {
      const { status, body } = await visit(() => 'unreached', { property })
      expect(status).toBe(500)
      expect(body).toMatch(
        /^TypeError {2}cookie-sessions: req\.\w+ is taken: .* '_node' another place with the option property, and a cookie of its own with session_key$/,
      )
    },
  )
})

describe('two sessions on one request', () => {
  const pair = (options: object): Handler[] => [mount(), mount(options)]

  it('live side by side', async () => {
    const site = await serveApp(
      app(
        ...pair({ session_key: 'admin', property: 'admin' }),
        routes({
          '/both': (req) => {
            req.session.n = 1
            req.admin.n = 2
          },
          '/one': (req) => {
            req.admin.n++
          },
          '/end': (req) => {
            req.session = null
          },
          '/read': (req) => [req.session.n ?? null, req.admin.n],
        }),
      ),
    )
    const browser = new Browser(site)
    expect(names(await browser.get('/both')).sort()).toEqual(['_node=*', 'admin=*'])
    expect(names(await browser.get('/one'))).toEqual(['admin=*'])
    expect((await browser.get('/read')).body).toBe('[1,3]')
    expect(names(await browser.get('/end'))).toEqual(['_node='])
    expect((await browser.get('/read')).body).toBe('[null,3]')
  })

  it('keep their names, though the secret be the same', async () => {
    const site = await serveApp(
      app(...pair({ session_key: 'admin', property: 'admin' }), (req, res) => {
        res.end(JSON.stringify([req.session.user, req.admin.user]))
      }),
    )
    const swapped = `${ann().replace('_node', 'admin')}; ${sealed({ user: 'bob' }, { name: 'admin' }).replace('admin', '_node')}`
    expect((await site.get('/', { cookie: swapped })).body).toBe('[null,null]')
  })

  it('both get out of a failed save of one', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    for (const bad of ['session', 'admin'] as const) {
      const good = bad === 'session' ? 'admin' : 'session'
      const site = await serveApp(
        app(...pair({ session_key: 'admin', property: 'admin' }), (req, res) => {
          req[bad].n = 1n
          req[good].n = 1
          res.setHeader('Set-Cookie', 'own=1')
          res.end('body')
        }),
      )
      const answer = await site.get()
      expect([answer.status, answer.body]).toEqual([500, FAILURE])
      expect(names(answer)).toEqual(['own=1', good === 'admin' ? 'admin=*' : '_node=*'])
      expect(answer.headers['cache-control']).toBe('no-store')
    }
  })

  it('cannot read or take over each other', async () => {
    const site = await serveApp(
      app(...pair({ session_key: 'admin', property: 'admin' }), (req, res) => {
        req.session.user = 'ann'
        req.admin = req.session
        req.admin.role = 'root'
        res.end(JSON.stringify([req.session, req.admin, req.session === req.admin]))
      }),
    )
    const answer = await site.get()
    expect(JSON.parse(answer.body)).toEqual([{ user: 'ann' }, { user: 'ann', role: 'root' }, false])
    expect(opened(answer)).toEqual({ user: 'ann' })
    expect(opened(answer, { name: 'admin' })).toEqual({ user: 'ann', role: 'root' })
  })

  it('are one when the very same middleware stands twice', async () => {
    const middleware = mount()
    const site = await serveApp(app(middleware, middleware, (req, res) => res.end(String(count(req)))))
    const answer = await site.get('/', { cookie: sealed({ views: 1 }) })
    expect([answer.body, names(answer)]).toEqual(['2', ['_node=*']])
  })

  it('of one cookie in one place are an error that says so, though their options be the same', async () => {
    const site = await serveApp(app(...pair({}), (_, res) => res.end('unreached')))
    const { status, body } = await site.get()
    expect(status).toBe(500)
    expect(body).toBe(
      "TypeError  cookie-sessions: another sessions() has made req.session from the cookie '_node' already, so this one would do nothing: mount one of them, or give each its own property and session_key",
    )
  })

  it('of different cookies in one place are an error that says so', async () => {
    const site = await serveApp(app(...pair({ session_key: 'admin' }), (_, res) => res.end('unreached')))
    const { status, body } = await site.get()
    expect(status).toBe(500)
    expect(body).toBe(
      "TypeError  cookie-sessions: req.session is taken: give the session of the cookie 'admin' another place with the option property, and a cookie of its own with session_key",
    )
  })

  it('in one cookie are an error that says so', async () => {
    const site = await serveApp(app(...pair({ property: 'flash' }), (_, res) => res.end('unreached')))
    const { status, body } = await site.get()
    expect(status).toBe(500)
    expect(body).toBe(
      "TypeError  cookie-sessions: the cookie '_node' holds req.session already: give req.flash another cookie with the option session_key",
    )
  })

  it('do not bring back what was deleted before the same one was mounted again', async () => {
    const middleware = mount()
    const site = await serveApp(
      app(
        middleware,
        (req, _, next) => {
          delete req.session
          next()
        },
        middleware,
        (req, res) => res.end(String(req.session)),
      ),
    )
    const answer = await site.get('/', { cookie: sealed({ user: 'ann' }) })
    expect(answer.body).toBe('undefined')
    expect(answer.cookies).toEqual([expect.stringMatching(/^_node=; Max-Age=0/)])
  })
})

describe('"path" option', () => {
  const isThere = (req: TestRequest): boolean => 'session' in req
  const seen = async (path: string, urls: string[]): Promise<string[]> => {
    const site = await serve((req, res) => res.end(String(isThere(req))), { path })
    const found = []
    for (const url of urls) if ((await site.get(url)).body === 'true') found.push(url)
    return found
  }

  it('defaults to /, which is everywhere', async () => {
    const urls = ['/', '/a', '//', '/?a', '/a/b?c#d']
    expect(await seen('/', urls)).toEqual(urls)
  })

  it('counts whole segments', async () => {
    const inside = ['/app', '/app/', '/app/x', '/app?x=/y']
    const outside = ['/', '/apple', '/ap', '/APP', '/x/app', '/app.js', '//app', '/?/app', '/app%2fx']
    expect(await seen('/app', [...inside, ...outside])).toEqual(inside)
  })

  it('may end in a slash', async () => {
    expect(await seen('/app/', ['/app', '/app/', '/app/x', '/apple'])).toEqual(['/app/', '/app/x'])
  })

  it('sets no cookie elsewhere, whatever the app does', async () => {
    const site = await serve(
      (req, res) => {
        req.session = { n: 1 }
        res.end()
      },
      { path: '/app' },
    )
    expect((await site.get('/apple')).cookies).toEqual([])
    expect((await site.get('/app')).cookies).toHaveLength(1)
  })

  it.each(['connect', 'express'])('is matched on the full URL of a request in an app mounted by %s', async (kind) => {
    const session = mount({ path: '/app/in' })
    const inner = kind === 'connect' ? connect() : express()
    inner.use(session)
    inner.use((req: TestRequest, res: http.ServerResponse) => res.end(`${req.url} ${isThere(req)}`))
    const outer = kind === 'connect' ? connect() : express()
    outer.use('/app', inner)
    const site = await serveApp(outer)
    const bodies = []
    for (const path of ['/app/in', '/app/in/x', '/app/inn', '/app/x']) bodies.push((await site.get(path)).body)
    expect(bodies).toEqual(['/in true', '/in/x true', '/inn false', '/x false'])
  })

  it.each([
    ['http://example.com/app', true],
    ['http://example.com/app/x', true],
    ['HTTP://example.com:80/app?x', true],
    ['http://example.com/apple', false],
    ['http://example.com', false],
    ['http://example.com?/app', false],
    ['http://example.com/x?http:///app', false],
    ['http://app/app', true],
    ['http://app', false],
    ['*', false],
  ])('is found in the request line of a proxy: %s', async (target, found) => {
    // Connect's router does not take these all.
    const session = mount({ path: '/app' })
    const site = await serveApp((req, res) => session(req, res, () => res.end(`session: ${isThere(req)}`)))
    const method = target === '*' ? 'OPTIONS' : 'GET'
    const answer = await sendRaw(site, `${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    expect(answer).toContain(`session: ${found}`)
  })
})

describe('"secure" option', () => {
  const isSecure = async (options: Parameters<typeof visit>[1]): Promise<boolean> => {
    const { cookies } = await visit(count, options)
    expect(cookies).toHaveLength(1)
    return /; Secure/.test(cookies[0] ?? '')
  }
  const https = { 'X-Forwarded-Proto': 'https' }

  it.each<[Protocol, boolean]>([
    ['http', false],
    ['https', true],
    ['http2', false],
    ['http2s', true],
  ])("'auto' over %s: %s", async (protocol, secure) => {
    expect(await isSecure({ protocol })).toBe(secure)
    expect(await isSecure({ protocol, secure: 'auto' })).toBe(secure)
  })

  it('true and false hold everywhere', async () => {
    for (const protocol of ['http', 'https'] as const) {
      expect(await isSecure({ protocol, secure: true })).toBe(true)
      expect(await isSecure({ protocol, secure: false })).toBe(false)
    }
  })

  it('X-Forwarded-Proto counts for nothing by default', async () => {
    expect(await isSecure({ headers: https })).toBe(false)
  })

  it.each<[string, string | string[] | undefined, boolean]>([
    ['https', 'https', true],
    ['HTTPS', 'HTTPS', true],
    ['spaces around', ' https ', true],
    ['http', 'http', false],
    ['nothing', undefined, false],
    ['an empty value', '', false],
    ['https first', 'https, http', true],
    ['http first', 'http, https', false],
    ['https first of two lines', ['https', 'http'], true],
    ['http first of two lines', ['http', 'https'], false],
    ['what only begins so', 'httpsx', false],
  ])('trustProxy with %s', async (_, header, secure) => {
    const headers = header === undefined ? {} : { 'X-Forwarded-Proto': header }
    expect(await isSecure({ trustProxy: true, headers })).toBe(secure)
  })

  it('trustProxy leaves TLS alone', async () => {
    expect(await isSecure({ trustProxy: true, protocol: 'https', headers: { 'X-Forwarded-Proto': 'http' } })).toBe(true)
  })

  it('trustProxy works over HTTP/2', async () => {
    expect(await isSecure({ trustProxy: true, protocol: 'http2', headers: https })).toBe(true)
  })

  it.each([
    [true, true],
    [false, false],
    ['10.0.0.0/8', false],
    ['loopback', true],
  ])("Express's own trust proxy %j serves: %s", async (trust, secure) => {
    const server = express()
    server.set('trust proxy', trust)
    server.use(mount())
    server.get('/', (req: TestRequest, res: { json(body: unknown): void }) => res.json(count(req)))
    const { cookies } = await (await serveApp(server)).get('/', { headers: https })
    expect(/; Secure/.test(cookies[0] ?? '')).toBe(secure)
  })

  it('the removal of a cookie is Secure as well', async () => {
    const { cookies } = await visit((req) => (req.session = null), { cookie: ann(), protocol: 'https' })
    expect(cookies[0]).toMatch(/^_node=; Max-Age=0; .*; Secure/)
  })
})

describe('"timeout" and "absoluteTimeout" options', () => {
  it('a session lives for a day without a request', async () => {
    const now = createClock()
    const cookie = sealed({ user: 'ann' }, { at: START })
    now.time = START + DAY - 1
    expect((await visit(read, { cookie, now })).value).toBe('ann')
    now.time++
    const { value, invalid } = await visit(read, { cookie, now })
    expect([value, invalid]).toEqual([null, ['expired']])
  })

  it('another timeout holds on both ends', async () => {
    const now = createClock()
    const site = await serve(routes({ '/': count }), { now, timeout: 60_000, rolling: false })
    const first = await site.get()
    expect(first.cookies[0]).toContain('Max-Age=60;')
    const cookie = first.cookies[0]?.split(';')[0]
    now.time += 59_999
    expect((await site.get('/', { cookie })).body).toBe('2')
    now.time += 1
    expect((await site.get('/', { cookie })).body).toBe('1')
  })

  it('a session that is used lives on, without an absolute timeout for ever', async () => {
    const now = createClock()
    const site = await serve(routes({ '/': read, '/login': (req) => (req.session.user = 'ann') }), { now })
    let cookie = (await site.get('/login')).cookies[0]?.split(';')[0]
    for (let day = 0; day < 30; day++) {
      now.time += DAY - 1
      const answer = await site.get('/', { cookie })
      expect(answer.body).toBe('"ann"')
      cookie = answer.cookies[0]?.split(';')[0]
    }
  })

  it('the absolute timeout ends it all the same', async () => {
    const now = createClock()
    const site = await serve(routes({ '/': count }), { now, timeout: 1_000, absoluteTimeout: 2_500 })
    let cookie: string | undefined
    const bodies = []
    for (const _ of 'abcd') {
      const answer = await site.get('/', { cookie })
      bodies.push(answer.body)
      cookie = answer.cookies[0]?.split(';')[0]
      now.time += 900
    }
    expect(bodies).toEqual(['1', '2', '3', '1'])
    expect(site.invalid).toEqual(['expired'])
  })

  it('a token from the future is refused, but for the clocks of a fleet', async () => {
    const now = createClock()
    const from = (at: number) => visit(read, { cookie: sealed({ user: 'ann' }, { at }), now })
    expect((await from(START + 60_000)).value).toBe('ann')
    const { value, invalid } = await from(START + 60_001)
    expect([value, invalid]).toEqual([null, ['not-yet-valid']])
  })
})

describe('"rolling" option', () => {
  const age = async (
    milliseconds: number,
    options: Parameters<typeof visit>[1] = {},
    act: (req: TestRequest, res: http.ServerResponse) => unknown = read,
  ): Promise<boolean> => {
    const now = createClock(START + milliseconds)
    const answer = await visit(act, { cookie: sealed({ user: 'ann' }, { at: START }), now, ...options })
    if (answer.cookies.length > 0) expect(opened(answer, { at: now.time })).toEqual({ user: 'ann' })
    return answer.cookies.length > 0
  }
  const TENTH = DAY / 10
  const untouched = (): void => {}

  it('defaults to a tenth of the timeout', async () => {
    expect([await age(0), await age(TENTH - 1), await age(TENTH)]).toEqual([false, false, true])
    expect(await age(99, { timeout: 1_000 })).toBe(false)
    expect(await age(100, { timeout: 1_000 })).toBe(true)
  })

  it('in milliseconds: issues anew what is as old as that', async () => {
    expect([await age(4_999, { rolling: 5_000 }), await age(5_000, { rolling: 5_000 })]).toEqual([false, true])
  })

  it('0: on every response to a request that touched it', async () => {
    expect([await age(0, { rolling: 0 }), await age(0, { rolling: 0 }, untouched)]).toEqual([true, false])
  })

  it('true: on every response, touched or not', async () => {
    expect([await age(0, { rolling: true }), await age(0, { rolling: true }, untouched)]).toEqual([true, true])
  })

  it('true: also for a token that another server sealed a moment ahead', async () => {
    expect([await age(-1_000, { rolling: true }), await age(-1_000, { rolling: true }, untouched)]).toEqual([
      true,
      true,
    ])
  })

  it('true: no cookie where none came, nor for a bad one', async () => {
    for (const cookie of [undefined, '_node=junk', '_node=']) {
      expect((await visit(untouched, { rolling: true, cookie })).cookies).toEqual([])
    }
  })

  it('false: only when the data changes', async () => {
    expect(await age(DAY - 1, { rolling: false })).toBe(false)
    const answer = await visit(count, { rolling: false, cookie: ann() })
    expect(opened(answer)).toEqual({ user: 'ann', views: 1 })
  })

  it('an untouched session does not roll', async () => {
    expect(await age(DAY - 1, {}, untouched)).toBe(false)
  })

  const responses: [string, (res: http.ServerResponse) => unknown, boolean][] = [
    ['a 304', (res) => res.writeHead(304).end(), true],
    ['a 304 by statusCode', (res) => Object.assign(res, { statusCode: 304 }).end(), true],
    ['a private 304', (res) => res.writeHead(304, { 'Cache-Control': 'private' }).end(), true],
    ['a public 304', (res) => res.writeHead(304, { 'Cache-Control': 'public' }).end(), false],
    ['a 304 with s-maxage', (res) => res.writeHead(304, { 'Cache-Control': 's-maxage=5' }).end(), false],
    ['Cache-Control: public', (res) => res.writeHead(200, { 'Cache-Control': 'public' }).end(), false],
    ['... in a list', (res) => res.setHeader('cache-control', ['max-age=5', 'Public']).end(), false],
    ['... by setHeader', (res) => res.setHeader('Cache-Control', 'max-age=5, public').end(), false],
    ['s-maxage', (res) => res.writeHead(200, { 'Cache-Control': 'S-MaxAge=5' }).end(), false],
    ['Cache-Control: private', (res) => res.writeHead(200, { 'Cache-Control': 'private, max-age=5' }).end(), true],
    ['Cache-Control: no-cache', (res) => res.writeHead(200, { 'Cache-Control': 'no-cache' }).end(), true],
    ['a 404', (res) => res.writeHead(404).end(), true],
    ['a redirect', (res) => res.writeHead(302, { Location: '/' }).end(), true],
  ]
  it.each(responses)('rolling on %s', async (_, respond, rolls) => {
    for (const rolling of [undefined, true]) {
      const act = (req: TestRequest, res: http.ServerResponse): void => {
        read(req)
        respond(res)
      }
      expect(await age(TENTH, { rolling }, act)).toBe(rolls)
    }
  })

  it.each(responses)('a change on %s goes out in any case', async (_, respond) => {
    const answer = await visit(
      (req, res) => {
        count(req)
        respond(res)
      },
      { cookie: ann() },
    )
    expect(names(answer)).toEqual(['_node=*'])
  })
})

describe('rotation of secrets', () => {
  const old = (): string => sealed({ user: 'ann' }, { secret: OLD_SECRET })
  const secret = [SECRET, OLD_SECRET]

  it('opens what any of them sealed, and seals with the first', async () => {
    const answer = await visit(read, { secret, cookie: old() })
    expect(answer.value).toBe('ann')
    expect(opened(answer)).toEqual({ user: 'ann' })
  })

  it('seals anew whatever rolling says, when touched', async () => {
    expect(names(await visit(read, { secret, cookie: old(), rolling: false }))).toEqual(['_node=*'])
    expect(names(await visit(() => {}, { secret, cookie: old() }))).toEqual([])
  })

  it('but not on a public response', async () => {
    for (const [status, control, expected] of [
      [304, 'private', ['_node=*']],
      [304, 'public', []],
      [200, 'public', []],
    ] as const) {
      const act = (req: TestRequest, res: http.ServerResponse): void => {
        read(req)
        res.writeHead(status, { 'Cache-Control': control }).end()
      }
      expect(names(await visit(act, { secret, cookie: old() }))).toEqual(expected)
    }
  })

  it('keeps created-at', async () => {
    const now = createClock(START + 5)
    const cookie = sealed({ user: 'ann' }, { secret: OLD_SECRET, at: START })
    const answer = await visit(read, { secret, cookie, now })
    const again = await visit((req) => req.session.createdAt, { cookie: answer.cookies[0]?.split(';')[0], now })
    expect(again.value).toBe(START)
  })

  it('leaves the cookie of the first alone', async () => {
    expect(names(await visit(read, { secret, cookie: ann() }))).toEqual([])
  })

  it('ends with the old secret: what it sealed is foreign', async () => {
    const { value, invalid } = await visit(read, { cookie: old() })
    expect([value, invalid]).toEqual([null, ['unknown-key']])
  })
})

describe('caches', () => {
  const headers = async (act: Parameters<typeof visit>[0], cookie?: string, options = {}): Promise<unknown[]> => {
    const answer = await visit(act, { cookie, ...options })
    return [answer.headers.vary, answer.headers['cache-control']]
  }

  it.each<[string, (req: TestRequest) => unknown]>([
    ['reads', read],
    ['writes', count],
    ['ends', (req) => (req.session = null)],
    ['deletes', (req) => delete req.session],
  ])('are kept from a response that %s the session', async (_, act) => {
    expect(await headers(act, ann())).toEqual(['Cookie', 'private'])
  })

  it('are kept from it over HTTP/2', async () => {
    expect(await headers(read, undefined, { protocol: 'http2' })).toEqual(['Cookie', 'private'])
  })

  it('are kept from it when nothing is in the session', async () => {
    expect(await headers(read)).toEqual(['Cookie', 'private'])
  })

  it('get what has no session in it', async () => {
    expect(await headers(() => {}, ann())).toEqual([undefined, undefined])
  })

  it.each<[string, string | string[], string]>([
    ['another name', 'Accept-Encoding', 'Accept-Encoding, Cookie'],
    ['a list', ['Accept', 'Origin'], 'Accept, Origin, Cookie'],
    ['Cookie already', 'Cookie', 'Cookie'],
    ['cookie in another case', 'Accept, cookie', 'Accept, cookie'],
    ['everything', '*', '*'],
  ])('see Cookie added to a Vary of %s', async (_, vary, merged) => {
    const set = (req: TestRequest, res: http.ServerResponse): void => {
      read(req)
      res.setHeader('Vary', vary)
    }
    const head = (req: TestRequest, res: http.ServerResponse): void => {
      read(req)
      res.writeHead(200, ['vary', vary] as http.OutgoingHttpHeader[]).end()
    }
    expect(await headers(set)).toEqual([merged, 'private'])
    expect(await headers(head)).toEqual([merged, 'private'])
    expect(await headers(head, undefined, { protocol: 'http2' })).toEqual([merged, 'private'])
  })

  it.each([
    ['no-store', 'no-store'],
    ['public, max-age=60', 'public, max-age=60'],
    ['max-age=0', 'max-age=0, private'],
    ['max-age=600', 'max-age=600, private'],
    // The default of `send`, and so nobody's decision.
    ['public, max-age=0', 'private, max-age=0'],
  ])("see the app's own Cache-Control: %s becomes %s", async (control, expected) => {
    const set = (req: TestRequest, res: http.ServerResponse): void => {
      count(req)
      res.writeHead(200, { 'Cache-Control': control }).end()
    }
    expect(await headers(set)).toEqual(['Cookie', expected])
  })

  it('are kept from a session that rolls though it was not touched', async () => {
    expect(await headers(() => {}, ann(), { rolling: true })).toEqual(['Cookie', 'private'])
  })
})

describe('under Express', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cookie-sessions-'))
  writeFileSync(join(folder, 'page.txt'), 'a page')
  // biome-ignore lint/suspicious/noExplicitAny: Express brings no types.
  type Any = any

  const serveExpress = async (handler: (req: Any, res: Any) => unknown, options = {}) => {
    const errors: unknown[] = []
    const server = express()
    server.use(mount({ onError: (error) => errors.push(error), ...options }))
    server.use(handler)
    return { ...(await serveApp(server)), errors }
  }

  it.each<[string, (req: Any, res: Any) => unknown, number]>([
    ['send()', (_, res) => res.send('text'), 200],
    ['json()', (_, res) => res.json({ a: 1 }), 200],
    ['redirect()', (_, res) => res.redirect('/there'), 302],
    ['sendStatus()', (_, res) => res.sendStatus(404), 404],
    ['status().end()', (_, res) => res.status(201).end(), 201],
    ['sendFile()', (_, res) => res.sendFile(join(folder, 'page.txt')), 200],
    ['download()', (_, res) => res.download(join(folder, 'page.txt')), 200],
    ['a throw', () => Promise.reject(Object.assign(new Error('no'), { status: 418 })), 418],
  ])('%s carries the cookie beside the own cookies of the app', async (_, respond, status) => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const site = await serveExpress((req, res) => {
      count(req)
      res.cookie('a', '1').cookie('b', '2')
      return respond(req, res)
    })
    const answer = await site.get()
    expect(answer.status).toBe(status)
    expect(names(answer)).toEqual(['a=1', 'b=2', '_node=*'])
    expect(site.errors).toEqual([])
  })

  it.each([
    ['send', 'private'],
    ['sendFile', 'private, max-age=0'],
  ])('%s() rolls on a 304 as on a 200', async (method, control) => {
    const now = createClock()
    const site = await serveExpress(
      (req, res) => {
        read(req)
        if (method === 'send') res.send('a page')
        else res.sendFile(join(folder, 'page.txt'))
      },
      { now },
    )
    const cookie = sealed({ user: 'ann' }, { at: START })
    const etag = (await site.get('/', { cookie })).headers.etag ?? ''
    now.time += DAY / 2
    const fresh = await site.get('/', { cookie, headers: { 'If-None-Match': etag } })
    const whole = await site.get('/', { cookie })
    for (const answer of [fresh, whole]) {
      const { vary, 'cache-control': kept } = answer.headers
      expect([names(answer), vary, kept]).toEqual([['_node=*'], 'Cookie', control])
    }
    expect([fresh.status, whole.status]).toEqual([304, 200])
  })

  it.each<[string, (res: Any) => unknown, Record<string, string>]>([
    ['sendFile()', (res) => res.sendFile(join(folder, 'page.txt')), {}],
    ['sendFile() of a part', (res) => res.sendFile(join(folder, 'page.txt')), { Range: 'bytes=0-2' }],
    ['sendFile() with a 304', (res) => res.sendFile(join(folder, 'page.txt')), { 'If-None-Match': '*' }],
    ['send()', (res) => res.send('a page'), {}],
    ['redirect()', (res) => res.redirect('/there'), {}],
  ])('a failed save in %s is a 500 that nobody keeps', async (_, respond, headers) => {
    const site = await serveExpress((req, res) => {
      if (req.url === '/') req.session.n = 1n
      respond(res)
    })
    const answer = await site.get('/', { headers })
    expect([answer.status, answer.cookies, answer.body]).toEqual([500, [], FAILURE])
    expect(answer.headers).toMatchObject(FAILED)
    for (const name of OF_ANSWER) expect(answer.headers).not.toHaveProperty(name)
    expect(site.errors).toEqual([expect.objectContaining({ code: 'unserializable' })])
    expect((await site.get('/next')).status).not.toBe(500)
  })

  it('leaves the folder behind as it was', () => {
    rmSync(folder, { recursive: true })
  })
})

describe('a save that fails', () => {
  const spoilers: [string, string, (req: TestRequest) => unknown][] = [
    ['unserializable', 'a cycle', (req) => (req.session.self = req.session)],
    ['unserializable', 'a BigInt', (req) => (req.session.n = 1n)],
    [
      'unserializable',
      'a toJSON that throws',
      (req) => {
        req.session.a = {
          toJSON() {
            throw new Error('not me')
          },
        }
      },
    ],
    ['unserializable', 'a toJSON that returns no object', (req) => (req.session.toJSON = () => 'text')],
    ['too-large', 'data above the limit', (req) => (req.session.text = 'x'.repeat(5_000))],
    ['too-large', 'data far above it', (req) => (req.session.text = 'x'.repeat(5_000_000))],
    ['reserved-name', 'a key called save', (req) => Object.defineProperty(req.session, 'save', { value: 1 })],
  ]
  const ways: { [way: string]: (res: http.ServerResponse) => unknown } = {
    'end()': (res) => res.end('body'),
    'writeHead()': (res) => res.writeHead(200, 'Fine', { ETag: '"1"', 'Cache-Control': 'public' }).end('body'),
    'writeHead() with a list': (res) =>
      res.writeHead(200, ['ETag', '"1"', 'Cache-Control', 'public'] as unknown as http.OutgoingHttpHeaders).end('body'),
    'write()': (res) => {
      res.write('bo')
      res.end('dy')
    },
    'flushHeaders()': (res) => {
      res.flushHeaders()
      res.end('body')
    },
    setTimeout: (res) => setTimeout(() => res.end('body'), 0),
    setImmediate: (res) => setImmediate(() => res.end('body')),
    'a promise': (res) => Promise.resolve().then(() => res.end('body')),
    'stream.pipe(res)': (res) => Readable.from(['bo', 'dy']).pipe(res),
  }
  const cases = spoilers.flatMap(([code, what, spoil]) =>
    Object.entries(ways).map(([way, respond]) => ({ code, what, spoil, way, respond })),
  )

  describe.each<Protocol>(['http', 'http2'])('over %s', (protocol) => {
    it.each(cases)('for $what in $way is a 500 that nobody keeps', async ({ code, spoil, respond }) => {
      const site = await serve(
        (req, res) => {
          if (req.url !== '/') return res.end(String(count(req)))
          res.setHeader('Set-Cookie', ['own=1', 'too=2'])
          res.setHeader('ETag', '"0"')
          res.setHeader('Last-Modified', 'Thu, 01 Jan 2026 00:00:00 GMT')
          res.setHeader('Location', '/welcome')
          res.setHeader('X-Own', 'stays')
          spoil(req)
          respond(res)
        },
        {},
        protocol,
      )
      const answer = await site.get('/', { cookie: ann() })
      expect(answer).toMatchObject({ status: 500, body: FAILURE, cookies: ['own=1', 'too=2'] })
      if (protocol === 'http') expect(answer.reason).toBe('Internal Server Error')
      expect(answer.headers).toMatchObject({ ...FAILED, 'x-own': 'stays' })
      for (const name of OF_ANSWER) expect(answer.headers).not.toHaveProperty(name)
      const message = expect.stringMatching(/^cookie-sessions: GET \/: the session was not saved: /)
      expect(site.errors).toEqual([expect.objectContaining({ name: 'SessionError', code, message })])

      const next = await site.get('/next', { cookie: ann() })
      expect([next.status, next.body, names(next)]).toEqual([200, '1', ['_node=*']])
    })
  })

  it('says the length and the type of our body', async () => {
    const answer = await visit((req, res) => {
      req.session.n = 1n
      res.writeHead(200, { 'Content-Length': 4, 'Content-Type': 'text/html' }).end('body')
    })
    expect([answer.status, answer.body]).toEqual([500, FAILURE])
    expect(answer.headers).toMatchObject(FAILED)
  })

  it.each([204, 304])('in place of a %i, which has no body', async (status) => {
    const { status: sent, body } = await visit((req, res) => {
      req.session.n = 1n
      res.writeHead(status).end()
    })
    expect([sent, body]).toEqual([500, FAILURE])
  })

  it("has the reason of a 500, not the app's", async () => {
    const answer = await visit((req, res) => {
      req.session.n = 1n
      res.statusMessage = 'Fine'
      res.end()
    })
    expect([answer.status, answer.reason]).toEqual([500, 'Internal Server Error'])
  })

  it('tells onError the error and the request, once', async () => {
    const calls: unknown[][] = []
    let request: unknown
    await visit(
      (req) => {
        request = req
        req.session.n = 1n
      },
      { onError: (...args: unknown[]) => calls.push(args) },
    )
    expect(calls).toEqual([[expect.objectContaining({ code: 'unserializable' }), request]])
  })

  it('goes to console.error by default', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    await visit((req) => (req.session.n = 1n), { onError: undefined })
    expect(log.mock.calls).toEqual([[expect.objectContaining({ code: 'unserializable' })]])
  })

  it('survives an onError that throws', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { status } = await visit((req) => (req.session.n = 1n), {
      onError: () => {
        throw new Error('of onError')
      },
    })
    expect(status).toBe(500)
    expect(log.mock.calls).toEqual([[expect.objectContaining({ message: 'of onError' })]])
  })

  it('survives an onError that rejects', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const onError = () => Promise.reject(new Error('of onError'))
    expect((await visit((req) => (req.session.n = 1n), { onError })).status).toBe(500)
    expect(log.mock.calls).toEqual([[expect.objectContaining({ message: 'of onError' })]])
  })

  it('survives a clock and a random source that fail', async () => {
    const boom = (): never => {
      throw new Error('boom')
    }
    const first = await visit(count, { random: boom })
    expect([first.status, first.cookies, first.errors]).toEqual([
      500,
      [],
      [expect.objectContaining({ message: 'boom' })],
    ])
    let isBroken = false
    const second = await visit(
      (req) => {
        count(req)
        isBroken = true
      },
      { now: () => (isBroken ? Number.NaN : START) },
    )
    expect([second.status, second.cookies]).toEqual([500, []])
    expect(second.errors).toEqual([expect.objectContaining({ message: expect.stringMatching(/now\(\) must return/) })])
  })

  it('survives a response that takes no more headers', async () => {
    const { status, body, errors } = await visit((req, res) => {
      req.session.n = 1n
      res.setHeader = () => {
        throw new Error('no more')
      }
      res.end('body')
    })
    expect([status, body]).toEqual([500, 'The session could not be saved.\n'])
    expect(errors).toEqual([expect.objectContaining({ code: 'unserializable' })])
  })

  it('does not happen to a session that was ended', async () => {
    const answer = await visit(
      (req) => {
        req.session.n = 1n
        req.session = null
      },
      { cookie: ann() },
    )
    expect([answer.status, names(answer), answer.errors]).toEqual([200, ['_node='], []])
  })

  it('after delete and a wrong assignment is told as well', async () => {
    const answer = await visit(
      (req) => {
        delete req.session
        req.session = 'text'
      },
      { cookie: ann() },
    )
    expect([answer.status, answer.cookies]).toEqual([500, []])
    expect(answer.errors).toEqual([expect.any(TypeError)])
  })
})

describe('what comes too late', () => {
  it('a change after the headers is lost, which onError is told, and sets no second cookie', async () => {
    let onError = (_: unknown): void => {}
    const told = new Promise((resolve) => {
      onError = resolve
    })
    const answer = await visit(
      (req, res) => {
        req.session.a = 1
        res.write('body')
        req.session.b = 2
        res.end()
      },
      { onError },
    )
    expect(answer.cookies).toHaveLength(1)
    expect(opened(answer)).toEqual({ a: 1 })
    // Once the response is closed, which the client may see earlier.
    const message = expect.stringContaining("the session's 'b' changed after the response's headers were sent")
    expect(await told).toMatchObject({ code: 'headers-sent', message })
  })

  it('the middleware itself after the headers: the app goes on', async () => {
    const site = await serveApp(
      app(
        (_req, res, next) => {
          res.write('bo')
          next()
        },
        mount({ onError: () => {} }),
        (req, res) => {
          req.session.n = 1
          expect(() => req.session.save()).toThrow(expect.objectContaining({ code: 'headers-sent' }))
          res.end('dy')
        },
      ),
    )
    const answer = await site.get()
    expect([answer.status, answer.body, answer.cookies]).toEqual([200, 'body', []])
  })
})

describe('a client that goes away', () => {
  const acts: [string, (req: TestRequest) => unknown][] = [
    ['with a good session', count],
    ['with one that cannot be saved', (req) => (req.session.n = 1n)],
  ]
  const hangUp: { [protocol: string]: (url: string) => Promise<void> } = {
    http: async (url) => {
      const request = http.get(url, { agent: false })
      request.on('error', () => {})
      request.on('socket', (socket) => socket.on('connect', () => setImmediate(() => request.destroy())))
    },
    http2: async (url) => {
      const client = http2.connect(url)
      client.on('error', () => {})
      client.request({ ':path': '/' }).on('error', () => {})
      client.on('remoteSettings', () => setImmediate(() => client.destroy()))
    },
  }

  describe.each(['http', 'http2'] as const)('over %s', (protocol) => {
    it.each(acts)('%s does no harm', async (_, act) => {
      let resolve = (): void => {}
      const gone = new Promise<void>((done) => {
        resolve = done
      })
      const site = await serve(
        (req, res) => {
          if (req.url !== '/') return res.end('alive')
          res.on('close', () => {
            act(req)
            res.writeHead(200, { 'X-A': '1' })
            res.end('body')
            resolve()
          })
        },
        {},
        protocol,
      )
      await hangUp[protocol]?.(site.url)
      await gone
      expect((await site.get('/next')).body).toBe('alive')
    })
  })
})
