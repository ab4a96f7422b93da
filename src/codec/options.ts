/** The codec's options: their meaning, units and defaults; checked once, then fixed. Misuse is a TypeError that says what to do. */
import type { Backend } from './backend.ts'
import { MAX_KEYS, MAX_NAME_BYTES, MAX_SECRET_BYTES, MAX_TIME_MS } from './format.ts'
import type { Random } from './nonces.ts'
import { plainText } from './text.ts'

/** Text (taken as UTF-8, never decoded from hex or base64) or bytes; 1 to 4,096 of them, 32 or more to be strong. */
export type Secret = string | Uint8Array

export interface CodecOptions {
  /** One secret, or several: the first seals, all open (docs: README, Rotation). Required; at most 64. */
  readonly secret: Secret | readonly Secret[]
  /** The cookie's name, or the purpose's: bound into the keys, so that a token opens under no other. Required; 1 to 256 bytes of UTF-8. */
  readonly name: string
  /** Idle timeout, ms: how long a token opens after it was sealed. Default 86,400,000 (a day), or absoluteTimeout if shorter. */
  readonly timeout?: number | undefined
  /** Absolute timeout, ms: how long after created-at it opens, however often it is sealed anew. Default: none. */
  readonly absoluteTimeout?: number | undefined
  /** What does the work. Default 'auto': WebAssembly, helped by node:crypto with larger tokens; node:crypto alone where there is no WebAssembly. */
  readonly backend?: 'auto' | 'wasm' | 'node' | Backend | undefined
  /** The clock, ms since the epoch. Default Date.now. */
  readonly now?: (() => number) | undefined
  /** Fills bytes from a cryptographic random source. Default crypto.getRandomValues. */
  readonly random?: Random | undefined
}

export interface CodecSettings {
  readonly secrets: readonly Uint8Array[]
  readonly name: string
  readonly timeout: number
  readonly absoluteTimeout: number
  readonly backend: 'auto' | 'wasm' | 'node' | Backend
  readonly now: () => number
  readonly random: Random | undefined
}

const DEFAULT_TIMEOUT_MS = 86_400_000

const OPTIONS = ['secret', 'name', 'timeout', 'absoluteTimeout', 'backend', 'now', 'random']

/** What neighbours call these things. */
export const ALIASES: { readonly [alias: string]: string } = {
  keys: 'secret',
  key: 'secret',
  password: 'secret',
  secrets: 'secret',
  duration: 'timeout',
  maxAge: 'timeout',
  ttl: 'timeout',
  expires: 'timeout',
  idleTimeout: 'timeout',
  activeDuration: 'rolling',
  absoluteDuration: 'absoluteTimeout',
}

export function checkCodecOptions(options: CodecOptions): CodecSettings {
  checkNames('createCodec', 'secret, name', options, OPTIONS, { ...ALIASES, session_key: 'name', cookieName: 'name' })
  const { backend = 'auto', now = Date.now, random } = options
  const named = backend === 'auto' || backend === 'wasm' || backend === 'node'
  if (!named && typeof (backend as Partial<Backend> | null)?.keyring !== 'function') {
    throw misuse('backend', "'auto', 'wasm', 'node' or a backend object", backend)
  }
  if (typeof now !== 'function') throw misuse('now', 'a function that returns milliseconds since the epoch', now)
  if (random !== undefined && typeof random !== 'function')
    throw misuse('random', 'a function that fills bytes', random)
  const absoluteTimeout =
    options.absoluteTimeout === undefined ? Infinity : checkDuration('absoluteTimeout', options.absoluteTimeout)
  const timeout =
    options.timeout === undefined
      ? Math.min(DEFAULT_TIMEOUT_MS, absoluteTimeout)
      : checkDuration('timeout', options.timeout)
  if (absoluteTimeout < timeout) {
    throw new TypeError(
      `cookie-sessions: absoluteTimeout (${absoluteTimeout} ms) is shorter than timeout (${timeout} ms), which then never counts: make timeout the shorter of the two`,
    )
  }
  return {
    secrets: checkSecrets(options.secret),
    name: checkName(options.name),
    timeout,
    absoluteTimeout,
    backend,
    now,
    random,
  }
}

function checkSecrets(secret: unknown): Uint8Array[] {
  const list: readonly unknown[] = Array.isArray(secret) ? secret : [secret]
  if (list.length === 0 || list.length > MAX_KEYS) {
    throw new TypeError(`cookie-sessions: secret must hold 1 to ${MAX_KEYS} secrets, got ${list.length}. ${GET_SECRET}`)
  }
  return Array.from(list, (item) => {
    if (typeof item !== 'string' && !(item instanceof Uint8Array)) {
      // The value itself stays out of the message: it may be a secret in the wrong type.
      const got = item === undefined ? 'undefined (is the environment variable set?)' : describeType(item)
      throw new TypeError(
        `cookie-sessions: secret must be a string, a Uint8Array or a list of them, got ${got}. ${GET_SECRET}`,
      )
    }
    const bytes = typeof item === 'string' ? encodeUtf8('secret', item) : new Uint8Array(item)
    if (bytes.length === 0) throw new TypeError(`cookie-sessions: secret must not be empty. ${GET_SECRET}`)
    if (bytes.length > MAX_SECRET_BYTES) {
      throw new TypeError(
        `cookie-sessions: secret must be at most ${MAX_SECRET_BYTES} bytes, got ${bytes.length}: 32 random bytes are enough`,
      )
    }
    return bytes
  })
}

const GET_SECRET = 'Make one with generateSecret() and hand it in, say as process.env.SESSION_SECRET'

function checkName(name: unknown): string {
  if (typeof name !== 'string' || name === '' || name.includes('\0')) {
    throw misuse('name', "the cookie's or the purpose's name, a string of 1 to 256 bytes without NUL", name)
  }
  if (encodeUtf8('name', name).length > MAX_NAME_BYTES)
    throw misuse('name', `at most ${MAX_NAME_BYTES} bytes of UTF-8`, name)
  return name
}

function checkDuration(option: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) > 0 && (value as number) <= MAX_TIME_MS) return value as number
  throw misuse(option, 'a whole number of milliseconds above 0', value)
}

/** Refuses options that do not exist and names the one that was meant. */
export function checkNames(
  caller: string,
  least: string,
  options: unknown,
  known: readonly string[],
  aliases: { readonly [alias: string]: string },
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options) || options instanceof Uint8Array) {
    // What was handed in may be the secret itself: its type is all that is told.
    throw new TypeError(
      `cookie-sessions: ${caller}() takes an object of options, got ${describeType(options)}; at the least { ${least} }`,
    )
  }
  for (const option of Object.keys(options)) {
    if (known.includes(option)) continue
    const alias = Object.hasOwn(aliases, option) ? aliases[option] : undefined
    const meant = alias !== undefined && known.includes(alias) ? alias : nearest(option, known)
    const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean '${meant}'?`
    throw new TypeError(`cookie-sessions: ${caller}() has no option '${option}': ${hint}`)
  }
}

/** The known option with the least edits, if that is few enough to be a slip. */
function nearest(option: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(2, option.length >> 1)
  for (const candidate of known) {
    const edits = distance(option.toLowerCase(), candidate.toLowerCase())
    if (edits < least) {
      least = edits
      best = candidate
    }
  }
  return best
}

/** Levenshtein's edit distance. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const substituted = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}

/** A TypeError that says which option, what it takes, and what it got. */
export function misuse(option: string, takes: string, got: unknown): TypeError {
  return new TypeError(`cookie-sessions: ${option} must be ${takes}, got ${describe(got)}`)
}

export function describe(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 60 ? `a string of ${value.length} characters` : JSON.stringify(value)
  if (typeof value === 'object' && value !== null) return describeType(value)
  if (typeof value === 'bigint') return `${value}n`
  return typeof value === 'function' ? 'a function' : String(value)
}

function describeType(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return typeof value === 'object'
    ? `an object (${value.constructor?.name ?? 'without a prototype'})`
    : `a ${typeof value}`
}

/** UTF-8 of a string without lone surrogates: what has no UTF-8 cannot be a key. */
export function encodeUtf8(what: string, text: string): Uint8Array {
  if (/[\ud800-\udfff]/u.test(text)) {
    throw new TypeError(`cookie-sessions: ${what} must be well-formed, got a string with a lone surrogate`)
  }
  const memory = new ArrayBuffer(3 * text.length)
  const length = plainText(memory).writer(0, memory.byteLength)(text)
  return new Uint8Array(memory.slice(0, length))
}
