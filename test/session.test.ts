/** `req.session`: what it is, what may be done with it, and what then becomes of the cookie. */
import { inspect } from 'node:util'
import vm from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCodec, createTextCodec } from '../src/codec/codec.ts'
import { checkCodecOptions } from '../src/codec/options.ts'
import { SessionError } from '../src/errors.ts'
import {
  Browser,
  createClock,
  names,
  opened,
  routes,
  SECRET,
  START,
  sealed,
  serve,
  type TestRequest,
  visit,
} from './helpers/server.ts'

/** What an action throws. */
function thrown(action: () => unknown): { name: string; code?: string; message: string } | undefined {
  try {
    action()
  } catch (error) {
    return error as Error & { code?: string }
  }
  return undefined
}

const REMOVED = ['_node=']
const SET = ['_node=*']
const ann = (): string => sealed({ user: 'ann' })

describe('a session that nobody touches', () => {
  it('costs no look at the request and no header', async () => {
    const { invalid, errors, headers, cookies } = await visit(
      (req) => {
        Object.defineProperty(req, 'headers', {
          get() {
            throw new Error('looked at')
          },
        })
      },
      { cookie: '_node=junk' },
    )
    expect({ invalid, errors, cookies }).toEqual({ invalid: [], errors: [], cookies: [] })
    expect(headers).not.toHaveProperty('vary')
    expect(headers).not.toHaveProperty('cache-control')
  })

  it('is not touched by what copies or prints the request', async () => {
    const { invalid, cookies } = await visit(
      (req) => {
        const copies = [{ ...req }, Object.assign({}, req), Object.keys(req), inspect(req, { depth: 1 })]
        expect(copies).toHaveLength(4)
      },
      { cookie: '_node=junk' },
    )
    expect([invalid, cookies]).toEqual([[], []])
  })
})

describe('a new session', () => {
  it('is an empty object, and leaves no cookie', async () => {
    const { value, cookies } = await visit(({ session }) => ({
      keys: Object.keys(session),
      text: JSON.stringify(session),
      state: [session.isNew, session.isChanged, session.isPopulated],
      missing: session.missing,
    }))
    expect(value).toEqual({ keys: [], text: '{}', state: [true, false, false], missing: undefined })
    expect(cookies).toEqual([])
  })

  it('is the same object on each access', async () => {
    const { value } = await visit((req) => {
      const first = req.session
      return req.session === first
    })
    expect(value).toBe(true)
  })

  it('begins now', async () => {
    expect((await visit((req) => req.session.createdAt, { now: () => START + 0.9 })).value).toBe(START)
  })

  it('is kept once it holds something', async () => {
    const answer = await visit((req) => {
      req.session.user = 'ann'
      return [req.session.isNew, req.session.isChanged, req.session.isPopulated]
    })
    expect(answer.value).toEqual([true, true, true])
    expect(opened(answer)).toEqual({ user: 'ann' })
  })

  it('is not kept when it is emptied again', async () => {
    const { cookies } = await visit((req) => {
      req.session.user = 'ann'
      delete req.session.user
    })
    expect(cookies).toEqual([])
  })

  it('is not kept for undefined, functions and symbols, which JSON has not', async () => {
    const { cookies } = await visit((req) => {
      Object.assign(req.session, { a: undefined, b() {}, [Symbol('c')]: 1 })
    })
    expect(cookies).toEqual([])
  })
})

describe('a session that came with a cookie', () => {
  it('holds what it held, and leaves no cookie when it is only read', async () => {
    const now = createClock()
    const cookie = sealed({ user: 'ann', list: [1] }, { at: START - 5, createdAt: START - 9 })
    const { value, cookies } = await visit(
      ({ session }) => [session.isNew, session.isChanged, session.isPopulated, session.createdAt, { ...session }],
      { cookie, now },
    )
    expect(value).toEqual([false, false, true, START - 9, { user: 'ann', list: [1] }])
    expect(cookies).toEqual([])
  })

  it.each<[string, (session: TestRequest['session']) => unknown, unknown]>([
    ['a key that is added', (session) => Object.assign(session, { b: 2 }), { user: 'ann', list: [{ n: 1 }], b: 2 }],
    ['a key that is changed', (session) => Object.assign(session, { user: 'bob' }), { user: 'bob', list: [{ n: 1 }] }],
    ['a key that is deleted', (session) => delete session.user, { list: [{ n: 1 }] }],
    ['a nested change', (session) => session.list[0].n++, { user: 'ann', list: [{ n: 2 }] }],
    ['a list that grows', (session) => session.list.push(2), { user: 'ann', list: [{ n: 1 }, 2] }],
    [
      'all keys deleted',
      (session) => {
        for (const key of Object.keys(session)) delete session[key]
      },
      {},
    ],
  ])('is kept with %s', async (_, change, data) => {
    const answer = await visit(
      (req) => {
        change(req.session)
        return req.session.isChanged
      },
      { cookie: sealed({ user: 'ann', list: [{ n: 1 }] }) },
    )
    expect(answer.value).toBe(true)
    expect(opened(answer)).toEqual(data)
  })

  it('is not written for a change that is taken back', async () => {
    const { cookies } = await visit(
      (req) => {
        req.session.user = 'bob'
        req.session.user = 'ann'
      },
      { cookie: ann() },
    )
    expect(cookies).toEqual([])
  })

  it('keeps created-at when it is written', async () => {
    const now = createClock(START + 1_000)
    const answer = await visit(
      (req) => {
        req.session.user = 'bob'
      },
      { cookie: sealed({ user: 'ann' }, { at: START }), now },
    )
    const again = await visit((req) => req.session.createdAt, { cookie: answer.cookies[0]?.split(';')[0], now })
    expect(again.value).toBe(START)
  })
})

describe('assigning to req.session', () => {
  it('replaces the data', async () => {
    const answer = await visit(
      (req) => {
        const before = req.session
        req.session = { b: 2 }
        return [before.user, req.session.b, req.session.user, req.session.isNew, req.session.isChanged]
      },
      { cookie: ann() },
    )
    expect(answer.value).toEqual(['ann', 2, undefined, false, true])
    expect(opened(answer)).toEqual({ b: 2 })
  })

  it('works as the first operation, and keeps created-at', async () => {
    const now = createClock()
    const answer = await visit(
      (req) => {
        req.session = { b: 2 }
        return [req.session.createdAt, req.session.b, req.session.user]
      },
      { cookie: sealed({ user: 'ann' }, { at: START - 5 }), now },
    )
    expect(answer.value).toEqual([START - 5, 2, undefined])
    expect(opened(answer, { at: START })).toEqual({ b: 2 })
  })

  it('takes a copy of the data, and leaves the object as it was', async () => {
    const own = { n: 1 }
    const answer = await visit((req) => {
      req.session = own
      req.session.n = 2
      return [req.session === own, Object.getPrototypeOf(own) === Object.prototype]
    })
    expect(answer.value).toEqual([false, true])
    expect(own).toEqual({ n: 1 })
    expect(opened(answer)).toEqual({ n: 2 })
  })

  it('of the session itself changes nothing', async () => {
    const { value, cookies } = await visit(
      (req) => {
        const before = req.session
        req.session = before
        return req.session === before
      },
      { cookie: ann() },
    )
    expect([value, cookies]).toEqual([true, []])
  })

  it('of the same data writes nothing', async () => {
    const { cookies } = await visit(
      (req) => {
        req.session = { user: 'ann' }
      },
      { cookie: ann() },
    )
    expect(cookies).toEqual([])
  })

  it('of itself changes nothing', async () => {
    const { value, cookies } = await visit(
      (req) => {
        const { session } = req
        req.session = session
        return req.session === session
      },
      { cookie: ann() },
    )
    expect([value, cookies]).toEqual([true, []])
  })

  it('of an empty object empties a session that came with a cookie', async () => {
    const answer = await visit(
      (req) => {
        req.session = {}
      },
      { cookie: ann() },
    )
    expect(opened(answer)).toEqual({})
  })

  it.each<[string, () => object]>([
    ['a frozen object', () => Object.freeze({ n: 1 })],
    ['a sealed object', () => Object.seal({ n: 1 })],
    ['an object that cannot grow', () => Object.preventExtensions({ n: 1 })],
    ['an object without a prototype', () => Object.assign(Object.create(null), { n: 1 })],
    ['an object of another realm', () => vm.runInNewContext('({ n: 1 })')],
  ])('takes %s', async (_, make) => {
    const answer = await visit((req) => {
      req.session = make()
      req.session.more = 2
      return [req.session.n, req.session.isNew]
    })
    expect(answer.value).toEqual([1, true])
    expect(opened(answer)).toEqual({ n: 1, more: 2 })
  })

  it.each<[string, unknown, string]>([
    ['a string', 'ann', '"ann"'],
    ['an empty string', '', '""'],
    ['a number', 5, '5'],
    ['zero', 0, '0'],
    ['true', true, 'true'],
    ['false', false, 'false'],
    ['a function', () => {}, 'a function'],
    ['a symbol', Symbol('a'), 'Symbol(a)'],
    ['a BigInt', 5n, '5n'],
    ['a list', [1], 'an object (Array)'],
    ['a date', new Date(0), 'an object (Date)'],
    ['a map', new Map(), 'an object (Map)'],
    ['an instance of a class', new (class User {})(), 'an object (User)'],
    ['an object that inherits from another', Object.create({ n: 1 }), 'an object (Object)'],
  ])('refuses %s, and keeps what was there', async (_, value, shown) => {
    const answer = await visit((req) => thrown(() => (req.session = value)), { cookie: ann() })
    expect(answer.value).toBeInstanceOf(TypeError)
    expect(answer.value.message).toBe(
      `cookie-sessions: a session must be a plain object, or null to end it, got ${shown}`,
    )
    expect([answer.status, answer.cookies, answer.errors]).toEqual([200, [], []])
  })

  it('of one constant for all clients shows none of them the data of another', async () => {
    const guest = { role: 'guest' }
    const seen: unknown[] = []
    const site = await serve((req, res) => {
      req.session = guest
      seen.push({ ...req.session })
      req.session.user = 'ann'
      res.end()
    })
    await site.get()
    await site.get()
    expect(seen).toEqual([{ role: 'guest' }, { role: 'guest' }])
  })
})

describe.each<[string, (req: TestRequest) => void, unknown]>([
  ['req.session = null', (req) => (req.session = null), null],
  ['req.session = undefined', (req) => (req.session = undefined), null],
  ['delete req.session', (req) => delete req.session, undefined],
  ['req.session.destroy()', (req) => req.session.destroy(), null],
])('%s', (_, end, after) => {
  it('ends the session, takes the cookie away and leaves nothing to read', async () => {
    const { value, cookies } = await visit(
      (req) => {
        end(req)
        return req.session
      },
      { cookie: ann() },
    )
    expect(value).toBe(after)
    expect(cookies).toEqual([
      '_node=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax',
    ])
  })

  it('ends it after it was read and changed', async () => {
    const answer = await visit(
      (req) => {
        req.session.user = 'bob'
        end(req)
      },
      { cookie: ann() },
    )
    expect(names(answer)).toEqual(REMOVED)
  })

  it('sends no cookie where none came', async () => {
    expect((await visit(end)).cookies).toEqual([])
    expect((await visit(end, { cookie: 'other=1; my_node=2' })).cookies).toEqual([])
  })

  it('takes a bad cookie away, too', async () => {
    expect(names(await visit(end, { cookie: '_node=junk' }))).toEqual(REMOVED)
  })

  it('can be done twice', async () => {
    const answer = await visit(
      (req) => {
        end(req)
        if (after === null) req.session = null
        else delete req.session
      },
      { cookie: ann() },
    )
    expect(names(answer)).toEqual(REMOVED)
  })

  it('makes room for a new session, which begins now', async () => {
    const now = createClock()
    const answer = await visit(
      (req) => {
        end(req)
        req.session = { n: 1 }
        return req.session.n
      },
      { cookie: sealed({ user: 'ann' }, { at: START - 5 }), now },
    )
    expect(answer.value).toBe(1)
    expect(opened(answer, { at: START })).toEqual({ n: 1 })
    const again = await visit((req) => req.session.createdAt, { cookie: answer.cookies[0]?.split(';')[0], now })
    expect(again.value).toBe(START)
  })

  it('with an empty object after it still takes the cookie away', async () => {
    const answer = await visit(
      (req) => {
        end(req)
        req.session = {}
      },
      { cookie: ann() },
    )
    expect(names(answer)).toEqual(REMOVED)
  })

  it('with null after it still takes the cookie away', async () => {
    const answer = await visit(
      (req) => {
        end(req)
        req.session = null
      },
      { cookie: ann() },
    )
    expect(names(answer)).toEqual(REMOVED)
  })
})

describe('regenerate()', () => {
  it('puts a new, empty session in its place and leaves the old one readable', async () => {
    const now = createClock()
    const { value } = await visit(
      (req) => {
        const old = req.session
        old.regenerate()
        const { session } = req
        return [session !== old, { ...session }, { ...old }, session.isNew, session.createdAt]
      },
      { cookie: sealed({ user: 'ann' }, { at: START - 5 }), now },
    )
    expect(value).toEqual([true, {}, { user: 'ann' }, true, START])
  })

  it('takes the cookie away when the new session stays empty', async () => {
    const answer = await visit((req) => req.session.regenerate(), { cookie: ann() })
    expect(names(answer)).toEqual(REMOVED)
    expect((await visit((req) => req.session.regenerate())).cookies).toEqual([])
  })

  it('seals the new session, though its data be the same, with a new beginning', async () => {
    const now = createClock()
    const answer = await visit(
      (req) => {
        req.session.regenerate()
        req.session.user = 'ann'
      },
      { cookie: sealed({ user: 'ann' }, { at: START - 5 }), now },
    )
    expect(names(answer)).toEqual(SET)
    const again = await visit((req) => req.session.createdAt, { cookie: answer.cookies[0]?.split(';')[0], now })
    expect(again.value).toBe(START)
  })

  it('keeps nothing of what is done to the old session', async () => {
    const answer = await visit(
      (req) => {
        const old = req.session
        old.regenerate()
        req.session.n = 1
        old.n = 2
      },
      { cookie: ann() },
    )
    expect(opened(answer)).toEqual({ n: 1 })
  })
})

describe('touch()', () => {
  it('issues an unchanged session anew', async () => {
    const now = createClock(START + 7)
    const answer = await visit((req) => req.session.touch(), { cookie: sealed({ user: 'ann' }, { at: START }), now })
    expect(opened(answer, { at: START + 7 })).toEqual({ user: 'ann' })
  })

  it('leaves a new and empty session without a cookie', async () => {
    expect((await visit((req) => req.session.touch())).cookies).toEqual([])
  })

  it('does so on a 304 and a public response, for the app said so', async () => {
    const answer = await visit(
      (req, res) => {
        req.session.touch()
        res.writeHead(304, { 'Cache-Control': 'public' }).end()
      },
      { cookie: ann() },
    )
    expect(names(answer)).toEqual(SET)
  })
})

describe('reload()', () => {
  it('forgets what was changed', async () => {
    const { value, cookies } = await visit(
      (req) => {
        const old = req.session
        old.user = 'bob'
        old.touch()
        old.reload()
        return [req.session.user, old.user, req.session.isNew, req.session.isChanged]
      },
      { cookie: ann() },
    )
    expect([value, cookies]).toEqual([['ann', 'bob', false, false], []])
  })

  it('brings back what was ended or regenerated', async () => {
    for (const end of ['destroy', 'regenerate']) {
      const { value, cookies } = await visit(
        (req) => {
          const old = req.session
          old[end]()
          old.reload()
          return req.session.user
        },
        { cookie: ann() },
      )
      expect([end, value, cookies]).toEqual([end, 'ann', []])
    }
  })

  it('leaves a bad cookie alone again', async () => {
    const { cookies } = await visit(
      (req) => {
        const old = req.session
        old.destroy()
        old.reload()
      },
      { cookie: '_node=junk' },
    )
    expect(cookies).toEqual([])
  })

  it('makes an empty session where no cookie came', async () => {
    const { value } = await visit((req) => {
      req.session.n = 1
      req.session.reload()
      return [req.session.n, req.session.isNew]
    })
    expect(value).toEqual([undefined, true])
  })

  it('brings back the beginning of what it brings back, also for what was saved in between', async () => {
    const now = createClock(START + 9)
    const answer = await visit(
      (req) => {
        const old = req.session
        old.regenerate()
        req.session.user = 'bob'
        req.session.save()
        req.session.reload()
        req.session.user = 'bob'
      },
      { cookie: sealed({ user: 'ann' }, { at: START }), now },
    )
    const again = await visit((req) => req.session.createdAt, { cookie: answer.cookies[0]?.split(';')[0], now })
    expect(again.value).toBe(START)
  })
})

describe('save()', () => {
  it('seals now what goes out later', async () => {
    const now = createClock()
    const answer = await visit(
      (req) => {
        req.session.user = 'ann'
        req.session.save()
        now.time = START + 5
      },
      { now },
    )
    const token = answer.cookies[0]?.slice('_node='.length).split(';')[0] as string
    const codec = createCodec({ secret: SECRET, name: '_node', now })
    expect(codec.open(token)).toMatchObject({ ok: true, data: { user: 'ann' }, issuedAt: START })
  })

  it('is not the last word: what changes after it is kept as well', async () => {
    const answer = await visit((req) => {
      req.session.user = 'ann'
      req.session.save()
      req.session.user = 'bob'
    })
    expect(opened(answer)).toEqual({ user: 'bob' })
  })

  it('can be called any number of times, on any session', async () => {
    const { cookies } = await visit(
      (req) => {
        req.session.save()
        req.session.save()
        const old = req.session
        old.destroy()
        old.save()
        old.reload()
      },
      { cookie: ann() },
    )
    expect(cookies).toEqual([])
    expect((await visit((req) => req.session.save())).cookies).toEqual([])
  })

  it.each<[string, string, (req: TestRequest) => unknown, RegExp]>([
    ['too-large', 'a long string', (req) => (req.session.text = 'x'.repeat(4_000)), /takes 54\d\d bytes .* holds 4090/],
    ['too-large', 'a longer one', (req) => (req.session.text = 'x'.repeat(20_000)), /takes more than 2\d{4} bytes/],
    [
      'unserializable',
      'a cycle',
      (req) => (req.session.self = req.session),
      /written as JSON: self refers back to the data itself, a cycle$/,
    ],
    ['unserializable', 'a BigInt', (req) => (req.session.n = 1n), /written as JSON: n is a BigInt$/],
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
      /written as JSON: the toJSON\(\) of a threw: not me$/,
    ],
    [
      'unserializable',
      'a toJSON that throws no error',
      (req) => {
        req.session.a = {
          toJSON() {
            throw 'string'
          },
        }
      },
      /written as JSON: the toJSON\(\) of a threw: string$/,
    ],
    [
      'unserializable',
      'a getter that throws',
      (req) => {
        Object.defineProperty(req.session, 'a', {
          enumerable: true,
          get() {
            throw new Error('not me')
          },
        })
      },
      /written as JSON: not me$/,
    ],
    [
      'unserializable',
      'a session whose toJSON returns no object',
      (req) => (req.session.toJSON = () => [1]),
      /toJSON\(\) makes what would be refused when it comes back/,
    ],
    [
      'unserializable',
      'a session whose toJSON returns a reserved name',
      (req) => (req.session.toJSON = () => ({ save: 1 })),
      /toJSON\(\) makes what would be refused when it comes back/,
    ],
    [
      'unserializable',
      'a session whose toJSON returns nothing',
      (req) => (req.session.toJSON = () => undefined),
      /cannot be written as JSON/,
    ],
    [
      'reserved-name',
      'a key called save',
      (req) => Object.defineProperty(req.session, 'save', { value: 1, enumerable: true }),
      /^cookie-sessions: 'save' is a name of the session's own/,
    ],
  ])('throws %s for %s', async (code, _, spoil, message) => {
    const { value, status, cookies, errors } = await visit(
      (req) => {
        const old = req.session
        spoil(req)
        const error = thrown(() => old.constructor && Object.getPrototypeOf(old).save.call(old))
        req.session = { user: 'ann' }
        return error
      },
      { cookie: ann() },
    )
    expect(value).toBeInstanceOf(SessionError)
    expect([value.name, value.code]).toEqual(['SessionError', code])
    expect(value.message).toMatch(message)
    // What the app does about it counts: the response is a good one.
    expect([status, cookies, errors]).toEqual([200, [], []])
  })

  it('has the original error as the cause', async () => {
    const cause = new Error('not me')
    const { value } = await visit((req) => {
      req.session.a = {
        toJSON() {
          throw cause
        },
      }
      const error = thrown(() => req.session.save())
      req.session = null
      return error
    })
    expect(value.cause).toBe(cause)
  })

  it.each([
    ['writeHead()', (res: { writeHead(code: number): unknown }) => res.writeHead(200)],
    ['flushHeaders()', (res: { flushHeaders(): void }) => res.flushHeaders()],
    ['write()', (res: { write(text: string): unknown }) => res.write('body')],
  ])('throws headers-sent after %s, when it is too late', async (_, begin) => {
    const { value, cookies } = await visit((req, res) => {
      begin(res)
      req.session.user = 'ann'
      const error = thrown(() => req.session.save())
      res.end()
      return error
    })
    expect(value).toBeInstanceOf(SessionError)
    expect(value.code).toBe('headers-sent')
    expect(value.message).toBe(
      "cookie-sessions: GET /: save() has no effect on the client: the response's headers have been sent. Do this before the response begins",
    )
    expect(cookies).toEqual([])
  })

  it.each<[string, number, object | undefined]>([
    ['status', 42, undefined],
    ['header', 200, { 'X-A': 'a\nb' }],
  ])('is in time after node has refused the %s', async (_, status, headers) => {
    const answer = await visit((req, res) => {
      req.session.user = 'ann'
      expect(() => res.writeHead(status, headers as never)).toThrow()
      req.session.user = 'bob'
      return thrown(() => req.session.save())
    })
    expect([answer.value, answer.errors]).toEqual([undefined, []])
    expect(names(answer)).toEqual(['_node=*'])
    expect(opened(answer)).toEqual({ user: 'bob' })
  })

  it('reaches the error handling of Connect', async () => {
    const { status, body, cookies, errors } = await visit((req) => {
      req.session.n = 1n
      req.session.save()
    })
    expect([status, cookies]).toEqual([500, []])
    expect(body).toMatch(/^SessionError unserializable cookie-sessions: /)
    // The app has not taken the BigInt out of it, so its error page cannot save it either: that is known.
    expect(errors).toEqual([])
  })

  it('leaves the answer to the app once it has thrown', async () => {
    const { status, cookies, errors } = await visit((req, res) => {
      req.session.text = 'x'.repeat(4000)
      expect(() => req.session.save()).toThrow(SessionError)
      res.statusCode = 413
    })
    expect([status, cookies, errors]).toEqual([413, [], []])
  })

  it('keeps the answer from caches then too', async () => {
    const { headers } = await visit((req) => {
      req.session.text = 'x'.repeat(4000)
      expect(() => req.session.save()).toThrow(SessionError)
    })
    expect([headers.vary, headers['cache-control']]).toEqual(['Cookie', 'private'])
  })

  const big = 'x'.repeat(4000)
  it.each<[string, (session: TestRequest['session']) => void, string]>([
    ['one of another kind', (session) => (session.text = 1n), 'unserializable'],
    ['one of the same kind', (session) => (session.text = 'y'.repeat(5000)), 'too-large'],
    [
      'the same again, after a save that went well',
      (session) => {
        session.text = 'fits'
        session.save()
        session.text = big
      },
      'too-large',
    ],
  ])('knows of no other failure than the one it has thrown: %s', async (_, change, code) => {
    const { status, cookies, errors } = await visit((req, res) => {
      req.session.text = big
      expect(() => req.session.save()).toThrow(SessionError)
      change(req.session)
      res.statusCode = 413
    })
    expect([status, cookies]).toEqual([500, []])
    expect(errors).toMatchObject([{ code }])
  })
})

describe.each(['regenerate', 'save', 'destroy', 'touch', 'reload'])('%s()', (method) => {
  it('calls back at once, with nothing', async () => {
    const { value } = await visit((req) => {
      const calls: unknown[][] = []
      const result = req.session[method]((...args: unknown[]) => calls.push(args))
      return [calls, result]
    })
    expect(value).toEqual([[[]], undefined])
  })

  it('can be awaited', async () => {
    expect((await visit(async (req) => await req.session[method]())).value).toBeUndefined()
  })

  it('lets through what the callback throws, and calls it but once', async () => {
    const { value } = await visit((req) => {
      let calls = 0
      const error = thrown(() =>
        req.session[method](() => {
          calls++
          throw new Error('of the callback')
        }),
      )
      return [calls, error?.message]
    })
    expect(value).toEqual([1, 'of the callback'])
  })

  it('serves sessions alone', async () => {
    const { value } = await visit((req) => {
      const detached = Object.getPrototypeOf(req.session)[method]
      return [thrown(() => detached.call({})), thrown(() => Object.create(req.session)[method]())]
    })
    expect(value).toEqual([expect.any(TypeError), expect.any(TypeError)])
  })

  it('cannot be overwritten', async () => {
    const { value } = await visit((req) => {
      const error = thrown(() => (req.session[method] = 1))
      return [error instanceof SessionError, error?.code, Object.keys(req.session), typeof req.session[method]]
    })
    expect(value).toEqual([true, 'reserved-name', [], 'function'])
  })
})

describe('save() with a callback', () => {
  it('hands it the error, and throws nothing', async () => {
    const { value } = await visit((req) => {
      req.session.n = 1n
      const calls: unknown[][] = []
      req.session.save((...args: unknown[]) => calls.push(args))
      req.session = null
      return calls
    })
    expect(value).toEqual([[expect.objectContaining({ code: 'unserializable' })]])
  })
})

describe('the names of methods and state', () => {
  const reserved = [
    ...['isNew', 'isChanged', 'isPopulated', 'createdAt'],
    ...['save', 'regenerate', 'destroy', 'touch', 'reload'],
  ]

  it('never show in keys, for-in, JSON, spread or a printed session', async () => {
    const { value } = await visit(
      ({ session }) => {
        const keys: string[] = []
        for (const key in session) keys.push(key)
        return [keys, Object.keys(session), JSON.stringify(session), { ...session }, inspect(session)]
      },
      { cookie: sealed({ user: 'ann', a: { b: [1] } }) },
    )
    const data = { user: 'ann', a: { b: [1] } }
    expect(value).toEqual([
      ['user', 'a'],
      ['user', 'a'],
      JSON.stringify(data),
      data,
      "Session { user: 'ann', a: { b: [ 1 ] } }",
    ])
  })

  it.each(reserved)('%s cannot be assigned with an object', async (name) => {
    const { value, cookies } = await visit((req) => thrown(() => (req.session = { [name]: 1 })), { cookie: ann() })
    expect([value.name, value.code]).toEqual(['SessionError', 'reserved-name'])
    expect(value.message).toBe(
      `cookie-sessions: '${name}' is a name of the session's own: call that value something else, or nest it in an object`,
    )
    expect(cookies).toEqual([])
  })

  it.each(reserved)('%s cannot come in a token', async (name) => {
    const { value, invalid } = await visit(({ session }) => [typeof session.save, { ...session }], {
      cookie: sealed({ [name]: 1 }),
    })
    expect([value, invalid]).toEqual([['function', {}], ['bad-payload']])
  })

  it.each(reserved)('%s is free below the top', async (name) => {
    const answer = await visit((req) => {
      req.session.nested = { [name]: 1 }
    })
    expect(opened(answer)).toEqual({ nested: { [name]: 1 } })
  })

  it('are all that is reserved', async () => {
    const data = { id: 1, cookie: 2, constructor: 3, toString: 4, hasOwnProperty: 5, valueOf: 6, length: 7 }
    const answer = await visit((req) => {
      req.session = { ...data }
    })
    expect(opened(answer)).toEqual(data)
  })
})

describe('an authentic token that holds no session', () => {
  it.each([null, 5, 'text', true, [1], []])('%j reads as a new one', async (data) => {
    const { value, invalid, cookies } = await visit(({ session }) => [session.isNew, { ...session }], {
      cookie: sealed(data),
    })
    expect([value, invalid, cookies]).toEqual([[true, {}], ['bad-payload'], []])
  })

  it.each(['', 'text', '{"a":1', '{"a":1}x'])('%j, which is no JSON, reads as a new one', async (text) => {
    const codec = createTextCodec(checkCodecOptions({ secret: SECRET, name: '_node' }))
    const { value, invalid } = await visit(({ session }) => [session.isNew, { ...session }], {
      cookie: `_node=${codec.seal(text, Date.now())}`,
    })
    expect([value, invalid]).toEqual([[true, {}], ['bad-payload']])
  })
})

describe('data', () => {
  it('comes back as JSON has it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ maxLength: 9 }), fc.jsonValue(), { maxKeys: 4 }), async (data) => {
        const json = JSON.stringify(data)
        fc.pre(json.length < 900 && Object.keys(data).length > 0 && !('save' in data))
        const answer = await visit((req) => {
          req.session = JSON.parse(json)
        })
        expect(JSON.stringify(opened(answer))).toBe(json)
      }),
      { numRuns: 50, seed: 1 },
    )
  })

  it.each<[string, string]>([
    ['text beyond ASCII', '{"a":"zürich, 東京, 🍪"}'],
    ['lone surrogates', '{"a":"\\ud800","b":"\\udfff-\\udbff"}'],
    ['control characters', '{"a":"\\u0000\\u001f\u2028\\r\\n"}'],
    ['a byte order mark', '{"\ufeff":"\ufeff"}'],
    ['the replacement character', '{"a":"\ufffd"}'],
    ['an empty key', '{"":0}'],
    ['deep nesting', `{"a":${'['.repeat(500)}${']'.repeat(500)}}`],
    ['numbers at the edge', '{"a":1.7976931348623157e+308,"b":5e-324,"c":-1}'],
    ['a __proto__ key', '{"__proto__":{"admin":true},"a":{"__proto__":1}}'],
    ['a constructor key', '{"constructor":{"prototype":{"admin":true}}}'],
  ])('holds %s', async (_, json) => {
    const site = await serve(
      routes({
        '/set': (req) => {
          req.session = JSON.parse(json)
        },
        '/get': (req) => [JSON.stringify(req.session), req.session.admin === undefined, typeof req.session.save],
      }),
    )
    const browser = new Browser(site)
    await browser.get('/set')
    expect(JSON.parse((await browser.get('/get')).body)).toEqual([json, true, 'function'])
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
    expect(site.errors).toEqual([])
  })

  it.each(['__proto__', 'constructor'])('set key by key keeps %s from any prototype', async (key) => {
    const { value } = await visit((req) => {
      req.session = JSON.parse(`{"${key}":{"admin":true}}`)
      req.session.n = 1
      return [JSON.stringify(req.session), req.session.admin, ({} as { admin?: unknown }).admin, req.session.isNew]
    })
    expect(value).toEqual([`{"${key}":{"admin":true},"n":1}`, undefined, undefined, true])
  })

  describe.each([
    ['ASCII', (bytes: number) => 'x'.repeat(bytes)],
    ['two-byte characters', (bytes: number) => 'é'.repeat(bytes >> 1) + 'x'.repeat(bytes % 2)],
    ['four-byte characters', (bytes: number) => '🍪'.repeat(bytes >> 2) + 'x'.repeat(bytes % 4)],
  ])('of %s', (_, text) => {
    const OVERHEAD = '{"a":""}'.length
    const write = (bytes: number, session_key: string) =>
      visit(
        (req) => {
          req.session.a = text(bytes - OVERHEAD)
          return Buffer.byteLength(JSON.stringify(req.session))
        },
        { session_key },
      )

    it.each([
      ['_node', 3_003],
      ['s', 3_006],
      ['__Host-session', 2_996],
      ['n'.repeat(256), 2_815],
    ])('fits a cookie called %s up to %i bytes of JSON, and not a byte more', async (name, limit) => {
      const fits = await write(limit, name)
      expect([fits.value, fits.errors, fits.status]).toEqual([limit, [], 200])
      const pair = fits.cookies[0]?.split(';')[0] ?? ''
      expect(pair.length).toBeLessThanOrEqual(4_096)
      expect(pair.length).toBeGreaterThan(4_094)

      const read = await visit((req) => Buffer.byteLength(JSON.stringify(req.session)), {
        session_key: name,
        cookie: pair,
        ...(name.startsWith('__') && { secure: true }),
      })
      expect([read.value, read.invalid]).toEqual([limit, []])

      const over = await write(limit + 1, name)
      expect([over.status, over.cookies]).toEqual([500, []])
      expect(over.errors).toEqual([expect.objectContaining({ code: 'too-large' })])
    })
  })
})
