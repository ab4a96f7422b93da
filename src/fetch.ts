/**
 * `cookie-sessions/fetch`: sessions for handlers of the Fetch API, Request in, Response out. The same options, cookie and rules as
 * Connect's; no node: module. Of the options, `property` and `scope` mean nothing here: what you wrap has sessions.
 */
import { FAILURE, FAILURE_HEADERS, isOfAnswer, privateCacheControl, varyOnCookie } from './caching.ts'
import { describe } from './codec/options.ts'
import { isProduction } from './codec/warn.ts'
import type { Outcome, Platform } from './contracts.ts'
import { SessionError } from './errors.ts'
import { Lifecycle } from './lifecycle.ts'
import { checkSessionOptions, type SessionOptions } from './options.ts'
import { ownerOf, type Session } from './session.ts'
import { type CookieStore, checkSource, checkTarget, isRequest, isResponse, isStore, notAHandler } from './shapes.ts'
import { createSite, pass } from './site.ts'
import { later } from './turn.ts'

export type { Backend, Reason } from './codec/backend.ts'
export type { Secret } from './codec/options.ts'
export { generateSecret } from './codec/secret.ts'
export type { CookieAttributes } from './contracts.ts'
export type { SessionErrorCode } from './errors.ts'
export type { Callback, Session, SessionData, SessionMethods } from './session.ts'
export type { CookieStore } from './shapes.ts'
export { SessionError, type SessionOptions, sessions as default }

/** What a handler answers. Bun wants undefined for a request that it has upgraded. */
type Answer = Response | undefined

type Wrap = <R extends Request, Rest extends unknown[], A extends Answer>(
  handler: (request: R, session: Session, ...rest: Rest) => A | Promise<A>,
) => (request: R, ...rest: Rest) => Promise<Response | A>

/**
 * Wraps a handler: it is called with the request's session, and the response that it makes carries the cookie. Further arguments (a
 * worker's `env` and `ctx`, Next's context) are passed on. What the handler throws goes through: a Response with the cookie, anything else
 * (an error, Next's redirect()) without, and nothing is saved.
 */
export interface WithSession extends Wrap {
  /** The first of the two steps that a wrapped handler takes: the session of a request, or of Next's `await cookies()`. */
  open(source: Request | CookieStore): Session
  /**
   * The second step, once for each session: adds what is due to the headers of the response, or to Next's `await cookies()`. Throws a
   * SessionError when the session cannot be saved, unless its save() has thrown that very one before.
   *
   * @example
   * const session = withSession.open(request)
   * const response = new Response(`hello, ${session.user}`)
   * withSession.commit(session, response.headers)
   */
  commit(session: Session, target: Headers | CookieStore): void
}

type Source = Request | CookieStore
type FetchLifecycle = Lifecycle<Source, undefined>

/** A value with one more, or in the place of what is there. */
type Change = readonly [how: 'append' | 'set', name: string, value: string]

/** Makes commit() leave mere rolling out. */
const KEPT_BY_ALL = 'public'

/** `key`: the cookie's name. */
const createPlatform = (key: string): Platform<Source, undefined> => ({
  keepsObject: true,
  header(source, name) {
    if (!isStore(source)) return source.headers.get(name) ?? undefined
    return name === 'cookie'
      ? source
          .getAll(key)
          .map(({ value }) => `${key}=${value}`)
          .join('; ')
      : undefined
  },
  // Nothing tells how the request of a store came: Secure then, but on a developer's own machine.
  isEncrypted: (source) => (isStore(source) ? isProduction() : source.url.startsWith('https:')),
  whyNot: () => undefined,
  describe: nameOf,
  onCallback() {},
  whenOver: (_request, _response, callback) => later(callback),
})

const nameOf = (source: Source): string =>
  isStore(source) ? 'a request' : `${source.method} ${/^[\w+.-]+:\/\/[^/?#]*([^?#]*)/.exec(source.url)?.[1] || '/'}`

/**
 * Sessions in an encrypted, authenticated cookie. Throws a TypeError for options that are wrong or contradict each other, and a
 * SessionError ('no-backend') where the chosen backend cannot run.
 *
 * @example
 * const withSession = sessions({ secret: process.env.SESSION_SECRET })
 * export default { fetch: withSession((request, session) => new Response(`hello, ${session.user}`)) }
 */
export function sessions(options: SessionOptions<Request>): WithSession {
  if (isRequest(options)) {
    throw new TypeError(
      'cookie-sessions: sessions() takes options, got a Request: write sessions({ secret })(handler), and give that the request',
    )
  }
  const settings = checkSessionOptions(options)
  // The callbacks are called for requests alone; a store has none of its own to pass.
  const { transport } = settings
  const site = createSite(settings as never, createPlatform(transport.key))

  const wrap: Wrap = (handler) => {
    if (typeof handler !== 'function') throw notAHandler(handler)
    return async (request, ...rest) => {
      const lifecycle = begin(request)
      const wait = pass(site, request)
      if (wait !== undefined) await wait
      try {
        return conclude(lifecycle, request, await handler(request, lifecycle.get() as Session, ...rest))
      } catch (thrown) {
        // A redirect that is thrown, as some frameworks have it, is an answer like another.
        if (isResponse(thrown)) throw conclude(lifecycle, request, thrown)
        throw thrown
      }
    }
  }

  function begin(source: Source): FetchLifecycle {
    checkSource(source)
    return new Lifecycle(site, source, undefined)
  }

  function open(source: Source): Session {
    // Touches the session: who asks for one depends on it.
    return begin(source).get() as Session
  }

  function commit(session: Session, target: Headers | CookieStore): void {
    const lifecycle = typeof session === 'object' && session !== null ? ownerOf(session) : undefined
    if (!(lifecycle instanceof Lifecycle) || !lifecycle.belongsTo(site)) {
      throw new TypeError(
        'cookie-sessions: commit() takes the session that open() of the same sessions() returned: const session = withSession.open(request)',
      )
    }
    checkTarget(target)
    if (isStore(target)) commitToStore(lifecycle, target)
    else apply(target, changesTo(lifecycle, target))
  }

  function commitToStore(lifecycle: FetchLifecycle, store: CookieStore): void {
    const outcome = lifecycle.commit('')
    if (outcome !== undefined) {
      const attributes = transport.attributes(outcome === null, transport.isSecure(lifecycle), site.codec.now())
      store.set(transport.key, outcome ?? '', attributes)
    }
    lifecycle.reportLost()
  }

  /** What is due on the headers of a response. */
  function changesTo(lifecycle: FetchLifecycle, headers: Headers): Change[] {
    const cacheControl = headers.get('Cache-Control') ?? ''
    const outcome: Outcome = lifecycle.commit(cacheControl)
    const changes: Change[] = []
    if (outcome !== undefined) {
      for (const [name, value] of lifecycle.lines(outcome)) changes.push(['append', name, value])
    }
    const vary = headers.get('Vary') ?? ''
    const varying = varyOnCookie(vary)
    if (varying !== vary) changes.push(['set', 'Vary', varying])
    const kept = privateCacheControl(cacheControl, outcome !== undefined)
    if (kept !== cacheControl) changes.push(['set', 'Cache-Control', kept])
    lifecycle.reportLost()
    return changes
  }

  /**
   * The response with the session's headers: a copy, for the headers of some are immutable, and one that the app keeps must not carry one
   * client's session to the next. A session that cannot be saved makes it a 500.
   */
  function conclude<A extends Answer>(lifecycle: FetchLifecycle, request: Request, response: A): Response | A {
    if (response !== undefined && !isResponse(response)) {
      throw new TypeError(
        `cookie-sessions: the handler of ${nameOf(request)} must return a Response, returned ${describe(response)}`,
      )
    }
    let changes: Change[]
    try {
      // A switch of protocols (101; undefined under Bun) and Response.error() (0) take no headers: a session can only be read there.
      if (response === undefined || response.status < 200) {
        if (lifecycle.commit(KEPT_BY_ALL) === undefined) return response
        throw new SessionError('headers-sent', 'this response takes no cookie')
      }
      changes = changesTo(lifecycle, response.headers)
    } catch (error) {
      lifecycle.reportFailure(error)
      return response === undefined || response.status < 200 ? response : failed(response)
    }
    if (changes.length === 0) return response
    // Passed the response itself, a worker's runtime copies what it alone knows of it as well.
    const answer = new Response(response.body, response)
    apply(answer.headers, changes)
    return answer
  }

  return Object.assign(wrap, { open, commit })
}

function apply(headers: Headers, changes: readonly Change[]): void {
  for (const [how, name, value] of changes) headers[how](name, value)
}

/** Answers in the app's place: the session was not saved. */
function failed(response: Response): Response {
  const headers = new Headers(response.headers)
  for (const name of [...headers.keys()]) if (isOfAnswer(name)) headers.delete(name)
  for (const [name, value] of FAILURE_HEADERS) headers.set(name, value)
  // Nobody will read the app's body: its source may stop.
  response.body?.cancel().catch(() => {})
  return new Response(FAILURE, { status: 500, headers })
}
