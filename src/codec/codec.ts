/**
 * createCodec(): options in; seal and open out. The clock and the random source enter here and nowhere below.
 *
 *   seal: data -> JSON -> token         open: token -> JSON -> data
 */
import { SessionError } from '../errors.ts'
import { type Backend, type OpenedText, REFUSED, type Refused } from './backend.ts'
import { MAX_PLAINTEXT_BYTES, MAX_SKEW_MS, MAX_TIME_MS } from './format.ts'
import { serialize } from './json.ts'
import { nodeBackend } from './node.ts'
import { createNonces } from './nonces.ts'
import { type CodecOptions, type CodecSettings, checkCodecOptions, describe } from './options.ts'
import { isPromise } from './promise.ts'
import { systemRandom, warnOfWeakSecret } from './secret.ts'
import { selfTest } from './selftest.ts'
import { autoBackend, wasmBackend } from './wasm.ts'

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

/** seal and open of JSON text: what the middleware works with. */
export interface TextCodec {
  readonly backend: Codec['backend']
  /**
   * A token, or undefined when the JSON is longer than 16,320 bytes. Issued now, or at `minIssuedAt` if that is later, but never further in
   * the future than a reader accepts a millisecond from now.
   */
  seal(json: string, createdAt: number, minIssuedAt?: number): string | undefined
  open(token: string): OpenedText | Refused
  now(): number
}

/** A codec for tokens outside of HTTP, or the codec inside of the middleware. TypeError on misuse; SessionError 'no-backend'. */
export function createCodec(options: CodecOptions): Codec {
  const codec = createTextCodec(checkCodecOptions(options))
  return {
    backend: codec.backend,
    seal(data, createdAt = codec.now()) {
      checkCreatedAt(createdAt)
      const token = codec.seal(serialize(data), createdAt)
      if (token === undefined) throw tooLarge()
      return token
    },
    open<Data>(token: string) {
      return typeof token === 'string' ? parse<Data>(codec.open(token)) : REFUSED.malformed
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

export function createTextCodec(settings: CodecSettings): TextCodec {
  const { secrets, name, timeout, absoluteTimeout } = settings
  const backend = typeof settings.backend === 'string' ? select(settings.backend) : selfTest(settings.backend)
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

type BackendName = 'auto' | 'wasm' | 'node'

const loaded = new Map<BackendName, Backend>()

function select(name: BackendName): Backend {
  const known = loaded.get(name)
  if (known !== undefined) return known
  const backend = name === 'wasm' ? selfTest(wasmBackend()) : name === 'node' ? selfTest(nodeBackend()) : best()
  // That auto has made do with node's own is no answer for good.
  if (name !== 'auto' || backend.name !== 'node') loaded.set(name, backend)
  return backend
}

function best(): Backend {
  try {
    // The kernel has to pass the self-test now; what node:crypto helps it with, once it does.
    select('wasm')
    return autoBackend()
  } catch (cause) {
    try {
      return select('node')
    } catch {
      const fault = String((cause as Error).message).replace(/^cookie-sessions: /, '')
      throw new SessionError(
        'no-backend',
        `there is no node:crypto with ChaCha20 here, and ${fault}. The backend in plain JavaScript runs everywhere: import js from 'cookie-sessions/js', and hand it in as backend: js`,
        cause,
      )
    }
  }
}
