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
  /**
   * Seals a list, in less time than one after another: a token each, or the SessionError that seal() would have thrown. All are issued at
   * the same moment; `createdAt` is one for all, or a list with one for each.
   */
  sealMany(list: readonly unknown[], createdAt?: number | readonly number[]): (string | SessionError)[]
  /** Opens a list, in less time than one after another: what open() answers, for each. */
  openMany<Data = unknown>(tokens: readonly string[]): (Opened<Data> | Refused)[]
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
  sealMany(jsons: readonly string[], createdAt: readonly number[], issuedAt?: number): (string | undefined)[]
  openMany(tokens: readonly string[], now?: number): (OpenedText | Refused)[]
  now(): number
}

/** Items of a list that are worked on at a time. */
const CHUNK = 64

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
    sealMany(list, createdAt = codec.now()) {
      checkList('sealMany', list)
      const times = typeof createdAt === 'number' ? list.map(() => createdAt) : createdAt
      checkList('sealMany', times)
      if (times.length !== list.length) {
        throw new TypeError(
          `cookie-sessions: sealMany() takes as many times as data, got ${times.length} for ${list.length}`,
        )
      }
      times.forEach(checkCreatedAt)
      const issuedAt = codec.now()
      return inChunks(list.length, (from, to) => {
        const results = list.slice(from, to).map(trySerialize)
        const good = [...results.keys()].filter((index) => typeof results[index] === 'string')
        const tokens = codec.sealMany(
          good.map((index) => results[index] as string),
          good.map((index) => times[from + index] as number),
          issuedAt,
        )
        good.forEach((index, n) => {
          results[index] = tokens[n] ?? tooLarge()
        })
        return results
      })
    },
    openMany<Data>(tokens: readonly string[]) {
      checkList('openMany', tokens)
      const now = codec.now()
      return inChunks(tokens.length, (from, to) => {
        const texts = Array.from(tokens.slice(from, to), (token) => (typeof token === 'string' ? token : ''))
        return codec.openMany(texts, now).map((opened) => parse<Data>(opened))
      })
    },
  }
}

/** Calls `work` for one part of a list after another, so that what is made between does not live long enough to cost the collector. */
function inChunks<Result>(length: number, work: (from: number, to: number) => Result[]): Result[] {
  const results: Result[] = []
  for (let from = 0; from < length; from += CHUNK) results.push(...work(from, Math.min(from + CHUNK, length)))
  return results
}

function checkCreatedAt(createdAt: number): void {
  if (Number.isInteger(createdAt) && createdAt >= 0 && createdAt <= MAX_TIME_MS) return
  throw new TypeError(
    `cookie-sessions: createdAt must be whole milliseconds since the epoch, got ${describe(createdAt)}`,
  )
}

function checkList(caller: string, list: unknown): void {
  if (Array.isArray(list)) return
  throw new TypeError(`cookie-sessions: ${caller}() takes a list, got ${describe(list)}`)
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
    sealMany(jsons, createdAt, issuedAt = now()) {
      const times = createdAt.map((time) => Math.min(time, issuedAt))
      if (keyring.sealMany !== undefined) return keyring.sealMany(jsons, times, issuedAt, nonces)
      return jsons.map((json, index) => keyring.seal(json, times[index] as number, issuedAt, nonces))
    },
    openMany(tokens, time = now()) {
      if (keyring.openMany !== undefined) return keyring.openMany(tokens, time, timeout, absoluteTimeout)
      return tokens.map((token) => keyring.open(token, time, timeout, absoluteTimeout))
    },
  }
}

function trySerialize(data: unknown): string | SessionError {
  try {
    return serialize(data)
  } catch (error) {
    return error as SessionError
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
