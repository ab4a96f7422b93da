/** Who answers when not everything goes well: a session that cannot be saved, and callbacks that answer the request themselves. */
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
// @ts-expect-error: Express brings no types.
import express from 'express'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { sessions as fetchSessions } from '../src/fetch.ts'
import {
  type Answer,
  app,
  type Handler,
  mount,
  names,
  opened,
  type Protocol,
  SECRET,
  type Site,
  sealed,
  sendRaw,
  serve,
  serveApp,
  type TestRequest,
  uncaught,
} from './helpers/server.ts'

// biome-ignore lint/suspicious/noExplicitAny: Express brings no types, and stacks of hooks are typed by nobody.
type Anything = any
type Respond = (res: ServerResponse, req: TestRequest) => unknown

const folder = mkdtempSync(join(tmpdir(), 'cookie-sessions-'))
const page = join(folder, 'page.html')
writeFileSync(page, '<h1>welcome</h1>'.repeat(20_000))
afterAll(() => rmSync(folder, { recursive: true }))

const protocols: Protocol[] = ['http', 'http2']
const WELCOME = 'welcome'.repeat(500)
const next = (res: ServerResponse): unknown => res.end('next')
const spoil = (req: TestRequest): void => {
  req.session.n = 1n
}

/** Headers that would send a client on, or make it keep or misread the answer. */
const TRAITORS = [
  'location',
  'refresh',
  'hx-redirect',
  'hx-location',
  'etag',
  'last-modified',
  'content-encoding',
  'content-range',
  'content-disposition',
  'trailer',
  'transfer-encoding',
]

/** The answer to a session that was not saved: our own, whole, and nothing of the app's but its cookies. */
function expectOurs(answer: Answer, { protocol = 'http', method = 'POST' } = {}, cookies = ['own=1', 'too=2']): void {
  expect(answer.status).toBe(500)
  expect(answer.reason).toBe(protocol === 'http' ? 'Internal Server Error' : '')
  expect(answer.headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
  expect(Object.keys(answer.headers).filter((name) => TRAITORS.includes(name))).toEqual([])
  expect(names(answer)).toEqual(cookies)
  if (method === 'HEAD') {
    expect(answer.body).toBe('')
    return
  }
  expect(answer.body).toMatch(/session could not be saved/i)
  expect(answer.body).not.toMatch(/welcome/)
  expect(answer.body.length).toBeLessThan(200)
  expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.body)))
}

/** What onError was told about a failed save: once, and where. */
function expectTold(errors: unknown[], { method = 'POST', sync = true } = {}): void {
  expect(errors).toEqual([expect.objectContaining({ name: 'SessionError', code: 'unserializable' })])
  const { message, stack = '' } = errors[0] as Error
  expect(message).toContain(`${method} /checkout: the session was not saved: `)
  expect(message).not.toContain('card')
  const first = stack.split('\n').find((line) => /^\s+at /.test(line))
  if (sync) expect(first).toContain('answers.test.ts')
  expect(stack).toContain(message)
}

const setAside: Respond = (res) => {
  res.setHeader('Set-Cookie', ['own=1', 'too=2'])
  for (const [name, value] of Object.entries({
    ETag: '"1"',
    'Last-Modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
    'Content-Type': 'text/html',
    Refresh: '0; url=/welcome',
    'HX-Redirect': '/welcome',
    'HX-Location': '/welcome',
  }))
    res.setHeader(name, value)
}

/** One failing request, POST by default, and another one after it. */
async function checkout(
  respond: Respond,
  { protocol = 'http', method = 'POST', before, spoiler = spoil, headers = {} }: Checkout = {},
): Promise<{ answer: Answer; site: Site }> {
  const errors: unknown[] = []
  const handler: Handler = (req, res) => {
    if (req.url === '/next') return next(res)
    setAside(res, req)
    spoiler(req)
    return respond(res, req)
  }
  const session = mount({ onError: (error) => errors.push(error) })
  const pass: Handler = (_req, _res, next) => next()
  const site = { ...(await serveApp(app(before ?? pass, session, handler), protocol)), errors }
  const answer = await site.get('/checkout?card=1', { method, headers, cookie: sealed({ user: 'ann' }) })
  expect((await site.get('/next')).body).toBe('next')
  return { answer, site }
}

interface Checkout {
  readonly protocol?: Protocol
  readonly method?: string
  readonly before?: Handler
  readonly spoiler?: (req: TestRequest) => void
  readonly headers?: OutgoingHttpHeaders
}

describe.each(protocols)('a session that cannot be saved, over %s,', (protocol) => {
  const ways: { [way: string]: Respond } = {
    'end()': (res) => res.end(),
    'end(body)': (res) => res.end('welcome'),
    'end(bytes)': (res) => res.end(Buffer.from('welcome')),
    'end(body, encoding, callback)': (res) => res.end('welcome', 'utf8', () => {}),
    'write() and end()': (res) => {
      res.write('welcome')
      res.end()
    },
    'write() and end(body)': (res) => {
      res.write('wel')
      res.write(Buffer.from('come'), () => {})
      res.end('welcome')
    },
    'write() of nothing': (res) => {
      res.write('')
      res.end('welcome')
    },
    'write() and no end': (res) => res.write('welcome'),
    'flushHeaders()': (res) => {
      res.flushHeaders()
      res.end('welcome')
    },
    'flushHeaders() and no end': (res) => res.flushHeaders(),
    'writeHead() and no end': (res) => res.writeHead(200),
    'writeHead(200, length)': (res) => res.writeHead(200, { 'Content-Length': 7 }).end('welcome'),
    'writeHead() with a list': (res) => res.writeHead(200, ['ETag', '"2"', 'Content-Length', '7']).end('welcome'),
    'writeHead() as a redirect': (res) => res.writeHead(302, { Location: '/welcome' }).end(),
    'a redirect by setHeader()': (res) => {
      res.statusCode = 303
      res.setHeader('Location', '/welcome')
      res.end('Found. welcome')
    },
    'writeHead(204)': (res) => res.writeHead(204).end(),
    'statusCode 304': (res) => Object.assign(res, { statusCode: 304 }).end(),
    'a range': (res) =>
      res.writeHead(206, { 'Content-Range': 'bytes 0-6/9', 'Content-Disposition': 'attachment' }).end('welcome'),
    'a length set before': (res) => {
      res.setHeader('Content-Length', '7')
      res.end('welcome')
    },
    'an encoding set before': (res) => {
      res.setHeader('Content-Encoding', 'gzip')
      createGzip().end('welcome').pipe(res)
    },
    trailers: (res) => {
      res.setHeader('Trailer', 'X-T')
      res.write('welcome')
      res.addTrailers({ 'X-T': 'welcome' })
      res.end()
    },
    'early hints before': (res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
      res.end('welcome')
    },
    'a stream’s pipe': (res) => Readable.from(['wel', 'come']).pipe(res),
    'a file’s pipe': (res) => createReadStream(page).pipe(res),
    'a stream’s pipe without an end': (res) => {
      const stream = new PassThrough()
      stream.pipe(res)
      stream.write('welcome')
    },
    setTimeout: (res) => setTimeout(() => res.end('welcome'), 0),
    'a promise': (res) => Promise.resolve().then(() => res.end('welcome')),
  }
  const http1: { [way: string]: Respond } = {
    'chunks set before': (res) => {
      res.setHeader('Transfer-Encoding', 'chunked')
      res.end('welcome')
    },
    'a strict length': (res) => {
      res.strictContentLength = true
      res.writeHead(200, { 'Content-Length': 7 })
      res.end('welcome')
    },
    'no length, taken away': (res) => {
      res.removeHeader('Content-Length')
      res.removeHeader('Transfer-Encoding')
      res.end('welcome')
    },
    'writeHead() with a reason': (res) => res.writeHead(201, 'Welcome').end('welcome'),
    'statusMessage set before': (res) => {
      res.statusMessage = 'Welcome'
      res.end('welcome')
    },
    'writeHeader()': (res) => (res as Anything).writeHeader(200).end('welcome'),
    'no Date': (res) => {
      res.sendDate = false
      res.end('welcome')
    },
  }
  const cases = Object.entries(protocol === 'http' ? { ...ways, ...http1 } : ways)

  it.each(cases)('is answered by us: %s', async (way, respond) => {
    const { answer, site } = await checkout(respond, { protocol })
    expectOurs(answer, { protocol })
    expectTold(site.errors, { sync: !/pipe|encoding set/.test(way) })
  })

  it.each(cases)('and a HEAD without a body: %s', async (_, respond) => {
    const { answer, site } = await checkout(respond, { protocol, method: 'HEAD' })
    expectOurs(answer, { protocol, method: 'HEAD' })
    expect(site.errors).toHaveLength(1)
  })

  it.each<[string, (req: TestRequest) => unknown]>([
    ['too-large', (req) => (req.session.text = 'x'.repeat(5_000))],
    ['unserializable', (req) => (req.session.self = req.session)],
    ['reserved-name', (req) => Object.defineProperty(req.session, 'save', { value: 1, enumerable: true })],
  ])('whatever is wrong: %s', async (code, spoiler) => {
    const { answer, site } = await checkout((res) => res.end('welcome'), { protocol, spoiler })
    expectOurs(answer, { protocol })
    expect(site.errors).toEqual([
      expect.objectContaining({
        code,
        message: expect.stringContaining('POST /checkout: the session was not saved: '),
      }),
    ])
  })

  it('swallows what the app writes afterwards, and calls its callbacks', async () => {
    const log: string[] = []
    const returned: unknown[] = []
    const done = deferred()
    const { answer } = await checkout(
      (res) => {
        const tell = (what: string) => (error?: unknown) => log.push(error ? `${what}: ${error}` : what)
        returned.push(res.write('welcome', tell('first')))
        returned.push(res.headersSent)
        returned.push(res.write('welcome', 'utf8', tell('second')))
        returned.push(res.write(Buffer.alloc(1_000_000), tell('third')))
        returned.push(res.end('welcome', tell('end')) === res)
        returned.push(res.writableEnded, log.length)
        res.on('close', done.resolve)
      },
      { protocol },
    )
    expectOurs(answer, { protocol })
    expect(returned).toEqual([true, true, true, true, true, true, 0])
    await done.promise
    expect(log.sort()).toEqual(['end', 'first', 'second', 'third'])
  })

  it.each<[string, (res: ServerResponse, done: () => void) => unknown]>([
    ['end(callback)', (res, done) => res.end(done)],
    ['end(body, callback)', (res, done) => res.end('welcome', done)],
    ['write() and end(callback)', (res, done) => res.write('welcome') && res.end(done)],
    ['writeHead() and end(body, callback)', (res, done) => res.writeHead(200).end('welcome', done)],
    ['the event finish', (res, done) => res.on('finish', done).end('welcome')],
    ['the event close', (res, done) => res.on('close', done).write('welcome')],
  ])('calls back: %s', async (_, respond) => {
    const done = deferred()
    let isSync = true
    let wasSync: boolean | undefined
    const { answer } = await checkout(
      (res) => {
        respond(res, () => {
          wasSync = isSync
          done.resolve()
        })
        isSync = false
      },
      { protocol },
    )
    expectOurs(answer, { protocol })
    await done.promise
    expect(wasSync).toBe(false)
  })

  it.each<[string, () => Readable]>([
    ['chunks', () => Readable.from(['wel', 'come'])],
    ['more than a socket takes at once', () => Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(65_536)))],
    ['a file', () => createReadStream(page)],
    ['a stream without an end', () => new PassThrough()],
  ])('lets a pipeline come to its end: %s', async (_, open) => {
    const done = deferred()
    const stream = open()
    const { answer } = await checkout(
      (res) => {
        if (stream instanceof PassThrough) stream.write('welcome')
        // A response that is over before its source is one that was closed: node's word for it.
        pipeline(stream, res).then(done.resolve, (error) =>
          error.code === 'ERR_STREAM_PREMATURE_CLOSE' ? done.resolve() : done.reject(error),
        )
      },
      { protocol },
    )
    expectOurs(answer, { protocol })
    await done.promise
    expect(stream.destroyed).toBe(true)
  })

  it.each<[string, (res: ServerResponse) => unknown]>([
    ['end()', (res) => res.end('body')],
    ['write()', (res) => res.write('body') && res.end()],
    ['flushHeaders()', (res) => [res.flushHeaders(), res.end('body')]],
    ['writeHead()', (res) => res.writeHead(200).end('body')],
  ])('also when another hook, set after ours, makes the last change: %s', async (_, respond) => {
    const run = async (value: unknown): Promise<[Answer, unknown[]]> => {
      const site = await serve(
        (req, res) => {
          onHeaders(res, () => {
            req.session.n = value
          })
          respond(res)
        },
        {},
        protocol,
      )
      return [await site.get(), site.errors]
    }
    const [saved] = await run(1)
    expect([saved.status, saved.body, opened(saved)]).toEqual([200, 'body', { n: 1 }])
    const [failed, errors] = await run(1n)
    expectOurs(failed, { protocol }, [])
    expect(errors).toEqual([expect.objectContaining({ code: 'unserializable' })])
  })

  const squeezed: { [way: string]: Respond } = {
    'end(body)': (res) => res.end(WELCOME),
    'write() and end()': (res) => res.write(WELCOME) && res.end(WELCOME),
    'write() and no end': (res) => res.write(WELCOME),
    'writeHead() and end(body)': (res) => res.writeHead(200, { 'Content-Length': WELCOME.length }).end(WELCOME),
    'a redirect': (res) => res.writeHead(302, { Location: '/welcome' }).end(WELCOME),
    pipe: (res) => Readable.from([WELCOME, WELCOME]).pipe(res),
  }
  const headers = { 'Accept-Encoding': 'gzip' }

  it.each(Object.entries(squeezed))('with compression in front of us: %s', async (_, respond) => {
    const before: Handler = (req, res, next) => [req.url !== '/next' && compress(res), next()]
    const { answer, site } = await checkout(respond, { protocol, before, headers })
    expectOurs(answer, { protocol })
    expect(site.errors).toHaveLength(1)
  })

  it.each(Object.entries(squeezed))('with compression behind us: %s', async (_, respond) => {
    const behind: Respond = (res, req) => [compress(res), respond(res, req)]
    const { answer, site } = await checkout(behind, { protocol, headers })
    expectOurs(answer, { protocol })
    expect(site.errors).toHaveLength(1)
  })

  it('leaves it to compression in front of us which answers are too short for it', async () => {
    const site = await serveApp(
      app(
        (_req, res, next) => [compress(res), next()],
        mount(),
        (req, res) => {
          req.session.n = 1
          res.end('short')
        },
      ),
      protocol,
    )
    const answer = await site.get('/', { headers })
    expect([answer.body, answer.headers['content-encoding'], opened(answer)]).toEqual(['short', undefined, { n: 1 }])
  })

  it.each(['in front of', 'behind'])('and compression %s us works when all goes well', async (where) => {
    const site = await serveApp(
      app(
        (_req, res, next) => [where === 'in front of' && compress(res), next()],
        mount(),
        (req, res) => {
          if (where === 'behind') compress(res)
          req.session.n = 1
          res.write(WELCOME)
          res.end(WELCOME)
        },
      ),
      protocol,
    )
    const answer = await site.get('/', { headers })
    expect([answer.status, answer.headers['content-encoding'], opened(answer)]).toEqual([200, 'gzip', { n: 1 }])
  })
})

describe('a session that cannot be saved', () => {
  it.each<[string, Respond]>([
    ['write()', (res) => res.write('welcome')],
    ['writeHead()', (res) => res.writeHead(200, { 'Content-Length': 700 })],
    ['flushHeaders()', (res) => res.flushHeaders()],
    ['a pipe', (res) => void new PassThrough().pipe(res).write('welcome')],
    ['end()', (res) => res.end('welcome')],
  ])('leaves the connection to the next request, though the app never ends its answer: %s', async (_, respond) => {
    const site = await serve((req, res) => {
      if (req.url === '/next') return next(res)
      spoil(req)
      respond(res, req)
    })
    const ask = (method: string, path: string): string => `${method} ${path} HTTP/1.1\r\nHost: a\r\n`
    const text = await sendRaw(site, `${ask('POST', '/')}\r\n${ask('GET', '/next')}Connection: close\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1.1 500 [\s\S]*session could not be saved[\s\S]*HTTP\/1.1 200 OK[\s\S]*\r\n\r\nnext$/i)
    expect(text).not.toContain('welcome')
  })

  it('goes to console.error by default, with the request and the line of the app', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => log.mockRestore())
    const site = await serve(
      (req, res) => {
        spoil(req)
        res.end('welcome')
      },
      { onError: undefined },
    )
    expectOurs(await site.get('/checkout?card=1', { method: 'POST' }), {}, [])
    expect(log.mock.calls.map((args) => args.length)).toEqual([1])
    expectTold(log.mock.calls.flat())
  })

  it('leaves the answer to the app when save() has thrown', async () => {
    const site = await serve((req, res) => {
      spoil(req)
      req.session.save((error: Anything) => res.writeHead(413, { Location: '/smaller' }).end(error.code))
    })
    const answer = await site.get()
    expect([answer.status, answer.body, answer.headers.location]).toEqual([413, 'unserializable', '/smaller'])
    expect(site.errors).toEqual([])
  })
})

describe('a session that cannot be saved, under Express,', () => {
  const ways: { [way: string]: (res: Anything) => unknown } = {
    'send()': (res) => res.send('welcome'),
    'send() of bytes': (res) => res.send(Buffer.from('welcome')),
    'json()': (res) => res.json({ welcome: true }),
    'redirect()': (res) => res.redirect('/welcome'),
    'sendStatus()': (res) => res.sendStatus(201),
    'status().end()': (res) => res.status(204).end(),
    'sendFile()': (res) => res.sendFile(page),
    'sendFile() with a callback': (res) => res.sendFile(page, () => {}),
    'download()': (res) => res.download(page),
    'write() and end()': (res) => res.write('welcome') && res.end(),
    'a rejection': () => Promise.reject(new Error('welcome')),
  }

  async function serveShop(respond: (res: Anything) => unknown): Promise<Site> {
    const errors: unknown[] = []
    const server = express()
    server.use('/shop', mount({ onError: (error) => errors.push(error) }))
    server.use((req: TestRequest, res: ServerResponse) => {
      if (req.url === '/next') return next(res)
      setAside(res, req)
      spoil(req)
      return respond(res)
    })
    return { ...(await serveApp(server)), errors }
  }

  it.each(Object.entries(ways))('is answered by us: %s', async (way, respond) => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const site = await serveShop(respond)
    const path = '/shop/checkout?card=1'
    const answer = await site.get(path, { method: way === 'sendFile()' ? 'GET' : 'POST' })
    expectOurs(answer)
    expect(site.errors).toHaveLength(1)
    const { message, stack = '' } = site.errors[0] as Error
    expect(message).toMatch(/(POST|GET) \/shop\/checkout: the session was not saved: /)
    if (!/File|download|rejection/.test(way)) {
      expect(stack.split('\n').find((line) => /^\s+at /.test(line))).toContain('answers.test.ts')
    }
    expect((await site.get('/next')).body).toBe('next')
  })

  it('a range and a 304 of sendFile() as well', async () => {
    const site = await serveShop((res) => res.sendFile(page))
    expectOurs(await site.get('/shop', { headers: { Range: 'bytes=0-6' } }))
    expectOurs(await site.get('/shop', { headers: { 'If-None-Match': '*' } }))
  })
})

describe('a session that cannot be saved, with fetch,', () => {
  const answers: [string, () => Response | Promise<Response>][] = [
    ['a page', () => new Response('welcome', { headers: { 'Content-Type': 'text/html', ETag: '"1"' } })],
    ['a length', () => new Response('welcome', { headers: { 'Content-Length': '7', 'Content-Encoding': 'gzip' } })],
    ['a redirect', () => Response.redirect('http://example.com/welcome')],
    ['a 204', () => new Response(null, { status: 204, headers: { Refresh: '0', 'HX-Redirect': '/welcome' } })],
    ['a 304', () => new Response(null, { status: 304, headers: { 'Last-Modified': 'now' } })],
    ['a stream', () => new Response(new Blob(['welcome']).stream())],
    ['a rest that never comes', () => new Response(new ReadableStream({ pull() {} }))],
  ]

  it.each(answers)('is answered by us: %s', async (_, respond) => {
    const errors: Anything[] = []
    const withSession = fetchSessions({ secret: SECRET, onError: (error) => errors.push(error) })
    const handler = withSession(async (_request, session: Anything) => {
      session.n = 1n
      const response = await respond()
      const headers = new Headers(response.headers)
      for (const cookie of ['own=1', 'too=2']) headers.append('Set-Cookie', cookie)
      return new Response(response.body, { status: response.status, statusText: 'Welcome', headers })
    })
    const response = await handler(new Request('http://example.com/checkout?card=1', { method: 'POST' }))
    const body = await response.text()
    // The length is the server's to set.
    const headers = { 'content-length': String(Buffer.byteLength(body)), ...Object.fromEntries(response.headers) }
    const cookies = response.headers.getSetCookie()
    expectOurs({ status: response.status, reason: 'Internal Server Error', headers, cookies, body } as Anything)
    expect(response.statusText).not.toBe('Welcome')
    expect(errors).toEqual([expect.objectContaining({ code: 'unserializable' })])
    expect(errors[0].message).toContain('POST /checkout: the session was not saved: ')
  })

  it('cancels the body that nobody will read', async () => {
    const cancelled = vi.fn()
    const withSession = fetchSessions({ secret: SECRET, onError() {} })
    const handler = withSession((_request, session: Anything) => {
      session.n = 1n
      return new Response(new ReadableStream({ cancel: cancelled }))
    })
    await (await handler(new Request('http://example.com/'))).text()
    expect(cancelled).toHaveBeenCalledOnce()
  })
})

describe.each(protocols)('an onInvalid that answers the request itself, over %s,', (protocol) => {
  type Reply = (res: ServerResponse) => unknown
  const replies: { [reply: string]: Reply } = {
    'end()': (res) => Object.assign(res, { statusCode: 401 }).end('expired'),
    'writeHead() and end()': (res) => res.writeHead(401).end('expired'),
    'write() and end()': (res) => {
      res.statusCode = 401
      res.write('exp')
      res.end('ired')
    },
  }
  const ways: { [way: string]: Respond } = {
    'end()': (res) => res.end('app'),
    'write() and end()': (res) => [res.write('a'), res.end('pp')],
    'writeHead() and end()': (res) => res.writeHead(200).end('app'),
    'flushHeaders() and end()': (res) => [res.flushHeaders(), res.end('app')],
    'a pipe': (res) => Readable.from(['a', 'pp']).pipe(res),
    'end(), later': (res) => setImmediate(() => res.headersSent || res.end('app')),
  }
  const rollings = [undefined, true, false]

  async function both(reply: Reply, respond: Respond, delay: 'sync' | 'async', touch: boolean, rolling?: boolean) {
    const faults = uncaught()
    const site = await serve(
      (req, res) => {
        if (req.url === '/next') return next(res)
        const request = req as TestRequest & { res: ServerResponse }
        request.res = res
        if (touch) req.session.user
        if (!touch || !res.headersSent) respond(res, req)
      },
      {
        ...(rolling !== undefined && { rolling }),
        onInvalid: (_reason, req) => {
          const { res } = req as IncomingMessage & { res: ServerResponse }
          if (delay === 'sync') return void reply(res)
          return Promise.resolve().then(() => reply(res)) as Anything
        },
      },
      protocol,
    )
    const answer = await site.get('/', { cookie: '_node=junk' })
    expect((await site.get('/next')).body).toBe('next')
    expect(faults).toEqual([])
    return [answer.status, answer.body]
  }
  const cases = Object.entries(ways).flatMap(([way, respond]) =>
    Object.entries(replies).map(([name, reply]) => ({ way, respond, name, reply })),
  )

  it.each(cases)('by $name when the app reads it: one answer; the app: $way', async ({ reply, respond }) => {
    for (const rolling of rollings) expect(await both(reply, respond, 'sync', true, rolling)).toEqual([401, 'expired'])
  })

  it.each(cases)('by $name when only rolling reads it: one answer; the app: $way', async ({ reply, respond }) => {
    for (const rolling of rollings) {
      const answer = await both(reply, respond, 'sync', false, rolling)
      if (rolling === true) expect([[401, 'expired'].join(), [200, 'app'].join()]).toContain(answer.join())
      else expect(answer).toEqual([200, 'app'])
    }
  })

  it.each(cases)('by $name a little later: one answer; the app: $way', async ({ reply, respond }) => {
    for (const rolling of rollings) {
      for (const touch of [true, false]) {
        const answer = await both(reply, respond, 'async', touch, rolling)
        expect([[401, 'expired'].join(), [200, 'app'].join()]).toContain(answer.join())
      }
    }
  })

  it('answers for an app that does not look whether it did', async () => {
    const faults = uncaught()
    const site = await serve(
      (req, res) => {
        Object.assign(req, { res })
        res.end(String(req.session.user))
      },
      { onInvalid: (_reason, req) => void (req as Anything).res.writeHead(401).end('expired') },
      protocol,
    )
    const answer = await site.get('/', { cookie: '_node=junk' })
    expect([answer.status, answer.body, faults]).toEqual([401, 'expired', []])
  })
})

describe('an onInvalid that answers the request itself, under Express,', () => {
  it.each(
    [undefined, true, false].flatMap((rolling) =>
      [true, false].flatMap((touch) => ['sync', 'async'].map((delay) => ({ rolling, touch, delay }))),
    ),
  )('by status().send(): rolling $rolling, touched by the app: $touch, $delay', async ({ rolling, touch, delay }) => {
    const faults = uncaught()
    const errors: Anything[] = []
    const server = express()
    const reply = (req: IncomingMessage): unknown => (req as Anything).res.status(401).send('expired')
    server.use(
      mount({
        ...(rolling !== undefined && { rolling }),
        onError: (error) => errors.push(error),
        onInvalid: (delay === 'sync'
          ? (_: string, req: IncomingMessage) => reply(req)
          : async (_: string, req: IncomingMessage) => [await null, reply(req)]) as Anything,
      }),
    )
    server.use((req: TestRequest, res: Anything) => {
      if (touch) req.session.user
      if (!res.headersSent) res.send('app')
    })
    const site = await serveApp(server)
    const answer = await site.get('/', { cookie: '_node=junk' })
    expect([[401, 'expired'].join(), [200, 'app'].join()]).toContain([answer.status, answer.body].join())
    if (touch && delay === 'sync') expect(answer.status).toBe(401)
    expect([(await site.get()).body, faults]).toEqual(['app', []])
    // Express refuses a second answer; whoever gave it is told.
    for (const error of errors) expect(error.code).toBe('ERR_HTTP_HEADERS_SENT')
  })
})

describe.each(protocols)('an onError that answers the request itself, over %s,', (protocol) => {
  const ways: [string, Respond][] = [
    ['end(body)', (res) => res.end('welcome')],
    ['write() and end()', (res) => [res.write('welcome'), res.end('welcome')]],
    ['writeHead()', (res) => res.writeHead(302, { Location: '/welcome' }).end()],
    ['a pipe', (res) => Readable.from(['welcome', 'welcome']).pipe(res)],
  ]
  const replies: [string, (res: ServerResponse) => unknown, number][] = [
    ['end()', (res) => res.end('sorry'), 500],
    ['write() and end()', (res) => [res.write('so'), res.end('rry')], 500],
    ['statusCode 200', (res) => Object.assign(res, { statusCode: 200 }).end('sorry'), 500],
    ['writeHead(200)', (res) => res.writeHead(200).end('sorry'), 500],
    ['writeHead(302)', (res) => res.writeHead(302, { Location: '/sorry' }).end('sorry'), 500],
    ['writeHead(413)', (res) => res.writeHead(413).end('sorry'), 413],
    ['statusCode 503', (res) => Object.assign(res, { statusCode: 503 }).end('sorry'), 503],
  ]
  const cases = ways.flatMap(([way, respond]) =>
    replies.map(([name, reply, status]) => ({ way, respond, name, reply, status })),
  )

  it.each(cases)('by $name, keeps its body and is no success; the app: $way', async ({ respond, reply, status }) => {
    const faults = uncaught()
    const told: unknown[] = []
    const site = await serve(
      (req, res) => {
        Object.assign(req, { res })
        spoil(req)
        respond(res, req)
      },
      {
        onError: (error, req) => {
          told.push(error)
          reply((req as Anything).res)
        },
      },
      protocol,
    )
    const answer = await site.get()
    expect([answer.status, answer.body, answer.cookies]).toEqual([status, 'sorry', []])
    expect([told.length, faults]).toEqual([1, []])
  })

  it.each(replies)('too late, by %s, ours has gone out', async (_, reply) => {
    const faults = uncaught()
    const site = await serve(
      (req, res) => {
        Object.assign(req, { res })
        spoil(req)
        res.end('welcome')
      },
      { onError: (async (_: unknown, req: Anything) => [await null, req.res && reply(req.res)]) as Anything },
      protocol,
    )
    vi.spyOn(console, 'error').mockImplementation(() => {})
    expectOurs(await site.get(), { protocol }, [])
    expectOurs(await site.get(), { protocol }, [])
    expect(faults).toEqual([])
  })
})

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve = (): void => {}
  let reject = (_: unknown): void => {}
  const promise = new Promise<void>((...settle) => ([resolve, reject] = settle))
  return { promise, resolve, reject }
}

/** As the package on-headers does it. */
function onHeaders(res: ServerResponse, listener: () => void): void {
  const { writeHead } = res as Anything
  let fired = false
  res.writeHead = function (this: Anything, status: number, ...rest: Anything[]) {
    const headers = rest.find((value) => typeof value === 'object' && value !== null)
    this.statusCode = status
    if (Array.isArray(headers)) throw new Error('no lists here')
    for (const [name, value] of Object.entries(headers ?? {})) this.setHeader(name, value)
    if (!fired) {
      fired = true
      listener()
    }
    return writeHead.call(this, this.statusCode)
  } as Anything
}

/** As the package compression does it, without the filters. */
function compress(res: Anything): void {
  const { end, on, write } = res
  let stream: ReturnType<typeof createGzip> | undefined
  let ended = false
  let length = Number.NaN
  let waiting: [string, () => void][] | undefined = []
  res.write = (chunk: Anything, encoding: Anything, callback: Anything) => {
    if (ended) return false
    if (!res.headersSent) res.writeHead(res.statusCode)
    return stream ? stream.write(Buffer.from(chunk), encoding) : write.call(res, chunk, encoding, callback)
  }
  res.end = (chunk: Anything, encoding: Anything, callback: Anything) => {
    if (ended) return false
    if (!res.headersSent) {
      length = Buffer.byteLength(chunk ?? '')
      res.writeHead(res.statusCode)
    }
    if (!stream) return end.call(res, chunk, encoding, callback)
    ended = true
    return chunk ? stream.end(Buffer.from(chunk), encoding, callback) : stream.end(callback)
  }
  res.on = (type: string, listener: () => void) => {
    if (waiting === undefined || type !== 'drain') return on.call(res, type, listener)
    if (stream) return stream.on(type, listener)
    waiting.push([type, listener])
    return res
  }
  onHeaders(res, () => {
    const listeners = waiting ?? []
    waiting = undefined
    if (Number(res.getHeader('Content-Length') ?? length) < 1_024) return
    stream = createGzip()
    for (const [type, listener] of listeners) stream.on(type, listener)
    res.setHeader('Content-Encoding', 'gzip')
    res.removeHeader('Content-Length')
    stream.on('data', (chunk) => write.call(res, chunk) === false && stream?.pause())
    stream.on('end', () => end.call(res))
    on.call(res, 'drain', () => stream?.resume())
  })
}
