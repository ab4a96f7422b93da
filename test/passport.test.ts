/** Passport 0.7, which wants a session with regenerate() and save(), and the old one's data afterwards. */
// @ts-expect-error: Passport brings no types.
import passport from 'passport'
import { describe, expect, it } from 'vitest'
import {
  app,
  Browser,
  createClock,
  type Handler,
  mount,
  names,
  opened,
  START,
  sealed,
  serveApp,
  type TestRequest,
} from './helpers/server.ts'

interface PassportRequest extends TestRequest {
  user?: { id: string }
  isAuthenticated(): boolean
  logIn(user: object, options: object, done: (error?: unknown) => void): void
  logout(options: object, done: (error?: unknown) => void): void
}

/** Lets in whoever names himself, as a strategy of Passport does. */
class NameStrategy {
  readonly name = 'name'
  declare success: (user: object) => void
  declare fail: (status: number) => void

  authenticate(req: TestRequest): void {
    const id = new URL(req.url ?? '', 'http://a').searchParams.get('name')
    if (id === null) this.fail(401)
    else this.success({ id })
  }
}

async function serveUsers(options = {}) {
  const users = new passport.Passport()
  users.use(new NameStrategy())
  users.serializeUser((user: { id: string }, done: (error: unknown, id: string) => void) => done(null, user.id))
  users.deserializeUser((id: string, done: (error: unknown, user: object | false) => void) =>
    done(null, id === 'gone' ? false : { id }),
  )

  const site = await serveApp(
    app(mount(options), users.initialize(), users.session(), ((req: PassportRequest, res, next) => {
      const url = new URL(req.url ?? '', 'http://a')
      const keepSessionInfo = url.searchParams.has('keep')
      const who = (error?: unknown): void => {
        if (error !== undefined && error !== null) {
          next(error)
          return
        }
        const { user, session } = req
        res.end(JSON.stringify({ user: user?.id, cart: session?.cart, isAuthenticated: req.isAuthenticated() }))
      }
      if (url.pathname === '/login') return users.authenticate('name', { keepSessionInfo })(req, res, who)
      if (url.pathname === '/logout') return req.logout({ keepSessionInfo }, who)
      if (url.pathname === '/big') return req.logIn({ id: 'x'.repeat(5_000) }, {}, who)
      if (url.pathname === '/cart') req.session.cart = ['book']
      who()
    }) as Handler),
  )
  return site
}

describe('Passport', () => {
  it('logs in and out', async () => {
    const browser = new Browser(await serveUsers())
    const bodies = []
    for (const path of ['/', '/login?name=ann', '/', '/logout', '/']) bodies.push((await browser.get(path)).body)
    const nobody = '{"isAuthenticated":false}'
    const ann = '{"user":"ann","isAuthenticated":true}'
    expect(bodies).toEqual([nobody, ann, ann, nobody, nobody])
    expect(await browser.cookie()).toBeUndefined()
  })

  it('starts a new session at login, and forgets the old one', async () => {
    const now = createClock(START + 5)
    const site = await serveUsers({ now })
    const answer = await site.get('/login?name=ann', { cookie: sealed({ cart: ['book'] }, { at: START }) })
    expect(answer.body).toBe('{"user":"ann","isAuthenticated":true}')
    expect(opened(answer, { at: now.time })).toEqual({ passport: { user: 'ann' } })
  })

  it('keeps the data of the old one with keepSessionInfo, at login and at logout', async () => {
    const browser = new Browser(await serveUsers())
    const bodies = []
    for (const path of ['/cart', '/login?name=ann&keep', '/', '/logout?keep', '/']) {
      bodies.push((await browser.get(path)).body)
    }
    expect(bodies).toEqual([
      '{"cart":["book"],"isAuthenticated":false}',
      '{"user":"ann","cart":["book"],"isAuthenticated":true}',
      '{"user":"ann","cart":["book"],"isAuthenticated":true}',
      '{"cart":["book"],"isAuthenticated":false}',
      '{"cart":["book"],"isAuthenticated":false}',
    ])
  })

  it('keeps nothing of a login that failed', async () => {
    const answer = await (await serveUsers()).get('/login')
    expect([answer.status, answer.cookies]).toEqual([401, []])
  })

  it('is told when the session cannot be saved, and no cookie goes out', async () => {
    const errors: unknown[] = []
    const answer = await (await serveUsers({ onError: (error: unknown) => errors.push(error) })).get('/big')
    expect([answer.status, answer.cookies]).toEqual([500, []])
    expect(answer.body).toMatch(/^SessionError too-large cookie-sessions: the session \(50\d\d characters of JSON\)/)
    expect(errors).toEqual([])
  })

  it('forgets a user that is no more', async () => {
    const answer = await (await serveUsers()).get('/', { cookie: sealed({ passport: { user: 'gone' } }) })
    expect(answer.body).toBe('{"isAuthenticated":false}')
    expect(opened(answer)).toEqual({ passport: {} })
  })

  it('logs in where a bad cookie came', async () => {
    const answer = await (await serveUsers()).get('/login?name=ann', { cookie: '_node=junk' })
    expect(names(answer)).toEqual(['_node=*'])
  })
})
