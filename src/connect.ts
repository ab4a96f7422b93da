/** Sessions for Connect, Express and node:http: from a request to its response. */
import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http'
import { privateCacheControl, varyOnCookie } from './caching.ts'
import { HEADERS_SENT, type Platform } from './contracts.ts'
import { descriptor } from './data.ts'
import { beforeHeaders, type Failure, type Listener, shareAnswer } from './headers.ts'
import { Lifecycle } from './lifecycle.ts'
import { checkSessionOptions, type SessionOptions } from './options.ts'
import type { Session, SessionData, SessionInput, SessionMethods } from './session.ts'
import { createSite, pass, type Site } from './site.ts'
import { later } from './turn.ts'
import { add, type Undo } from './writehead.ts'

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
  /** node: the request has left HTTP, and no response will follow. */
  upgrade?: boolean
}

/** A session to read and nothing else: frozen, its data through and through. */
export type ReadonlySession = Readonly<Partial<SessionData>> &
  Pick<SessionMethods, 'isNew' | 'isPopulated' | 'createdAt'>

type Next = (error?: unknown) => void
type Handle = (req: IncomingMessage, res: ServerResponse, next: Next) => void

export interface Middleware extends Handle {
  /**
   * Reads the session of a request that gets no response: a WebSocket's handshake, any `upgrade`. As the cookie has it, whether or not
   * the middleware has seen the request; new and empty when there is no good cookie, and outside of `scope`.
   */
  open(req: IncomingMessage): ReadonlySession
}

type ConnectLifecycle = Lifecycle<IncomingMessage, ServerResponse | undefined>

export const platform: Platform<IncomingMessage, ServerResponse | undefined> = {
  keepsObject: false,
  header: (req, name) => req.headers[name] as string | undefined,
  isEncrypted: (req) =>
    (req as ConnectRequest).secure === true || (req.socket as { encrypted?: boolean } | null)?.encrypted === true,
  whyNot(req, res) {
    if (res?.headersSent === true) return HEADERS_SENT
    // A response that does not say whether its headers are out, but can send them, is a stand-in such as engine.io's.
    const isStandIn = res?.headersSent === undefined
    const canSend = typeof res?.writeHead === 'function' && (isStandIn || (req as ConnectRequest).upgrade !== true)
    return canSend ? undefined : 'this request gets no response that could carry a cookie'
  },
  describe: (req) => `${req.method ?? 'GET'} ${((req as ConnectRequest).originalUrl ?? req.url ?? '/').split('?')[0]}`,
  onCallback(res) {
    if (res !== undefined) shareAnswer(res)
  },
  whenOver(req, res, callback) {
    // Where no response will follow (a WebSocket), the connection's end is all there is.
    const isSocket = res?.headersSent === undefined || (req as ConnectRequest).upgrade === true
    const over: { once?(event: 'close', listener: () => void): unknown } | undefined = isSocket ? req.socket : res
    // A turn later: what the app did not wait for goes on after the last byte as well.
    if (res?.writableFinished) later(callback)
    else over?.once?.('close', () => later(callback))
  },
}

/**
 * Middleware that keeps `req.session` in an encrypted, authenticated cookie. Throws a TypeError for options that are wrong or
 * contradict each other, and a SessionError ('no-backend') where the chosen backend cannot run.
 *
 * @example
 * connect().use(sessions({ secret: process.env.SESSION_SECRET })).use((req, res) => {
 *   req.session.views = (req.session.views ?? 0) + 1
 *   res.end(`${req.session.views} views`)
 * })
 */
export function sessions(options: SessionOptions<IncomingMessage>, ...misused: unknown[]): Middleware {
  if (typeof (misused[0] as Partial<ServerResponse> | undefined)?.writeHead === 'function') {
    return misuse('sessions is what makes the middleware: write app.use(sessions({ secret }))', misused) as never
  }
  return createMiddleware(createSite(checkSessionOptions(options), platform))
}

/** The middleware of a site. */
export function createMiddleware(site: ConnectSite): Middleware {
  const { property, scope } = site.settings
  const name = site.transport.key
  // What is on Object.prototype later on is somebody's pollution, and no request's property.
  const isInherited = property in Object.prototype

  // One descriptor and one key for every request: new closures for each would cost ten times as much (bench/README.md).
  // The cookie's name is in the key, so that a second session in the same cookie is found out.
  const key: unique symbol = Symbol.for(`cookie-sessions ${name}`)
  type Keyed = ConnectRequest & { [key]: ConnectLifecycle }
  const accessor = descriptor({
    configurable: true,
    // Not enumerable: a logger that copies the request would touch the session. It also tells this from what is assigned after `delete`.
    enumerable: false,
    get(this: Keyed) {
      return this[key].get()
    },
    set(this: Keyed, value) {
      this[key].set(value)
    },
  })

  const handle: Handle = function sessionsMiddleware(req, res, next) {
    if (typeof next !== 'function') {
      misuse(
        'sessions() is middleware and answers no request: write http.createServer(connect().use(sessions({ secret })).use(handler))',
        [res],
      )
      return
    }
    if (!isUnder(scope, req)) return next()
    const present = (req as Partial<Keyed>)[key]
    // Mounted twice, the middleware does its work once.
    if (present?.belongsTo?.(site)) return next()
    if (present !== undefined || (property in req && (isInherited || !(property in Object.prototype)))) {
      return next(taken(property, name, present?.property))
    }
    const lifecycle = new Lifecycle(site, req, res as ServerResponse | undefined)
    ;(req as Keyed)[key] = lifecycle
    Object.defineProperty(req, property, accessor)
    beforeHeaders(res, new Exchange(site, lifecycle, req, res))
    const wait = pass(site, req)
    if (wait === undefined) next()
    else wait.then(() => next(), next)
  }

  function open(req: ConnectRequest): ReadonlySession {
    const lifecycle = new Lifecycle(site, req, undefined)
    // Out of its scope, a cookie of that name is not this one.
    if (!isUnder(scope, req)) lifecycle.regenerate()
    const session = lifecycle.get() as Session
    const { isNew, isPopulated, createdAt } = session
    const result = { ...session }
    for (const [name, value] of Object.entries({ isNew, isPopulated, createdAt })) {
      Object.defineProperty(result, name, descriptor({ value }))
    }
    return freeze(result)
  }

  return Object.assign(handle, { open })
}

type ConnectSite = Site<IncomingMessage, ServerResponse | undefined>

/** One session on its way from a request to the response's headers. */
class Exchange implements Listener {
  readonly #site: ConnectSite
  readonly #lifecycle: ConnectLifecycle
  readonly #req: ConnectRequest
  readonly #res: ServerResponse

  constructor(site: ConnectSite, lifecycle: ConnectLifecycle, req: ConnectRequest, res: ServerResponse) {
    this.#site = site
    this.#lifecycle = lifecycle
    this.#req = req
    this.#res = res
  }

  onHeaders(headers: Undo): Failure | undefined {
    const lifecycle = this.#lifecycle
    try {
      const { property, rollsUntouched } = this.#site.settings
      noticeDelete(property, lifecycle, this.#req)
      const { wasAccessed } = lifecycle
      if (rollsUntouched) lifecycle.get()
      // What onInvalid has answered by itself is on its way already.
      if (this.#res.headersSent) return undefined
      if (lifecycle.wasAccessed) this.#commit(headers, wasAccessed)
      else lifecycle.commit('')
      if (!this.#site.isProduction) platform.whenOver(this.#req, this.#res, () => this.#reportLateDelete())
      return undefined
    } catch (error) {
      return { report: () => lifecycle.reportFailure(error) }
    }
  }

  onRefused(): void {
    this.#lifecycle.rollback()
  }

  /** After the headers nothing notices `delete req.session`, or what was assigned after it, but its trace. */
  #reportLateDelete(): void {
    const { property } = this.#site.settings
    if (isAccessor(property, this.#req)) return
    const late = this.#lifecycle.lateError(`delete req.${property}`)
    if (late !== undefined) this.#lifecycle.report(late)
  }

  #commit(headers: Undo, wasAccessed: boolean): void {
    const res = this.#res
    const cacheControl = res.getHeader('Cache-Control')
    const outcome = this.#lifecycle.commit(textOf(cacheControl))
    if (outcome !== undefined) {
      for (const [name, value] of this.#lifecycle.lines(outcome)) {
        const present = res.getHeader(name)
        headers.set(name, name === 'Set-Cookie' ? add(present, value) : value, present)
      }
    }
    if (wasAccessed || outcome !== undefined) {
      const vary = res.getHeader('Vary')
      const varying = varyOnCookie(textOf(vary))
      if (varying !== vary) headers.set('Vary', varying, vary)
      const kept = privateCacheControl(textOf(cacheControl), outcome !== undefined)
      if (kept !== cacheControl) headers.set('Cache-Control', kept, cacheControl)
    }
    this.#lifecycle.reportLost()
  }
}

/** A header's value, several lines as one (RFC 9110 section 5.3). */
function textOf(value: OutgoingHttpHeader | undefined): string {
  return Array.isArray(value) ? value.join(', ') : String(value ?? '')
}

/** Whether the property is still ours: `delete` takes the accessor away, and an assignment after it leaves a property of the usual kind. */
function isAccessor(property: string, req: ConnectRequest): boolean {
  return Object.hasOwn(req, property) && !Object.prototype.propertyIsEnumerable.call(req, property)
}

function noticeDelete(property: string, lifecycle: ConnectLifecycle, req: ConnectRequest): void {
  if (isAccessor(property, req)) return
  lifecycle.destroy()
  if (Object.hasOwn(req, property)) lifecycle.set((req as unknown as { [property: string]: unknown })[property])
}

/** Freezes what JSON can hold. A change deep inside would be lost as well, so it is an error as well. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(freeze)
  return Object.freeze(value)
}

/** Passed to next(): what has the property, or the cookie, already. `other` is the property of the session in that cookie. */
function taken(property: string, name: string, other: string | undefined): TypeError {
  return new TypeError(
    other === undefined
      ? `cookie-sessions: req.${property} is taken: give the session of the cookie '${name}' another place with the option property, and a cookie of its own with session_key`
      : other === property
        ? `cookie-sessions: another sessions() has made req.${property} from the cookie '${name}' already, so this one would do nothing: mount one of them, or give each its own property and session_key`
        : `cookie-sessions: the cookie '${name}' holds req.${other} already: give req.${property} another cookie with the option session_key`,
  )
}

/** The middleware, or what makes it, called as something else: an error for the developer, and none that ends the process. */
function misuse(message: string, [res, next]: readonly unknown[]): void {
  const error = new TypeError(`cookie-sessions: ${message}`)
  if (typeof next === 'function') {
    next(error)
    return
  }
  // Koa's ctx and next, say: who called this hears of it.
  if (typeof (res as Partial<ServerResponse> | undefined)?.setHeader !== 'function') throw error
  console.error(error)
  const response = res as ServerResponse
  if (response.headersSent) return
  response.statusCode = 500
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.end('Internal Server Error\n')
}

/** Whether the request's path is `path` or below it (RFC 6265 section 5.1.4). Mounting strips `url`, not `originalUrl`. */
function isUnder(path: string, req: ConnectRequest): boolean {
  if (path === '/') return true
  const url = req.originalUrl ?? req.url ?? '/'
  // A proxy's request line holds the whole URL (RFC 9112 section 3.2.2).
  const from = url.startsWith('/') ? 0 : url.slice(0, url.search(/[?#]|$/)).indexOf('/', url.indexOf('://') + 3)
  if (from < 0 || !url.startsWith(path, from)) return false
  const next = url[from + path.length]
  return next === undefined || next === '/' || next === '?' || next === '#' || path.endsWith('/')
}
