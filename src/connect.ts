/** The glue to Connect, Express and node:http: the only file that knows them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import vary from 'vary'
import { createTextCodec, type TextCodec } from './codec/codec.ts'
import { readCookies } from './cookie.ts'
import { appendHeader, beforeHeaders } from './headers.ts'
import { checkSessionOptions, type SessionOptions, type SessionSettings } from './options.ts'
import { mayRoll, RequestLife } from './request.ts'
import type { Session, SessionData, SessionInput, SessionMethods } from './session.ts'

interface OwnSession {
  /** The session, from `cookie-sessions`. Assign an object to replace its data, null to end it. */
  get session(): Session
  set session(value: SessionInput)
}

declare global {
  namespace Express {
    interface Request {}
  }
}

declare module 'http' {
  interface IncomingMessage extends RequestSession {}
}

/**
 * Express's own request extends node's and Express.Request, so that two types of `session` would be an error. Where the types of another
 * module (express-session's, cookie-session's) declare one there, it is taken.
 */
type RequestSession = 'session' extends keyof Express.Request
  ? Pick<Express.Request, 'session' & keyof Express.Request>
  : OwnSession

/** What Connect and Express add to node's request. */
interface ConnectRequest extends IncomingMessage {
  originalUrl?: string
  /** Express: TLS, or a proxy that its own 'trust proxy' setting trusts says so. */
  secure?: boolean
}

/** A session to read and nothing else: frozen, its data through and through. */
export type ReadonlySession = Readonly<Partial<SessionData>> &
  Pick<SessionMethods, 'isNew' | 'isPopulated' | 'createdAt'>

type Handle = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void

export interface Middleware extends Handle {
  /**
   * Reads the session of a request that gets no response: a WebSocket's handshake, any `upgrade`. As the cookie has it, whether or not
   * the middleware has seen the request; new and empty when there is no good cookie, and outside of `path`.
   */
  open(req: IncomingMessage): ReadonlySession
}

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
  type Keyed = ConnectRequest & { [key]: ConnectLife }
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

  const handle: Handle = function sessionsMiddleware(req, res, next) {
    if (!isUnder(settings.path, req)) return next()
    const other = (req as Partial<Keyed>)[key]
    // Mounted twice, the middleware does its work once.
    if (other?.property === property) return next()
    if (other !== undefined || property in req) return next(taken(property, settings.cookie.name, other?.property))
    const life = new ConnectLife(settings, codec, req, res)
    ;(req as Keyed)[key] = life
    Object.defineProperty(req, property, descriptor)
    beforeHeaders(res, (statusCode) => life.conclude(statusCode))
    next()
  }

  function open(req: ConnectRequest): ReadonlySession {
    const life = new ConnectLife(settings, codec, req, NO_RESPONSE)
    // Out of its path, a cookie of that name is not this one.
    if (!isUnder(settings.path, req)) life.regenerate()
    const session = life.get() as Session
    const { isNew, isPopulated, createdAt } = session
    const state = { isNew: { value: isNew }, isPopulated: { value: isPopulated }, createdAt: { value: createdAt } }
    return freeze(Object.defineProperties({ ...session }, state) as ReadonlySession)
  }

  return Object.assign(handle, { open })
}

/** Stands for a response to which nothing can be added any more. */
const NO_RESPONSE = { headersSent: true } as ServerResponse

/** Freezes what JSON can hold. A change deep inside would be lost as well, so it is an error as well. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(freeze)
  return Object.freeze(value)
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
class ConnectLife extends RequestLife<ConnectRequest> {
  readonly #res: ServerResponse

  constructor(settings: SessionSettings<IncomingMessage>, codec: TextCodec, req: ConnectRequest, res: ServerResponse) {
    super(settings, codec, req)
    this.#res = res
  }

  get property(): string {
    return this.settings.property
  }

  protected override cookies(): string[] {
    return readCookies(this.request.headers.cookie, this.settings.cookie.name)
  }

  protected override isEncrypted(): boolean {
    return this.request.secure === true || (this.request.socket as { encrypted?: boolean } | null)?.encrypted === true
  }

  protected override forwardedProto(): string | undefined {
    return this.request.headers['x-forwarded-proto'] as string | undefined
  }

  protected override headersSent(): boolean {
    return this.#res.headersSent
  }

  /** The headers are about to go out. Nothing is thrown from here: under a timer, a pipe or HTTP/2 it would end the process. */
  conclude(statusCode: number): number {
    try {
      this.#noticeDelete()
      const isUsed = this.isUsed
      if (this.settings.rollsUntouched) this.get()
      const outcome = this.settle(() => mayRoll(statusCode, String(this.#res.getHeader('Cache-Control') ?? '')))
      if (outcome !== undefined) appendHeader(this.#res, 'Set-Cookie', this.setCookie(outcome))
      if (isUsed || outcome !== undefined) keepFromCaches(this.#res)
      return statusCode
    } catch (error) {
      this.report(error)
      return fail(this.#res, statusCode)
    }
  }

  /** `delete req.session` takes the accessor away; an assignment after it leaves a property of the usual kind. */
  #noticeDelete(): void {
    const { property } = this.settings
    if (!Object.hasOwn(this.request, property)) this.destroy()
    else if (Object.prototype.propertyIsEnumerable.call(this.request, property)) {
      this.destroy()
      this.set((this.request as unknown as { [property: string]: unknown })[property])
    }
  }
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
