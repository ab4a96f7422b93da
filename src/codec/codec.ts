/**
 * createCodec(): options in; seal and open out. The clock and the random source enter here and nowhere below.
 *
 *   seal: data -> JSON -> token         open: token -> JSON -> data
 */
import { SessionError } from '../errors.ts'
import { type Backend, type OpenedText, REFUSED, type Refused } from './backend.ts'
import { MAX_PLAINTEXT_BYTES, MAX_TIME_MS } from './format.ts'
import { nodeBackend } from './node.ts'
import { createNonces } from './nonces.ts'
import { type CodecOptions, type CodecSettings, checkCodecOptions, describe } from './options.ts'
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
  /** Which secret opened it: its index in the list. Above 0, it is time to seal anew. */
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
  /** A token, or undefined when the JSON is longer than 16,320 bytes. */
  seal(json: string, createdAt: number): string | undefined
  open(token: string): OpenedText | Refused
  now(): number
}

/** A codec for tokens outside of HTTP, or the codec inside of the middleware. TypeError on misuse; SessionError 'no-backend'. */
export function createCodec(options: CodecOptions): Codec {
  const codec = createTextCodec(checkCodecOptions(options))
  return {
    backend: codec.backend,
    seal(data, createdAt = codec.now()) {
      if (!Number.isInteger(createdAt) || createdAt < 0 || createdAt > MAX_TIME_MS) {
        throw new TypeError(
          `cookie-sessions: createdAt must be whole milliseconds since the epoch, got ${describe(createdAt)}`,
        )
      }
      const json = serialize(data)
      const token = codec.seal(json, createdAt)
      if (token === undefined) {
        throw new SessionError(
          'too-large',
          `the data is more than ${MAX_PLAINTEXT_BYTES} bytes of JSON, which is all that a token holds`,
        )
      }
      return token
    },
    open<Data>(token: string): Opened<Data> | Refused {
      if (typeof token !== 'string') return REFUSED.malformed
      const opened = codec.open(token)
      if (!opened.ok) return opened
      const { createdAt, issuedAt, keyIndex } = opened
      try {
        return { ok: true, data: JSON.parse(opened.json), createdAt, issuedAt, keyIndex }
      } catch {
        return REFUSED['bad-payload']
      }
    },
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
    throw new TypeError(`cookie-sessions: now() must return milliseconds since the epoch, returned ${describe(time)}`)
  }

  return {
    backend: backend.name,
    now,
    seal(json, createdAt) {
      const issuedAt = now()
      return keyring.seal(json, Math.min(createdAt, issuedAt), issuedAt, nonces)
    },
    open: (token) => keyring.open(token, now(), timeout, absoluteTimeout),
  }
}

/** JSON, or a SessionError 'unserializable'. */
export function serialize(data: unknown): string {
  let json: string | undefined
  try {
    json = JSON.stringify(data)
  } catch (cause) {
    throw new SessionError('unserializable', `the data cannot be written as JSON${because(cause)}`, cause)
  }
  if (json === undefined) throw new SessionError('unserializable', `${describe(data)} cannot be written as JSON`)
  return json
}

/** Whatever a toJSON() has thrown, in words: it may be a thing that throws when it is looked at. */
function because(cause: unknown): string {
  try {
    return `: ${cause instanceof Error ? String(cause.message).split('\n')[0] : describe(cause)}`
  } catch {
    return ''
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
        `there is no node:crypto here, and ${fault}. The backend in plain JavaScript runs everywhere: import js from 'cookie-sessions/js', and hand it in as backend: js`,
        cause,
      )
    }
  }
}
