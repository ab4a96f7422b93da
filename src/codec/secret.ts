/** Making secrets, and speaking up about weak ones. */
import { SessionError } from '../errors.ts'
import { STRONG_SECRET_BYTES } from './format.ts'
import { draw, type Random } from './nonces.ts'
import { warnOnce } from './warn.ts'

interface Runtime {
  crypto?: { getRandomValues?(bytes: Uint8Array): unknown }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** A new secret: 43 characters that carry 256 bits. Throws a SessionError ('no-random') where there is no random source. */
export function generateSecret(random: Random = systemRandom): string {
  const bytes = new Uint8Array(43)
  draw(random, bytes)
  return Array.from(bytes, (byte) => ALPHABET[byte & 63]).join('')
}

/** The runtime's CSPRNG. */
export function systemRandom(bytes: Uint8Array): void {
  const crypto = (globalThis as Runtime).crypto
  if (typeof crypto?.getRandomValues !== 'function') {
    throw new SessionError(
      'no-random',
      'this runtime has no crypto.getRandomValues: hand in the option random, which fills bytes',
    )
  }
  crypto.getRandomValues(bytes)
}

/** Once a process: stretching makes a short secret slow to guess, not hard to guess; and nothing is stretched but what is short. */
export function warnOfWeakSecret(secrets: readonly Uint8Array[]): void {
  const weakness = secrets.map(weaknessOf).find((found) => found !== undefined)
  if (weakness === undefined) return
  warnOnce(
    'COOKIE_SESSIONS_WEAK_SECRET',
    `${weakness} can be guessed from a single cookie; use ${STRONG_SECRET_BYTES} random bytes or more. ` +
      'Make one with `npx cookie-sessions secret`, or generateSecret()',
  )
}

/** What placeholders are made of, such as "Change me!", "keyboard cat", "your-secret-here" or "my_super_secret_key_123". */
const PLACEHOLDER =
  /abcdefghijklmnopqrstuvwxyz|abcdef|0?123456789|12345678|123456|1234|123|32|at|a|the|this|your?|our|my|some|very|super|top|complex|long|random|secure|secret|session|cookie|keyboard|key|cat|password|phrase|pass|value|string|token|characters|chars|least|please|change|replace|insert|me|it|todo|to|with|for|of|in|here|default|example|sample|demo|test|development|dev|production|local|placeholder/g

function weaknessOf(secret: Uint8Array): string | undefined {
  if (secret.length < STRONG_SECRET_BYTES) return `a secret of ${secret.length} bytes`
  const text = Array.from(secret, (byte) => String.fromCharCode(byte)).join('')
  if (text.trim() === '') return 'a secret of nothing but white space'
  if (repeats(secret)) return 'a secret that repeats itself'
  // Words and nothing else, so that a random secret which happens to hold one is not meant.
  const letters = /^[\x20-\x7e]*$/.test(text) ? text.toLowerCase().replace(/[^a-z0-9]/g, '') : text
  return letters.replace(PLACEHOLDER, '') === '' ? 'a secret that is a placeholder' : undefined
}

/** Whether it is fewer than STRONG_SECRET_BYTES over and over, and so no better than these. */
function repeats(secret: Uint8Array): boolean {
  for (let period = 1; period < STRONG_SECRET_BYTES && 2 * period <= secret.length; period++) {
    if (secret.every((byte, at) => byte === secret[at % period])) return true
  }
  return false
}
