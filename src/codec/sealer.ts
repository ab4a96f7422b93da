/**
 * The codec over a given backend. The clock and the random source enter here and nowhere below.
 *
 *   seal: data -> JSON -> token         open: token -> JSON -> data
 */
import { SessionError } from '../errors.ts'
import { type Backend, type OpenedText, REFUSED, type Refused } from './backend.ts'
import { MAX_PLAINTEXT_BYTES, MAX_SKEW_MS, MAX_TIME_MS } from './format.ts'
import { serialize } from './json.ts'
import { createNonces } from './nonces.ts'
import { type CodecSettings, describe } from './options.ts'
import { isPromise } from './promise.ts'
import { systemRandom, warnOfWeakSecret } from './secret.ts'

export interface Opened<Data = unknown> {
  readonly ok: true
  readonly data: Data
  /** When the session began, ms since the epoch. */
  readonly createdAt: number
  /** When this token was sealed, ms since the epoch. */
  readonly issuedAt: number
  /** Which secret opened it: its index among those of the list that are not undefined. Above 0, it is time to seal anew. */
  readonly keyIndex: number
}

export interface Codec {
  /** What does the work. */
  readonly backend: 'wasm' | 'node' | 'js' | 'auto'
  /**
   * Seals any JSON value into a token of base64url characters. `createdAt` (ms since the epoch; default: now) is when the session
   * began; later than now is taken as now. Throws a SessionError 'unserializable', or 'too-large' above 16,320 bytes of JSON.
   */
  seal(data: unknown, createdAt?: number): string
  /** Opens a token. Whatever string it is given, it answers and does not throw. */
  open<Data = unknown>(token: string): Opened<Data> | Refused
}

/** Seals and opens JSON text: what the middleware works with. */
export interface Sealer {
  readonly backend: Codec['backend']
  /**
   * A token, or undefined when the JSON is longer than 16,320 bytes. Issued now, or at `minIssuedAt` if that is later, but never further in
   * the future than a reader accepts a millisecond from now.
   */
  seal(json: string, createdAt: number, minIssuedAt?: number): string | undefined
  open(token: string): OpenedText | Refused
  now(): number
}

export function createSealer(settings: CodecSettings, backend: Backend): Sealer {
  const { secrets, name, timeout, absoluteTimeout } = settings
  warnOfWeakSecret(secrets)
  const keyring = backend.keyring(secrets, name)
  const nonces = createNonces(settings.random ?? systemRandom)

  function now(): number {
    const time: unknown = settings.now()
    const whole = typeof time === 'number' ? Math.floor(time) : Number.NaN
    if (whole >= 0 && whole <= MAX_TIME_MS) return whole
    throw new TypeError(
      `cookie-sessions: now() must return milliseconds since the epoch, returned ${isPromise(time) ? 'a promise' : describe(time)}`,
    )
  }

  return {
    backend: backend.name,
    now,
    seal(json, createdAt, minIssuedAt = 0) {
      const time = now()
      const issuedAt = Math.max(time, Math.min(minIssuedAt, time + MAX_SKEW_MS + 1))
      return keyring.seal(json, Math.min(createdAt, issuedAt), issuedAt, nonces)
    },
    open: (token) => keyring.open(token, now(), timeout, absoluteTimeout),
  }
}

/** The same for any JSON value. */
export function codecOf(sealer: Sealer): Codec {
  return {
    backend: sealer.backend,
    seal(data, createdAt = sealer.now()) {
      checkCreatedAt(createdAt)
      const token = sealer.seal(serialize(data), createdAt)
      if (token === undefined) throw tooLarge()
      return token
    },
    open<Data>(token: string) {
      return typeof token === 'string' ? parse<Data>(sealer.open(token)) : REFUSED.malformed
    },
  }
}

function checkCreatedAt(createdAt: number): void {
  if (Number.isInteger(createdAt) && createdAt >= 0 && createdAt <= MAX_TIME_MS) return
  throw new TypeError(
    `cookie-sessions: createdAt must be whole milliseconds since the epoch, got ${describe(createdAt)}`,
  )
}

function tooLarge(): SessionError {
  return new SessionError(
    'too-large',
    `the data is more than ${MAX_PLAINTEXT_BYTES} bytes of JSON, which is all that a token holds`,
  )
}

function parse<Data>(opened: OpenedText | Refused): Opened<Data> | Refused {
  if (!opened.ok) return opened
  const { json, createdAt, issuedAt, keyIndex } = opened
  try {
    return { ok: true, data: JSON.parse(json), createdAt, issuedAt, keyIndex }
  } catch {
    return REFUSED['bad-payload']
  }
}
