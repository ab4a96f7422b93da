/**
 * Cookie header in, Set-Cookie out. The scan is our own because parsers into an object keep one cookie of a name, and an attacker
 * who owns a sibling domain can plant a second one in front of ours.
 *
 *   cookie-header = "Cookie:" OWS cookie-string OWS          (RFC 6265 section 4.2.1)
 *   cookie-string = cookie-pair *( ";" SP cookie-pair )
 */
import type { CookieAttributes } from './contracts.ts'
import type { CookieSettings } from './options.ts'

/** RFC 6265 section 6.1: what browsers hold of a cookie; they drop a longer one, and most count name, "=" and value. */
export const MAX_COOKIE_BYTES = 4_096

/** How many cookies of one name are looked at: so many that planted ones cannot lock a user out, so few that they cost little. */
const MAX_CANDIDATES = 16

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

/** Whether the cookie is to be Secure. Of a chain of proxies, the first entry of X-Forwarded-Proto is what the client spoke. */
export function isSecure(
  { secure, trustProxy }: { readonly secure: boolean | 'auto'; readonly trustProxy: boolean },
  isEncrypted: boolean,
  forwardedProto: string | undefined,
): boolean {
  if (secure !== 'auto') return secure
  return isEncrypted || (trustProxy && /^\s*https\s*(,|$)/i.test(forwardedProto ?? ''))
}

/** A Set-Cookie value that sets the token. */
export function setCookie(cookie: CookieSettings, token: string, secure: boolean, now: number): string {
  const [before, after] = secure ? cookie.setSecure : cookie.set
  return `${cookie.name}=${token}${before}${cookie.expires?.(now) ?? ''}${after}`
}

/** A Set-Cookie value that takes the cookie away. */
export function removeCookie(cookie: CookieSettings, secure: boolean): string {
  return `${cookie.name}=${secure ? cookie.removeSecure : cookie.remove}`
}

/** The attributes of the cookie, for what writes Set-Cookie itself. */
export function cookieAttributes(
  cookie: CookieSettings,
  removes: boolean,
  secure: boolean,
  now: number,
): CookieAttributes {
  const { attributes, maxAge } = cookie
  if (removes) return { ...attributes, secure, maxAge: 0, expires: new Date(0) }
  return maxAge === undefined
    ? { ...attributes, secure }
    : { ...attributes, secure, maxAge, expires: new Date(now + maxAge * 1000) }
}
