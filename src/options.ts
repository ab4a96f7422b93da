/** The middleware's options: their meaning, units and defaults; checked once, then fixed. Misuse is a TypeError that says what to do. */
import { type SetCookie, stringifySetCookie } from 'cookie'
import type { Reason } from './codec/backend.ts'
import { MAX_NAME_BYTES } from './codec/format.ts'
import {
  type CodecOptions,
  type CodecSettings,
  checkCodecOptions,
  describe,
  HINTS,
  misuse,
  readOptions,
} from './codec/options.ts'
import { warnOnce } from './codec/warn.ts'
import type { CookieAttributes } from './contracts.ts'

/** `Request` is what the callbacks are handed: node's IncomingMessage under Connect. */
export interface SessionOptions<Request = unknown> extends Omit<CodecOptions, 'name'> {
  /**
   * Absolute timeout, ms: how long a session lasts at most, however often its cookie is issued anew. Default 2,592,000,000 (30 days), or
   * `timeout` if that is longer; Infinity for none.
   */
  readonly absoluteTimeout?: number | undefined
  /** The cookie's name. Default '_node'. */
  readonly session_key?: string | undefined
  /** Where on `req` the session stands. Default 'session'. Means nothing with `cookie-sessions/fetch`. */
  readonly property?: string | undefined
  /** How old a token may grow, ms, before an unchanged session is issued anew; true: on every response; false: only when the data
   * changes. Default: a tenth of `timeout`. */
  readonly rolling?: boolean | number | undefined
  /** The cookie's path, percent-encoded, as browsers send it. Default '/'. */
  readonly path?: string | undefined
  /**
   * The path under which requests have a session (with `cookie-sessions/fetch`, those that are wrapped have). Default: `path`. It is another
   * behind a proxy that strips a prefix: path '/app1', scope '/'.
   */
  readonly scope?: string | undefined
  /** The cookie's domain. Default: none, so that only the host itself gets it. */
  readonly domain?: string | undefined
  /** Whether the cookie is for TLS only. Default 'auto': if the request came over TLS. */
  readonly secure?: boolean | 'auto' | undefined
  /** Whether to believe X-Forwarded-Proto. Default false; turn it on behind a proxy that sets it. Express's own setting serves too. */
  readonly trustProxy?: boolean | undefined
  /** Whether to hide the cookie from the page's scripts. Default true. */
  readonly httpOnly?: boolean | undefined
  /** Default 'lax'. 'none' implies Secure. */
  readonly sameSite?: 'lax' | 'strict' | 'none' | undefined
  /** Whether the cookie is kept apart for each top-level site (CHIPS). Default false; implies Secure. */
  readonly partitioned?: boolean | undefined
  /** What a browser evicts first. Default: none. */
  readonly priority?: 'low' | 'medium' | 'high' | undefined
  /** Whether the cookie outlives the browser, by Max-Age = `timeout`. Default true. */
  readonly persistent?: boolean | undefined
  /**
   * Called with the reason when a cookie is refused, never with its value. By then the new session exists. Default: one warning in a process
   * for 'unknown-key', which another app of the same cookie name causes, or a secret that was changed.
   */
  readonly onInvalid?: ((reason: Reason, request: Request) => unknown) | undefined
  /**
   * Called when a session could not be saved, or a change came too late to be. It may answer the request itself, if it does so before it
   * returns; a failed save is a 500 otherwise. Default: console.error.
   */
  readonly onError?: ((error: unknown, request: Request) => unknown) | undefined
}

/** The attributes that follow the value in Set-Cookie, ready to append. */
export interface CookieSettings {
  readonly name: string
  /** Those of a cookie that is set: before and after the date of Expires. */
  readonly set: readonly [before: string, after: string]
  readonly setSecure: readonly [before: string, after: string]
  readonly remove: string
  readonly removeSecure: string
  /** The date of Expires for a cookie that is set now (ms since the epoch); undefined where the cookie ends with the browser. */
  readonly expires: ((now: number) => string) | undefined
  /** What is the same in all of them, for those who write Set-Cookie themselves; Max-Age in seconds. */
  readonly attributes: CookieAttributes
  readonly maxAge: number | undefined
}

export interface SessionSettings<Request> {
  readonly codec: CodecSettings
  readonly cookie: CookieSettings
  readonly property: string
  /** The path under which requests have a session. */
  readonly scope: string
  readonly secure: boolean | 'auto'
  readonly trustProxy: boolean
  /** ms; Infinity for never. */
  readonly rolling: number
  /** Whether sessions roll that the request never touched. */
  readonly rollsUntouched: boolean
  readonly onInvalid: (reason: Reason, request: Request) => unknown
  readonly onError: (error: unknown, request: Request) => unknown
}

const DEFAULT_ABSOLUTE_TIMEOUT_MS = 2_592_000_000

const OPTIONS = [
  'secret',
  'timeout',
  'absoluteTimeout',
  'rolling',
  'session_key',
  'property',
  'path',
  'scope',
  'domain',
  'secure',
  'trustProxy',
  'httpOnly',
  'sameSite',
  'partitioned',
  'priority',
  'persistent',
  'backend',
  'onInvalid',
  'onError',
  'now',
  'random',
]

const ATTRIBUTES =
  "the cookie's attributes are options of their own, not in an object: path, domain, secure, httpOnly, sameSite, partitioned, priority; instead of maxAge there is timeout, in milliseconds, and for a cookie that ends with the browser persistent: false"

const COOKIE_HINTS = {
  ...HINTS,
  name: 'session_key',
  cookieName: 'session_key',
  sessionKey: 'session_key',
  requestKey: 'property',
  sessionName: 'property',
  proxy: 'trustProxy',
  ephemeral: 'persistent',
  onUnsealError: 'onInvalid',
  renew: 'rolling',
  cookie: ATTRIBUTES,
  cookieOptions: ATTRIBUTES,
  sessionOptions: 'the options are handed in themselves, not in another object: sessions({ secret, timeout })',
  store: 'there is none, since the data is in the cookie itself: leave it out',
  resave: 'leave it out, since an unchanged session is sealed again only when it is due: see rolling',
  saveUninitialized: 'leave it out, since a new session sets no cookie before something is in it',
  unset: 'leave it out, since req.session = null and req.session.destroy() always take the cookie away',
  genid: 'leave it out, since the data is in the cookie itself and there is no id to look it up by',
  signed: 'leave it out, since every cookie is encrypted and authenticated',
  overwrite: 'leave it out, since a response carries this cookie once, with what the session holds at its end',
}

export function checkSessionOptions<Request>(options: SessionOptions<Request>): SessionSettings<Request> {
  const read = readOptions('sessions', 'secret', options, OPTIONS, COOKIE_HINTS)
  const { session_key = '_node', property = 'session', path = '/', scope = path, trustProxy = false } = read
  const { secret, timeout, absoluteTimeout, backend, now, random } = read
  // RFC 6265 section 4.1.1: a token. The cookie package is laxer, and what it lets pass may not come back from a browser.
  if (
    typeof session_key !== 'string' ||
    session_key.length > MAX_NAME_BYTES ||
    !/^[\w!#$%&'*+.^`|~-]+$/.test(session_key)
  ) {
    throw misuse('session_key', "a cookie's name: up to 256 letters, digits and !#$%&'*+-.^_`|~", session_key)
  }
  const checked = checkCodecOptions({ secret, name: session_key, timeout, absoluteTimeout, backend, now, random })
  const codec =
    absoluteTimeout === undefined
      ? Object.freeze({ ...checked, absoluteTimeout: Math.max(DEFAULT_ABSOLUTE_TIMEOUT_MS, checked.timeout) })
      : checked

  if (typeof property !== 'string' || property === '')
    throw misuse('property', 'the name of a property of req', property)
  if (typeof trustProxy !== 'boolean') throw misuse('trustProxy', 'true or false', trustProxy)
  const { onInvalid = warnerOf(session_key), onError = logError } = read
  if (typeof onInvalid !== 'function') throw misuse('onInvalid', 'a function (reason, req)', onInvalid)
  if (typeof onError !== 'function') throw misuse('onError', 'a function (error, req)', onError)

  checkPath('path', path)
  checkPath('scope', scope)
  const secure = checkSecure(read, session_key)
  return Object.freeze({
    codec,
    cookie: checkCookie(read, session_key, path, codec.timeout),
    property,
    scope,
    secure,
    trustProxy,
    rolling: checkRolling(read.rolling, codec.timeout),
    rollsUntouched: read.rolling === true,
    onInvalid,
    onError,
  })
}

/** A browser's request has a path that is percent-encoded and resolved, so a cookie with any other path never comes back. */
function checkPath(option: string, path: unknown): void {
  if (typeof path !== 'string' || !path.startsWith('/')) throw misuse(option, "a string that starts with '/'", path)
  const encoded = path.replace(/[\ud800-\udfff]/gu, '\ufffd').replace(/[^!$-;=@-[\]^_a-z|~]+/gu, encodeURIComponent)
  if (encoded !== path) {
    throw misuse(option, `a path alone, percent-encoded as browsers send it: ${JSON.stringify(encoded)}`, path)
  }
  if (/\/(\.|%2e){1,2}(\/|$)/i.test(path)) {
    throw misuse(option, "a path without the segments '.' and '..', which browsers resolve before they send it", path)
  }
}

/** What hears of refused cookies where the app does not: one reason is worth a word, since its cause lies outside of the app's code. */
function warnerOf(name: string): (reason: Reason) => void {
  return (reason) => {
    if (reason !== 'unknown-key') return
    warnOnce(
      'COOKIE_SESSIONS_UNKNOWN_KEY',
      `a cookie named '${name}' was sealed with another secret. Either another app on this host uses the name too (cookies do not heed ports): give this one another session_key. Or a secret was changed: to keep its sessions, pass both, secret: [new, old]. This is said once; onInvalid hears of every refused cookie`,
    )
  }
}

function logError(error: unknown): void {
  console.error(error)
}

function checkRolling(rolling: unknown, timeout: number): number {
  if (rolling === undefined) return Math.floor(timeout / 10)
  // A token may come from a server whose clock is ahead, and so be of negative age.
  if (rolling === true) return -Infinity
  if (rolling === false) return Infinity
  if (!Number.isInteger(rolling) || (rolling as number) < 0) {
    throw misuse('rolling', 'true, false or a whole number of milliseconds', rolling)
  }
  if ((rolling as number) >= timeout) {
    throw new TypeError(
      `cookie-sessions: rolling (${rolling} ms) is not shorter than timeout (${timeout} ms), so a session would expire before it is issued anew: make it shorter, or false`,
    )
  }
  return rolling as number
}

/** Decides whether cookies are Secure, and refuses what contradicts that. */
function checkSecure(options: SessionOptions<never>, name: string): boolean | 'auto' {
  const { secure = 'auto', sameSite = 'lax', partitioned = false, domain, path = '/' } = options
  if (typeof secure !== 'boolean' && secure !== 'auto') throw misuse('secure', "true, false or 'auto'", secure)
  if (sameSite !== 'lax' && sameSite !== 'strict' && sameSite !== 'none') {
    throw misuse('sameSite', "'lax', 'strict' or 'none'", sameSite)
  }
  if (typeof partitioned !== 'boolean') throw misuse('partitioned', 'true or false', partitioned)

  const isHost = /^__Host-/i.test(name)
  if (isHost && (domain !== undefined || path !== '/')) {
    const fault = domain !== undefined ? `domain ${describe(domain)}` : `path ${describe(path)}`
    throw new TypeError(
      `cookie-sessions: a cookie named ${describe(name)} belongs to one host and to path '/', so browsers refuse it with ${fault}: leave that out, or name it '__Secure-...'`,
    )
  }
  const prefixed = isHost || /^__Secure-/i.test(name)
  const why = prefixed
    ? `a cookie named ${describe(name)}`
    : sameSite === 'none'
      ? "sameSite: 'none'"
      : partitioned
        ? 'partitioned: true'
        : undefined
  if (why === undefined) return secure
  if (secure === false) {
    throw new TypeError(
      `cookie-sessions: ${why} needs Secure, or browsers refuse it, but secure is false: leave secure out`,
    )
  }
  return true
}

/** The attributes come from the `cookie` package, which also checks them; once, not for each response. */
function checkCookie(options: SessionOptions<never>, name: string, path: string, timeout: number): CookieSettings {
  const { domain, httpOnly = true, sameSite = 'lax', partitioned = false, priority, persistent = true } = options
  if (typeof httpOnly !== 'boolean') throw misuse('httpOnly', 'true or false', httpOnly)
  if (typeof persistent !== 'boolean') throw misuse('persistent', 'true or false', persistent)
  if (priority !== undefined && !['low', 'medium', 'high'].includes(priority)) {
    throw misuse('priority', "'low', 'medium' or 'high'", priority)
  }
  if (domain !== undefined && (typeof domain !== 'string' || domain === '')) {
    throw misuse('domain', "a domain such as 'example.com'", domain)
  }
  const attributes = (lifetime: object, secure: boolean): string => {
    // Without a prototype, and as the only argument: the package reads further attributes, which a polluted Object.prototype would give.
    const common = { __proto__: null, name, value: '', path, domain, httpOnly, sameSite, partitioned, priority }
    try {
      return stringifySetCookie(Object.assign(common, lifetime, { secure }) as SetCookie).slice(`${name}=`.length)
    } catch (cause) {
      throw new TypeError(`cookie-sessions: no cookie can bear these attributes: ${(cause as Error).message}`, {
        cause,
      })
    }
  }
  const maxAge = persistent ? Math.ceil(timeout / 1000) : undefined
  // Max-Age for today's clients, Expires for all: Java's takes a cookie with Max-Age alone for one of RFC 2965.
  const gone = { maxAge: 0, expires: new Date(0) }
  const kept = maxAge === undefined ? {} : { maxAge, expires: new Date(0) }
  const around = (secure: boolean): readonly [string, string] => {
    const [before = '', after = ''] = attributes(kept, secure).split(gone.expires.toUTCString())
    return [before, after]
  }
  return Object.freeze({
    name,
    set: around(false),
    setSecure: around(true),
    remove: attributes(gone, false),
    removeSecure: attributes(gone, true),
    expires: maxAge === undefined ? undefined : createExpires(maxAge),
    attributes: Object.freeze({
      path,
      httpOnly,
      sameSite,
      ...(domain !== undefined && { domain }),
      ...(partitioned && { partitioned }),
      ...(priority !== undefined && { priority }),
    }),
    maxAge,
  })
}

/** RFC 9110 section 5.6.7 has four digits for the year. */
const LAST_DATE = Date.UTC(9999, 11, 31)

/** Dates as Expires has them, written once a second. */
function createExpires(maxAge: number): (now: number) => string {
  let second = -1
  let text = ''
  return (now) => {
    const current = Math.floor(now / 1000)
    if (current !== second) {
      second = current
      text = new Date(Math.min((current + maxAge) * 1000, LAST_DATE)).toUTCString()
    }
    return text
  }
}
