/**
 * What a response with a session says to caches (RFC 9111, RFC 9110 section 12.5.5), and what is left of a response whose session could
 * not be saved. Pure functions, for Connect and Fetch alike.
 */

/** What Express and `send` write unasked for a file: nobody's decision that a response with a session is for everybody. */
const DEFAULT_OF_SEND = 'public, max-age=0'

/** Whether one of the directives is there. A quoted argument may hold anything, so it is left out first. */
const has = (cacheControl: string, directives: string): boolean =>
  new RegExp(`(^|,)\\s*(${directives})\\s*(,|$)`, 'i').test(cacheControl.replace(/"(?:\\.|[^"\\])*"/g, ''))

/** Whether a shared cache may keep the response because the app says so. */
const isPublic = (cacheControl: string): boolean => has(cacheControl, '(public|s-maxage)(\\s*=[^,]*)?')

/**
 * Whether a response may carry a Set-Cookie that only refreshes the session's age. Never a publicly cacheable one: a shared cache would
 * hand that cookie to other clients.
 */
export function mayRoll(cacheControl: string): boolean {
  return cacheControl === '' || cacheControl === DEFAULT_OF_SEND || !isPublic(cacheControl)
}

/** The Cache-Control of a response that depends on a session; `sets`: it carries the session's cookie as well. */
export function privateCacheControl(cacheControl: string, sets: boolean): string {
  if (cacheControl === '') return 'private'
  if (sets && cacheControl === DEFAULT_OF_SEND) return 'private, max-age=0'
  // With an argument, private and no-cache hold for some headers alone. And what may be kept if it is revalidated (no-cache) may be kept
  // with the cookie in it.
  const isKept = isPublic(cacheControl) || has(cacheControl, sets ? 'private|no-store' : 'private|no-store|no-cache')
  return isKept ? cacheControl : `${cacheControl}, private`
}

/** The Vary of a response that depends on a cookie. */
export function varyOnCookie(vary: string): string {
  if (vary === '') return 'Cookie'
  return /(^|,)\s*(cookie|\*)\s*(,|$)/i.test(vary) ? vary : `${vary}, Cookie`
}

/** The body of a response whose session could not be saved. */
export const FAILURE = 'The session could not be saved.\n'

/** Its headers. */
export const FAILURE_HEADERS: readonly (readonly [name: string, value: string])[] = [
  ['Content-Type', 'text/plain; charset=utf-8'],
  ['Content-Length', String(FAILURE.length)],
  ['Cache-Control', 'no-store'],
]

/**
 * Whether a header is about the answer that the app meant to give: its body, where it leads, how long it keeps. (What stays: cookies,
 * CORS, security policies, tracing.)
 */
export function isOfAnswer(name: string): boolean {
  return /^(content-(?!security-policy)|(location|refresh|etag|last-modified|expires|accept-ranges|transfer-encoding|trailer|x-sendfile|x-accel-redirect|x-inertia-location)$|hx-)/i.test(
    name,
  )
}
