/** The Cookie header in, Set-Cookie out. The lists of behaviours are those of the `cookie` package, where they apply. */
import { parseCookie } from 'cookie'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCookies } from '../src/cookie.ts'
import { checkSessionOptions, type SessionOptions } from '../src/options.ts'
import {
  Browser,
  createClock,
  DAY,
  opened,
  routes,
  SECRET,
  START,
  sealed,
  sendRaw,
  serve,
  visit,
} from './helpers/server.ts'

describe('readCookies', () => {
  const read = (header: string | undefined, name = 'id'): string[] => readCookies(header, name)
  const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i))

  it.each<[string, string | undefined, string[]]>([
    ['no header', undefined, []],
    ['an empty header', '', []],
    ['the only cookie', 'id=1', ['1']],
    ['the first of several', 'id=1; a=2; b=3', ['1']],
    ['one in the middle', 'a=2; id=1; b=3', ['1']],
    ['the last', 'a=2; b=3; id=1', ['1']],
    ['pairs without a space between', 'a=2;id=1;b=3', ['1']],
    ['pairs with spaces and tabs around', 'a=2 ; \t id=1 \t ; b=3', ['1']],
    ['space at both ends of the header', ' \tid=1\t ', ['1']],
    ['a value with "=" in it', 'id=a=b==; c=d', ['a=b==']],
    ['an empty value', 'id=; a=1', ['']],
    ['an empty value at the end', 'a=1; id=', ['']],
    ['a name without a value: no cookie', 'id; a=1', []],
    ['a quoted value without its quotes', 'id="1 2"; a=1', ['1 2']],
    ['no more than one pair of quotes', 'id=""1""; id=""', ['"1"', '']],
    ['quotes that are no pair, as they are', 'id="1; id=1"; id="; id=1"2"', ['"1', '1"', '"', '1"2"']],
    ['percent signs, as they are', 'id=%20%E0%A4; a=1', ['%20%E0%A4']],
    ['bytes above 127, as they are', 'id=\xff\x80', ['\xff\x80']],
    ['space inside of a value', 'id=1 2; a=1', ['1 2']],
    ['empty pairs', ';; ;id=1;;', ['1']],
    ['another cookie whose name ends so', 'xid=2; _id=3; x-id=4; id=1', ['1']],
    ['another cookie whose name begins so', 'id2=2; id=1', ['1']],
    ['another case', 'ID=2; Id=3', []],
    ['a value that looks like it', 'a=id=2; b= id=3; c="id=4"', []],
    ['duplicates, in order', 'id=1; a=2; id=3', ['1', '3']],
    [
      'no more than sixteen',
      numbered(18)
        .map((n) => `id=${n}`)
        .join('; '),
      numbered(16),
    ],
    ['the same one twice', 'id=id=; id=id=', ['id=', 'id=']],
  ])('reads %s', (_, header, values) => {
    expect(read(header)).toEqual(values)
  })

  it.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString'])('knows no prototype: %s', (name) => {
    expect([read('a=1', name), read(`a=1; ${name}=2`, name)]).toEqual([[], ['2']])
  })

  it.each(['a.b', 'a+', '$a', '^a', '__Host-a', 'a|b', '~', "'a"])('takes a name literally: %s', (name) => {
    expect(read(`axb=9; ${name}=1`, name)).toEqual(['1'])
  })

  it('agrees with the cookie package on the first of a name, quotes apart', () => {
    const part = fc.string({ unit: fc.constantFrom('i', 'd', 'x', '"', '%', '2', '0', '\xe9', '_') })
    const space = fc.constantFrom('', ' ', '  ', '\t')
    const pair = fc
      .tuple(space, fc.oneof(fc.constant('id'), part), part, space)
      .map(([before, name, value, after]) => `${before}${name}=${value}${after}`)
    const header = fc.array(fc.oneof(pair, part)).map((pairs) => pairs.join(';'))
    fc.assert(
      fc.property(header, (given) => {
        const decode = (value: string): string => value.replace(/^"(.*)"$/, '$1')
        expect(read(given)[0]).toBe(parseCookie(given, { decode }).id)
      }),
      { numRuns: 2_000, seed: 1 },
    )
  })

  it('looks at each character of a hostile header but a few times', () => {
    // Quadratic, these would take minutes.
    const length = 1_000_000
    expect(read('id='.repeat(length))).toHaveLength(1)
    expect(read(`x${' '.repeat(length)}id=1;`.repeat(3))).toEqual([])
    expect(read(';'.repeat(length))).toEqual([])
  })
})

describe('Set-Cookie', () => {
  const line = (options: Partial<SessionOptions>, token: string | null, isEncrypted = false): string => {
    const { transport } = checkSessionOptions({ secret: SECRET, ...options })
    const [[name, value] = [], ...others] = transport.write(
      { header: () => undefined, isEncrypted: () => isEncrypted },
      token,
      START,
    )
    expect([name, others]).toEqual(['Set-Cookie', []])
    return value as string
  }
  const TOMORROW = 'Fri, 02 Jan 2026 00:00:00 GMT'
  const attributes = (options: Partial<SessionOptions>): string => {
    return line({ ...options }, 'token')
  }

  it('keeps the session to the host, from scripts and from other sites, for a day', () => {
    expect(attributes({})).toBe(`_node=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; HttpOnly; SameSite=Lax`)
  })

  it.each<[string, Partial<SessionOptions>, string]>([
    [
      'session_key',
      { session_key: 'sid' },
      `sid=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; HttpOnly; SameSite=Lax`,
    ],
    [
      'timeout',
      { timeout: 60_000 },
      '_node=token; Max-Age=60; Path=/; Expires=Thu, 01 Jan 2026 00:01:00 GMT; HttpOnly; SameSite=Lax',
    ],
    [
      'timeout, rounded up',
      { timeout: 1_001 },
      '_node=token; Max-Age=2; Path=/; Expires=Thu, 01 Jan 2026 00:00:02 GMT; HttpOnly; SameSite=Lax',
    ],
    [
      'timeout of a millisecond',
      { timeout: 1 },
      '_node=token; Max-Age=1; Path=/; Expires=Thu, 01 Jan 2026 00:00:01 GMT; HttpOnly; SameSite=Lax',
    ],
    ['persistent: false', { persistent: false }, '_node=token; Path=/; HttpOnly; SameSite=Lax'],
    [
      'persistent: true',
      { persistent: true },
      `_node=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; HttpOnly; SameSite=Lax`,
    ],
    ['path', { path: '/app' }, `_node=token; Max-Age=86400; Path=/app; Expires=${TOMORROW}; HttpOnly; SameSite=Lax`],
    [
      'domain',
      { domain: 'example.com' },
      `_node=token; Max-Age=86400; Domain=example.com; Path=/; Expires=${TOMORROW}; HttpOnly; SameSite=Lax`,
    ],
    ['httpOnly: false', { httpOnly: false }, `_node=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; SameSite=Lax`],
    [
      'sameSite: strict',
      { sameSite: 'strict' },
      `_node=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; HttpOnly; SameSite=Strict`,
    ],
    [
      'sameSite: none, which implies Secure',
      { sameSite: 'none' },
      `_node=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; HttpOnly; Secure; SameSite=None`,
    ],
    [
      'secure: true',
      { secure: true },
      `_node=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; HttpOnly; Secure; SameSite=Lax`,
    ],
    [
      'secure: false',
      { secure: false },
      `_node=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; HttpOnly; SameSite=Lax`,
    ],
    [
      'partitioned, which implies Secure',
      { partitioned: true },
      `_node=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; HttpOnly; Secure; Partitioned; SameSite=Lax`,
    ],
    [
      'priority: low',
      { priority: 'low' },
      `_node=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; HttpOnly; Priority=Low; SameSite=Lax`,
    ],
    [
      'priority: medium',
      { priority: 'medium' },
      `_node=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; HttpOnly; Priority=Medium; SameSite=Lax`,
    ],
    [
      'priority: high',
      { priority: 'high' },
      `_node=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; HttpOnly; Priority=High; SameSite=Lax`,
    ],
    [
      '__Host-, which implies Secure',
      { session_key: '__Host-sid' },
      `__Host-sid=token; Max-Age=86400; Path=/; Expires=${TOMORROW}; HttpOnly; Secure; SameSite=Lax`,
    ],
    [
      '__Secure-, which implies Secure and may have a domain',
      { session_key: '__Secure-sid', domain: 'example.com', path: '/a' },
      `__Secure-sid=token; Max-Age=86400; Domain=example.com; Path=/a; Expires=${TOMORROW}; HttpOnly; Secure; SameSite=Lax`,
    ],
  ])('follows %s', (_, options, line) => {
    expect(attributes(options)).toBe(line)
  })

  it('takes a cookie away with the attributes that it was set with', () => {
    const options = { path: '/app', domain: 'example.com' }
    expect(line({ ...options, partitioned: true }, null)).toBe(
      '_node=; Max-Age=0; Domain=example.com; Path=/app; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; Partitioned; SameSite=Lax',
    )
    expect(line(options, null)).not.toContain('Secure')
    expect(line(options, null, true)).toContain('Secure')
  })

  it('is at most 4,096 bytes with its name and without its attributes', () => {
    const { transport } = checkSessionOptions({ secret: SECRET, session_key: 'sid' })
    expect(transport.maxTokenChars).toBe(4_096 - 'sid='.length)
  })
})

describe('in a browser', () => {
  const counting = routes({
    '/': (req) => {
      req.session.views = (req.session.views ?? 0) + 1
      return req.session.views
    },
    '/app/deep': (req) => {
      req.session.views = (req.session.views ?? 0) + 1
      return req.session.views
    },
    '/end': (req) => {
      req.session = null
    },
  })

  it.each<[string, Partial<SessionOptions>, string]>([
    ['defaults', {}, 'example.com'],
    ['a domain', { domain: 'example.com' }, 'sub.example.com'],
    ['a domain with a dot before it', { domain: '.example.com' }, 'sub.example.com'],
    ['persistent: false', { persistent: false }, 'example.com'],
    ['an odd name', { session_key: "!#$%&'*+-.^_`|~0" }, 'example.com'],
  ])('a session is kept and ended with %s', async (_, options, host) => {
    const browser = new Browser(await serve(counting, options), host)
    const bodies = []
    for (const path of ['/', '/', '/end', '/']) bodies.push((await browser.get(path)).body)
    expect(bodies).toEqual(['1', '2', 'null', '1'])
    await browser.get('/end')
    expect(await browser.cookie(options.session_key)).toBeUndefined()
  })

  it.each<[string, Partial<SessionOptions>]>([
    ['__Host-', { session_key: '__Host-sid' }],
    ['__Secure-', { session_key: '__Secure-sid' }],
    ['SameSite=None', { sameSite: 'none' }],
    ['Partitioned', { partitioned: true }],
  ])('a session over TLS is kept with %s', async (_, options) => {
    const browser = new Browser(await serve(counting, options, 'https'))
    await browser.get('/')
    expect((await browser.get('/')).body).toBe('2')
    expect(await browser.cookie(options.session_key)).toBeDefined()
  })

  it('a session under a path is neither sent nor made elsewhere', async () => {
    const seen: unknown[] = []
    const site = await serve(
      (req, res) => {
        seen.push([req.url, req.headers.cookie !== undefined, 'session' in req])
        counting(req, res, () => {})
      },
      { path: '/app' },
    )
    const browser = new Browser(site)
    await browser.get('/app/deep')
    expect((await browser.get('/app/deep')).body).toBe('2')
    await browser.get('/apple')
    expect(seen).toEqual([
      ['/app/deep', false, true],
      ['/app/deep', true, true],
      ['/apple', false, false],
    ])
  })
})

describe('planted cookies', () => {
  const read = (req: { session: { user?: string } }): unknown => req.session.user ?? null
  const junk = (count: number): string[] => Array.from({ length: count }, (_, i) => `_node=junk${i}`)

  it.each([0, 1, 2, 3, 15])('%i before the good one do no harm, and are not even looked at', async (count) => {
    const { value, invalid } = await visit(read, {
      cookie: [...junk(count), sealed({ user: 'ann' }), ...junk(3)].join('; '),
    })
    expect([value, invalid]).toEqual(['ann', []])
  })

  it('sixteen before the good one are all that is tried', async () => {
    const cookie = [...junk(16), sealed({ user: 'ann' })].join('; ')
    const { value, invalid } = await visit(read, { cookie })
    expect([value, invalid]).toEqual([null, junk(16).map(() => 'malformed')])
  })

  it('that claim to be as young as the good one change nothing, and onInvalid hears of none', async () => {
    const now = createClock()
    const cookies = [
      sealed({ user: 'eve' }, { at: now.time, createdAt: now.time - DAY }),
      sealed({ user: 'eve' }, { secret: 'the secret of somebody else, not ours', at: now.time }),
      sealed({ user: 'ann' }, { at: now.time }),
    ]
    const { value, invalid } = await visit(read, { cookie: cookies.join('; '), now, absoluteTimeout: DAY })
    expect([value, invalid]).toEqual(['ann', []])
  })

  it('in several Cookie lines they count as one', async () => {
    const site = await serve((req, res) => res.end(String(req.session.user)))
    const lines = [...junk(2), sealed({ user: 'ann' })].map((cookie) => `Cookie: ${cookie}\r\n`).join('')
    const answer = await sendRaw(site, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines}\r\n`)
    expect(answer).toMatch(/\r\n\r\nann$/)
  })

  it('over HTTP/2, where each cookie is a header of its own, too', async () => {
    const { value } = await visit(read, { cookie: [...junk(2), sealed({ user: 'ann' })], protocol: 'http2' })
    expect(value).toBe('ann')
  })

  it('are all overwritten by the next write', async () => {
    const answer = await visit(
      (req) => {
        req.session.user += '!'
      },
      { cookie: `_node=junk; ${sealed({ user: 'ann' })}` },
    )
    expect(opened(answer)).toEqual({ user: 'ann!' })
  })
})
