/** Making secrets, and speaking up about weak ones. */
import { SessionError } from '../errors.ts'
import { STRONG_SECRET_BYTES } from './format.ts'
import type { Random } from './nonces.ts'

interface Runtime {
  crypto?: { getRandomValues?(bytes: Uint8Array): unknown }
  process?: { emitWarning?(message: string, options: { code: string }): void }
  console?: { warn(message: string): void }
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

let warned = false

/** Once a process: stretching makes a short secret slow to guess, not hard to guess. */
export function warnOfWeakSecret(secrets: readonly Uint8Array[]): void {
  const weak = secrets.find((secret) => secret.length < STRONG_SECRET_BYTES)
  if (weak === undefined || warned) return
  warned = true
  const message =
    `cookie-sessions: a secret of ${weak.length} bytes can be guessed from a single cookie; use ${STRONG_SECRET_BYTES} or more. ` +
    'Make one with `npx cookie-sessions secret`, or generateSecret()'
  const runtime = globalThis as Runtime
  if (typeof runtime.process?.emitWarning === 'function') {
    runtime.process.emitWarning(message, { code: 'COOKIE_SESSIONS_WEAK_SECRET' })
  } else runtime.console?.warn(message)
}
