/** Changes of a session that cannot reach the cookie: every one is told to somebody. */
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import vm from 'node:vm'
// @ts-expect-error: Express brings no types.
import express from 'express'
// @ts-expect-error: Passport brings no types.
import passport from 'passport'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCodec } from '../src/codec/codec.ts'
import { sessions } from '../src/connect.ts'
import { sessions as sessionsFetch } from '../src/fetch.ts'
import type { SessionOptions } from '../src/options.ts'
import { thrownBy } from './helpers/codec.ts'
import { PLATFORMS, visitFetch, warnings } from './helpers/platforms.ts'
import {
  type Answer,
  type Ask,
  app,
  createClock,
  type Handler,
  mount,
  opened,
  type Protocol,
  SECRET,
  START,
  sealed,
  serve,
  serveApp,
  type TestRequest,
  visit,
} from './helpers/server.ts'

// biome-ignore lint/suspicious/noExplicitAny: what an app keeps in its sessions is not typed here.
type Anything = any
type Session = TestRequest['session']
type Told = Error & { code?: string }

/** Its keys are words that no message has by chance. */
const DATA = { usero: 'ann', carto: [1], gono: 1 }
const cookie = (): string => sealed(DATA)
const RESERVED = ['save', 'regenerate', 'destroy', 'touch', 'reload', 'isNew', 'isChanged', 'isPopulated', 'createdAt']

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

/** The line of the stack at which an error says it began. */
const firstFrame = (error: Told): string | undefined => error.stack?.split('\n').find((line) => /^\s+at /.test(line))

interface Watched extends Answer {
  readonly errors: Told[]
  readonly thrown: unknown
}

/** One request; what onError is told until the response is over, and what `act` throws. */
async function watch(
  act: (req: TestRequest, res: ServerResponse) => unknown,
  {
    method = 'GET',
    path = '/',
    protocol = 'http',
    ...options
  }: Ask & Partial<SessionOptions<IncomingMessage>> & { protocol?: Protocol } = {},
): Promise<Watched> {
  const { cookie: sent = cookie(), ...rest } = options
  const errors: Told[] = []
  let thrown: unknown
  let closed: Promise<unknown> | undefined
  const handler: Handler = async (req, res) => {
    closed = once(res, 'close')
    try {
      await act(req, res)
    } catch (error) {
      thrown = error
    }
    if (!res.writableEnded) res.end()
  }
  const site = await serve(handler, { onError: (error) => errors.push(error as Told), ...rest }, protocol)
  const answer = await site.get(path, { method, cookie: sent })
  await closed
  // What runs after the response may be put off until the stack is empty.
  await setImmediate()
  await setImmediate()
  return { ...answer, errors, thrown }
}

const WAYS: [string, (res: ServerResponse) => unknown][] = [
  ['end()', (res) => res.end('x')],
  ['write()', (res) => res.write('x')],
  ['writeHead()', (res) => res.writeHead(200)],
  ['flushHeaders()', (res) => res.flushHeaders()],
]

const assign = (req: TestRequest): void => {
  req.session = { usero: 'bob' }
}
const assignNull = (req: TestRequest): void => {
  req.session = null
}
const ACTS: [string, (req: TestRequest) => void, RegExp][] = [
  ['destroy()', (req) => req.session.destroy(), /destroy\(/],
  ['regenerate()', (req) => req.session.regenerate(), /regenerate\(/],
  ["regenerate(['carto'])", (req) => req.session.regenerate(['carto']), /regenerate\(/],
  ['touch()', (req) => req.session.touch(), /touch\(/],
  ['reload()', (req) => req.session.reload(), /reload\(/],
  ['req.session = {...}', assign, /assignment|req\.session = /],
  ['req.session = null', assignNull, /assignment|destroy\(|req\.session = /],
]

const LATE = { name: 'SessionError', code: 'headers-sent' }

describe.each(['http', 'http2'] as const)('after the headers are out, over %s,', (protocol) => {
  it.each(ACTS)('%s is told to onError, and nothing is thrown', async (_, act, words) => {
    for (const [way, send] of WAYS) {
      const { errors, thrown, status, cookies } = await watch(
        (req, res) => {
          send(res)
          act(req)
        },
        { method: 'POST', path: '/logout?token=hush', protocol },
      )
      expect([way, thrown, status, cookies, errors.length]).toEqual([way, undefined, 200, [], 1])
      const [error] = errors as [Told]
      expect(error).toMatchObject(LATE)
      expect(error.message).toMatch(words)
      expect(error.message).toContain('POST /logout')
      expect(error.message).not.toContain('hush')
      expect(firstFrame(error)).toContain('lost.test.ts')
    }
  })

  it.each<[string, (session: Session, done: (error?: unknown) => void) => void]>([
    ['destroy', (session, done) => session.destroy(done)],
    ['regenerate', (session, done) => session.regenerate(done)],
    ["regenerate(['carto'])", (session, done) => session.regenerate(['carto'], done)],
    ['touch', (session, done) => session.touch(done)],
    ['reload', (session, done) => session.reload(done)],
    ['save', (session, done) => session.save(done)],
  ])('the callback of %s hears of it instead, once', async (_, act) => {
    const heard: unknown[] = []
    const { errors, thrown } = await watch(
      (req, res) => {
        res.end('x')
        act(req.session, (error) => heard.push(error))
      },
      { protocol },
    )
    expect([errors, thrown, heard.length]).toEqual([[], undefined, 1])
    expect(heard[0]).toMatchObject(LATE)
  })

  it('save() throws, and onError is told nothing besides', async () => {
    for (const [, send] of WAYS) {
      const { errors, thrown } = await watch(
        (req, res) => {
          send(res)
          req.session.save()
        },
        { protocol },
      )
      expect(thrown).toMatchObject(LATE)
      expect(errors).toEqual([])
    }
  })
})

describe('after the headers are out', () => {
  it.each(ACTS)('%s is told once, though the session was changed before', async (_, act) => {
    const { errors, cookies } = await watch((req, res) => {
      req.session.zaza = 1
      res.end()
      act(req)
    })
    expect(errors).toEqual([expect.objectContaining(LATE)])
    expect(opened({ cookies })).toEqual({ ...DATA, zaza: 1 })
  })

  it.each(ACTS)('%s is told in production as well', async (_, act) => {
    vi.stubEnv('NODE_ENV', 'production')
    const { errors } = await watch((req, res) => {
      res.end()
      act(req)
    })
    expect(errors).toEqual([expect.objectContaining(LATE)])
  })

  it.each(ACTS)('and the response is over, %s is told with the request', async (_, act) => {
    const told: unknown[] = []
    let request: TestRequest | undefined
    await watch(
      (req) => {
        request = req
      },
      { onError: (...args) => told.push(...args) },
    )
    act(request as TestRequest)
    expect(told).toEqual([expect.objectContaining(LATE), request])
    expect(told[1]).toBe(request)
  })

  it('it is told where an app of Express redirects first, with the whole path of a router', async () => {
    const errors: Told[] = []
    const server = express()
    const router = express.Router()
    router.post('/logout', (req: Anything, res: Anything) => {
      res.redirect('/')
      req.session.destroy()
    })
    server.use(mount({ onError: (error) => errors.push(error as Told) }) as never)
    server.use('/auth', router)
    const site = await serveApp(server as unknown as Handler)
    const answer = await site.get('/auth/logout?a=1', { method: 'POST', cookie: cookie() })
    expect([answer.status, answer.cookies]).toEqual([302, []])
    expect(errors).toEqual([expect.objectContaining(LATE)])
    expect(errors[0]?.message).toMatch(/POST \/auth\/logout(?!\?)/)
    expect(firstFrame(errors[0] as Told)).toContain('lost.test.ts')
  })

  it('an onError that throws, or rejects, ends nothing', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    for (const onError of [
      () => {
        throw new Error('onError')
      },
      () => Promise.reject(new Error('onError')),
    ]) {
      const { thrown, status } = await watch(
        (req, res) => {
          res.end()
          req.session.more = 1
          req.session.touch()
        },
        { onError },
      )
      expect([thrown, status]).toEqual([undefined, 200])
    }
  })
})

describe('after the session is committed on Fetch', () => {
  const acts: [string, (session: Session, done?: (error?: unknown) => void) => void][] = [
    ['destroy', (session, done) => session.destroy(done)],
    ['regenerate', (session, done) => session.regenerate(done)],
    ['touch', (session, done) => session.touch(done)],
    ['reload', (session, done) => session.reload(done)],
  ]
  const set = () => {
    const told: [Told, Request][] = []
    const withSession = sessionsFetch({ secret: SECRET, onError: (error, req) => told.push([error as Told, req]) })
    const request = new Request('http://example.com/logout?token=hush', {
      method: 'POST',
      headers: { Cookie: cookie() },
    })
    return { told, withSession, request }
  }
  const ways: [string, (given: ReturnType<typeof set>) => Promise<Session>][] = [
    [
      'commit()',
      async ({ withSession, request }) => {
        const session = withSession.open(request)
        withSession.commit(session, new Headers())
        return session
      },
    ],
    [
      'the end of the handler',
      async ({ withSession, request }) => {
        let kept: Session
        await withSession((_, session) => {
          kept = session
          return new Response()
        })(request)
        return kept
      },
    ],
  ]
  const table = ways.flatMap(([way, end]) => acts.map(([name, act]) => [way, name, end, act] as const))

  it.each(table)('(%s), %s is told to onError, or to its callback', async (_, name, end, act) => {
    const given = set()
    const session = await end(given)
    act(session)
    expect(given.told).toEqual([[expect.objectContaining(LATE), given.request]])
    const [[error]] = given.told as [[Told, Request]]
    expect(error.message).toContain(`${name}(`)
    expect(error.message).toContain('POST /logout')
    expect(error.message).not.toContain('hush')
    expect(firstFrame(error)).toContain('lost.test.ts')
    const heard: unknown[] = []
    act(session, (error) => heard.push(error))
    expect([heard, given.told.length]).toEqual([[expect.objectContaining(LATE)], 1])
  })

  it.each(ways)('(%s), what is changed without a wait for it is told by its key', async (_, end) => {
    const given = set()
    const session = await end(given)
    session.late = 1
    await setImmediate()
    await setImmediate()
    expect(given.told.map(([error]) => error)).toEqual([expect.objectContaining(LATE)])
    expect(given.told[0]?.[0].message).toMatch(/^cookie-sessions: POST \/logout: the session's 'late' changed/)
  })

  it.each(ways)('(%s), save() throws', async (_, end) => {
    const given = set()
    const session = await end(given)
    expect(thrownBy(() => session.save())).toMatchObject(LATE)
    expect(given.told).toEqual([])
  })
})

describe('data changed after the headers', () => {
  const change = (session: Session): void => {
    session.zaza = 1
  }
  const WHEN: [string, (res: ServerResponse, change: () => void) => unknown][] = [
    ...WAYS.map(([way, send]): [string, (res: ServerResponse, change: () => void) => void] => [
      `after ${way}`,
      (res, change) => {
        send(res)
        change()
      },
    ]),
    [
      'in a promise that nobody awaited',
      (res, change) => {
        void Promise.resolve().then(change)
        res.end('x')
      },
    ],
    [
      'between the chunks of a stream',
      async (res, change) => {
        res.write('x')
        await setImmediate()
        change()
        res.end('y')
      },
    ],
  ]

  it.each(
    WHEN.flatMap(([when, act]) => (['http', 'http2'] as const).map((protocol) => [when, protocol, act] as const)),
  )('%s (%s): onError is told the key', async (_, protocol, act) => {
    const { errors, status, cookies } = await watch((req, res) => act(res, () => change(req.session)), {
      method: 'POST',
      path: '/cart',
      protocol,
    })
    expect([status, cookies]).toEqual([200, []])
    expect(errors).toEqual([expect.objectContaining(LATE)])
    expect(errors[0]?.message).toMatch(/\bzaza\b/)
    expect(errors[0]?.message).toContain('POST /cart')
    expect(errors[0]?.message).not.toMatch(/usero|carto|gono/)
  })

  it.each<[string, (session: Session) => void, string[]]>([
    ['added', change, ['zaza']],
    ['changed', (session) => Object.assign(session, { usero: 'bob' }), ['usero']],
    ['changed deep inside', (session) => session.carto.push(2), ['carto']],
    ['removed', (session) => delete session.gono, ['gono']],
    [
      'all of that',
      (session) => {
        change(session)
        session.carto.push(2)
        delete session.gono
      },
      ['zaza', 'carto', 'gono'],
    ],
    ['beyond JSON', (session) => Object.assign(session, { zaza: 1n }), ['zaza']],
    ['a cycle', (session) => Object.assign(session, { zaza: session }), ['zaza']],
  ])('each key is named: %s', async (_, act, keys) => {
    const { errors } = await watch((req, res) => {
      res.end(req.session.usero)
      act(req.session)
    })
    expect(errors).toEqual([expect.objectContaining(LATE)])
    for (const key of ['usero', 'carto', 'gono', 'zaza']) {
      if (keys.includes(key)) expect(errors[0]?.message).toMatch(new RegExp(`\\b${key}\\b`))
      else expect(errors[0]?.message).not.toContain(key)
    }
  })

  it.each<[string, (req: TestRequest, res: ServerResponse) => void]>([
    ['the session was changed before as well', (req) => Object.assign(req.session, { usero: 'bob' })],
    ['the session was not touched before', () => {}],
    [
      'the session was sealed by save()',
      (req) => {
        req.session.usero = 'bob'
        req.session.save()
      },
    ],
    ['the session was regenerated', (req) => req.session.regenerate()],
    ['the session is new', (req) => req.session.regenerate(['usero'])],
  ])('it is told where %s', async (_, before) => {
    const { errors } = await watch((req, res) => {
      before(req, res)
      res.end()
      change(req.session)
    })
    expect(errors).toEqual([expect.objectContaining(LATE)])
    expect(errors[0]?.message).toMatch(/\bzaza\b/)
    expect(errors[0]?.message).not.toMatch(/usero|carto|gono/)
  })

  it('it is told where no cookie came', async () => {
    const { errors } = await watch(
      (req, res) => {
        res.end()
        change(req.session)
      },
      { cookie: 'other=1' },
    )
    expect(errors).toEqual([expect.objectContaining(LATE)])
  })

  it('it is told where the middleware itself came too late', async () => {
    const errors: unknown[] = []
    let closed: Promise<unknown> | undefined
    const begin: Handler = (_req, res, next) => {
      closed = once(res, 'close')
      res.write('bo')
      next()
    }
    const late = mount({ onError: (error) => errors.push(error) })
    const end: Handler = (req, res) => {
      change(req.session)
      res.end('dy')
    }
    await (await serveApp(app(begin, late, end))).get()
    await closed
    await setImmediate()
    expect(errors).toEqual([expect.objectContaining(LATE)])
  })

  it('it is told after res.json() of Express', async () => {
    const errors: Told[] = []
    let closed: Promise<unknown> | undefined
    const server = express()
    server.use(mount({ onError: (error) => errors.push(error as Told) }) as never)
    server.get('/', (req: Anything, res: Anything) => {
      closed = once(res, 'close')
      res.json({})
      change(req.session)
    })
    await (await serveApp(server as unknown as Handler)).get('/')
    await closed
    await setImmediate()
    expect(errors).toEqual([expect.objectContaining(LATE)])
  })

  it.each<[string, (req: TestRequest, res: ServerResponse) => void]>([
    ['nothing happens', (_, res) => res.end()],
    [
      'the session is only read',
      (req, res) => {
        res.end()
        expect([req.session.usero, req.session.isChanged, Object.keys(req.session)].length).toBe(3)
      },
    ],
    [
      'it was changed before alone',
      (req, res) => {
        change(req.session)
        req.session.carto.push(2)
        res.end()
        expect(req.session.zaza).toBe(1)
      },
    ],
    [
      'the same value is set again',
      (req, res) => {
        req.session.zaza = 1
        res.end()
        req.session.zaza = 1
        req.session.carto = [1]
      },
    ],
    [
      'it is changed and changed back',
      (req, res) => {
        res.write('x')
        req.session.usero = 'bob'
        req.session.usero = 'ann'
      },
    ],
    [
      'it gains what JSON has not',
      (req, res) => {
        res.end()
        req.session.nothing = undefined
      },
    ],
    [
      'it was ended',
      (req, res) => {
        req.session.destroy()
        res.end()
      },
    ],
    [
      'it was begun anew',
      (req, res) => {
        req.session = { usero: 'bob' }
        res.end()
      },
    ],
  ])('nothing is told when %s', async (_, act) => {
    for (const protocol of ['http', 'http2'] as const) {
      expect(await watch(act, { protocol })).toMatchObject({ errors: [], thrown: undefined, status: 200 })
    }
  })

  it('a session that could not be saved is told once', async () => {
    const { errors, status } = await watch((req, res) => {
      req.session.big = 'x'.repeat(5_000)
      res.end()
    })
    expect([status, errors.map(({ code }) => code)]).toEqual([500, ['too-large']])
  })

  it.each(WHEN)('in production nothing is told: %s', async (_, act) => {
    vi.stubEnv('NODE_ENV', 'production')
    const { errors } = await watch((req, res) => act(res, () => change(req.session)))
    expect(errors).toEqual([])
  })
})

describe.each([undefined, 'production'])('a session that was replaced (NODE_ENV: %s)', (env) => {
  const REPLACE: [string, (req: TestRequest) => void, RegExp][] = [
    ['regenerate()', (req) => req.session.regenerate(), /regenerate\(/],
    ["regenerate(['carto'])", (req) => req.session.regenerate(['carto']), /regenerate\(/],
    ['reload()', (req) => req.session.reload(), /reload\(/],
    ['destroy()', (req) => req.session.destroy(), /destroy\(/],
    ['req.session = {...}', assign, /assignment|req\.session = /],
    ['req.session = null', assignNull, /assignment|destroy\(|req\.session = /],
  ]
  const CHANGES: [string, (old: Session) => void][] = [
    ['zaza', (old) => Object.assign(old, { zaza: 'bob' })],
    ['usero', (old) => Object.assign(old, { usero: 'cyd' })],
    ['gono', (old) => Object.assign(old, { gono: { deep: 1 } })],
  ]

  it.each(REPLACE)('by %s: what it gains is told when the response goes out', async (_, replace, words) => {
    if (env !== undefined) vi.stubEnv('NODE_ENV', env)
    for (const protocol of ['http', 'http2'] as const) {
      for (const [key, change] of CHANGES) {
        const { errors, status } = await watch(
          (req, res) => {
            const { session } = req
            replace(req)
            change(session)
            res.end()
          },
          { protocol },
        )
        expect(status).toBe(200)
        expect(errors).toEqual([expect.objectContaining({ name: 'SessionError', code: 'replaced' })])
        expect(errors[0]?.message).toMatch(words)
        expect(errors[0]?.message).toMatch(new RegExp(`\\b${key}\\b`))
      }
    }
  })

  it('each of several is told', async () => {
    if (env !== undefined) vi.stubEnv('NODE_ENV', env)
    const { errors } = await watch((req) => {
      const first = req.session
      first.regenerate()
      const second = req.session
      second.regenerate()
      first.zaza = 1
      second.zozo = 1
    })
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['replaced']))
    const text = errors.map(({ message }) => message).join()
    expect([/\bzaza\b/.test(text), /\bzozo\b/.test(text)]).toEqual([true, true])
  })

  it('what is deep inside of it counts', async () => {
    if (env !== undefined) vi.stubEnv('NODE_ENV', env)
    const { errors } = await watch((req) => {
      const { session } = req
      session.regenerate()
      session.carto.push(2)
    })
    expect(errors).toEqual([expect.objectContaining({ code: 'replaced', message: expect.stringMatching(/\bcarto\b/) })])
  })

  it.each<[string, (req: TestRequest) => void]>([
    ['is left alone', (req) => req.session.regenerate()],
    [
      'is only read',
      (req) => {
        const { session } = req
        session.regenerate()
        req.session.usero = session.usero
        expect(JSON.stringify([session, { ...session }])).toContain('ann')
      },
    ],
    [
      'was changed before',
      (req) => {
        const { session } = req
        session.zaza = 1
        session.carto.push(2)
        session.regenerate()
      },
    ],
    [
      'is set to what it held',
      (req) => {
        const { session } = req
        session.regenerate()
        session.usero = 'ann'
      },
    ],
    [
      'comes back',
      (req) => {
        const { session } = req
        req.session = { other: 1 }
        session.zaza = 1
        req.session = session
      },
    ],
    [
      'is copied, and shares what is deep inside',
      (req) => {
        const { session } = req
        session.regenerate()
        Object.assign(req.session, session)
        req.session.carto.push(2)
      },
    ],
    [
      'is copied by assignment, and shares what is deep inside',
      (req) => {
        req.session = { ...req.session }
        req.session.carto.push(2)
      },
    ],
    [
      'hands a key on, which then changes',
      (req) => {
        req.session.regenerate(['carto'])
        req.session.carto.push(2)
      },
    ],
    [
      'is followed by a change of the new one',
      (req) => {
        req.session.regenerate()
        req.session.zaza = 1
      },
    ],
    [
      'is the new one, seen from a callback',
      (req) => {
        req.session.regenerate(() => {
          req.session.zaza = 1
        })
      },
    ],
  ])('is told nothing of when it %s', async (_, act) => {
    if (env !== undefined) vi.stubEnv('NODE_ENV', env)
    expect(await watch(act)).toMatchObject({ errors: [], thrown: undefined, status: 200 })
  })

  it.each([true, false])('is told nothing of by Passport (keepSessionInfo: %s)', async (keepSessionInfo) => {
    if (env !== undefined) vi.stubEnv('NODE_ENV', env)
    const errors: unknown[] = []
    const users = new passport.Passport()
    users.serializeUser((user: { id: string }, done: (error: unknown, id: string) => void) => done(null, user.id))
    users.deserializeUser((id: string, done: (error: unknown, user: object) => void) => done(null, { id }))
    const handler: Handler = (req: Anything, res, next) => {
      const done = (error?: unknown) => (error ? next(error) : res.end(JSON.stringify(req.session)))
      if (req.url === '/out') return req.logout({ keepSessionInfo }, done)
      req.logIn({ id: req.url.slice(1) }, { keepSessionInfo }, done)
    }
    const onError = (error: unknown): unknown => errors.push(error)
    const site = await serveApp(app(mount({ onError }), users.initialize(), users.session(), handler))
    let sent: string | undefined = cookie()
    const bodies = []
    // Logged in already, the second login changes an object that the session before holds as well.
    for (const path of ['/ann', '/bob', '/out']) {
      const answer = await site.get(path, { cookie: sent })
      sent = answer.cookies[0]?.split(';')[0]
      bodies.push(answer.body)
    }
    const kept = keepSessionInfo ? DATA : {}
    expect(bodies.map((body) => JSON.parse(body))).toEqual([
      { ...kept, passport: { user: 'ann' } },
      { ...kept, passport: { user: 'bob' } },
      keepSessionInfo ? { ...kept, passport: {} } : {},
    ])
    expect(errors).toEqual([])
  })

  it.each<[string, (session: Session) => void, string | undefined]>([
    [
      'destroy() and a change',
      (session) => {
        session.destroy()
        session.zaza = 1
      },
      'zaza',
    ],
    ['destroy() and nothing else', (session) => session.destroy(), undefined],
    [
      'destroy() and a look',
      (session) => {
        session.destroy()
        expect(session.usero).toBe(undefined)
      },
      undefined,
    ],
    [
      'destroy(), a change that is undone',
      (session) => {
        session.destroy()
        session.zaza = 1
        delete session.zaza
      },
      undefined,
    ],
    [
      'destroy(), regenerate() and a change',
      (session) => {
        session.destroy()
        session.regenerate()
        session.zaza = 1
      },
      undefined,
    ],
    [
      'regenerate() and a change',
      (session) => {
        session.regenerate()
        session.zaza = 1
      },
      undefined,
    ],
  ])('on Fetch, where it is the same object: %s', async (_, act, key) => {
    if (env !== undefined) vi.stubEnv('NODE_ENV', env)
    const told: Told[] = []
    const withSession = sessionsFetch({ secret: SECRET, onError: (error) => told.push(error as Told) })
    const session = withSession.open(new Request('http://a/', { headers: { Cookie: cookie() } }))
    act(session)
    withSession.commit(session, new Headers())
    const { errors, status } = await visitFetch(act, { cookie: cookie() })
    expect(status).toBe(200)
    for (const heard of [told, errors as Told[]]) {
      expect(heard.map(({ code }) => code)).toEqual(key === undefined ? [] : ['replaced'])
      if (key !== undefined) expect(heard[0]?.message).toMatch(/destroy\(.*\bzaza\b|\bzaza\b.*destroy\(/s)
    }
  })
})

describe('save() where nothing can be saved', () => {
  /** The session that a request with this cookie gets with that response. */
  function mountOn(response: object, request: object = { headers: { cookie: cookie() } }): Session {
    let called = false
    sessions({ secret: SECRET })(request as never, response as never, () => {
      called = true
    })
    expect(called).toBe(true)
    return (request as { session: Session }).session
  }
  /** What save() says, both ways. */
  function said(session: Session): unknown[] {
    session.zaza = 1
    const heard: unknown[] = []
    session.save((error: unknown) => heard.push(error))
    return [thrownBy(() => session.save()), ...heard]
  }
  const late = [expect.objectContaining(LATE), expect.objectContaining(LATE)]

  it.each<[string, object]>([
    ['an empty object, as for socket.io', {}],
    ['one that has headers alone', { setHeader() {}, getHeader() {}, removeHeader() {}, headersSent: false }],
    ['one that says that its headers are out', { writeHead() {}, setHeader() {}, getHeader() {}, headersSent: true }],
  ])('throws on a response that is %s', (_, response) => {
    const session = mountOn(response)
    expect(session.usero).toBe('ann')
    expect(said(session)).toEqual(late)
  })

  it("throws on express-ws's response to a handshake", async () => {
    const server = http.createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())))
    const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
    client.on('error', () => {})
    client.write(
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: ${cookie()}\r\n\r\n`,
    )
    const [request, socket] = (await once(server, 'upgrade')) as [IncomingMessage, net.Socket]
    const response = new http.ServerResponse(request)
    response.writeHead = ((status: number) => {
      if (status > 200) socket.destroy()
      return response
    }) as typeof response.writeHead
    const session = mountOn(response, request)
    socket.destroy()
    expect(session.usero).toBe('ann')
    expect(said(session)).toEqual(late)
  })

  it.each([{}, { upgrade: true }])("does not throw on engine.io's response, which has writeHead alone (%o)", (more) => {
    const headers: { [name: string]: unknown } = {}
    const response = {
      setHeader: (name: string, value: unknown) => Object.assign(headers, { [name.toLowerCase()]: value }),
      getHeader: (name: string) => headers[name.toLowerCase()],
      removeHeader: (name: string) => delete headers[name.toLowerCase()],
      write() {},
      writeHead() {},
      end() {},
    }
    const session = mountOn(response, { headers: { cookie: cookie() }, ...more })
    session.zaza = 1
    session.save()
    response.writeHead()
    expect(opened({ cookies: [headers['set-cookie']].flat() as string[] })).toEqual({ ...DATA, zaza: 1 })
  })

  it('does not throw where an upgrade is offered to a server that takes none', async () => {
    const { status, cookies } = await visit(
      (req) => {
        req.session.zaza = 1
        req.session.save()
      },
      { headers: { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c' } },
    )
    expect([status, cookies.length]).toEqual([200, 1])
  })
})

describe.each(PLATFORMS)('a reserved name, on %s,', (_, visitBy) => {
  const sloppy = new Function('session', 'name', 'session[name] = 1')
  const strict = new Function('session', 'name', '"use strict"; session[name] = 1')
  const WRITES: [string, (session: Session, name: string) => unknown][] = [
    ['in sloppy mode', (session, name) => sloppy(session, name)],
    ['in strict mode', (session, name) => strict(session, name)],
    ['by Object.assign()', (session, name) => Object.assign(session, { [name]: 1 })],
    ['by Reflect.set()', (session, name) => Reflect.set(session, name, 1)],
    ['with undefined', (session, name) => Object.assign(session, { [name]: undefined })],
    ["from another script's sloppy mode", (session, name) => vm.runInNewContext('s[n] = 1', { s: session, n: name })],
  ]
  it.each(WRITES)('cannot be written %s', async (_, write) => {
    const { value, errors } = await visitBy(
      (session) => [
        RESERVED.map((name) => {
          const { name: kind, code, message } = thrownBy(() => write(session, name))
          return [kind, code, message.includes(`'${name}'`)]
        }),
        { ...session },
        typeof session.save,
      ],
      { cookie: cookie() },
    )
    expect(value).toEqual([RESERVED.map(() => ['SessionError', 'reserved-name', true]), DATA, 'function'])
    expect(errors).toEqual([])
  })

  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'id', 'cookie'])(
    'is not one: %s is data, and comes back',
    async (name) => {
      for (const write of [sloppy, strict]) {
        const answer = await visitBy((session) => write(session, name))
        expect(opened(answer)).toEqual({ [name]: 1 })
        const sent = answer.cookies[0]?.split(';')[0]
        const { value } = await visitBy((session) => [session[name], Object.keys(session)], { cookie: sent })
        expect(value).toEqual([1, [name]])
      }
    },
  )
})

describe('values that JSON loses', () => {
  const CODE = 'COOKIE_SESSIONS_LOSSY_VALUE'
  class Money {
    readonly cents = 5
  }
  class Priced {
    toJSON(): unknown {
      return { cents: 5 }
    }
  }
  const foreign = (code: string): unknown => vm.runInNewContext(code)
  const LOST: [string, unknown][] = [
    ['a Map', new Map([[1, 2]])],
    ['a Set', new Set([1])],
    ['a WeakMap', new WeakMap()],
    ['a Map of another realm', foreign('new Map()')],
    ['a RegExp', /a/],
    ['an Error', new Error('a')],
    ['a class instance', new Money()],
    ['a Uint8Array', new Uint8Array(2)],
    ['a Buffer', Buffer.from('a')],
    ['NaN', Number.NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
    ['undefined in a list', [1, undefined]],
    ['a hole in a list', new Array(1)],
    ['a function in a list', [() => {}]],
    ['a symbol in a list', [Symbol('a')]],
    ['a function', () => {}],
    ['a symbol', Symbol('a')],
  ]
  const KEPT: [string, unknown][] = [
    ['a Date', new Date(0)],
    ['a URL', new URL('http://a/')],
    ['what has a toJSON', new Priced()],
    ['an object with a toJSON of its own', { toJSON: () => 1 }],
    ['a plain object of another realm', foreign('({ a: 1, b: [{}] })')],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['undefined', undefined],
    ['undefined in an object', { a: undefined }],
    ['null, text, numbers and lists', [null, '', 0, -1.5, true, [[]], { a: [] }]],
  ]
  const listed = (value: unknown): string => (Array.isArray(value) ? `[${value.length - 1}]` : '')

  it.each(LOST.map(([what, value], i) => [what, `lost${i}`, value] as const))(
    '%s (%s) is warned about, by its path and once in a process',
    async (_, key, value) => {
      const told = warnings(CODE)
      const act = (req: TestRequest): unknown => Object.assign(req.session, { [key]: value, harmless: 1 })
      for (let n = 0; n < 2; n++) expect((await visit(act)).errors).toEqual([])
      expect(told).toHaveLength(1)
      expect(told[0]).toMatch(/^cookie-sessions: /)
      expect(told[0]).toContain(`${key}${listed(value)}`)
      expect(told[0]).not.toContain('harmless')
    },
  )

  it.each(PLATFORMS)('on %s, deep inside, each is named', async (platform, visitBy) => {
    const told = warnings(CODE)
    const { errors } = await visitBy((session) => {
      session[`cart${platform}`] = [{ when: new Map(), price: 5 }]
      session[`user${platform}`] = { name: 'ann', tags: new Set() }
      session[`a${platform}`] = { b: [[0, { c: Number.NaN }]] }
    })
    expect(errors).toEqual([])
    const paths = [`cart${platform}[0].when`, `user${platform}.tags`, `a${platform}.b[0][1].c`]
    expect(paths.map((path) => told.filter((message) => message.includes(path)).length)).toEqual([1, 1, 1])
    expect(told).toHaveLength(3)
  })

  it('save() warns of it as well', async () => {
    const told = warnings(CODE)
    await visit((req) => {
      req.session.early = new Map()
      req.session.save()
    })
    expect(told).toEqual([expect.stringContaining('early')])
  })

  it.each(KEPT)('%s is not warned about', async (_, value) => {
    const told = warnings(CODE)
    expect((await visit((req) => Object.assign(req.session, { kept: value, n: 1 }))).errors).toEqual([])
    expect(told).toEqual([])
  })

  it.each(LOST.map(([what, value], i) => [what, `quiet${i}`, value] as const))(
    'in production nothing is warned about: %s',
    async (_, key, value) => {
      vi.stubEnv('NODE_ENV', 'production')
      const told = warnings(CODE)
      await visit((req) => Object.assign(req.session, { [key]: value }))
      expect(told).toEqual([])
    },
  )
})

describe.each([undefined, 'production'])('values that cannot be JSON (NODE_ENV: %s)', (env) => {
  const ring = (): unknown => {
    const a: { b: unknown[] } = { b: [] }
    a.b.push(a)
    return a
  }
  const CASES: [string, () => object, string][] = [
    ['a BigInt', () => ({ user: { id: 1n } }), 'user.id'],
    ['a BigInt at the top', () => ({ idem: 1n }), 'idem'],
    ['a BigInt in a list', () => ({ list: [0, [1, 2n]] }), 'list[1][1]'],
    ['a cycle', () => ({ a: ring() }), 'a.b[0]'],
    [
      'a cycle by way of the top',
      () => {
        const data: { up?: unknown } = {}
        data.up = { here: data }
        return data
      },
      'up.here',
    ],
  ]

  it.each(CASES)('%s: createCodec() names the path', (_, make, path) => {
    if (env !== undefined) vi.stubEnv('NODE_ENV', env)
    const codec = createCodec({ secret: SECRET, name: 'a' })
    const error = thrownBy(() => codec.seal(make()))
    expect(error).toMatchObject({ name: 'SessionError', code: 'unserializable' })
    expect(error.message).toContain(path)
  })

  it.each(
    PLATFORMS.flatMap(([name, visitBy]) =>
      CASES.map(([what, make, path]) => [what, name, make, path, visitBy] as const),
    ),
  )('%s: the error of a session on %s names the path', async (_, __, make, path, visitBy) => {
    if (env !== undefined) vi.stubEnv('NODE_ENV', env)
    const act = (session: Session): void => void Object.assign(session, make())
    const { errors, status, cookies } = await visitBy(act)
    expect([status, cookies]).toEqual([500, []])
    expect(errors).toEqual([expect.objectContaining({ name: 'SessionError', code: 'unserializable' })])
    expect((errors[0] as Error).message).toContain(path)
    const { value } = await visitBy((session) => {
      act(session)
      return thrownBy(() => session.save())
    })
    expect(value).toMatchObject({ code: 'unserializable', message: expect.stringContaining(path) })
  })

  it('what is there twice is no cycle', () => {
    const twice = { n: 1 }
    const codec = createCodec({ secret: SECRET, name: 'a' })
    expect(codec.open(codec.seal({ a: twice, b: [twice, twice] }))).toMatchObject({ ok: true })
  })

  it('a list at the top has a path too', () => {
    expect(thrownBy(() => createCodec({ secret: SECRET, name: 'a' }).seal([0, { n: 1n }])).message).toContain('[1].n')
  })
})

describe.each(PLATFORMS)('regenerate(keys), on %s,', (platform, visitBy) => {
  /** What the cookie holds, and what went wrong, after regenerate() with these arguments. */
  const regenerated = async (data: object, ...args: unknown[]) => {
    const answer = await visitBy((session) => session.regenerate(...args), { cookie: sealed(data) })
    return [opened(answer), answer.errors, answer.status]
  }

  it.each<[string, object, string[], object]>([
    ['keeps these', DATA, ['carto'], { carto: [1] }],
    ['keeps several', DATA, ['carto', 'usero'], { carto: [1], usero: 'ann' }],
    ['ignores those that are missing', DATA, ['carto', 'nothing', ''], { carto: [1] }],
    ['ignores what is inherited', DATA, ['carto', 'toString', 'constructor', '__proto__'], { carto: [1] }],
    ['keeps one named twice', DATA, ['carto', 'carto'], { carto: [1] }],
    ['keeps data of such a name', { constructor: 1, n: 1 }, ['constructor'], { constructor: 1 }],
    ['keeps false, null and nothing', { a: false, b: null, c: '' }, ['a', 'b', 'c'], { a: false, b: null, c: '' }],
  ])('%s', async (_, data, keys, kept) => {
    expect(await regenerated(data, keys)).toEqual([kept, [], 200])
  })

  it("keeps '__proto__' as data", async () => {
    const [data] = await regenerated(JSON.parse('{"__proto__":{"admin":1},"n":1}'), ['__proto__'])
    expect([Object.keys(data), data.admin]).toEqual([['__proto__'], undefined])
  })

  it('with an empty list keeps nothing', async () => {
    const answer = await visitBy((session) => session.regenerate([]), { cookie: cookie() })
    expect(answer.cookies).toEqual([expect.stringMatching(/^_node=;/)])
  })

  it('calls back, and the session is new', async () => {
    const clock = createClock(START + 5)
    const heard: unknown[][] = []
    const answer = await visitBy(
      (session) => session.regenerate(['carto'], (...args: unknown[]) => heard.push([...args, session.usero])),
      { cookie: sealed(DATA, { at: START }), now: clock },
    )
    expect(heard).toEqual([[platform === 'Fetch' ? undefined : 'ann']])
    const sent = answer.cookies[0]?.split(';')[0]
    const { value } = await visitBy((session) => [session.createdAt, { ...session }], { cookie: sent, now: clock })
    expect(value).toEqual([START + 5, { carto: [1] }])
  })

  it('takes what was changed, and lets it be changed', async () => {
    const act = (session: Session): void => {
      const { carto } = session
      carto.push(2)
      session.regenerate(['carto'])
      carto.push(3)
    }
    const answer = await visitBy(act, { cookie: cookie() })
    expect([opened(answer), answer.errors]).toEqual([{ carto: [1, 2, 3] }, []])
  })

  it.each<[string, unknown]>([
    ['a reserved name', ['save']],
    ['a reserved name among others', ['carto', 'createdAt']],
    ['text', 'carto'],
    ['a number', 5],
    ['an object', { carto: true }],
    ['a Set', new Set(['carto'])],
  ])('refuses %s, and the session stays what it was', async (_, keys) => {
    const { value, cookies } = await visitBy(
      (session) => {
        const error = thrownBy(() => session.regenerate(keys))
        return [error instanceof TypeError, error.message, { ...session }, session.isNew]
      },
      { cookie: cookie() },
    )
    expect(value).toEqual([true, expect.stringMatching(/^cookie-sessions: .*regenerate/), DATA, false])
    expect(cookies).toEqual([])
  })
})

describe.each(PLATFORMS)('proxies and copies of a session, on %s:', (_, visitBy) => {
  /** As Vue's reactive() does: each object that is read through it comes out wrapped. */
  const reactive = (target: object): Anything =>
    new Proxy(target, {
      get(object, key, receiver) {
        const value = Reflect.get(object, key, receiver)
        return typeof value === 'object' && value !== null ? reactive(value) : value
      },
      set: (object, key, value, receiver) => Reflect.set(object, key, value, receiver),
    })
  const PROXIES: [string, (session: Session) => Anything][] = [
    ['new Proxy(session, {})', (session) => new Proxy(session, {})],
    ["Vue's reactive(session)", reactive],
    ['a Proxy of a Proxy', (session) => new Proxy(reactive(session), {})],
  ]
  const COPIES: typeof PROXIES = [
    ["lodash's cloneDeep(session)", (session) => Object.assign(Object.create(Object.getPrototypeOf(session)), session)],
  ]
  const HEIRS: typeof PROXIES = [['Object.create(session)', (session) => Object.create(session)]]

  it.each([...PROXIES, ...COPIES, ...HEIRS])('%s says in our words what to use', async (_, wrap) => {
    const { value } = await visitBy(
      (session) => {
        const wrapped = wrap(session)
        return RESERVED.map((name) =>
          thrownBy(() => {
            const member = wrapped[name]
            return typeof member === 'function' ? wrapped[name]() : member
          }),
        )
      },
      { cookie: cookie() },
    )
    for (const error of value as Error[]) {
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/^cookie-sessions: .*(copy|Proxy)/)
      expect(error.message).toContain('req.session')
    }
  })

  it.each(RESERVED.slice(0, 5))('%s(), taken off its session, does so too', async (name) => {
    const { value } = await visitBy(
      (session) => {
        const method = session[name] as () => void
        return [() => method(), () => method.call({}), () => method.call(null as never)].map(thrownBy)
      },
      { cookie: cookie() },
    )
    for (const error of value as Error[]) {
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/^cookie-sessions: .*req\.session/)
    }
  })

  it.each([...PROXIES, ...COPIES])('%s is printed and made JSON', async (_, wrap) => {
    const { value } = await visitBy(
      (session) => {
        const wrapped = wrap(session)
        return [JSON.stringify(wrapped), { ...wrapped }, inspect(wrapped), inspect(wrapped, { showProxy: true })]
      },
      { cookie: cookie() },
    )
    const [json, data, printed, shown] = value as [string, object, string, string]
    expect([JSON.parse(json), data]).toEqual([DATA, DATA])
    for (const text of [printed, shown]) expect(text).toContain("usero: 'ann'")
  })

  it.each(PROXIES)('data is read, written and removed through %s', async (_, wrap) => {
    const answer = await visitBy(
      (session) => {
        const proxy = wrap(session)
        proxy.usero += '!'
        proxy.zaza = { deep: 1 }
        proxy.carto.push(2)
        delete proxy.gono
        return [proxy.usero, proxy.carto.length, 'zaza' in proxy, Object.keys(proxy)]
      },
      { cookie: cookie() },
    )
    expect(answer.value).toEqual(['ann!', 2, true, ['usero', 'carto', 'zaza']])
    expect(opened(answer)).toEqual({ usero: 'ann!', carto: [1, 2], zaza: { deep: 1 } })
  })
})

it('a proxy or a copy may be assigned to req.session', async () => {
  for (const wrap of [
    (session: Session) => new Proxy(session, {}),
    (session: Session) => Object.assign(Object.create(Object.getPrototypeOf(session)), session),
  ]) {
    const answer = await visit(
      (req) => {
        req.session = wrap(req.session)
        req.session.zaza = 1
        req.session.save()
      },
      { cookie: cookie() },
    )
    expect([opened(answer), answer.errors]).toEqual([{ ...DATA, zaza: 1 }, []])
  }
})
