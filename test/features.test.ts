/** The seams that optional capabilities plug into: who hears of a session's events, and what is awaited before the app runs. */
import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createMiddleware, platform } from '../src/connect.ts'
import type { Feature, SessionFacts } from '../src/contracts.ts'
import { checkSessionOptions } from '../src/options.ts'
import { createSite } from '../src/site.ts'
import {
  createClock,
  type Handler,
  SECRET,
  START,
  sealed,
  serveApp,
  app as serving,
  type TestRequest,
} from './helpers/server.ts'

type ConnectFeature = Feature<IncomingMessage>

/** The middleware with these features, and what one request to it gave. */
function mount(...features: ConnectFeature[]): Handler {
  const settings = checkSessionOptions<IncomingMessage>({
    secret: SECRET,
    now: createClock(START + 5),
    onError: () => {},
  })
  return createMiddleware(createSite(settings, platform, ...features)) as unknown as Handler
}

const ann = (): string => sealed({ user: 'ann' }, { at: START })

describe('a listener', () => {
  async function heard(act: (req: TestRequest) => unknown, cookie?: string): Promise<unknown[]> {
    const events: unknown[] = []
    const hear =
      (event: string) =>
      (about: unknown, req: IncomingMessage): unknown =>
        events.push([event, (about as SessionFacts).createdAt ?? (about as Error).message ?? about, req.url])
    const listener = {
      refused: hear('refused'),
      failed: hear('failed'),
      begun: hear('begun'),
      ended: hear('ended'),
      sealed: hear('sealed'),
    }
    const middleware = mount({ listener })
    const site = await serveApp(serving(middleware, (req, res) => [act(req), res.end()]))
    await site.get('/', { cookie })
    return events
  }

  it('hears of a new session when it first goes out, and of its token', async () => {
    expect(await heard((req) => (req.session.n = 1))).toEqual([
      ['begun', START + 5, '/'],
      ['sealed', START + 5, '/'],
    ])
  })

  it('hears of the token alone when a session goes on', async () => {
    expect(await heard((req) => (req.session.n = 1), ann())).toEqual([['sealed', START, '/']])
  })

  it('hears of the end of one session and the beginning of the next', async () => {
    const act = (req: TestRequest): void => {
      req.session.touch()
      req.session.regenerate()
      req.session.user = 'bob'
    }
    expect(await heard(act, ann())).toEqual([
      ['ended', START, '/'],
      ['begun', START + 5, '/'],
      ['sealed', START + 5, '/'],
    ])
  })

  it('hears of an end alone', async () => {
    expect(await heard((req) => req.session.destroy(), ann())).toEqual([['ended', START, '/']])
  })

  it('hears of nothing where nothing goes out', async () => {
    expect(await heard((req) => req.session.user, ann())).toEqual([])
    expect(await heard(() => {}, ann())).toEqual([])
    expect(await heard((req) => req.session.destroy())).toEqual([])
  })

  it('hears of a refused token, and of a session that could not be saved', async () => {
    const events = await heard((req) => (req.session.n = 1n), `${ann()}A`)
    expect(events).toEqual([
      ['refused', 'malformed', '/'],
      ['failed', expect.stringContaining('GET /: the session was not saved: '), '/'],
    ])
  })

  it('that throws, or rejects, ends nothing: the failure is reported', async () => {
    const told: unknown[] = []
    const middleware = mount({
      listener: {
        failed: (error) => told.push((error as Error).message),
        begun() {
          throw new Error('thrown')
        },
        sealed: () => Promise.reject(new Error('rejected')),
      },
    })
    const change: Handler = (req, res) => {
      req.session.n = 1
      res.end()
    }
    const site = await serveApp(serving(middleware, change))
    const { status, cookies } = await site.get()
    expect([status, cookies.length, told]).toEqual([200, 1, ['thrown', 'rejected']])
  })
})

describe('a gate', () => {
  it('is awaited before the app runs, each once for a request', async () => {
    const steps: string[] = []
    const gate =
      (name: string) =>
      async (req: IncomingMessage): Promise<void> => {
        await Promise.resolve()
        steps.push(`${name} ${req.url}`)
      }
    const handler: Handler = (req, res) => {
      steps.push('app')
      res.end(req.session.user)
    }
    const site = await serveApp(serving(mount({ gate: gate('one') }, { gate: gate('two') }), handler))
    expect((await site.get('/a', { cookie: ann() })).body).toBe('ann')
    expect(steps).toEqual(['one /a', 'two /a', 'app'])
  })

  it('that has nothing to wait for makes nothing asynchronous', () => {
    for (const middleware of [mount(), mount({ gate: () => undefined })]) {
      let isNext = false
      middleware({ headers: {}, url: '/' } as TestRequest, { writeHead() {} } as never, () => {
        isNext = true
      })
      expect(isNext).toBe(true)
    }
  })

  it('that rejects passes its reason to next', async () => {
    const refuse = Object.assign(new Error('stale'), { status: 503 })
    const site = await serveApp(serving(mount({ gate: () => Promise.reject(refuse) }), (_, res) => res.end('app')))
    expect((await site.get()).body).toBe('Error  stale')
  })
})
