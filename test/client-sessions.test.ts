/**
 * The checklist of the suite of `client-sessions`, a sibling: each point as it is here, the same or another on purpose, and then the
 * title says so. After it, that module's defects, each with the proof that they are not here.
 */
import { describe, expect, it } from 'vitest'
import sessions, { createCodec } from '../src/index.ts'
import {
  app,
  Browser,
  createClock,
  DAY,
  mount,
  names,
  opened,
  routes,
  SECRET,
  START,
  sealed,
  serve,
  serveApp,
  type TestRequest,
  visit,
} from './helpers/server.ts'

const write = (req: TestRequest): void => {
  req.session.foo = 'bar'
}
const read = (req: TestRequest): unknown => ({ ...req.session })
const pair = (answer: { cookies: string[] }): string | undefined => answer.cookies[0]?.split(';')[0]

describe('the session object', () => {
  it('is an object that values are set on and got from', async () => {
    const { value } = await visit((req) => {
      write(req)
      return [typeof req.session, req.session.foo]
    })
    expect(value).toEqual(['object', 'bar'])
  })

  it('shows the keys of the app alone', async () => {
    const { value } = await visit((req) => {
      write(req)
      return [Object.keys(req.session), typeof req.session.destroy, typeof req.session.regenerate]
    })
    expect(value).toEqual([['foo'], 'function', 'function'])
  })

  it('is emptied by regenerate(), the counterpart of reset()', async () => {
    const { value } = await visit((req) => {
      write(req)
      req.session.regenerate()
      return read(req)
    })
    expect(value).toEqual({})
  })

  it('keeps what is taken over from the old one, as reset([keys]) did', async () => {
    const answer = await visit((req) => {
      Object.assign(req.session, { foo: 'bar', bar: 'foo' })
      const old = req.session
      old.regenerate()
      req.session.foo = old.foo
    })
    expect(opened(answer)).toEqual({ foo: 'bar' })
  })

  it('is replaced by an object that is assigned, and keeps its methods', async () => {
    const answer = await visit((req) => {
      write(req)
      req.session = { blah: 'bar' }
      req.session.save()
      return read(req)
    })
    expect([answer.value, opened(answer)]).toEqual([{ blah: 'bar' }, { blah: 'bar' }])
  })

  it('is not replaced by a string: TypeError', async () => {
    const { value } = await visit((req) => {
      expect(() => (req.session = 'blah')).toThrow(TypeError)
      return read(req)
    })
    expect(value).toEqual({})
  })
})

describe('one request', () => {
  it('gets one Set-Cookie, with a lifetime, a path and HttpOnly', async () => {
    const { cookies } = await visit(write, { now: createClock() })
    expect(cookies).toHaveLength(1)
    expect(cookies[0]).toMatch(/; Max-Age=86400; Path=\/; Expires=Fri, 02 Jan 2026 00:00:00 GMT; HttpOnly/)
  })

  it('gets one, however often it writes and resets', async () => {
    const answer = await visit((req) => {
      write(req)
      req.session.regenerate()
      write(req)
      req.session.regenerate()
      req.session.last = true
    })
    expect(answer.cookies).toHaveLength(1)
    expect(opened(answer)).toEqual({ last: true })
  })

  it('that only reads a session gets none', async () => {
    expect((await visit(read, { cookie: sealed({ foo: 'bar' }) })).cookies).toEqual([])
  })

  it('that reads where there is none gets none, and a missing key is undefined', async () => {
    const { value, cookies } = await visit((req) => req.session.foo === undefined)
    expect([value, cookies]).toEqual([true, []])
  })
})

describe('several requests', () => {
  const flow = async (table: Parameters<typeof routes>[0], paths: string[]): Promise<string[]> => {
    const browser = new Browser(await serve(routes(table)))
    const bodies = []
    for (const path of paths) bodies.push((await browser.get(path)).body)
    return bodies
  }

  it('share scalars and lists', async () => {
    const set = (req: TestRequest): void => {
      Object.assign(req.session, { foo: 'bar', list: ['a', 1] })
    }
    expect(await flow({ '/set': set, '/get': read }, ['/set', '/get'])).toEqual([
      'null',
      '{"foo":"bar","list":["a",1]}',
    ])
  })

  it('share nothing after a reset', async () => {
    const reset = (req: TestRequest): void => req.session.regenerate()
    expect(await flow({ '/set': write, '/reset': reset, '/get': read }, ['/set', '/reset', '/get'])).toEqual([
      'null',
      'null',
      '{}',
    ])
  })

  it('share the deletion of a key', async () => {
    const set = (req: TestRequest): void => {
      Object.assign(req.session, { foo: 'bar', bar: 1 })
    }
    const remove = (req: TestRequest): boolean => delete req.session.bar
    const bodies = await flow({ '/set': set, '/delete': remove, '/get': read }, ['/set', '/delete', '/get'])
    expect(bodies[2]).toBe('{"foo":"bar"}')
  })

  it('share a change deep in an object', async () => {
    const set = (req: TestRequest): void => {
      req.session.foo = { bar: { n: 1 } }
    }
    const change = (req: TestRequest): number => req.session.foo.bar.n++
    const bodies = await flow({ '/set': set, '/change': change, '/get': read }, ['/set', '/change', '/get'])
    expect(bodies[2]).toBe('{"foo":{"bar":{"n":2}}}')
  })
})

describe('the duration', () => {
  it('of 500 ms: there at 200, gone at 800; a change at 200 loses nothing', async () => {
    const now = createClock()
    const options = { timeout: 500, now, rolling: false }
    const cookie = pair(await visit(write, options))
    now.time = START + 200
    expect((await visit(read, { ...options, cookie })).value).toEqual({ foo: 'bar' })
    const changed = await visit((req) => (req.session.more = 1), { ...options, cookie })
    expect(opened(changed, { at: now.time })).toEqual({ foo: 'bar', more: 1 })
    now.time = START + 800
    expect((await visit(read, { ...options, cookie })).value).toEqual({})
  })

  it('is idle time: a change extends it (there it did not, without activeDuration); absoluteTimeout caps it', async () => {
    const now = createClock()
    const outlast = async (options: object): Promise<unknown> => {
      now.time = START
      let cookie = pair(await visit(write, { timeout: 500, now, ...options }))
      for (let i = 0; i < 2; i++) {
        now.time += 300
        cookie = pair(await visit((req) => (req.session.n = i), { timeout: 500, now, ...options, cookie }))
      }
      return (await visit(read, { timeout: 500, now, ...options, cookie })).value
    }
    expect(await outlast({})).toEqual({ foo: 'bar', n: 1 })
    expect(await outlast({ absoluteTimeout: 600 })).toEqual({ n: 1 })
  })

  it('is extended by mere use when it has run for a while (activeDuration: here rolling), then ends', async () => {
    const now = createClock()
    const options = { timeout: 500, rolling: 200, now }
    const first = pair(await visit(write, options))
    now.time = START + 100
    expect((await visit(read, { ...options, cookie: first })).cookies).toEqual([])
    now.time = START + 400
    const second = pair(await visit(read, { ...options, cookie: first }))
    now.time = START + 800
    expect((await visit(read, { ...options, cookie: second })).value).toEqual({ foo: 'bar' })
    now.time = START + 900
    expect((await visit(read, { ...options, cookie: second })).value).toEqual({})
  })

  it('is told to the browser', async () => {
    expect((await visit(write, { timeout: 5_000 })).cookies[0]).toContain('; Max-Age=5;')
  })

  it('begins anew with regenerate() (setDuration, which changes it for one session, does not exist)', async () => {
    const now = createClock()
    const { value } = await visit(
      (req) => {
        req.session.regenerate()
        return [req.session.createdAt, req.session.setDuration]
      },
      { cookie: sealed({ foo: 'bar' }, { at: START - 9 }), now },
    )
    expect(value).toEqual([START, undefined])
  })

  it('of a browser-session cookie (ephemeral: here persistent: false) is not told to the browser', async () => {
    expect((await visit(write, { persistent: false })).cookies[0]).not.toMatch(/Max-Age|Expires/)
    expect((await visit(write, { persistent: true })).cookies[0]).toMatch(/Max-Age/)
  })
})

describe('the cookie', () => {
  it('that is Secure over plain HTTP makes no 500 (there it did): the browser drops it, the app works', async () => {
    const answer = await visit(write, { secure: true })
    expect([answer.status, names(answer)]).toEqual([200, ['_node=*']])
  })

  it('behind a proxy with TLS is Secure with trustProxy', async () => {
    const { cookies } = await visit(write, { trustProxy: true, headers: { 'X-Forwarded-Proto': 'https' } })
    expect(cookies[0]).toMatch(/; Secure/)
  })

  it('has SameSite=Lax', async () => {
    expect((await visit(write)).cookies[0]).toMatch(/; SameSite=Lax$/)
    expect((await visit(write, { sameSite: 'none' })).cookies[0]).toMatch(/; SameSite=None$/)
  })
})

describe('util.encode and util.decode: here createCodec', () => {
  const now = createClock()
  const codec = createCodec({ secret: SECRET, name: 'session', now })

  it('makes one string without dots and gives back the object and its times', () => {
    const token = codec.seal({ foo: 'bar' }, START - 5)
    expect(token).toMatch(/^[\w-]+$/)
    expect(codec.open(token)).toEqual({
      ok: true,
      data: { foo: 'bar' },
      createdAt: START - 5,
      issuedAt: START,
      keyIndex: 0,
    })
  })

  it.each([
    ['a tampered tag', (token: string) => token.slice(0, -3) + (token.endsWith('AAA') ? 'BBA' : 'AAA')],
    ['a part less', (token: string) => token.slice(0, -43)],
    ['bad base64', (token: string) => `${token.slice(0, -1)}%`],
  ])('does not open %s', (_, spoil) => {
    expect(codec.open(spoil(codec.seal({ foo: 'bar' }))).ok).toBe(false)
  })

  it('looks at the expiry (there decode did not)', () => {
    const token = codec.seal({ foo: 'bar' })
    const later = createCodec({ secret: SECRET, name: 'session', now: () => START + DAY })
    expect(later.open(token)).toEqual({ ok: false, reason: 'expired' })
  })
})

describe('two middlewares', () => {
  it('on one request are independent, and stand where property says', async () => {
    const site = await serveApp(
      app(
        mount({ session_key: 'first', property: 'session' }),
        mount({ session_key: 'second', property: 'admin' }),
        (req, res) => {
          req.session.foo = 'bar'
          req.admin.bar = 'foo'
          res.end(JSON.stringify([req.session, req.admin, 'first' in req, 'second' in req]))
        },
      ),
    )
    const answer = await site.get()
    expect(answer.body).toBe('[{"foo":"bar"},{"bar":"foo"},false,false]')
    expect(names(answer).sort()).toEqual(['first=*', 'second=*'])
  })

  it('of one secret do not take the cookie of the other', async () => {
    const cookie = sealed({ foo: 'bar' }, { name: 'first' }).replace('first=', '_node=')
    expect((await visit(read, { cookie })).value).toEqual({})
  })

  it('can be made of one object of options, which is not written to', () => {
    const options = Object.freeze({ secret: SECRET })
    expect(() => [sessions(options), sessions(options)]).not.toThrow()
    expect(Object.keys(options)).toEqual(['secret'])
  })
})

describe('its defects are not here', () => {
  it('an assignment as the first operation is not lost to what the cookie held', async () => {
    const answer = await visit((req) => (req.session = { b: 2 }), { cookie: sealed({ a: 1 }) })
    expect(opened(answer)).toEqual({ b: 2 })
  })

  it('a bad or expired cookie does not bring a new one with each response', async () => {
    for (const cookie of ['_node=junk', sealed({ a: 1 }, { at: Date.now() - DAY })]) {
      expect((await visit(read, { cookie })).cookies).toEqual([])
    }
  })

  it('expired and invalid are told apart', async () => {
    const { invalid } = await visit(read, { cookie: `_node=junk; ${sealed({ a: 1 }, { at: Date.now() - DAY })}` })
    expect(invalid).toEqual(['expired', 'malformed'])
  })

  it('null ends the session in place of throwing, and the cookie goes', async () => {
    expect(names(await visit((req) => (req.session = null), { cookie: sealed({ a: 1 }) }))).toEqual(['_node='])
  })

  it('one request changes nothing for the next', async () => {
    const site = await serve(
      routes({
        '/odd': (req) => {
          write(req)
          req.session.touch()
          req.session.regenerate()
          req.session.n = 1
        },
        '/': write,
      }),
    )
    const strip = (lines: string[]): string[] => lines.map((line) => line.replace(/=[\w-]+/, ''))
    const before = strip((await site.get()).cookies)
    await site.get('/odd')
    expect(strip((await site.get()).cookies)).toEqual(before)
  })

  it('writeHead with a Set-Cookie does not drop the session', async () => {
    const answer = await visit((req, res) => {
      write(req)
      res.writeHead(200, { 'Set-Cookie': 'a=1' }).end()
    })
    expect(names(answer)).toEqual(['a=1', '_node=*'])
  })

  it('an oversize session is an error, not a cookie that the browser drops', async () => {
    const { status, cookies } = await visit((req) => (req.session.text = 'x'.repeat(5_000)))
    expect([status, cookies]).toEqual([500, []])
  })

  it('circular data are not thrown from within end()', async () => {
    const { value, status } = await visit((req, res) => {
      req.session.self = req.session
      res.end()
      return 'end returned'
    })
    expect([value, status]).toEqual(['end returned', 500])
  })

  it.each([0, null, '', false])('a timeout of %j is refused, not taken for the default', (timeout) => {
    expect(() => sessions({ secret: SECRET, timeout: timeout as never })).toThrow(/^cookie-sessions: timeout must be/)
  })

  it('a name with "=" is refused at once', () => {
    expect(() => sessions({ secret: SECRET, session_key: 'a=b' })).toThrow(/^cookie-sessions: session_key must be/)
  })

  it('created-at never lies in the future', async () => {
    const now = createClock()
    const options = { timeout: 500, rolling: 100, now }
    const first = pair(await visit(write, options))
    now.time += 400
    const second = await visit((req) => req.session.createdAt, { ...options, cookie: first })
    const { value } = await visit((req) => req.session.createdAt, { ...options, cookie: pair(second) })
    expect([second.value, value]).toEqual([START, START])
  })

  it('a token has one spelling: nothing is trimmed, skipped or parsed leniently', async () => {
    const cookie = sealed({ foo: 'bar' })
    for (const other of [`${cookie}=`, `${cookie}.`, cookie.replace('=', '=+'), cookie.replace('=', '= ')]) {
      expect([other, (await visit(read, { cookie: other })).value]).toEqual([other, {}])
    }
  })
})
