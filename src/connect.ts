/** The glue to Connect, Express and node:http: the only file that knows them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import vary from 'vary'
import type { Reason } from './codec/backend.ts'
import { createTextCodec, type TextCodec } from './codec/codec.ts'
import { readCookies, removeCookie, setCookie } from './cookie.ts'
import { appendHeader, beforeHeaders } from './headers.ts'
import { checkSessionOptions, type SessionOptions, type SessionSettings } from './options.ts'
import { type Session, type SessionInput, SessionLife } from './session.ts'

declare module 'http' {
  interface IncomingMessage {
    /** The session, from `cookie-sessions`. Assign an object to replace its data, null to end it. */
    get session(): Session
    set session(value: SessionInput)
  }
}

/** What Connect and Express add to node's request. */
interface ConnectRequest extends IncomingMessage {
  originalUrl?: string
  /** Express: TLS, or a proxy that its own 'trust proxy' setting trusts says so. */
  secure?: boolean
}

type Settings = SessionSettings<IncomingMessage>

export type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void

/**
 * Middleware that keeps `req.session` in an encrypted, authenticated cookie. Throws a TypeError for options that are wrong or
 * contradict each other, and a SessionError ('no-backend') where the chosen backend cannot run.
 */
export function sessions(options: SessionOptions<IncomingMessage>): Middleware {
  const settings = checkSessionOptions(options)
  const codec = createTextCodec(settings.codec)
  const { property } = settings

  // One descriptor and one key for every request: new closures for each would cost ten times as much (bench/README.md).
  // The cookie's name is in the key, so that a second session in the same cookie is found out.
  const key: unique symbol = Symbol.for(`cookie-sessions ${settings.cookie.name}`)
  type Keyed = ConnectRequest & { [key]: RequestLife }
  const descriptor: PropertyDescriptor & ThisType<Keyed> = {
    configurable: true,
    // Not enumerable: a logger that copies the request would touch the session. It also tells this from what is assigned after `delete`.
    enumerable: false,
    get() {
      return this[key].get()
    },
    set(value) {
      this[key].set(value)
    },
  }

  return function sessionsMiddleware(req, res, next) {
    if (!isUnder(settings.path, req)) return next()
    const other = (req as Partial<Keyed>)[key]
    // Mounted twice, the middleware does its work once.
    if (other?.property === property) return next()
    if (other !== undefined || property in req) return next(taken(property, settings.cookie.name, other?.property))
    const life = new RequestLife(settings, codec, req, res)
    ;(req as Keyed)[key] = life
    Object.defineProperty(req, property, descriptor)
    beforeHeaders(res, (statusCode) => life.conclude(statusCode))
    next()
  }
}

function taken(property: string, name: string, other: string | undefined): TypeError {
  return new TypeError(
    other === undefined
      ? `cookie-sessions: req.${property} is taken: give the session of the cookie '${name}' another place with the option property`
      : `cookie-sessions: the cookie '${name}' is req.${other} already: give req.${property} another cookie with the option session_key`,
  )
}

/** Whether the request's path is the cookie's or below it (RFC 6265 section 5.1.4). Mounting strips `url`, not `originalUrl`. */
function isUnder(path: string, req: ConnectRequest): boolean {
  if (path === '/') return true
  const url = req.originalUrl ?? req.url ?? '/'
  // A proxy's request line holds the whole URL (RFC 9112 section 3.2.2).
  const from = url.startsWith('/') ? 0 : url.slice(0, url.search(/[?#]|$/)).indexOf('/', url.indexOf('://') + 3)
  if (from < 0 || !url.startsWith(path, from)) return false
  const next = url[from + path.length]
  return next === undefined || next === '/' || next === '?' || next === '#' || path.endsWith('/')
}

/** One session on one request and its response. */
class RequestLife extends SessionLife {
  readonly #settings: Settings
  readonly #req: ConnectRequest
  readonly #res: ServerResponse

  constructor(settings: Settings, codec: TextCodec, req: ConnectRequest, res: ServerResponse) {
    super(codec, settings.cookie.name, settings.rolling)
    this.#settings = settings
    this.#req = req
    this.#res = res
  }

  get property(): string {
    return this.#settings.property
  }

  protected override cookies(): string[] {
    return readCookies(this.#req.headers.cookie, this.#settings.cookie.name)
  }

  protected override refused(reason: Reason): void {
    tell(
      () => this.#settings.onInvalid(reason, this.#req),
      (error) => this.#report(error),
    )
  }

  protected override headersSent(): boolean {
    return this.#res.headersSent
  }

  /** The headers are about to go out. Nothing is thrown from here: under a timer, a pipe or HTTP/2 it would end the process. */
  conclude(statusCode: number): number {
    try {
      this.#noticeDelete()
      const isUsed = this.isUsed
      if (this.#settings.rollsUntouched) this.get()
      const outcome = this.settle(() => statusCode !== 304 && !isPublic(this.#res))
      if (outcome !== undefined) appendHeader(this.#res, 'Set-Cookie', this.#setCookie(outcome))
      if (isUsed || outcome !== undefined) keepFromCaches(this.#res)
      return statusCode
    } catch (error) {
      this.#report(error)
      return fail(this.#res, statusCode)
    }
  }

  /** `delete req.session` takes the accessor away; an assignment after it leaves a property of the usual kind. */
  #noticeDelete(): void {
    const { property } = this.#settings
    if (!Object.hasOwn(this.#req, property)) this.destroy()
    else if (Object.prototype.propertyIsEnumerable.call(this.#req, property)) {
      this.destroy()
      this.set((this.#req as unknown as { [property: string]: unknown })[property])
    }
  }

  #setCookie(token: string | null): string {
    const { cookie } = this.#settings
    return token === null ? removeCookie(cookie, this.#isSecure()) : setCookie(cookie, token, this.#isSecure())
  }

  #isSecure(): boolean {
    const { secure, trustProxy } = this.#settings
    if (secure !== 'auto') return secure
    if (this.#req.secure === true || (this.#req.socket as { encrypted?: boolean } | null)?.encrypted === true)
      return true
    const forwarded = this.#req.headers['x-forwarded-proto']
    // Of a chain of proxies, the first entry is what the client spoke.
    return trustProxy && typeof forwarded === 'string' && /^\s*https\s*(,|$)/i.test(forwarded)
  }

  #report(error: unknown): void {
    tell(() => this.#settings.onError(error, this.#req), console.error)
  }
}

/** Calls the app's callback. Whether it throws or rejects, that must not end the process: clients decide when it is called. */
function tell(callback: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = callback()
    if (result instanceof Promise) result.catch(failed)
  } catch (error) {
    failed(error)
  }
}

/** Whether the app lets shared caches keep the response: a cookie in it would go to others. */
function isPublic(res: ServerResponse): boolean {
  const control = res.getHeader('Cache-Control')
  return control !== undefined && /\b(public|s-maxage)\b/i.test(String(control))
}

/** What depends on a cookie is not for other clients (RFC 9110 section 12.5.5, RFC 9111 section 5.2.2.7). */
function keepFromCaches(res: ServerResponse): void {
  if (res.hasHeader('Vary')) vary(res, 'Cookie')
  else res.setHeader('Vary', 'Cookie')
  if (!res.hasHeader('Cache-Control')) res.setHeader('Cache-Control', 'private')
}

/** The response that says that the session was not saved. Its body stays the app's, but must not be kept as a good one. */
function fail(res: ServerResponse, statusCode: number): number {
  try {
    res.setHeader('Cache-Control', 'no-store')
    res.removeHeader('ETag')
    res.removeHeader('Last-Modified')
    return 500
  } catch {
    // The client is gone, and its response with it.
    return statusCode
  }
}
