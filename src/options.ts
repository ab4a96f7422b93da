/**
 * The middleware's options: their meaning, units and defaults; checked once, then fixed. Misuse is a TypeError that says what to do. To add
 * an option: a line in SessionOptions, a row in ROWS, and its use.
 */
import type { Reason } from './codec/backend.ts'
import {
  type CodecOptions,
  type CodecSettings,
  checkCodecOptions,
  HINTS,
  misuse,
  readOptions,
} from './codec/options.ts'
import { warnOnce } from './codec/warn.ts'
import type { Feature, OptionRow } from './contracts.ts'
import { COOKIE_ROWS, type CookieOptions, type CookieTransport, checkPath, createCookie, isPath } from './cookie.ts'

/** `Req` is what the callbacks are handed: node's IncomingMessage under Connect. */
export interface SessionOptions<Req = unknown> extends Omit<CodecOptions, 'name'> {
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
  readonly onInvalid?: ((reason: Reason, request: Req) => unknown) | undefined
  /**
   * Called when a session could not be saved, or a change came too late to be. It may answer the request itself, if it ends the response
   * before it returns; a failed save is a 500 otherwise. Default: console.error.
   */
  readonly onError?: ((error: unknown, request: Req) => unknown) | undefined
}

export interface SessionSettings<Req> {
  readonly codec: CodecSettings
  readonly transport: CookieTransport
  readonly property: string
  /** The path under which requests have a session. */
  readonly scope: string
  /** ms; Infinity for never. */
  readonly rolling: number
  /** Whether sessions roll that the request never touched. */
  readonly rollsUntouched: boolean
  /** What the options plug in. */
  readonly features: readonly Feature<Req>[]
}

/** 30 days: a stolen cookie that rolls for ever is no default. */
const DEFAULT_ABSOLUTE_TIMEOUT_MS = 2_592_000_000

/** The codec checks these by itself. */
const BY_CODEC: OptionRow = {}

const isFunction = (value: unknown): boolean => typeof value === 'function'

/** Each option once, in the order of README's table. What depends on another option has its default where it is used. */
export const ROWS: { readonly [Option in keyof SessionOptions]-?: OptionRow } = {
  secret: BY_CODEC,
  timeout: BY_CODEC,
  absoluteTimeout: BY_CODEC,
  rolling: {
    takes: 'true, false or a whole number of milliseconds',
    accepts: (value) => typeof value === 'boolean' || (Number.isInteger(value) && (value as number) >= 0),
    aliases: ['renew'],
  },
  session_key: COOKIE_ROWS.session_key,
  property: {
    takes: 'the name of a property of req',
    accepts: (value) => typeof value === 'string' && value !== '',
    default: 'session',
    aliases: ['requestKey', 'sessionName'],
  },
  path: COOKIE_ROWS.path,
  scope: { takes: "a string that starts with '/'", accepts: isPath },
  domain: COOKIE_ROWS.domain,
  secure: COOKIE_ROWS.secure,
  trustProxy: COOKIE_ROWS.trustProxy,
  httpOnly: COOKIE_ROWS.httpOnly,
  sameSite: COOKIE_ROWS.sameSite,
  partitioned: COOKIE_ROWS.partitioned,
  priority: COOKIE_ROWS.priority,
  persistent: COOKIE_ROWS.persistent,
  backend: BY_CODEC,
  onInvalid: { takes: 'a function (reason, req)', accepts: isFunction, aliases: ['onUnsealError'] },
  onError: { takes: 'a function (error, req)', accepts: isFunction, default: logError },
  now: BY_CODEC,
  random: BY_CODEC,
}

const ATTRIBUTES =
  "the cookie's attributes are options of their own, not in an object: path, domain, secure, httpOnly, sameSite, partitioned, priority; instead of maxAge there is timeout, in milliseconds, and for a cookie that ends with the browser persistent: false"

/** What neighbours have and this has not, and what to do. */
const FOREIGN = {
  cookie: ATTRIBUTES,
  cookieOptions: ATTRIBUTES,
  sessionOptions: 'the options are passed by themselves, not in another object: sessions({ secret, timeout })',
  store: 'there is none, since the data is in the cookie itself: leave it out',
  resave: 'leave it out, since an unchanged session is sealed again only when it is due: see rolling',
  saveUninitialized: 'leave it out, since a new session sets no cookie before something is in it',
  unset: 'leave it out, since req.session = null and req.session.destroy() always take the cookie away',
  genid: 'leave it out, since the data is in the cookie itself and there is no id to look it up by',
  signed: 'leave it out, since every cookie is encrypted and authenticated',
  overwrite: 'leave it out, since a response carries this cookie once, with what the session holds at its end',
}

const NAMES = Object.keys(ROWS)

const ALIASES = Object.fromEntries(
  Object.entries<OptionRow>(ROWS).flatMap(([name, { aliases = [] }]) => aliases.map((alias) => [alias, name])),
)

const ALL_HINTS = { ...HINTS, ...ALIASES, ...FOREIGN }

/** What the rows make of the options: all that are not the codec's have their type, and their default where there is one. */
type Checked<Req> = CookieOptions &
  Pick<CodecOptions, 'secret' | 'timeout' | 'absoluteTimeout' | 'backend' | 'now' | 'random'> &
  Pick<SessionOptions<Req>, 'rolling' | 'scope' | 'onInvalid'> & {
    readonly property: string
    readonly onError: NonNullable<SessionOptions<Req>['onError']>
  }

export function checkSessionOptions<Req>(options: SessionOptions<Req>): SessionSettings<Req> {
  const read = readOptions<object>('sessions', 'secret', options, NAMES, ALL_HINTS) as { [option: string]: unknown }
  for (const [name, row] of Object.entries<OptionRow>(ROWS)) {
    const value = read[name]
    // A row's own: what somebody has put on Object.prototype is no default.
    if (value === undefined) read[name] = Object.hasOwn(row, 'default') ? row.default : undefined
    else if (Object.hasOwn(row, 'accepts') && !row.accepts?.(value)) throw misuse(name, row.takes ?? '', value)
  }
  const checked = read as unknown as Checked<Req>
  const { secret, timeout, absoluteTimeout, backend, now, random, session_key, property, rolling, onError } = checked
  const codec = checkCodecOptions({ secret, name: session_key, timeout, absoluteTimeout, backend, now, random })
  const { path, scope = path, onInvalid = warnerOf(session_key) } = checked
  const transport = createCookie(checked, codec.timeout)
  checkPath('scope', scope)
  return Object.freeze({
    codec:
      absoluteTimeout === undefined
        ? Object.freeze({ ...codec, absoluteTimeout: Math.max(DEFAULT_ABSOLUTE_TIMEOUT_MS, codec.timeout) })
        : codec,
    transport,
    property,
    scope,
    rolling: checkRolling(rolling, codec.timeout),
    rollsUntouched: rolling === true,
    features: Object.freeze([
      { listener: { refused: onInvalid }, mayAnswer: checked.onInvalid !== undefined },
      { listener: { failed: onError }, mayAnswer: onError !== logError },
    ]),
  })
}

function checkRolling(rolling: number | boolean | undefined, timeout: number): number {
  if (rolling === undefined) return Math.floor(timeout / 10)
  // A token may come from a server whose clock is ahead, and so be of negative age.
  if (rolling === true) return -Infinity
  if (rolling === false) return Infinity
  if (rolling < timeout) return rolling
  throw new TypeError(
    `cookie-sessions: rolling (${rolling} ms) is not shorter than timeout (${timeout} ms), so a session would expire before it is issued anew: make it shorter, or false`,
  )
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
