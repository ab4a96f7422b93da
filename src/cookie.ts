/**
 * Cookie header in, Set-Cookie out. The scan is our own because parsers into an object keep one cookie of a name, and an attacker
 * who owns a sibling domain can plant a second one in front of ours.
 *
 *   cookie-header = "Cookie:" OWS cookie-string OWS          (RFC 6265 section 4.2.1)
 *   cookie-string = cookie-pair *( ";" SP cookie-pair )
 */
import type { CookieSettings } from './options.ts'

/** RFC 6265 section 6.1: what browsers hold of a cookie; they drop a longer one, and most count name, "=" and value. */
export const MAX_COOKIE_BYTES = 4_096

/** How many cookies of one name are looked at. */
const MAX_CANDIDATES = 4

/** The values of the cookies called `name`, in the header's order, the first four at most. */
export function readCookies(header: string | undefined, name: string): string[] {
  const values: string[] = []
  if (header === undefined) return values
  const prefix = `${name}=`
  let start = header.indexOf(prefix)
  while (start >= 0 && values.length < MAX_CANDIDATES) {
    const from = start + prefix.length
    if (startsPair(header, start)) {
      const end = header.indexOf(';', from)
      values.push(trimEnd(end < 0 ? header.slice(from) : header.slice(from, end)))
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

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09

/** A Set-Cookie value that sets the token. */
export function setCookie(cookie: CookieSettings, token: string, secure: boolean): string {
  return `${cookie.name}=${token}${secure ? cookie.setSecure : cookie.set}`
}

/** A Set-Cookie value that takes the cookie away. */
export function removeCookie(cookie: CookieSettings, secure: boolean): string {
  return `${cookie.name}=${secure ? cookie.removeSecure : cookie.remove}`
}
