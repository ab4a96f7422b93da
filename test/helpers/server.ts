/** Real servers on free ports, clients for them, and the cookie jars between: closed when the test that opened them ends. */
import { createSign, generateKeyPairSync } from 'node:crypto'
import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import connect from 'connect'
import { CookieJar } from 'tough-cookie'
import { onTestFinished } from 'vitest'
import { createCodec } from '../../src/codec/codec.ts'
import { sessions } from '../../src/connect.ts'
import type { SessionOptions } from '../../src/options.ts'

export const SECRET = 'a secret of thirty-two characters'
export const OLD_SECRET = 'the secret before it, as long too'
export const DAY = 86_400_000
/** 2026-01-01: where injected clocks begin. */
export const START = 1_767_225_600_000

// biome-ignore lint/suspicious/noExplicitAny: what an app keeps in its sessions is not typed here.
type Anything = any

export interface TestRequest extends Omit<IncomingMessage, 'session'> {
  session: Anything
  /** The second session of a request, where a test has two. */
  admin: Anything
  originalUrl?: string
}

export type Next = (error?: unknown) => void
export type Handler = (req: TestRequest, res: ServerResponse, next: Next) => unknown

export type Protocol = 'http' | 'https' | 'http2' | 'http2s'

export interface Answer {
  readonly status: number
  /** The reason phrase; HTTP/2 has none. */
  readonly reason: string
  readonly headers: IncomingHttpHeaders
  /** The values of Set-Cookie, in order. */
  readonly cookies: string[]
  readonly body: string
}

export interface Ask {
  readonly method?: string
  readonly headers?: http.OutgoingHttpHeaders
  /** The Cookie header. */
  readonly cookie?: string | string[] | undefined
}

export interface Site {
  readonly url: string
  readonly port: number
  get(path?: string, ask?: Ask): Promise<Answer>
  /** What onError was told. */
  readonly errors: unknown[]
  /** What onInvalid was told. */
  readonly invalid: string[]
}

type Options = Partial<SessionOptions<IncomingMessage>>

/** A Connect app with the middleware in front of `handler`. */
export async function serve(handler: Handler, options: Options = {}, protocol: Protocol = 'http'): Promise<Site> {
  const errors: unknown[] = []
  const invalid: string[] = []
  const session = mount({
    onError: (error) => errors.push(error),
    onInvalid: (reason) => invalid.push(reason),
    ...options,
  })
  return { ...(await serveApp(app(session, handler), protocol)), errors, invalid }
}

/** The middleware with these options. */
export function mount(options: Options = {}): Handler {
  return sessions({ secret: SECRET, ...options }) as unknown as Handler
}

/** A Connect app of these handlers. What they throw, or reject with, comes out as a 500 with the error's code. */
export function app(...handlers: Handler[]): Handler {
  const server = connect()
  for (const handler of handlers) {
    server.use((req, res, next) => {
      Promise.resolve(handler(req as unknown as TestRequest, res, next)).catch(next)
    })
  }
  server.use((error: Anything, _req: IncomingMessage, res: ServerResponse, next: Next) => {
    if (res.headersSent) return next(error)
    res.statusCode = 500
    res.end(`${error.name} ${error.code ?? ''} ${error.message}`)
  })
  return server as unknown as Handler
}

export async function serveApp(handler: Handler, protocol: Protocol = 'http'): Promise<Site> {
  const server = listener(protocol, handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `${protocol === 'http' || protocol === 'http2' ? 'http' : 'https'}://127.0.0.1:${port}`
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  })
  const ask = protocol.startsWith('http2') ? askHttp2 : askHttp
  return { url, port, errors: [], invalid: [], get: (path = '/', options = {}) => ask(url, path, options) }
}

function listener(protocol: Protocol, handler: Handler): net.Server {
  const listen = handler as Anything
  if (protocol === 'http') return http.createServer(listen)
  if (protocol === 'http2') return http2.createServer(listen)
  certificate ??= selfSigned()
  return protocol === 'https' ? https.createServer(certificate, listen) : http2.createSecureServer(certificate, listen)
}

function askHttp(url: string, path: string, { method = 'GET', headers, cookie }: Ask): Promise<Answer> {
  const client = url.startsWith('https:') ? https : http
  return new Promise((resolve, reject) => {
    const options = {
      method,
      agent: false as const,
      rejectUnauthorized: false,
      headers: { ...headers, ...(cookie !== undefined && { cookie }) },
    }
    const request = client.request(url + path, options, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode = 0, statusMessage = '', headers } = response
        resolve({ status: statusCode, reason: statusMessage, headers, cookies: headers['set-cookie'] ?? [], body })
      })
    })
    request.on('error', reject)
    request.end()
  })
}

function askHttp2(url: string, path: string, { method = 'GET', headers, cookie }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const client = http2.connect(url, { rejectUnauthorized: false })
    client.on('error', reject)
    const stream = client.request({
      ':path': path,
      ':method': method,
      ...headers,
      ...(cookie !== undefined && { cookie }),
    })
    let answer = { status: 0, reason: '', headers: {} as IncomingHttpHeaders, cookies: [] as string[] }
    let body = ''
    stream.setEncoding('utf8')
    stream.on('response', (headers) => {
      answer = { status: Number(headers[':status']), reason: '', headers, cookies: headers['set-cookie'] ?? [] }
    })
    stream.on('data', (chunk) => {
      body += chunk
    })
    stream.on('error', reject)
    stream.on('end', () => resolve({ ...answer, body }))
    stream.on('close', () => {
      client.close()
      reject(new Error('the stream was closed before its end'))
    })
    stream.end()
  })
}

/** A handler for each path; what it returns goes out as JSON, unless it has answered by itself. */
export function routes(table: { [path: string]: (req: TestRequest, res: ServerResponse) => unknown }): Handler {
  return async (req, res) => {
    const value = await table[(req.originalUrl ?? req.url ?? '').split('?')[0] as string]?.(req, res)
    if (!res.headersSent && !res.writableEnded) res.end(JSON.stringify(value ?? null))
  }
}

export interface Visit extends Answer {
  /** What the handler returned. */
  readonly value: Anything
  readonly errors: unknown[]
  readonly invalid: string[]
}

/** One request to a server with these options, handled by `act`. */
export async function visit(
  act: (req: TestRequest, res: ServerResponse) => unknown,
  { path = '/', protocol = 'http', method, headers, cookie, ...options }: Ask & Options & { protocol?: Protocol } = {},
): Promise<Visit> {
  let value: unknown
  const handler: Handler = async (req, res) => {
    value = await act(req, res)
    if (!res.headersSent && !res.writableEnded) res.end(JSON.stringify(value ?? null))
  }
  const site = await serve(handler, { ...options, ...(path !== '/' && { path }) }, protocol)
  const answer = await site.get(path, {
    ...(method !== undefined && { method }),
    ...(headers !== undefined && { headers }),
    cookie,
  })
  return { ...answer, value, errors: site.errors, invalid: site.invalid }
}

/** Sends bytes as they are and reads until the server hangs up; so they should say `Connection: close`. */
export function sendRaw(site: Site, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(site.port, '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', (error: NodeJS.ErrnoException) => (text === '' ? reject(error) : resolve(text)))
    socket.on('close', () => resolve(text))
    socket.write(bytes)
  })
}

/** A browser: a jar that follows RFC 6265. */
export class Browser {
  readonly jar: CookieJar
  readonly #site: Site
  readonly #origin: string

  /** `host` is what the browser believes to talk to; `jar` is another browser's, where the same one goes on with another server. */
  constructor(
    site: Site,
    host = 'example.com',
    scheme = new URL(site.url).protocol,
    jar = new CookieJar(undefined, { prefixSecurity: 'strict' }),
  ) {
    this.#site = site
    this.#origin = `${scheme}//${host}`
    this.jar = jar
  }

  async get(path = '/', ask: Ask = {}): Promise<Answer> {
    const address = this.#origin + path
    const cookie = await this.jar.getCookieString(address)
    const answer = await this.#site.get(path, { ...ask, ...(cookie !== '' && { cookie }) })
    for (const line of answer.cookies) await this.jar.setCookie(line, address)
    return answer
  }

  async cookie(name = '_node', path = '/'): Promise<string | undefined> {
    const cookies = await this.jar.getCookies(this.#origin + path)
    return cookies.find((cookie) => cookie.key === name)?.value
  }
}

/** A clock that stands still until it is moved. */
export interface Clock {
  (): number
  time: number
}

export function createClock(time: number = START): Clock {
  const clock = Object.assign(() => clock.time, { time })
  return clock
}

interface Sealing {
  name: string
  secret: string
  at: number
  createdAt: number
}

/** The session cookie `name=token` for this data, as a server with these options would make it. */
export function sealed(
  data: unknown,
  { name = '_node', secret = SECRET, at = Date.now(), createdAt }: Partial<Sealing> = {},
): string {
  return `${name}=${createCodec({ secret, name, now: () => at }).seal(data, createdAt ?? at)}`
}

/** What stands in a Set-Cookie of a session; undefined when it is not there or does not open. */
export function opened(
  answer: Pick<Answer, 'cookies'>,
  { name = '_node', secret = SECRET, at = Date.now() }: Partial<Sealing> = {},
): Anything {
  const line = answer.cookies.find((cookie) => cookie.startsWith(`${name}=`))
  const result = createCodec({ secret, name, now: () => at }).open(line?.slice(name.length + 1).split(';')[0] ?? '')
  return result.ok ? result.data : undefined
}

/** `name=value` of each Set-Cookie, with a session's token as `*`. */
export function names(answer: Pick<Answer, 'cookies'>): string[] {
  return answer.cookies.map((cookie) => (cookie.split(';')[0] as string).replace(/[\w-]{86,}$/, '*'))
}

/** What nobody catches while the test runs; without this, it would end the process. */
export function uncaught(): unknown[] {
  const faults: unknown[] = []
  const note = (fault: unknown): void => void faults.push(fault)
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    const others = process.listeners(event as 'uncaughtException')
    process.removeAllListeners(event).on(event, note)
    onTestFinished(() => {
      process.removeAllListeners(event)
      for (const other of others) process.on(event, other)
    })
  }
  return faults
}

let certificate: { key: string; cert: Buffer | string } | undefined

/** An X.509 v1 certificate for nobody, signed by itself: enough for TLS between two ends that do not check. */
function selfSigned(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const der = (tag: number, ...parts: Buffer[]): Buffer => {
    const content = Buffer.concat(parts)
    const size = content.length
    return Buffer.concat([Buffer.from(size < 128 ? [tag, size] : [tag, 0x82, size >> 8, size & 255]), content])
  }
  const SEQUENCE = 0x30
  const ecdsaWithSha256 = der(SEQUENCE, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')))
  const commonName = der(SEQUENCE, der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from('test')))
  const name = der(SEQUENCE, der(0x31, commonName))
  const validity = der(SEQUENCE, ...['200101000000Z', '491231235959Z'].map((time) => der(0x17, Buffer.from(time))))
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const body = der(SEQUENCE, der(0x02, Buffer.from([1])), ecdsaWithSha256, name, validity, name, spki)
  const signature = createSign('sha256').update(body).sign(privateKey)
  const cert = der(SEQUENCE, body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature))
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${cert.toString('base64')}\n-----END CERTIFICATE-----\n`,
  }
}
