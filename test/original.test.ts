/**
 * The behaviours that the suite of the original `cookie-sessions` (2011) pins, in its order, each as it is today: the same, or another
 * on purpose, and then the title says so. After them, its defects and what its users asked for, each with the proof that it is mended.
 */
import { generateKeyPairSync } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import connect from 'connect'
import { describe, expect, it, vi } from 'vitest'
import sessions, { createCodec } from '../src/index.ts'
import {
  app,
  createClock,
  DAY,
  type Handler,
  mount,
  names,
  OLD_SECRET,
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

const now = createClock()
const codec = createCodec({ secret: SECRET, name: '_node', now })
const write = (req: TestRequest): void => {
  req.session = { n: 1 }
}
const read = (req: TestRequest): unknown => ({ ...req.session })

describe('the suite of the original', () => {
  it('1. a token has its parts in fixed places (another layout: docs/format.md)', () => {
    const bytes = Buffer.from(codec.seal({}), 'base64url')
    expect(bytes.readUIntBE(10, 6)).toBe(START)
    expect(bytes.length).toBe(32 + 2 + 32)
  })

  it('2. a token is valid with a good tag within the timeout, and only then', () => {
    const clock = createClock()
    const timed = createCodec({ secret: SECRET, name: '_node', timeout: 1_000, now: clock })
    const good = timed.seal({ n: 1 })
    const bad = good.slice(0, -1) + (good.endsWith('A') ? 'B' : 'A')
    const other = good.slice(0, 60) + (good[60] === 'A' ? 'B' : 'A') + good.slice(61)
    expect(timed.open(good).ok).toBe(true)
    expect([timed.open(bad).ok, timed.open(other)]).toEqual([false, { ok: false, reason: 'bad-tag' }])
    clock.time += 1_000
    expect(timed.open(good)).toEqual({ ok: false, reason: 'expired' })
    // The original did not say why; a bad tag comes before the time, which nobody has vouched for then.
    expect(timed.open(other)).toEqual({ ok: false, reason: 'bad-tag' })
  })

  it('3. what was encrypted is decrypted', () => {
    expect(codec.open(codec.seal({ some: 'data' }))).toMatchObject({ ok: true, data: { some: 'data' } })
  })

  it('4. encryption is not deterministic any more: equal sessions give unequal tokens', () => {
    const tokens = new Set(Array.from({ length: 100 }, () => codec.seal({ some: 'data' })))
    expect(tokens.size).toBe(100)
    const ciphertexts = new Set(
      [...tokens].map((token) => Buffer.from(token, 'base64url').subarray(32, 40).toString('hex')),
    )
    expect(ciphertexts.size).toBe(100)
  })

  it('5. a valid cookie becomes the object that it was', async () => {
    const { value } = await visit(read, { cookie: sealed({ hello: 'world' }) })
    expect(value).toEqual({ hello: 'world' })
  })

  it('6. an invalid cookie throws no more; its data are still neither decrypted nor parsed', async () => {
    const parse = vi.spyOn(JSON, 'parse')
    const token = codec.seal({ n: 1 })
    const broken = token.slice(0, 60) + (token[60] === 'A' ? 'B' : 'A') + token.slice(61)
    expect(codec.open(broken).ok).toBe(false)
    expect(parse).not.toHaveBeenCalled()
    parse.mockRestore()
    const { value, status } = await visit(read, { cookie: `_node=${broken}` })
    expect([value, status]).toEqual([{}, 200])
  })

  it('7. a session is sealed with its time', async () => {
    const answer = await visit(write, { now })
    const token = answer.cookies[0]?.slice('_node='.length).split(';')[0] as string
    expect(codec.open(token)).toMatchObject({ ok: true, data: { n: 1 }, createdAt: START, issuedAt: START })
  })

  it('8. more than 4,096 characters are an error', async () => {
    const { status, errors } = await visit((req) => {
      req.session.text = 'x'.repeat(4_000)
    })
    expect([status, errors]).toEqual([500, [expect.objectContaining({ code: 'too-large' })]])
  })

  it.each([
    ['9. with "; " between', 'a=1; _node=*; b="2"'],
    ['10. with ";" between', 'a=1;_node=*;b=2'],
  ])('cookies are read: %s', async (_, cookie) => {
    const { value } = await visit(read, { cookie: cookie.replace('_node=*', sealed({ n: 1 })) })
    expect(value).toEqual({ n: 1 })
  })

  it('11. no Cookie header is no error', async () => {
    expect((await visit(read)).value).toEqual({})
  })

  it('12. req.cookies of a cookie parser is not looked at: it lacks duplicates, so the header serves', async () => {
    const site = await serveApp(
      app(
        (req, _, next) => {
          Object.assign(req, { cookies: { _node: 'junk' } })
          next()
        },
        mount(),
        (req, res) => res.end(JSON.stringify(req.session)),
      ),
    )
    expect((await site.get('/', { cookie: sealed({ n: 1 }) })).body).toBe('{"n":1}')
  })

  it('13. the session is that of the configured key, secret and timeout', async () => {
    const cookie = sealed({ n: 1 }, { name: 'sid', secret: OLD_SECRET, at: START - 500 })
    const options = { session_key: 'sid', secret: OLD_SECRET, timeout: 501, now, cookie }
    expect((await visit(read, options)).value).toEqual({ n: 1 })
    expect((await visit(read, { ...options, timeout: 500 })).value).toEqual({})
    expect((await visit(read, { ...options, secret: SECRET })).value).toEqual({})
    expect((await visit(read, { ...options, session_key: '_node' })).value).toEqual({})
  })

  it('14. without that cookie the session is an empty object, no longer undefined', async () => {
    expect((await visit((req) => req.session, { cookie: 'other=1' })).value).toEqual({})
  })

  it('15. the session stands at req.session when next is called', async () => {
    expect((await visit((req) => 'session' in req)).value).toBe(true)
  })

  it('16. writeHead sets the cookie beside the other headers (Max-Age and expires)', async () => {
    const answer = await visit(
      (req, res) => {
        write(req)
        res.writeHead(200, { other_header: 'val' }).end()
      },
      { domain: 'example.com', timeout: 123_000, now },
    )
    expect(answer.headers.other_header).toBe('val')
    expect(answer.cookies).toEqual([
      expect.stringMatching(
        /^_node=[\w-]+; Max-Age=123; Domain=example\.com; Path=\/; Expires=Thu, 01 Jan 2026 00:02:03 GMT; HttpOnly; SameSite=Lax$/,
      ),
    ])
  })

  it('17. a session set to undefined, where no cookie came: no Set-Cookie', async () => {
    const answer = await visit((req, res) => {
      req.session = undefined
      res.writeHead(200, { other_header: 'val' }).end()
    })
    expect([answer.cookies, answer.headers.other_header]).toEqual([[], 'val'])
  })

  it('18. a session set to undefined, where its cookie came: that is taken away', async () => {
    const act = (req: TestRequest): void => {
      req.session = undefined
    }
    expect(names(await visit(act, { cookie: sealed({ n: 1 }) }))).toEqual(['_node='])
    // The original did so for any cookie of the request.
    expect((await visit(act, { cookie: 'other=1' })).cookies).toEqual([])
  })

  it('19. a secret is enough', () => {
    expect(() => sessions({ secret: SECRET })).not.toThrow()
  })

  it('20. without a secret it throws', () => {
    expect(() => sessions({} as never)).toThrow(/^cookie-sessions: secret must be/)
    expect(() => (sessions as unknown as () => unknown)()).toThrow(
      /^cookie-sessions: sessions\(\) takes an object of options/,
    )
  })

  type WriteHead = (...args: unknown[]) => ServerResponse
  const heads: [string, (writeHead: WriteHead) => unknown, string[]][] = [
    ['21. beside a Set-Cookie of the app, which comes first', (head) => head(200, { 'Set-Cookie': 'a=1' }), ['a=1']],
    ['22. with no other cookie', (head) => head(200, { other: 'val' }), []],
    [
      '23. with headers in a list of pairs',
      (head) =>
        head(200, [
          ['Set-Cookie', 'a=1'],
          ['other', 'val'],
        ]),
      ['a=1'],
    ],
    ['24. with headers in a flat list, as node has it', (head) => head(200, ['Set-Cookie', 'a=1']), ['a=1']],
    ['25. with a status alone', (head) => head(200), []],
    ['26. with status and reason', (head) => head(200, 'Fine'), []],
  ]
  it.each(heads)('%s', async (title, act, cookies) => {
    const answer = await visit((req, res) => {
      write(req)
      act(res.writeHead.bind(res) as WriteHead)
      res.end()
    })
    expect(names(answer)).toEqual([...cookies, '_node=*'])
    if (title.startsWith('26')) expect(answer.reason).toBe('Fine')
  })

  it('27. under a path the cookie has that path', async () => {
    const answer = await visit(write, { path: '/test/path' })
    expect(answer.cookies).toEqual([expect.stringContaining('; Path=/test/path;')])
  })

  it('28. elsewhere there is no Set-Cookie, even if the app sets req.session', async () => {
    const site = await serve(
      (req, res) => {
        write(req)
        res.end()
      },
      { path: '/test/path' },
    )
    expect((await site.get('/test')).cookies).toEqual([])
  })
})

describe('the example of the original', () => {
  it('works, and its short secret is warned of', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const server = connect()
      .use(sessions({ secret: '123abc' }))
      .use((req, res) => {
        req.session = { hello: 'world' } as object
        res.writeHead(200, { 'Content-Type': 'text/plain' })
        res.end('session data updated')
      })
    const answer = await (await serveApp(server as unknown as Handler)).get()
    expect(answer).toMatchObject({ status: 200, body: 'session data updated' })
    expect(opened(answer, { secret: '123abc' })).toEqual({ hello: 'world' })
    expect(warn).toHaveBeenCalledTimes(1)
    warn.mockRestore()
  })
})

describe('mended: on the response', () => {
  it('a session without changes is not sent again on every response', async () => {
    expect((await visit(read, { cookie: sealed({ n: 1 }) })).cookies).toEqual([])
  })

  it('... but can be, with rolling: true', async () => {
    expect(names(await visit(read, { cookie: sealed({ n: 1 }), rolling: true }))).toEqual(['_node=*'])
  })

  it('an empty session is not sent; null ends the session in place of being one', async () => {
    expect((await visit((req) => (req.session = {}))).cookies).toEqual([])
    expect((await visit((req) => (req.session = null))).cookies).toEqual([])
  })

  it('a domain makes no "Set-Cookie: undefined; Domain=..."', async () => {
    const { headers } = await visit((req) => (req.session = undefined), { domain: 'example.com' })
    expect(headers).not.toHaveProperty('set-cookie')
  })

  it('cookies of the app by setHeader, in any case, are kept', async () => {
    for (const name of ['Set-Cookie', 'set-cookie', 'SET-COOKIE']) {
      const answer = await visit((req, res) => {
        write(req)
        res.setHeader(name, ['a=1', 'b=2'])
      })
      expect(names(answer)).toEqual(['a=1', 'b=2', '_node=*'])
    }
  })

  it('writeHead(code, undefined, headers) keeps the headers', async () => {
    const answer = await visit((req, res) => {
      write(req)
      ;(res.writeHead as (...args: unknown[]) => ServerResponse)(200, undefined, {
        'X-A': '1',
        'set-cookie': ['a=1'],
      }).end()
    })
    expect([answer.headers['x-a'], names(answer)]).toEqual(['1', ['a=1', '_node=*']])
  })

  it("the app's own headers are not written to", async () => {
    const headers = Object.freeze({ 'Set-Cookie': Object.freeze(['a=1']) })
    const answer = await visit((req, res) => {
      write(req)
      res.writeHead(200, headers as never).end()
    })
    expect(names(answer)).toEqual(['a=1', '_node=*'])
  })

  it('setHeader and then a list to writeHead throws nothing', async () => {
    const answer = await visit((req, res) => {
      write(req)
      res.setHeader('X-A', '1')
      res.writeHead(200, [['X-B', '2']] as never).end()
    })
    expect([answer.status, answer.headers['x-a'], answer.headers['x-b']]).toEqual([200, '1', '2'])
    expect(names(answer)).toEqual(['_node=*'])
  })

  it('data too long is not thrown from within writeHead or end', async () => {
    const { value, status } = await visit((req, res) => {
      req.session.text = 'x'.repeat(5_000)
      res.end()
      return 'end returned'
    })
    expect([value, status]).toEqual(['end returned', 500])
  })

  it('the limit counts the name, too', async () => {
    const act = (req: TestRequest): void => {
      req.session.a = 'x'.repeat(3_003 - '{"a":""}'.length)
    }
    expect((await visit(act)).status).toBe(200)
    expect((await visit(act, { session_key: 'longer' })).status).toBe(500)
  })
})

describe('mended: on the request', () => {
  it('/app is not /apple', async () => {
    const site = await serve((req, res) => res.end(String('session' in req)), { path: '/app' })
    expect([(await site.get('/app/x')).body, (await site.get('/apple')).body]).toEqual(['true', 'false'])
  })

  it('the path is that of the full URL, also in a mounted app', async () => {
    const server = connect()
    server.use('/app', mount({ path: '/app' }) as never)
    server.use('/app', ((req: TestRequest, res: ServerResponse) => res.end(String('session' in req))) as never)
    expect((await (await serveApp(server as unknown as Handler)).get('/app/x')).body).toBe('true')
  })

  it('values with "=" are not cut, and there is no value "undefined"', async () => {
    const { invalid } = await visit(read, { cookie: '_node; a=b=c; _node=a=b' })
    expect(invalid).toEqual(['malformed'])
  })

  it('of two cookies the one that opens serves, not the last', async () => {
    const { value } = await visit(read, { cookie: `${sealed({ n: 1 })}; _node=junk` })
    expect(value).toEqual({ n: 1 })
  })

  it.each([
    ['changed by its user (issue 17)', () => `${sealed({ n: 1 })}x`],
    ['of an earlier secret (issue 16)', () => sealed({ n: 1 }, { secret: OLD_SECRET })],
    ['expired', () => sealed({ n: 1 }, { at: Date.now() - DAY })],
  ])('a cookie %s fails no request, and one is told (pull request 9)', async (_, cookie) => {
    const { value, status, invalid } = await visit(read, { cookie: cookie() })
    expect([value, status, invalid.length]).toEqual([{}, 200, 1])
  })
})

describe('mended: in its security', () => {
  it('a weak secret is stretched, and none is accepted empty', () => {
    expect(() => sessions({ secret: '' })).toThrow(/must not be empty/)
  })

  it('two names never share a key', async () => {
    const moved = sealed({ n: 1 }, { name: 'other' }).replace('other=', '_node=')
    expect((await visit(read, { cookie: moved })).value).toEqual({})
  })

  it('a token from the future is refused', async () => {
    const { invalid } = await visit(read, { cookie: sealed({ n: 1 }, { at: START + DAY }), now })
    expect(invalid).toEqual(['not-yet-valid'])
  })

  it('a stolen cookie that is used does not live for ever, given an absolute timeout', async () => {
    const options = { absoluteTimeout: DAY, timeout: DAY, now }
    const cookie = (createdAt: number): string => sealed({ n: 1 }, { at: START, createdAt })
    expect((await visit(read, { ...options, cookie: cookie(START - DAY + 1) })).value).toEqual({ n: 1 })
    expect((await visit(read, { ...options, cookie: cookie(START - DAY) })).invalid).toEqual(['expired'])
  })

  it('Secure and SameSite are set', async () => {
    expect((await visit(write, { protocol: 'https' })).cookies[0]).toMatch(/; Secure; SameSite=Lax$/)
  })

  it.each([{ path: '/; Domain=evil.example' }, { path: '/;Domain=evil.example' }, { domain: 'a; Path=/' }])(
    '%j adds no attributes',
    (options) => {
      expect(() => sessions({ secret: SECRET, ...options })).toThrow(
        /^cookie-sessions: (no cookie can bear|path must be)/,
      )
    },
  )

  it('a prototype is out of reach of what comes in a cookie', async () => {
    const { value } = await visit((req) => [req.session.admin ?? null, ({} as { admin?: unknown }).admin ?? null], {
      cookie: sealed(JSON.parse('{"__proto__":{"admin":true}}')),
    })
    expect(value).toEqual([null, null])
  })

  it('a secret is bytes or text, and nothing else by mistake', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    expect(() => sessions({ secret: privateKey as never })).toThrow(/^cookie-sessions: secret must be a string/)
    expect(() => sessions({ secret: Buffer.from(SECRET) })).not.toThrow()
  })
})

describe('what its users asked for', () => {
  it('a session by default, so that everyauth and the like work (pull requests 22, 27)', async () => {
    const answer = await visit((req) => {
      req.session.auth ??= {}
      req.session.auth.userId = 1
    })
    expect(opened(answer)).toEqual({ auth: { userId: 1 } })
  })

  it('secure and browser-session cookies (pull requests 13, 14, 27)', async () => {
    const { cookies } = await visit(write, { secure: true, persistent: false })
    expect(cookies[0]).toMatch(/^_node=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  })

  it('no new session with each request (issue 7)', async () => {
    const site = await serve(routes({ '/': (req) => (req.session.views = (req.session.views ?? 0) + 1) }))
    const first = await site.get()
    expect((await site.get('/', { cookie: first.cookies[0]?.split(';')[0] })).body).toBe('2')
  })
})
