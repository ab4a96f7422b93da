/** The middleware's options: what each takes, what it refuses and what it says then. (What they do: connect, cookie and session.) */
import connect from 'connect'
import { afterEach, describe, expect, it, vi } from 'vitest'
import sessions, { createCodec, generateSecret, SessionError } from '../src/index.ts'
import { checkSessionOptions, type SessionOptions } from '../src/options.ts'
import { app, createClock, DAY, mount, SECRET, START, sealed, serve, serveApp, visit } from './helpers/server.ts'

/** The message of the TypeError that these options give. */
function refusal(options: unknown): string {
  try {
    sessions(options as SessionOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toMatch(/^cookie-sessions: /)
    return (error as Error).message.slice('cookie-sessions: '.length)
  }
  throw new Error('not refused')
}

const given = (options: object): unknown => ({ secret: SECRET, ...options })

describe('sessions()', () => {
  it('needs nothing but a secret', () => {
    expect(sessions({ secret: SECRET })).toBeTypeOf('function')
  })

  it('carries the other names, for require() returns it alone', () => {
    expect({ ...sessions }).toEqual({ sessions, createCodec, generateSecret, SessionError })
  })

  it('is a middleware of three parameters, as Connect and Express tell them from error handlers', () => {
    expect(sessions({ secret: SECRET })).toHaveLength(3)
    expect(() => connect().use(sessions({ secret: SECRET }))).not.toThrow()
  })

  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [SECRET, 'a string'],
    [5, 'a number'],
    [[SECRET], 'an object (Array)'],
    [Buffer.from(SECRET), 'an object (Buffer)'],
  ])('refuses %j in place of the options, and does not repeat what may be the secret', (options, shown) => {
    expect(refusal(options)).toBe(`sessions() takes an object of options, got ${shown}; at the least { secret }`)
  })

  it.each<[string, unknown, RegExp]>([
    ['without a secret', {}, /^secret must be .* got undefined \(is the environment variable set\?\)\. Make one with/],
    ['with an empty secret', { secret: '' }, /^secret must not be empty\. Make one with generateSecret\(\)/],
    ['with an empty list of secrets', { secret: [] }, /^secret must hold 1 to 64 secrets, got 0\. Make one with/],
    ['with a number for a secret', { secret: 5 }, /^secret must be .* got a number\. Make one with/],
  ])('refuses to work %s', (_, options, message) => {
    expect(refusal(options)).toMatch(message)
  })

  it('neither changes nor keeps the object of options', async () => {
    const options = Object.freeze({ secret: Object.freeze([SECRET]), path: '/' }) as SessionOptions
    expect(() => sessions(options)).not.toThrow()
    const open = { secret: SECRET, session_key: 'a' }
    const settings = checkSessionOptions(open)
    open.session_key = 'b'
    expect(settings.transport.key).toBe('a')
    expect(Object.isFrozen(settings)).toBe(true)
    expect(Object.isFrozen(settings.transport)).toBe(true)
  })

  it('takes undefined for an option that is left out', async () => {
    const names = [
      ...['timeout', 'absoluteTimeout', 'rolling', 'session_key', 'property', 'path', 'scope', 'domain'],
      ...['secure', 'trustProxy', 'httpOnly', 'sameSite', 'partitioned', 'priority', 'persistent', 'backend'],
      ...['onInvalid', 'onError', 'now', 'random'],
    ]
    const options = Object.fromEntries(names.map((name) => [name, undefined]))
    const { cookies } = await visit((req) => {
      req.session.n = 1
    }, options)
    expect(cookies[0]).toMatch(/^_node=[\w-]+; Max-Age=86400; Path=\/; Expires=[\w, :]+ GMT; HttpOnly; SameSite=Lax$/)
  })
})

describe('an option of the wrong kind', () => {
  it.each<[keyof SessionOptions, unknown, string]>([
    ['timeout', 0, 'a whole number of milliseconds above 0, got 0'],
    ['timeout', -1, 'a whole number of milliseconds above 0, got -1'],
    ['timeout', 1.5, 'a whole number of milliseconds above 0, got 1.5'],
    ['timeout', Infinity, 'a whole number of milliseconds above 0, got Infinity'],
    ['timeout', Number.NaN, 'a whole number of milliseconds above 0, got NaN'],
    ['timeout', '1d', 'a whole number of milliseconds above 0, got "1d"'],
    ['timeout', null, 'a whole number of milliseconds above 0, got null'],
    ['timeout', 2 ** 48, 'a whole number of milliseconds above 0, got 281474976710656'],
    ['absoluteTimeout', 0, 'a whole number of milliseconds above 0, or Infinity, got 0'],
    ['absoluteTimeout', '1d', 'a whole number of milliseconds above 0, or Infinity, got "1d"'],
    ['absoluteTimeout', null, 'a whole number of milliseconds above 0, or Infinity, got null'],
    ['rolling', -1, 'true, false or a whole number of milliseconds, got -1'],
    ['rolling', 0.5, 'true, false or a whole number of milliseconds, got 0.5'],
    ['rolling', 'yes', 'true, false or a whole number of milliseconds, got "yes"'],
    ['rolling', null, 'true, false or a whole number of milliseconds, got null'],
    ['property', '', 'the name of a property of req, got ""'],
    ['property', 5, 'the name of a property of req, got 5'],
    ['property', Symbol.iterator, 'the name of a property of req, got Symbol(Symbol.iterator)'],
    ['path', '', 'a string that starts with \'/\', got ""'],
    ['path', 'app', 'a string that starts with \'/\', got "app"'],
    ['path', 5, "a string that starts with '/', got 5"],
    ['path', null, "a string that starts with '/', got null"],
    ['scope', '', 'a string that starts with \'/\', got ""'],
    ['scope', 'app', 'a string that starts with \'/\', got "app"'],
    ['scope', null, "a string that starts with '/', got null"],
    ['domain', '', 'a domain such as \'example.com\', got ""'],
    ['domain', 5, "a domain such as 'example.com', got 5"],
    ['domain', null, "a domain such as 'example.com', got null"],
    ['secure', 'yes', 'true, false or \'auto\', got "yes"'],
    ['secure', null, "true, false or 'auto', got null"],
    ['trustProxy', 1, 'true or false, got 1'],
    ['trustProxy', 'loopback', 'true or false, got "loopback"'],
    ['httpOnly', 'no', 'true or false, got "no"'],
    ['sameSite', true, "'lax', 'strict' or 'none', got true"],
    ['sameSite', 'Lax', "'lax', 'strict' or 'none', got \"Lax\""],
    ['partitioned', 1, 'true or false, got 1'],
    ['priority', 'urgent', "'low', 'medium' or 'high', got \"urgent\""],
    ['priority', '', "'low', 'medium' or 'high', got \"\""],
    ['persistent', 0, 'true or false, got 0'],
    ['backend', 'webcrypto', "'auto', 'wasm', 'node' or a backend object, got \"webcrypto\""],
    ['backend', {}, "'auto', 'wasm', 'node' or a backend object, got an object (Object)"],
    ['backend', null, "'auto', 'wasm', 'node' or a backend object, got null"],
    ['onInvalid', true, 'a function (reason, req), got true'],
    ['onError', 'log', 'a function (error, req), got "log"'],
    ['now', 5, 'a function that returns milliseconds since the epoch, got 5'],
    ['random', 'random', 'a function that fills bytes, got "random"'],
  ])('%s: %j', (option, value, message) => {
    expect(refusal(given({ [option]: value }))).toBe(`${option} must be ${message}`)
  })

  it.each<[string, unknown]>([
    ['with a space', 'a b'],
    ['with "="', 'a=b'],
    ['with ";"', 'a;b'],
    ['with a line break', 'a\nb'],
    ['with quotes', '"a"'],
    ['beyond ASCII', 'sitzüng'],
    ['with a comma', 'a,b'],
    ['with brackets', 'a[0]'],
  ])('session_key %s', (_, session_key) => {
    expect(refusal(given({ session_key }))).toMatch(/^session_key must be a cookie's name: .*, got "/)
  })

  it.each([5, '', null, 'a\0b'])('session_key %j', (session_key) => {
    expect(refusal(given({ session_key }))).toMatch(/^session_key must be a/)
  })

  it('session_key of more than 256 bytes', () => {
    expect(refusal(given({ session_key: 'n'.repeat(257) }))).toMatch(/^session_key must be .*got a string of 257 char/)
  })

  it.each<[string, object]>([
    ['path with ";"', { path: '/a;Domain=evil.example' }],
    ['domain with ";"', { domain: 'example.com; Path=/x' }],
    ['domain with a line break', { domain: 'example.com\r\n' }],
    ['domain with a space', { domain: 'exa mple.com' }],
  ])('%s', (_, options) => {
    expect(refusal(given(options))).toMatch(/^no cookie can bear these attributes: option (path|domain) is invalid: /)
  })

  it('never has the secret in the message', () => {
    const secret = { key: 'hunter2 hunter2 hunter2' }
    expect(refusal({ secret })).not.toContain('hunter2')
    expect(refusal({ secret: [SECRET, 5] })).not.toContain(SECRET)
  })
})

describe('options that contradict each other', () => {
  it.each<[string, object, RegExp]>([
    [
      'sameSite none and secure false',
      { sameSite: 'none', secure: false },
      /^sameSite: 'none' needs Secure, or browsers refuse it, but secure is false: leave secure out$/,
    ],
    ['partitioned and secure false', { partitioned: true, secure: false }, /^partitioned: true needs Secure/],
    [
      '__Host- and secure false',
      { session_key: '__Host-a', secure: false },
      /^a cookie named "__Host-a" needs Secure.* leave secure out$/,
    ],
    ['__Secure- and secure false', { session_key: '__secure-a', secure: false }, /^a cookie named "__secure-a" needs/],
    [
      '__Host- and a domain',
      { session_key: '__Host-a', domain: 'example.com' },
      /^a cookie named "__Host-a" belongs to one host .* with domain "example\.com": leave that out, or name it '__Secure-/,
    ],
    ['__Host- and a path', { session_key: '__HOST-a', path: '/app' }, /with path "\/app": leave that out/],
    [
      'an absolute timeout below the idle one',
      { timeout: 2_000, absoluteTimeout: 1_000 },
      /^absoluteTimeout \(1000 ms\) is shorter than timeout \(2000 ms\), .*: make timeout the shorter of the two$/,
    ],
    [
      'rolling at the timeout',
      { timeout: 2_000, rolling: 2_000 },
      /^rolling \(2000 ms\) is not shorter than timeout \(2000 ms\), .*: make it shorter, or false$/,
    ],
  ])('%s', (_, options, message) => {
    expect(refusal(given(options))).toMatch(message)
  })

  it.each<[string, object]>([
    ['sameSite none and secure true', { sameSite: 'none', secure: true }],
    ["sameSite none and secure 'auto'", { sameSite: 'none', secure: 'auto' }],
    ['__Host- and path /', { session_key: '__Host-a', path: '/' }],
    ['__Secure- with domain and path', { session_key: '__Secure-a', domain: 'example.com', path: '/app' }],
    ['both timeouts equal', { timeout: 1_000, absoluteTimeout: 1_000 }],
    ['an absolute timeout below the default idle one', { absoluteTimeout: 1_000 }],
    ['rolling one below the timeout', { timeout: 2_000, rolling: 1_999 }],
    ['rolling 0', { rolling: 0 }],
    ['a name of 256 bytes', { session_key: 'n'.repeat(256) }],
    ['a name with every odd character', { session_key: "!#$%&'*+-.^_`|~" }],
  ])('... but not %s', (_, options) => {
    expect(() => sessions(given(options) as SessionOptions)).not.toThrow()
  })
})

describe('"absoluteTimeout" option', () => {
  const limit = (options: object): number => checkSessionOptions({ secret: SECRET, ...options }).codec.absoluteTimeout

  it('defaults to 30 days, or to the timeout where that is longer', () => {
    expect(limit({})).toBe(30 * DAY)
    expect(limit({ absoluteTimeout: undefined, timeout: 30 * DAY })).toBe(30 * DAY)
    expect(limit({ timeout: 30 * DAY + 1 })).toBe(30 * DAY + 1)
    expect(limit({ absoluteTimeout: 2 * DAY })).toBe(2 * DAY)
  })

  it('is turned off by Infinity', () => {
    expect(limit({ absoluteTimeout: Infinity })).toBe(Infinity)
    expect(checkSessionOptions({ secret: SECRET, absoluteTimeout: Infinity }).codec.timeout).toBe(DAY)
  })

  it.each([
    ['by default', {}, 31],
    ['unless it is Infinity', { absoluteTimeout: Infinity }, 60],
  ])('ends a session that is used every day after 30 of them, %s', async (_, options, visits) => {
    const now = createClock()
    const site = await serve((req, res) => res.end(String(req.session.createdAt)), { ...options, now, rolling: true })
    let cookie = sealed({ n: 1 }, { at: START })
    let lasted = 0
    for (let answer = await site.get('/', { cookie }); answer.body === `${START}` && lasted < 60; lasted++) {
      cookie = (answer.cookies[0] as string).split(';')[0] as string
      now.time += DAY - 1
      answer = await site.get('/', { cookie })
    }
    expect(lasted).toBe(visits)
  })
})

describe('"path" and "scope" options', () => {
  it.each([
    ['/my app', '"/my%20app"'],
    ['/a#b', '"/a%23b"'],
    ['/a?b', '"/a%3Fb"'],
    ['/a ', '"/a%20"'],
    ['/caf\u00e9', '"/caf%C3%A9"'],
    ['/\u{1f36a}', '"/%F0%9F%8D%AA"'],
    ['/\ud83c', '"/%EF%BF%BD"'],
    ['/a\tb', '"/a%09b"'],
    ['/a\r\nX: y', '"/a%0D%0AX:%20y"'],
    ['/a\0', '"/a%00"'],
    ['/a\x7f', '"/a%7F"'],
    ['/a\\b', '"/a%5Cb"'],
    ['/a"b<c>d`e{f}', '"/a%22b%3Cc%3Ed%60e%7Bf%7D"'],
  ])('cannot be %j, which no browser sends, and say what to write', (path, written) => {
    for (const option of ['path', 'scope']) {
      expect(refusal(given({ [option]: path }))).toBe(
        `${option} must be a path alone, percent-encoded as browsers send it: ${written}, got ${JSON.stringify(path)}`,
      )
    }
  })

  it.each(['/..', '/a/../b', '/a/./b', '/a/.', '/%2e/a', '/a/%2E.'])('cannot be %s, which browsers resolve', (path) => {
    for (const option of ['path', 'scope']) {
      expect(refusal(given({ [option]: path }))).toContain(`${option} must be a path without the segments '.' and '..'`)
    }
  })

  it('may hold whatever a URL has in its path as it is, and no more', () => {
    for (let code = 0; code < 128; code++) {
      const path = `/a${String.fromCharCode(code)}b`
      // Newer URLs encode '^', which older browsers send as it is.
      if (path === '/a;b' || path === '/a^b') continue
      const isSent = new URL(`http://example.com${path}`).pathname === path
      const options = given({ path }) as SessionOptions
      if (isSent) expect(() => sessions(options), path).not.toThrow()
      else expect(() => sessions(options), path).toThrow(TypeError)
    }
    for (const path of ['//', '/a//b', '/...', '/.a', '/a.', '/a/%2f', '/%c3%a9', '/a/b/']) {
      expect(() => sessions(given({ path, scope: path }) as SessionOptions)).not.toThrow()
    }
  })

  it('are one by default', () => {
    expect(checkSessionOptions({ secret: SECRET }).scope).toBe('/')
    expect(checkSessionOptions({ secret: SECRET, path: '/app' }).scope).toBe('/app')
    expect(checkSessionOptions({ secret: SECRET, path: '/app', scope: '/' }).scope).toBe('/')
  })

  it('are two behind a proxy that strips the prefix: the browser sees one, the requests have the other', async () => {
    const site = await serve(
      (req, res) => {
        if (req.session !== undefined) req.session.n = 1
        res.end(String(req.session !== undefined))
      },
      { path: '/app1', scope: '/inner' },
    )
    const found = []
    for (const path of ['/inner', '/inner/x', '/app1', '/']) {
      const { body, cookies } = await site.get(path)
      found.push([path, body, cookies.map((line) => /Path=[^;]*/.exec(line)?.[0])])
    }
    expect(found).toEqual([
      ['/inner', 'true', ['Path=/app1']],
      ['/inner/x', 'true', ['Path=/app1']],
      ['/app1', 'false', []],
      ['/', 'false', []],
    ])
    const prefixed = { session_key: '__Host-a', scope: '/inner' }
    expect(() => sessions(given(prefixed) as SessionOptions)).not.toThrow()
  })
})

describe('the default clock', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each(['before', 'after'])('is that of fake timers which are installed %s sessions() is called', async (when) => {
    const install = (): unknown => vi.useFakeTimers({ toFake: ['Date'], now: START })
    if (when === 'before') install()
    const middleware = mount()
    if (when === 'after') install()
    const site = await serveApp(app(middleware, (req, res) => res.end(`${req.session.createdAt}`)))
    expect((await site.get()).body).toBe(`${START}`)
    vi.setSystemTime(START + 5)
    expect((await site.get()).body).toBe(`${START + 5}`)
    vi.useRealTimers()
    expect(Number((await site.get()).body)).toBeCloseTo(Date.now(), -5)
  })
})

describe('an unknown option', () => {
  it.each([
    ['name', 'session_key'],
    ['cookieName', 'session_key'],
    ['sessionKey', 'session_key'],
    ['sesion_key', 'session_key'],
    ['session_Key', 'session_key'],
    ['keys', 'secret'],
    ['password', 'secret'],
    ['secrets', 'secret'],
    ['sercet', 'secret'],
    ['duration', 'timeout'],
    ['idleTimeout', 'timeout'],
    ['timeOut', 'timeout'],
    ['absoluteDuration', 'absoluteTimeout'],
    ['absolutetimeout', 'absoluteTimeout'],
    ['activeDuration', 'rolling'],
    ['requestKey', 'property'],
    ['sessionName', 'property'],
    ['proxy', 'trustProxy'],
    ['renew', 'rolling'],
    ['ephemeral', 'persistent'],
    ['onUnsealError', 'onInvalid'],
    ['httponly', 'httpOnly'],
    ['samesite', 'sameSite'],
    ['onerror', 'onError'],
  ])('%s: meant was %s', (option, meant) => {
    expect(refusal(given({ [option]: 1 }))).toBe(`sessions() has no option '${option}': did you mean '${meant}'?`)
  })

  it('far from all: lists those there are', () => {
    expect(refusal(given({ algorithm: 'aes' }))).toMatch(
      /^sessions\(\) has no option 'algorithm': known are secret, timeout, .*random$/,
    )
  })

  it.each([
    ['key', /^beside a secret, other modules take it for the cookie's name: that is 'session_key' here$/],
    [
      'maxAge',
      /^did you mean 'timeout'\? .* in milliseconds \(not in seconds, as iron-session and h3 count, and not as/,
    ],
    ['ttl', /^did you mean 'timeout'\? .* in milliseconds/],
    ['expires', /^did you mean 'timeout'\? .* not as a date/],
    ['expiry', /^did you mean 'timeout'\? .* in milliseconds/],
    ['cookie', /^the cookie's attributes are options of their own.*: path, domain, .* timeout, .* persistent: false$/],
    ['cookieOptions', /^the cookie's attributes are options of their own/],
    ['sessionOptions', /^the options are passed by themselves.*: sessions\({ secret, timeout }\)$/],
    ['store', /^there is none, .*: leave it out$/],
    ['resave', /^leave it out, .*: see rolling$/],
    ['saveUninitialized', /^leave it out, .* sets no cookie before something is in it$/],
    ['unset', /^leave it out, .*req\.session = null/],
    ['genid', /^leave it out, .* no id/],
    ['signed', /^leave it out, .* encrypted and authenticated$/],
    ['overwrite', /^leave it out, .* once/],
  ])('%s: says what to do instead', (option, sentence) => {
    const message = refusal(given({ [option]: 'hunter2' }))
    const start = `sessions() has no option '${option}': `
    expect(message.slice(0, start.length)).toBe(start)
    expect(message.slice(start.length)).toMatch(sentence)
    expect(message).not.toContain('hunter2')
  })

  it('key without a secret: either may be meant', () => {
    expect(refusal({ key: 'hunter2' })).toBe(
      "sessions() has no option 'key': other modules take it for the secret or for the cookie's name: these are 'secret' and 'session_key' here",
    )
  })

  it.each(['constructor', 'toString', 'hasOwnProperty'])('%s, which every object inherits', (option) => {
    expect(refusal(given({ [option]: 1 }))).toContain(`has no option '${option}'`)
  })
})
