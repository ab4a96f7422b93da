/**
 * The default transport: a cookie. Cookie header in, Set-Cookie out; its attributes, Secure, the name's prefixes, and what browsers hold.
 * The scan is our own because parsers into an object keep one cookie of a name, and an attacker who owns a sibling domain can plant a
 * second one in front of ours.
 *
 *   cookie-header = "Cookie:" OWS cookie-string OWS          (RFC 6265 section 4.2.1)
 *   cookie-string = cookie-pair *( ";" SP cookie-pair )
 *
 * https://www.rfc-editor.org/rfc/rfc6265
 */
import { type SetCookie, stringifySetCookie } from 'cookie'
import { MAX_NAME_BYTES } from './codec/format.ts'
import { describe, misuse } from './codec/options.ts'
import type { Carrier, CookieAttributes, OptionRow, Transport } from './contracts.ts'

/** RFC 6265 section 6.1: what browsers hold of a cookie; they drop a longer one, and most count name, "=" and value. */
const MAX_COOKIE_BYTES = 4_096

/** How many cookies of one name are looked at: so many that planted ones cannot lock a user out, so few that they cost little. */
const MAX_CANDIDATES = 16

const isBoolean = (value: unknown): boolean => typeof value === 'boolean'
const isOneOf =
  (...values: unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value)

/** The options of the cookie. */
export const COOKIE_ROWS: { readonly [Option in keyof CookieOptions]: OptionRow } = {
  session_key: {
    // RFC 6265 section 4.1.1: a token. The cookie package is laxer, and what it lets pass may not come back from a browser.
    takes: "a cookie's name: up to 256 letters, digits and !#$%&'*+-.^_`|~",
    accepts: (value) =>
      typeof value === 'string' && value.length <= MAX_NAME_BYTES && /^[\w!#$%&'*+.^`|~-]+$/.test(value),
    default: '_node',
    aliases: ['name', 'cookieName', 'sessionKey'],
  },
  path: { takes: "a string that starts with '/'", accepts: isPath, default: '/' },
  domain: {
    takes: "a domain such as 'example.com'",
    accepts: (value) => typeof value === 'string' && value !== '',
  },
  secure: { takes: "true, false or 'auto'", accepts: isOneOf(true, false, 'auto'), default: 'auto' },
  trustProxy: { takes: 'true or false', accepts: isBoolean, default: false, aliases: ['proxy'] },
  httpOnly: { takes: 'true or false', accepts: isBoolean, default: true },
  sameSite: { takes: "'lax', 'strict' or 'none'", accepts: isOneOf('lax', 'strict', 'none'), default: 'lax' },
  partitioned: { takes: 'true or false', accepts: isBoolean, default: false },
  priority: { takes: "'low', 'medium' or 'high'", accepts: isOneOf('low', 'medium', 'high') },
  persistent: { takes: 'true or false', accepts: isBoolean, default: true, aliases: ['ephemeral'] },
}

/** These options, each checked by its row. */
export interface CookieOptions {
  readonly session_key: string
  readonly path: string
  readonly domain: string | undefined
  readonly secure: boolean | 'auto'
  readonly trustProxy: boolean
  readonly httpOnly: boolean
  readonly sameSite: 'lax' | 'strict' | 'none'
  readonly partitioned: boolean
  readonly priority: 'low' | 'medium' | 'high' | undefined
  readonly persistent: boolean
}

export function isPath(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('/')
}

/** A browser's request has a path that is percent-encoded and resolved, so a cookie with any other path never comes back. */
export function checkPath(option: string, path: string): void {
  const encoded = path.replace(/[\ud800-\udfff]/gu, '\ufffd').replace(/[^!$-;=@-[\]^_a-z|~]+/gu, encodeURIComponent)
  if (encoded !== path) {
    throw misuse(option, `a path alone, percent-encoded as browsers send it: ${JSON.stringify(encoded)}`, path)
  }
  if (/\/(\.|%2e){1,2}(\/|$)/i.test(path)) {
    throw misuse(option, "a path without the segments '.' and '..', which browsers resolve before they send it", path)
  }
}

/** The cookie as a transport, and its attributes for what writes Set-Cookie itself. */
export interface CookieTransport extends Transport {
  /** The cookie's name. */
  readonly key: string
  isSecure(carrier: Carrier): boolean
  attributes(removes: boolean, secure: boolean, now: number): CookieAttributes
}

/** `timeout`: ms. TypeError for options that contradict each other, or that no cookie can have. */
export function createCookie(options: CookieOptions, timeout: number): CookieTransport {
  const { session_key: key, path, domain, httpOnly, sameSite, partitioned, priority, persistent, trustProxy } = options
  checkPath('path', path)
  const secure = checkSecure(options)
  const maxAge = persistent ? Math.ceil(timeout / 1000) : undefined
  // Max-Age for today's clients, Expires for all: Java's takes a cookie with Max-Age alone for one of RFC 2965.
  const gone = { maxAge: 0, expires: new Date(0) }
  const kept = maxAge === undefined ? {} : { maxAge, expires: new Date(0) }

  /** The attributes come from the `cookie` package, which also checks them; once, not for each response. */
  function stringify(lifetime: object, isSecure: boolean): string {
    // Without a prototype, and as the only argument: the package reads further attributes, which a polluted Object.prototype would give.
    const common = { __proto__: null, name: key, value: '', path, domain, httpOnly, sameSite, partitioned, priority }
    try {
      const line = stringifySetCookie(Object.assign(common, lifetime, { secure: isSecure }) as SetCookie)
      return line.slice(`${key}=`.length)
    } catch (cause) {
      const { message } = cause as Error
      throw new TypeError(`cookie-sessions: no cookie can bear these attributes: ${message}`, { cause })
    }
  }

  /** What stands before and after the date of Expires. */
  function around(isSecure: boolean): readonly [before: string, after: string] {
    const [before = '', after = ''] = stringify(kept, isSecure).split(gone.expires.toUTCString())
    return [before, after]
  }

  const plain = around(false)
  const secured = around(true)
  const removal = `${key}=${stringify(gone, false)}`
  const securedRemoval = `${key}=${stringify(gone, true)}`
  const expiresAt = maxAge === undefined ? () => '' : createExpires(maxAge)

  function isSecure(carrier: Carrier): boolean {
    if (secure !== 'auto') return secure
    if (carrier.isEncrypted()) return true
    // Of a chain of proxies, the first entry is what the client spoke.
    return trustProxy && /^\s*https\s*(,|$)/i.test(carrier.header('x-forwarded-proto') ?? '')
  }

  return Object.freeze({
    name: `a cookie named '${key}'`,
    key,
    maxTokenChars: MAX_COOKIE_BYTES - key.length - 1,
    read: (carrier: Carrier) => readCookies(carrier.header('cookie'), key),
    write(carrier: Carrier, token: string | null, now: number) {
      const isSecured = isSecure(carrier)
      if (token === null) return [['Set-Cookie', isSecured ? securedRemoval : removal]] as const
      const [before, after] = isSecured ? secured : plain
      return [['Set-Cookie', `${key}=${token}${before}${expiresAt(now)}${after}`]] as const
    },
    isSecure,
    attributes(removes: boolean, isSecure: boolean, now: number) {
      const lifetime = maxAge === undefined ? {} : { maxAge, expires: new Date(now + maxAge * 1000) }
      return {
        path,
        httpOnly,
        sameSite,
        secure: isSecure,
        ...(domain !== undefined && { domain }),
        ...(partitioned && { partitioned }),
        ...(priority !== undefined && { priority }),
        ...(removes ? gone : lifetime),
      }
    },
  })
}

/** Decides whether the cookie is Secure, and refuses what contradicts that. */
function checkSecure({ session_key, secure, sameSite, partitioned, domain, path }: CookieOptions): boolean | 'auto' {
  const name = describe(session_key)
  const isHost = /^__Host-/i.test(session_key)
  if (isHost && (domain !== undefined || path !== '/')) {
    const fault = domain !== undefined ? `domain ${describe(domain)}` : `path ${describe(path)}`
    throw new TypeError(
      `cookie-sessions: a cookie named ${name} belongs to one host and to path '/', so browsers refuse it with ${fault}: leave that out, or name it '__Secure-...'`,
    )
  }
  const why =
    isHost || /^__Secure-/i.test(session_key)
      ? `a cookie named ${name}`
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

/** The values of the cookies called `name`, in the header's order, the first sixteen at most. */
export function readCookies(header: string | undefined, name: string): string[] {
  const values: string[] = []
  if (header === undefined) return values
  const prefix = `${name}=`
  let start = header.indexOf(prefix)
  while (start >= 0 && values.length < MAX_CANDIDATES) {
    const from = start + prefix.length
    if (startsPair(header, start)) {
      const end = header.indexOf(';', from)
      values.push(unquote(trimEnd(end < 0 ? header.slice(from) : header.slice(from, end))))
    }
    start = header.indexOf(prefix, from)
  }
  return values
}

/** Whether only white space stands between `at` and the header's start or the ";" before it. */
function startsPair(header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isSpace(header.charCodeAt(before))) before--
  return before < 0 || header.charCodeAt(before) === 0x3b
}

function trimEnd(value: string): string {
  let end = value.length
  while (end > 0 && isSpace(value.charCodeAt(end - 1))) end--
  return end === value.length ? value : value.slice(0, end)
}

/** A value may be in double quotes (RFC 6265 section 4.1.1, cookie-value). */
function unquote(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09
