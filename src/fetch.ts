/**
 * `cookie-sessions/fetch`: sessions for handlers of the Fetch API, Request in, Response out. The same options, cookie and rules as
 * Connect's; no node: module. Of the options, `property` means nothing here, and `path` is the cookie's alone: what you wrap has sessions.
 */
import { createTextCodec } from './codec/codec.ts'
import { readCookies } from './cookie.ts'
import { SessionError } from './errors.ts'
import { checkSessionOptions, type SessionOptions } from './options.ts'
import { mayRoll, RequestLife } from './request.ts'
import { copy, lifeOf, type Session } from './session.ts'

export type { Backend, Reason } from './codec/backend.ts'
export type { Secret } from './codec/options.ts'
export { generateSecret } from './codec/secret.ts'
export type { SessionErrorCode } from './errors.ts'
export type { Callback, Session, SessionData, SessionMethods } from './session.ts'
export { SessionError, type SessionOptions, sessions as default }

/** What a handler answers. Bun wants undefined for a request that it has upgraded. */
type Answer = Response | undefined

type Wrap = <R extends Request, Rest extends unknown[], A extends Answer>(
  handler: (request: R, session: Session, ...rest: Rest) => A | Promise<A>,
) => (request: R, ...rest: Rest) => Promise<Response | A>

/**
 * Wraps a handler: it is called with the request's session, and the response that it makes bears the cookie. Further arguments (a
 * worker's `env` and `ctx`, Next's context) are passed on. What the handler throws goes through, and nothing is saved.
 */
export interface WithSession extends Wrap {
  /** The first of the two steps that a wrapped handler stands for: the request's session. */
  open(request: Request): Session
  /**
   * The second step, once for each session: adds what is due to the headers of the response (by default of status 200). Throws a
   * SessionError when the session cannot be saved, unless its save() has thrown that very one before.
   */
  commit(session: Session, headers: Headers, status?: number): void
}

/**
 * Sessions in an encrypted, authenticated cookie. Throws a TypeError for options that are wrong or contradict each other, and a
 * SessionError ('no-backend') where the chosen backend cannot run.
 */
export function sessions(options: SessionOptions<Request>): WithSession {
  const settings = checkSessionOptions(options)
  const codec = createTextCodec(settings.codec)

  const wrap: Wrap = (handler) => {
    return async (request, ...rest) => {
      const life = new FetchLife(settings, codec, request)
      return life.conclude(await handler(request, life.open(), ...rest))
    }
  }

  function open(request: Request): Session {
    return new FetchLife(settings, codec, request).open()
  }

  function commit(session: Session, headers: Headers, status = 200): void {
    const life = lifeOf(session)
    if (!(life instanceof FetchLife) || life.settings !== settings) {
      throw new TypeError(
        'cookie-sessions: commit() takes the session that open() of the same sessions() returned: const session = withSession.open(request)',
      )
    }
    append(headers, life.additions(headers, status))
  }

  return Object.assign(wrap, { open, commit })
}

/** One session on one request and its response. */
class FetchLife extends RequestLife<Request> {
  #object: Session | undefined

  /** Its handler holds the session itself, not a place where it stands: so there is one object, and what is in it changes. */
  protected override create(data: object): Session {
    if (this.#object === undefined) {
      this.#object = super.create(data)
    } else {
      empty(this.#object)
      copy(data, this.#object)
    }
    return this.#object
  }

  override destroy(): void {
    super.destroy()
    this.create({})
  }

  protected override cookies(): string[] {
    return readCookies(this.request.headers.get('Cookie') ?? undefined, this.settings.cookie.name)
  }

  protected override isEncrypted(): boolean {
    return this.request.url.startsWith('https:')
  }

  protected override forwardedProto(): string | undefined {
    return this.request.headers.get('X-Forwarded-Proto') ?? undefined
  }

  protected override headersSent(): boolean {
    return false
  }

  /** Touches the session: who asks for one depends on it. */
  open(): Session {
    return this.get() as Session
  }

  /** What is to be added to the headers of a response. */
  additions(headers: Headers, status: number): Header[] {
    const added: Header[] = []
    const outcome = this.settle(() => mayRoll(status, headers.get('Cache-Control') ?? ''))
    if (outcome !== undefined) added.push(['Set-Cookie', this.setCookie(outcome)])
    // What depends on a cookie is not for other clients (RFC 9110 section 12.5.5, RFC 9111 section 5.2.2.7).
    if (!/(^|,)\s*(cookie|\*)\s*(,|$)/i.test(headers.get('Vary') ?? '')) added.push(['Vary', 'Cookie'])
    if (!headers.has('Cache-Control')) added.push(['Cache-Control', 'private'])
    return added
  }

  /**
   * The response with the session's headers: a copy, for the headers of some are immutable, and one that the app keeps must not bear one
   * client's session to the next. A session that cannot be saved makes it a 500.
   */
  conclude<A extends Answer>(response: A): Response | A {
    if (response === undefined || response.status < 200) {
      this.#concludeWithoutHeaders()
      return response
    }
    let added: Header[]
    try {
      added = this.additions(response.headers, response.status)
    } catch (error) {
      this.report(error)
      return fail(response)
    }
    if (added.length === 0) return response
    // Handed the response itself, a worker's runtime copies what it alone knows of it as well.
    const answer = new Response(response.body, response)
    append(answer.headers, added)
    return answer
  }

  /** A switch of protocols (101; undefined under Bun) and Response.error() (0) take no headers: a session can only be read there. */
  #concludeWithoutHeaders(): void {
    try {
      if (this.settle(() => false) === undefined) return
      throw new SessionError('headers-sent', 'the session cannot be saved: this response takes no cookie')
    } catch (error) {
      this.report(error)
    }
  }
}

/** What cannot be deleted throws: nothing planted before a login may outlive it. */
function empty(object: object): void {
  const content = object as { [key: PropertyKey]: unknown }
  for (const key of Reflect.ownKeys(content)) delete content[key]
}

type Header = readonly [name: string, value: string]

function append(headers: Headers, added: readonly Header[]): void {
  for (const [name, value] of added) headers.append(name, value)
}

/** The response that says that the session was not saved. Its body stays the app's, but must not be kept as a good one. */
function fail(response: Response): Response {
  const headers = new Headers(response.headers)
  headers.set('Cache-Control', 'no-store')
  headers.delete('ETag')
  headers.delete('Last-Modified')
  return new Response(response.body, { status: 500, headers })
}
