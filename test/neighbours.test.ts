/**
 * What docs/migration.md says of the modules that people come from, run against these: each difference that no error shows, there and
 * here.
 */
import { createRequire } from 'node:module'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { DAY, type Handler, mount, SECRET, type Site, START, serveApp, app as serving } from './helpers/server.ts'

const PACKAGES = ['express-session', 'cookie-session', 'client-sessions']
// None of them is an ES module, or has types of its own.
const require = createRequire(import.meta.url)

type Options = Record<string, unknown>
const make: Record<string, (options?: Options) => Handler> = {
  'express-session': (options) =>
    require('express-session')({ secret: SECRET, resave: false, saveUninitialized: false, ...options }),
  'cookie-session': (options) => require('cookie-session')({ name: 'session', keys: [SECRET], ...options }),
  'client-sessions': (options) => require('client-sessions')({ cookieName: 'session', secret: SECRET, ...options }),
}
const theirs = (name: string, options?: Options): Handler => (make[name] as (options?: Options) => Handler)(options)

/** An app that logs in at /in, and answers the session's user elsewhere. */
const site = (middleware: Handler): Promise<Site> =>
  serveApp(
    serving(middleware, (req, res) => {
      if (req.url === '/in') req.session.user = 'alice'
      if (req.url === '/change') req.session.n = (req.session.n ?? 0) + 1
      res.end(String(req.session.user))
    }),
  )

const pairs = (cookies: string[]): string => cookies.map((cookie) => cookie.split(';')[0]).join('; ')

describe('the neighbours', () => {
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  const lasting = /; *(max-age|expires)=/i

  it.each(['express-session', 'cookie-session'])('%s: the cookie ends with the browser', async (name) => {
    vi.spyOn(console, 'error').mockImplementation(() => {}) // the memory store's warning
    const { cookies } = await (await site(theirs(name))).get('/in')
    expect(cookies.length).toBeGreaterThan(0)
    for (const cookie of cookies) expect(cookie).not.toMatch(lasting)
  })

  it('here it lasts a day, and ends with the browser under persistent: false', async () => {
    expect((await (await site(mount())).get('/in')).cookies[0]).toMatch(/; Max-Age=86400;/)
    expect((await (await site(mount({ persistent: false }))).get('/in')).cookies[0]).not.toMatch(lasting)
  })

  it.each(PACKAGES)('%s: no SameSite', async (name) => {
    const { cookies } = await (await site(theirs(name))).get('/in')
    for (const cookie of cookies) expect(cookie).not.toMatch(/samesite/i)
  })

  it('here it is Lax', async () => {
    expect((await (await site(mount())).get('/in')).cookies[0]).toMatch(/; SameSite=Lax/)
  })

  it('cookie-session: the server goes on accepting the cookie after maxAge, here it does not after timeout', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: START })
    for (const [middleware, user] of [
      [theirs('cookie-session', { maxAge: DAY }), 'alice'],
      [mount({ timeout: DAY, now: () => Date.now() }), 'undefined'],
    ] as const) {
      vi.setSystemTime(START)
      const { get } = await site(middleware)
      const cookie = pairs((await get('/in')).cookies)
      vi.setSystemTime(START + 2 * DAY)
      expect((await get('/', { cookie })).body).toBe(user)
    }
  })

  it('client-sessions: under activeDuration: 0, duration counts from the login, as absoluteTimeout does here', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: START })
    /** Until when a session lives that changes every hour: in hours. */
    async function hours(middleware: Handler): Promise<number> {
      vi.setSystemTime(START)
      const { get } = await site(middleware)
      let cookie = pairs((await get('/in')).cookies)
      for (let hour = 1; hour < 48; hour++) {
        vi.setSystemTime(START + hour * 3_600_000 + 1) // they end later than that, we at it
        const { body, cookies } = await get('/change', { cookie })
        if (body !== 'alice') return hour
        if (cookies.length > 0) cookie = pairs(cookies)
      }
      return 48
    }
    const now = () => Date.now()
    expect(await hours(theirs('client-sessions', { duration: DAY, activeDuration: 0 }))).toBe(24)
    expect(await hours(mount({ timeout: DAY, absoluteTimeout: DAY, now }))).toBe(24)
    expect(await hours(mount({ timeout: DAY, rolling: false, now }))).toBe(48)
  })

  it('client-sessions: reset() keeps the keys that it names, as regenerate() does here', async () => {
    for (const [middleware, method] of [
      [theirs('client-sessions'), 'reset'],
      [mount(), 'regenerate'],
    ] as const) {
      const { get } = await serveApp(
        serving(middleware, (req, res) => {
          Object.assign(req.session, { cart: 1, user: 'alice' })
          req.session[method](['cart'])
          res.end(`${req.session.cart} ${req.session.user}`)
        }),
      )
      expect((await get()).body).toBe('1 undefined')
    }
  })

  it('express-session: id and cookie.maxAge, which here are undefined', async () => {
    const shown = async (middleware: Handler) => {
      const { get } = await serveApp(
        serving(middleware, (req, res) => {
          const { id, cookie } = req.session
          res.end(JSON.stringify([typeof id, typeof Reflect.get(req, 'sessionID'), typeof cookie]))
        }),
      )
      return JSON.parse((await get()).body)
    }
    expect(await shown(theirs('express-session'))).toEqual(['string', 'string', 'object'])
    expect(await shown(mount())).toEqual(['undefined', 'undefined', 'undefined'])
  })

  it('all: a cookie of theirs under our name is refused, under another one ignored', async () => {
    for (const name of PACKAGES) {
      const { get } = await site(theirs(name, { name: 'session' }))
      const value = (await get('/in')).cookies[0]?.split(';')[0]?.split('=').slice(1).join('=')
      const refused: string[] = []
      const ours = await site(mount({ session_key: 'session', onInvalid: (reason) => refused.push(reason) }))
      expect((await ours.get('/', { cookie: `session=${value}` })).body).toBe('undefined')
      expect(refused, name).toHaveLength(1)
      expect((await ours.get('/', { cookie: `other=${value}` })).body).toBe('undefined')
      expect(refused, name).toHaveLength(1)
    }
  })
})
