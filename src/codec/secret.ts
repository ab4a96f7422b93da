/** Making secrets, and speaking up about weak ones. */
import { SessionError } from '../errors.ts'
import { STRONG_SECRET_BYTES } from './format.ts'
import type { Random } from './nonces.ts'
import { warnOnce } from './warn.ts'

interface Runtime {
  crypto?: { getRandomValues?(bytes: Uint8Array): unknown }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** A new secret: 43 characters that carry 256 bits. Throws a SessionError ('no-random') where there is no random source. */
export function generateSecret(random: Random = systemRandom): string {
  const bytes = new Uint8Array(43)
  random(bytes)
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

/** Once a process: stretching makes a short secret slow to guess, not hard to guess. */
export function warnOfWeakSecret(secrets: readonly Uint8Array[]): void {
  const weak = secrets.find((secret) => secret.length < STRONG_SECRET_BYTES)
  if (weak === undefined) return
  warnOnce(
    'COOKIE_SESSIONS_WEAK_SECRET',
    `a secret of ${weak.length} bytes can be guessed from a single cookie; use ${STRONG_SECRET_BYTES} or more. ` +
      'Make one with `npx cookie-sessions secret`, or generateSecret()',
  )
}
