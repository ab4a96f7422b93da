/** What is handed the wrong thing, or mounted the wrong way: it says so in our words, and neither a process nor a secret pays for it. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import connect from 'connect'
import { build } from 'esbuild'
// @ts-expect-error: Express brings no types.
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sessions } from '../src/connect.ts'
import { sessions as sessionsFetch } from '../src/fetch.ts'
import { thrownBy } from './helpers/codec.ts'
import { deriveKeys } from './helpers/reference.js'
import {
  app,
  createClock,
  DAY,
  type Handler,
  mount,
  names,
  opened,
  SECRET,
  START,
  sealed,
  serve,
  serveApp,
  type TestRequest,
  visit,
} from './helpers/server.ts'

// biome-ignore lint/suspicious/noExplicitAny: what is wrong has no type.
type Anything = any

const ann = (): string => sealed({ user: 'ann' })

/** A directory with the package as two modules that a process of its own can import, made from the sources at hand. */
let bundles: string

beforeAll(async () => {
  bundles = mkdtempSync(join(tmpdir(), 'cookie-sessions-'))
  const source = fileURLToPath(new URL('../src', import.meta.url))
  await build({
    entryPoints: [join(source, 'index.ts'), join(source, 'fetch.ts')],
    outdir: bundles,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'silent',
  })
})

afterAll(() => rmSync(bundles, { recursive: true, force: true }))

/** Runs a module in a process of its own; what it prints. */
function run(code: string, env: NodeJS.ProcessEnv = {}): { status: number | null; stdout: string; stderr: string } {
  const script = join(bundles, 'script.mjs')
  const from = (name: string): string => JSON.stringify(pathToFileURL(join(bundles, `${name}.mjs`)).href)
  writeFileSync(
    script,
    code.replaceAll("'cookie-sessions'", from('index')).replaceAll("'cookie-sessions/fetch'", from('fetch')),
  )
  return spawnSync(process.execPath, [script], { env: { ...process.env, ...env }, encoding: 'utf8', timeout: 20_000 })
}

describe('the factory mounted in place of what it makes', () => {
  const hint = 'app.use(sessions({ secret }))'
  const use = (server: Anything): Handler => {
    server.use(sessions)
    server.use((error: Error, _req: unknown, res: Anything, _next: unknown) => {
      res.statusCode = 500
      res.end(`${error.name}: ${error.message}`)
    })
    return server
  }

  it.each<[string, () => Anything]>([
    ['Connect', connect],
    ['Express', express],
  ])('in %s is an error of each request that says what to write', async (_, make) => {
    const site = await serveApp(use(make()))
    for (const path of ['/', '/again']) {
      const { status, body } = await site.get(path)
      expect([status, body]).toEqual([500, expect.stringMatching(/^TypeError: cookie-sessions: /)])
      expect(body).toContain(hint)
    }
  })

  it('goes to next() and is not thrown', () => {
    const heard: unknown[] = []
    const call = sessions as unknown as (...args: unknown[]) => unknown
    expect(call({ headers: {} }, { setHeader() {}, writeHead() {} }, (error: unknown) => heard.push(error))).toBe(
      undefined,
    )
    expect(heard).toEqual([expect.any(TypeError)])
  })

  it.each(['http', 'http2'])(
    'in a server of %s, as is or made, is a 500 of each request and a line on the console',
    (kind) => {
      for (const [handler, words] of [
        ['sessions', /sessions\(\{ secret \}\)/],
        ["sessions({ secret: 'a secret of thirty-two characters' })", /sessions\(\{ secret \}\)|\(req, res/],
      ] as const) {
        const { status, stdout, stderr } = run(`
        import { once } from 'node:events'
        import server from 'node:${kind}'
        import sessions from 'cookie-sessions'
        const listening = server.createServer(${handler}).listen(0, '127.0.0.1')
        await once(listening, 'listening')
        const { port } = listening.address()
        const get = ${
          kind === 'http'
            ? "async () => { const answer = await fetch('http://127.0.0.1:' + port); return [answer.status, await answer.text()] }"
            : `async () => {
                const client = server.connect('http://127.0.0.1:' + port)
                const stream = client.request({ ':path': '/' })
                const [headers] = await once(stream, 'response')
                let text = ''
                for await (const chunk of stream) text += chunk
                client.close()
                return [headers[':status'], text]
              }`
        }
        const answers = [await get(), await get()]
        console.log(JSON.stringify(answers))
        listening.close()
      `)
        expect([status, stderr]).toEqual([0, expect.stringContaining('cookie-sessions: ')])
        const answers = JSON.parse(stdout) as [number, string][]
        expect(answers.map(([code]) => code)).toEqual([500, 500])
        expect(stderr).toMatch(words)
        // What the developer reads is not for the client.
        for (const [, text] of answers) expect(text).not.toMatch(/secret|at /)
      }
    },
  )
})

describe('secrets, from a request', () => {
  const TEXT = 'text of a secret that nobody may find'
  const BYTES = Uint8Array.from({ length: 40 }, (_, i) => 255 - i * 3)
  const settings = { secret: [TEXT, BYTES], timeout: 7_654_321, session_key: 'hidden', property: 'session' }
  const needles = [TEXT, BYTES].flatMap((secret) => {
    const { cipherKey, macKey } = deriveKeys(secret, settings.session_key)
    return [secret, cipherKey, macKey].map((part) => Buffer.from(part as Uint8Array))
  })
  /** Numbers that only the settings of this middleware hold. */
  const numbers = [settings.timeout, Math.floor(settings.timeout / 10)]

  const isObject = (value: unknown): value is object =>
    (typeof value === 'object' && value !== null) || typeof value === 'function'
  const bytesOf = (value: unknown): Buffer | undefined => {
    if (typeof value === 'string') return Buffer.from(value)
    if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer)
    return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer ? Buffer.from(value) : undefined
  }

  /** Everything that a program can get at from here: by any key, prototype or getter, and in collections. */
  function* reachable(roots: { [name: string]: unknown }): Generator<[path: string, value: unknown]> {
    // What is reachable without a request is no way from it.
    const seen = new Set<unknown>([globalThis, process, ...Object.values(process.versions)])
    const queue: [string, unknown][] = Object.entries(roots)
    const look = (path: string, read: () => unknown): void => {
      try {
        queue.push([path, read()])
      } catch {}
    }
    for (const [path, value] of queue) {
      yield [path, value]
      if (!isObject(value) || seen.has(value)) continue
      seen.add(value)
      for (let holder: object | null = value; holder !== null; holder = Object.getPrototypeOf(holder)) {
        for (const key of Reflect.ownKeys(holder)) {
          const at = `${path}.${String(key)}`
          if (typeof key === 'symbol') queue.push([at, key.description])
          look(at, () => Reflect.get(holder as object, key, value))
          for (const part of Object.values(Object.getOwnPropertyDescriptor(holder, key) ?? {})) queue.push([at, part])
        }
        queue.push([`${path}.__proto__`, Object.getPrototypeOf(holder)])
      }
      if (value instanceof Map) look(`${path}.entries`, () => [...value])
      if (value instanceof Set) look(`${path}.values`, () => [...value])
      if (value instanceof WeakRef) look(`${path}.deref`, () => value.deref())
    }
  }

  const acts: [string, (req: TestRequest, middleware: Anything) => unknown][] = [
    ['untouched', () => undefined],
    ['touched', (req) => req.session.user],
    [
      'changed and saved',
      (req) => {
        req.session.user = 'bob'
        req.session.save()
        return req.session
      },
    ],
    ['opened', (req, middleware) => middleware.open(req)],
  ]

  it.each(acts)('nor settings are to be reached: %s', async (_, act) => {
    const middleware = mount(settings as never)
    let found: string[] | undefined
    let count = 0
    const site = await serveApp(
      app(middleware, (req, res) => {
        const roots = { req, res, value: act(req, middleware) }
        found = []
        for (const [path, value] of reachable(roots)) {
          count++
          const bytes = bytesOf(value)
          if (bytes !== undefined && needles.some((needle) => bytes.includes(needle))) found.push(path)
          if (numbers.includes(value as number)) found.push(path)
        }
        res.end()
      }),
    )
    await site.get('/', { cookie: sealed({ user: 'ann' }, { name: 'hidden', secret: TEXT }) })
    expect(found).toEqual([])
    expect(count).toBeGreaterThan(1_000)
  })

  it.each(acts)('nor are they printed: %s', async (_, act) => {
    const middleware = mount(settings as never)
    let text = ''
    const site = await serveApp(
      app(middleware, (req, res) => {
        const value = act(req, middleware)
        const once = new Set()
        for (const root of [req, res, value, req.session]) {
          text += inspect(root, {
            showHidden: true,
            depth: 8,
            getters: true,
            maxArrayLength: null,
            maxStringLength: null,
          })
          text += JSON.stringify(root, (_, part) => {
            if (!isObject(part)) return part
            return once.has(part) ? undefined : once.add(part) && { ...part }
          })
        }
        res.end()
      }),
    )
    await site.get('/', { cookie: sealed({ user: 'ann' }, { name: 'hidden', secret: TEXT }) })
    expect(text).toContain('IncomingMessage')
    expect(text).not.toContain(TEXT)
    // Bytes are printed as numbers or as hexadecimal digits.
    for (const needle of needles) {
      for (const shown of [
        [...needle].slice(0, 12).join(', '),
        needle.toString('hex', 0, 12),
        inspect(needle).slice(8, 40),
      ])
        expect(text).not.toContain(shown)
    }
    for (const number of numbers)
      expect(text).not.toMatch(new RegExp(`\\b(${number}|${inspect(number, { numericSeparator: true })})\\b`))
  })

  it('nor from a session of Fetch', async () => {
    const found: string[] = []
    const withSession = sessionsFetch(settings as never)
    const request = new Request('http://a/', {
      headers: { Cookie: sealed({ user: 'ann' }, { name: 'hidden', secret: TEXT }) },
    })
    const response = await withSession((request, session) => {
      session.touch()
      for (const [path, value] of reachable({ request, session })) {
        const bytes = bytesOf(value)
        if (bytes !== undefined && needles.some((needle) => bytes.includes(needle))) found.push(path)
        if (numbers.includes(value as number)) found.push(path)
      }
      return new Response()
    })(request)
    expect([found, response.headers.getSetCookie().length]).toEqual([[], 1])
  })
})

describe('scope, where requests have a session', () => {
  const show: Handler = (req, res) => {
    if ('session' in req) req.session.n = 1
    res.end()
  }
  const path = '/app1'

  it.each<[string, object, string[], string[]]>([
    ['is path by default', { path }, ['/app1', '/app1/x', '/app1?y'], ['/', '/x', '/app12']],
    ['/ is everywhere', { path, scope: '/' }, ['/', '/x', '/app1', '/app12', '/app1/x'], []],
    ['is one of its own', { path, scope: '/in' }, ['/in', '/in/x'], ['/', '/app1', '/inn']],
    ['within path', { scope: '/in' }, ['/in/x'], ['/', '/x']],
  ])('%s', async (_, options, inside, outside) => {
    const site = await serve(show, options as never)
    const attribute = `; Path=${(options as { path?: string }).path ?? '/'};`
    for (const target of inside) {
      expect([target, (await site.get(target)).cookies]).toEqual([target, [expect.stringContaining(attribute)]])
    }
    for (const target of outside) expect([target, (await site.get(target)).cookies]).toEqual([target, []])
  })

  it('holds for middleware.open(req) as well', () => {
    const read = (options: object, url: string): unknown =>
      (sessions({ secret: SECRET, ...options }).open({ url, headers: { cookie: ann() } } as never) as Anything).user
    expect([read({ path }, '/x'), read({ path, scope: '/' }, '/x')]).toEqual([undefined, 'ann'])
    expect([read({ path, scope: '/in' }, '/app1'), read({ path, scope: '/in' }, '/in')]).toEqual([undefined, 'ann'])
  })

  it.each<[unknown]>([['in'], [''], [5], [null], ['/a b'], ['/a?b'], ['/a#b']])('%o is none', (scope) => {
    const { name, message } = thrownBy(() => sessions({ secret: SECRET, path, scope } as never))
    expect([name, message]).toEqual(['TypeError', expect.stringMatching(/^cookie-sessions: .*scope/)])
  })
})

describe('a realm whose Object.prototype is frozen', () => {
  const token = sealed(JSON.parse('{"constructor":1,"toString":2,"__proto__":{"x":1},"user":"ann"}'))
  const entries = [
    ['constructor', 1],
    ['toString', 2],
    ['__proto__', { x: 1 }],
    ['user', 'ann'],
  ]

  it.each(['before', 'after'])('%s the package is loaded: what bears the names of its members is data', (when) => {
    const freeze = 'Object.freeze(Object.prototype); Object.freeze(Array.prototype); Object.freeze(Function.prototype)'
    const { stdout, stderr } = run(`
      ${when === 'before' ? freeze : ''}
      const { default: sessions, createCodec } = await import('cookie-sessions')
      const { default: sessionsFetch } = await import('cookie-sessions/fetch')
      ${when === 'after' ? freeze : ''}
      const secret = ${JSON.stringify(SECRET)}
      const cookie = ${JSON.stringify(token)}
      const onError = (error) => console.error(error)
      const onInvalid = (reason) => console.error(reason)
      const results = {}
      const middleware = sessions({ secret, onError, onInvalid })
      const request = () => ({ url: '/', headers: { cookie } })
      const req = request()
      const headers = {}
      const res = {
        statusCode: 200,
        headersSent: false,
        getHeader: (name) => headers[name.toLowerCase()],
        hasHeader: (name) => name.toLowerCase() in headers,
        setHeader: (name, value) => void (headers[name.toLowerCase()] = value),
        removeHeader: (name) => void delete headers[name.toLowerCase()],
        writeHead() {},
      }
      middleware(req, res, () => {})
      results.connect = Object.entries(req.session)
      results.open = Object.entries(middleware.open(request()))
      req.session = JSON.parse(JSON.stringify(req.session))
      results.assigned = Object.entries(req.session)
      req.session.regenerate(['constructor', 'toString', '__proto__', 'user'])
      results.kept = Object.entries(req.session)
      res.writeHead(200)
      const codec = createCodec({ secret, name: '_node' })
      results.sealed = Object.entries(codec.open(String(headers['set-cookie']).slice(6).split(';')[0]).data)
      const handler = sessionsFetch({ secret, onError, onInvalid })((_, session) => {
        results.fetch = Object.entries(session)
        session.regenerate(['constructor', 'toString', '__proto__', 'user'])
        results.fetchKept = Object.entries(session)
        return new Response()
      })
      await handler(new Request('http://a/', { headers: { cookie } }))
      console.log(JSON.stringify(results))
    `)
    expect(stderr).toBe('')
    for (const found of Object.values(JSON.parse(stdout))) expect(found).toEqual(entries)
    expect(Object.keys(JSON.parse(stdout))).toHaveLength(7)
  })
})

describe('cookie-sessions/fetch handed the wrong thing', () => {
  const withSession: Anything = sessionsFetch({ secret: SECRET })
  const request = (): Request => new Request('http://a/', { headers: { Cookie: ann() } })
  const connectRequest = { url: '/', method: 'GET', headers: { cookie: ann(), host: 'a' } }
  const expectWords = (error: unknown, ...words: (string | RegExp)[]): void => {
    expect(error).toBeInstanceOf(TypeError)
    const { message } = error as Error
    expect(message).toMatch(/^cookie-sessions: /)
    for (const word of words) expect(message).toMatch(word)
  }

  it.each<[string, unknown, RegExp]>([
    ['a response', new Response(), /Request/],
    ['headers', new Headers({ Cookie: ann() }), /Request/],
    ["Connect's request", connectRequest, /Request/],
    ['nothing', undefined, /Request/],
    ['null', null, /Request/],
    ['a URL', 'http://a/', /Request/],
    ['a plain object', {}, /Request/],
    ['a session', withSession.open(request()), /Request/],
    ['a promise, as cookies() of Next returns', Promise.resolve(new Map()), /await/],
  ])('open() of %s', (_, given, words) => {
    expectWords(
      thrownBy(() => withSession.open(given)),
      words,
    )
  })

  it.each<[string, (session: unknown) => unknown[], RegExp]>([
    ['a response', (session) => [session, new Response()], /\.headers/],
    ['a request', (session) => [session, request()], /[Hh]eaders/],
    ['nothing', (session) => [session], /[Hh]eaders/],
    ['null', (session) => [session, null], /[Hh]eaders/],
    ['a plain object', (session) => [session, { 'Content-Type': 'text/plain' }], /[Hh]eaders/],
    ["Connect's response", (session) => [session, { setHeader() {}, getHeader() {} }], /[Hh]eaders/],
    ['a promise, as cookies() of Next returns', (session) => [session, Promise.resolve(new Map())], /await/],
    ['the arguments the other way round', (session) => [new Headers(), session], /open\(/],
    ['what is no session', () => [{ user: 'ann' }, new Headers()], /open\(/],
    ['no session', () => [undefined, new Headers()], /open\(/],
  ])('commit() of %s', (_, make, words) => {
    const session = withSession.open(request())
    session.user = 'bob'
    expectWords(
      thrownBy(() => withSession.commit(...make(session))),
      /commit\(/,
      words,
    )
    // Nothing is used up.
    const headers = new Headers()
    withSession.commit(session, headers)
    expect(names({ cookies: headers.getSetCookie() })).toEqual(['_node=*'])
  })

  it.each<[string, unknown[]]>([
    ['nothing', []],
    ['an object', [{}]],
    ['a request', [request()]],
    ['null', [null]],
  ])('a wrapper of %s', (_, args) => {
    expectWords(
      thrownBy(() => withSession(...args)),
      /handler|function/,
    )
  })

  it('the wrapper as middleware of Connect', async () => {
    expectWords(
      thrownBy(() => withSession(connectRequest, { setHeader() {} }, () => {})),
      /'cookie-sessions'|Connect/,
    )
    const server = connect()
    server.use(withSession)
    server.use(((error: Error, _req: unknown, res: Anything, _next: unknown) => {
      res.statusCode = 500
      res.end(error.message)
    }) as never)
    const answer = await (await serveApp(server as unknown as Handler)).get()
    expect([answer.status, answer.body]).toEqual([500, expect.stringMatching(/^cookie-sessions: .*Connect/)])
  })

  it('what it made as a handler of Connect', async () => {
    const handler = withSession(() => new Response())
    expectWords(await handler(connectRequest, {}, () => {}).catch((error: unknown) => error), /Request/)
  })

  it.each<[string, unknown]>([
    ['text', 'hello'],
    ['a plain object', { ok: true }],
    ['null', null],
    ['a number', 204],
    ['a session', 'session'],
  ])('a handler that returns %s', async (kind, returned) => {
    for (const later of [false, true]) {
      const handler = withSession((_: unknown, session: unknown) => {
        const value = kind === 'a session' ? session : returned
        return later ? Promise.resolve(value) : value
      })
      expectWords(await handler(request()).catch((error: unknown) => error), /Response/)
    }
  })

  it('a response that another implementation made is one', async () => {
    const other = Object.assign(
      Object.create({
        get [Symbol.toStringTag]() {
          return 'Response'
        },
      }),
      {
        status: 200,
        statusText: '',
        headers: new Headers(),
        body: null,
      },
    )
    const handler = withSession((_: unknown, session: Anything) => {
      session.user = 'bob'
      return other
    })
    expect(names({ cookies: (await handler(request())).headers.getSetCookie() })).toEqual(['_node=*'])
  })
})

describe("Next's cookies()", () => {
  interface Cookie {
    name: string
    value: string
  }
  /** The store that `await cookies()` is, with these cookies in it. */
  function jar(...pairs: string[]) {
    const cookies: Cookie[] = pairs.map((pair) => {
      const at = pair.indexOf('=')
      return { name: pair.slice(0, at), value: pair.slice(at + 1) }
    })
    const calls: [string, string, Anything][] = []
    const store = {
      get: (name: string) => store.getAll(name).at(-1),
      getAll: (name: string) => cookies.filter((cookie) => cookie.name === name),
      set: (name: string, value: string, options: object) => {
        calls.push([name, value, options])
        return store
      },
    }
    return { store, calls }
  }
  const clock = createClock()
  const make = (options: object = {}): Anything => sessionsFetch({ secret: SECRET, now: clock, ...options } as never)
  const cookie = (): string => sealed({ user: 'ann' }, { at: START })
  const contents = (token: string): unknown => opened({ cookies: [`_node=${token}`] }, { at: START })

  it('holds the session that open() reads', () => {
    const { store, calls } = jar('other=1', cookie())
    const session = make().open(store)
    expect([session.user, session.isNew, session.createdAt, calls]).toEqual(['ann', false, START, []])
    const empty = make().open(jar('other=1').store)
    expect([{ ...empty }, empty.isNew]).toEqual([{}, true])
  })

  it('of several cookies the one issued last serves', () => {
    const cookies = [sealed({ user: 'old' }, { at: START - 1 }), cookie(), '_node=junk']
    for (const order of [cookies, cookies.toReversed()]) expect(make().open(jar(...order).store).user).toBe('ann')
  })

  it('tells onInvalid of a bad one', () => {
    const told: unknown[] = []
    make({ onInvalid: (reason: string) => told.push(reason) }).open(jar('_node=junk').store)
    expect(told).toEqual(['malformed'])
  })

  it('takes what is due by set()', () => {
    const { store, calls } = jar(cookie())
    const withSession = make({ secure: true })
    const session = withSession.open(store)
    session.user = 'bob'
    withSession.commit(session, store)
    const [[name, token, options]] = calls as [(typeof calls)[0]]
    expect([calls.length, name, contents(token)]).toEqual([1, '_node', { user: 'bob' }])
    expect(options).toMatchObject({ path: '/', httpOnly: true, sameSite: 'lax', secure: true, maxAge: 86_400 })
    expect(new Date(options.expires).getTime()).toBe(START + DAY)
    expect(options).not.toHaveProperty('domain')
  })

  it.each<[string, object, object]>([
    ['path and domain', { path: '/app', domain: 'example.com' }, { path: '/app', domain: 'example.com' }],
    ['httpOnly: false', { httpOnly: false }, { httpOnly: false }],
    ["sameSite: 'none'", { sameSite: 'none' }, { sameSite: 'none', secure: true }],
    ["sameSite: 'strict'", { sameSite: 'strict' }, { sameSite: 'strict' }],
    ['secure: false', { secure: false }, { secure: false }],
    ['timeout', { timeout: 61_500 }, { maxAge: 62 }],
    ['partitioned', { partitioned: true }, { partitioned: true, secure: true }],
    ['priority', { priority: 'high' }, { priority: 'high' }],
  ])('%s is among its options', (_, options, expected) => {
    const { store, calls } = jar()
    const withSession = make(options)
    const session = withSession.open(store)
    session.user = 'bob'
    withSession.commit(session, store)
    expect(calls[0]?.[2]).toMatchObject(expected)
  })

  it('with persistent: false the cookie ends with the browser', () => {
    const { store, calls } = jar()
    const withSession = make({ persistent: false })
    const session = withSession.open(store)
    session.user = 'bob'
    withSession.commit(session, store)
    expect([calls.length, calls[0]?.[2].maxAge, calls[0]?.[2].expires]).toEqual([1, undefined, undefined])
  })

  it('is left alone when nothing is due', () => {
    for (const [pairs, act] of [
      [[cookie()], (session: Anything) => session.user],
      [[], () => undefined],
      [[], (session: Anything) => session.destroy()],
    ] as [string[], (session: Anything) => unknown][]) {
      const { store, calls } = jar(...pairs)
      const withSession = make()
      const session = withSession.open(store)
      act(session)
      withSession.commit(session, store)
      expect(calls).toEqual([])
    }
  })

  it('the cookie is taken away when the session ended', () => {
    const { store, calls } = jar(cookie())
    const withSession = make({ path: '/app', domain: 'example.com' })
    const session = withSession.open(store)
    session.destroy()
    withSession.commit(session, store)
    expect(calls).toEqual([
      ['_node', '', expect.objectContaining({ maxAge: 0, path: '/app', domain: 'example.com', httpOnly: true })],
    ])
  })

  it('throws what cannot be saved, and the store is left alone', () => {
    const { store, calls } = jar()
    const withSession = make()
    const session = withSession.open(store)
    session.big = 'x'.repeat(5_000)
    expect(thrownBy(() => withSession.commit(session, store))).toMatchObject({ code: 'too-large' })
    expect(calls).toEqual([])
  })

  it('a store that cannot be written to (a server component) says so itself', () => {
    const { store } = jar(cookie())
    const refusal = new Error('Cookies can only be modified in a Server Action or Route Handler.')
    const readonly = {
      ...store,
      set() {
        throw refusal
      },
    }
    const withSession = make()
    const session = withSession.open(readonly)
    withSession.commit(session, readonly)
    const changed = withSession.open(readonly)
    changed.user = 'bob'
    expect(thrownBy(() => withSession.commit(changed, readonly))).toBe(refusal)
  })

  it('a request may be opened and the store be written to, and the other way round', () => {
    const withSession = make()
    const { store, calls } = jar(cookie())
    const session = withSession.open(new Request('http://a/', { headers: { Cookie: cookie() } }))
    session.user = 'bob'
    withSession.commit(session, store)
    expect(calls).toHaveLength(1)
    const headers = new Headers()
    const other = withSession.open(store)
    other.user = 'cyd'
    withSession.commit(other, headers)
    expect(headers.getSetCookie()).toHaveLength(1)
  })
})

it('a session keeps working beside all that', async () => {
  expect((await visit((req) => req.session.user, { cookie: ann() })).value).toBe('ann')
})
