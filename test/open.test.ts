/** `middleware.open(req)`: a session where there is no response, on real handshakes. */
import http, { type IncomingMessage } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Middleware, type ReadonlySession, sessions } from '../src/connect.ts'
import type { SessionOptions } from '../src/options.ts'
import { thrownBy } from './helpers/codec.ts'
import { createClock, DAY, type Handler, OLD_SECRET, routes, SECRET, START, sealed, serve } from './helpers/server.ts'

// biome-ignore lint/suspicious/noExplicitAny: what an app keeps in its sessions is not typed here.
type Anything = any
type Options = Partial<SessionOptions<IncomingMessage>>

const ann = (): string => sealed({ user: 'ann' })

/** A server that hands each handshake to `act` and closes the connection; sends one, and returns what `act` returned. */
async function upgrade(
  act: (req: IncomingMessage, socket: Duplex) => unknown,
  cookie?: string,
  target = '/',
): Promise<Anything> {
  const server = http.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())))
  return new Promise((resolve, reject) => {
    server.on('upgrade', (req, socket) => {
      try {
        resolve(act(req, socket))
      } catch (error) {
        reject(error)
      }
      socket.destroy()
    })
    const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
    client.on('error', reject)
    client.write(
      `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${cookie === undefined ? '' : `Cookie: ${cookie}\r\n`}\r\n`,
    )
  })
}

/** What open() reads from a handshake with these options, and what onInvalid is told. */
async function open({ cookie, target, ...options }: Options & { cookie?: string; target?: string } = {}): Promise<{
  session: Anything
  invalid: unknown[]
}> {
  const invalid: unknown[] = []
  const middleware = sessions({ secret: SECRET, onInvalid: (reason) => invalid.push(reason), ...options })
  const session = await upgrade((req) => middleware.open(req), cookie, target)
  return { session, invalid }
}

describe('middleware.open(req)', () => {
  it('reads the session of a handshake', async () => {
    const cookie = sealed({ user: 'ann', cart: { items: [1, 2] } }, { at: START })
    const { session } = await open({ cookie, now: () => START + 5 })
    expect({ ...session }).toEqual({ user: 'ann', cart: { items: [1, 2] } })
    expect([session.isNew, session.isPopulated, session.createdAt]).toEqual([false, true, START])
  })

  it('is a new and empty one where no cookie came', async () => {
    for (const cookie of [undefined, 'other=1; my_node=2']) {
      const { session, invalid } = await open({ ...(cookie !== undefined && { cookie }), now: () => START })
      expect([{ ...session }, session.isNew, session.isPopulated, session.createdAt]).toEqual([{}, true, false, START])
      expect(invalid).toEqual([])
    }
  })

  it('is one as well for a bad cookie, which onInvalid hears of with the request', async () => {
    const told: unknown[] = []
    const middleware = sessions({ secret: SECRET, onInvalid: (...args) => told.push(...args) })
    const seen = await upgrade((req) => ({ req, session: middleware.open(req) }), sealed({}, { secret: OLD_SECRET }))
    expect([{ ...seen.session }, seen.session.isNew]).toEqual([{}, true])
    expect(told).toEqual(['unknown-key', seen.req])
    expect(told[1]).toBe(seen.req)
  })

  it('looks at sixteen candidates, and opens what older secrets sealed', async () => {
    const good = sealed({ user: 'ann' }, { secret: OLD_SECRET })
    const { session, invalid } = await open({
      cookie: `${'_node=x; '.repeat(15)}${good}`,
      secret: [SECRET, OLD_SECRET],
    })
    expect([session.user, invalid]).toEqual(['ann', []])
    const late = await open({ cookie: `${'_node=x; '.repeat(16)}${good}`, secret: [SECRET, OLD_SECRET] })
    expect([late.session.user, late.invalid]).toEqual([undefined, Array(16).fill('malformed')])
  })

  it('times out as on Connect', async () => {
    const now = createClock(START + DAY)
    expect((await open({ cookie: sealed({ user: 'ann' }, { at: START }), now })).invalid).toEqual(['expired'])
  })

  it('respects path, outside of which the cookie is not even looked at', async () => {
    for (const [target, user] of [
      ['/app', 'ann'],
      ['/app/x?y', 'ann'],
      ['/apple', undefined],
      ['/', undefined],
    ] as const) {
      const { session } = await open({ cookie: ann(), path: '/app', target })
      expect([target, session.user, session.isNew]).toEqual([target, user, user === undefined])
      expect((await open({ cookie: '_node=x', path: '/app', target })).invalid).toHaveLength(user === undefined ? 0 : 1)
    }
  })

  it('reads several sessions, each its own', async () => {
    const user = sessions({ secret: SECRET })
    const admin = sessions({ secret: SECRET, session_key: 'admin', property: 'admin' })
    const cookie = `${ann()}; ${sealed({ user: 'root' }, { name: 'admin' })}`
    const act = (req: IncomingMessage): unknown[] => [user, admin].map((one) => (one.open(req) as Anything).user)
    expect(await upgrade(act, cookie)).toEqual(['ann', 'root'])
  })

  it('reads what the request brought, whether or not the middleware has seen it', async () => {
    const middleware = sessions({ secret: SECRET })
    const before: unknown[] = []
    const site = await serve(
      routes({
        '/': (req) => {
          before.push((middleware.open(req as never) as Anything).user)
          req.session.user = 'bob'
          req.session.save()
          return [(middleware.open(req as never) as Anything).user, req.session.user]
        },
      }),
    )
    const answer = await site.get('/', { cookie: ann() })
    expect([before, JSON.parse(answer.body), answer.cookies.length]).toEqual([['ann'], ['ann', 'bob'], 1])
  })

  it('stands on a function that is the middleware still', async () => {
    const middleware: Middleware = sessions({ secret: SECRET })
    expect(middleware).toHaveLength(3)
    const handler: Handler = (req, res) => middleware(req as never, res, () => res.end(req.session.user))
    const site = await serve(handler)
    expect((await site.get('/', { cookie: ann() })).body).toBe('ann')
  })
})

describe('what it returns', () => {
  it('is frozen through and through: no change is lost in silence', async () => {
    const { session } = await open({ cookie: sealed({ user: 'ann', cart: { items: [{ n: 1 }] } }) })
    const changes: (() => unknown)[] = [
      () => Object.assign(session, { user: 'bob' }),
      () => Object.assign(session, { added: 1 }),
      () => Reflect.deleteProperty(session, 'user') || expect.unreachable(),
      () => session.cart.items.push(2),
      () => Object.assign(session.cart.items[0], { n: 2 }),
      () => Object.assign(session, { isNew: true }),
    ]
    for (const change of changes) expect(thrownBy(change)).toBeInstanceOf(Error)
    expect({ ...session }).toEqual({ user: 'ann', cart: { items: [{ n: 1 }] } })
  })

  it('has nothing that saves', async () => {
    const { session } = await open({ cookie: ann() })
    for (const name of ['save', 'regenerate', 'destroy', 'touch', 'reload', 'isChanged'])
      expect(name in session).toBe(false)
  })

  it('shows its data alone in keys, JSON and for-in', async () => {
    const { session } = await open({ cookie: ann() })
    const keys = []
    for (const key in session) keys.push(key)
    expect([keys, Object.keys(session), JSON.stringify(session)]).toEqual([['user'], ['user'], '{"user":"ann"}'])
  })

  it("holds a key '__proto__' as data", async () => {
    const { session } = await open({ cookie: sealed(JSON.parse('{"__proto__":{"admin":true}}')) })
    expect([session.admin, Object.keys(session)]).toEqual([undefined, ['__proto__']])
  })

  it('is typed to be read and nothing else', () => {
    const read = (session: ReadonlySession): void => {
      const known: [boolean, boolean, number] = [session.isNew, session.isPopulated, session.createdAt]
      // @ts-expect-error: it is not saved
      session.save()
      // @ts-expect-error: its state is read-only
      session.isNew = known[0]
      // @ts-expect-error: nothing was declared
      session.nothing
    }
    expect(read).toBeTypeOf('function')
  })
})
