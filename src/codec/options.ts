/** The codec's options: their meaning, units and defaults; checked once, then fixed. Misuse is a TypeError that says what to do. */
import type { Backend } from './backend.ts'
import { MAX_KEYS, MAX_NAME_BYTES, MAX_SECRET_BYTES, MAX_TIME_MS } from './format.ts'
import type { Random } from './nonces.ts'
import { plainText } from './text.ts'
import { warnOnce } from './warn.ts'

/** Text (taken as UTF-8, never decoded from hex or base64) or bytes; 1 to 4,096 of them, 32 or more to be strong. */
export type Secret = string | Uint8Array

export interface CodecOptions {
  /**
   * One secret, or several: the first seals, all open (docs: README, Rotation). Required; at most 64. An undefined one behind the first is
   * left out, with a warning: it may be an environment variable that is gone.
   */
  readonly secret: Secret | readonly Secret[] | readonly [Secret, ...(Secret | undefined)[]]
  /** The cookie's name, or the purpose's: bound into the keys, so that a token opens under no other. Required; 1 to 256 bytes of UTF-8. */
  readonly name: string
  /** Idle timeout, ms: how long a token opens after it was sealed. Default 86,400,000 (a day), or absoluteTimeout if shorter. */
  readonly timeout?: number | undefined
  /** Absolute timeout, ms: how long after created-at it opens, however often it is sealed anew. Default: none,
   * which is also Infinity. */
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
const IS_DURATION = 'a whole number of milliseconds above 0'

const OPTIONS = ['secret', 'name', 'timeout', 'absoluteTimeout', 'backend', 'now', 'random']

const IN_MS =
  "did you mean 'timeout'? It says how long a session lasts, in milliseconds (not in seconds, as iron-session and h3 count, and not as a date)"

/** What neighbours call these things: the option, or a sentence. */
export const HINTS: { readonly [alias: string]: string } = {
  keys: 'secret',
  password: 'secret',
  secrets: 'secret',
  duration: 'timeout',
  maxAge: IN_MS,
  ttl: IN_MS,
  expires: IN_MS,
  expiry: IN_MS,
  idleTimeout: 'timeout',
  activeDuration: 'rolling',
  absoluteDuration: 'absoluteTimeout',
}

/** Date is looked up at each call: tests install a clock of their own after this is loaded, and take it away again. */
const systemClock = (): number => Date.now()

const CODEC_HINTS = { ...HINTS, session_key: 'name', cookieName: 'name' }

export function checkCodecOptions(options: CodecOptions): CodecSettings {
  const read = readOptions('createCodec', 'secret, name', options, OPTIONS, CODEC_HINTS)
  const { backend = 'auto', now = systemClock, random } = read
  const named = backend === 'auto' || backend === 'wasm' || backend === 'node'
  if (!named && typeof (backend as Partial<Backend> | null)?.keyring !== 'function') {
    throw misuse('backend', "'auto', 'wasm', 'node' or a backend object", backend)
  }
  if (typeof now !== 'function') throw misuse('now', 'a function that returns milliseconds since the epoch', now)
  if (random !== undefined && typeof random !== 'function')
    throw misuse('random', 'a function that fills bytes', random)
  const absoluteTimeout =
    read.absoluteTimeout === undefined || read.absoluteTimeout === Infinity
      ? Infinity
      : checkDuration('absoluteTimeout', `${IS_DURATION}, or Infinity`, read.absoluteTimeout)
  const timeout =
    read.timeout === undefined
      ? Math.min(DEFAULT_TIMEOUT_MS, absoluteTimeout)
      : checkDuration('timeout', IS_DURATION, read.timeout)
  if (absoluteTimeout < timeout) {
    throw new TypeError(
      `cookie-sessions: absoluteTimeout (${absoluteTimeout} ms) is shorter than timeout (${timeout} ms), which then never counts: make timeout the shorter of the two`,
    )
  }
  const name = checkName(read.name)
  return Object.freeze({
    secrets: checkSecrets(read.secret),
    name,
    timeout,
    absoluteTimeout,
    backend,
    now,
    random,
  })
}

function checkSecrets(secret: unknown): Uint8Array[] {
  if (!Array.isArray(secret)) return [checkSecret('secret', 'a string, a Uint8Array or a list of them', secret)]
  if (secret.length === 0 || secret.length > MAX_KEYS) {
    throw new TypeError(
      `cookie-sessions: secret must hold 1 to ${MAX_KEYS} secrets, got ${secret.length}. ${GET_SECRET}`,
    )
  }
  const secrets: Uint8Array[] = []
  const missing: string[] = []
  for (let i = 0; i < secret.length; i++) {
    const item: unknown = Object.hasOwn(secret, i) ? secret[i] : undefined
    if (i > 0 && item === undefined) missing.push(`secret[${i}]`)
    else secrets.push(checkSecret(`secret[${i}]`, 'a string or a Uint8Array', item))
  }
  if (missing.length > 0) {
    const message = `${missing.join(', ')}: undefined, and so left out (is the environment variable set?). What was sealed with that secret no longer opens`
    warnOnce('COOKIE_SESSIONS_MISSING_SECRET', message, message)
  }
  return secrets
}

function checkSecret(what: string, takes: string, secret: unknown): Uint8Array {
  if (typeof secret !== 'string' && !isBytes(secret)) {
    // The value itself stays out of the message: it may be a secret in the wrong type.
    const got = secret === undefined ? 'undefined (is the environment variable set?)' : describeType(secret)
    throw new TypeError(`cookie-sessions: ${what} must be ${takes}, got ${got}. ${GET_SECRET}`)
  }
  const bytes = typeof secret === 'string' ? encodeUtf8(what, secret) : new Uint8Array(secret)
  if (bytes.length === 0) throw new TypeError(`cookie-sessions: ${what} must not be empty. ${GET_SECRET}`)
  if (bytes.length > MAX_SECRET_BYTES) {
    throw new TypeError(
      `cookie-sessions: ${what} must be at most ${MAX_SECRET_BYTES} bytes, got ${bytes.length}: 32 random bytes are enough`,
    )
  }
  return bytes
}

/** A Uint8Array of any realm: Jest and node:vm give the code they run a Uint8Array of its own. */
function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === 'Uint8Array'
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

function checkDuration(option: string, takes: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) > 0 && (value as number) <= MAX_TIME_MS) return value as number
  throw misuse(option, takes, value)
}

/**
 * The options as they are at this moment, in an object without a prototype: what is put on Object.prototype, by whom and whenever, is no
 * option. Refuses those that do not exist, with a hint at what was meant: an option, or a sentence.
 */
export function readOptions<Options extends object>(
  caller: string,
  least: string,
  options: Options,
  known: readonly string[],
  hints: { readonly [option: string]: string },
): Options {
  if (typeof options !== 'object' || options === null || Array.isArray(options) || ArrayBuffer.isView(options)) {
    // What was handed in may be the secret itself: its type is all that is told.
    throw new TypeError(
      `cookie-sessions: ${caller}() takes an object of options, got ${describeType(options)}; at the least { ${least} }`,
    )
  }
  for (const option of Object.keys(options)) {
    if (known.includes(option)) continue
    throw new TypeError(
      `cookie-sessions: ${caller}() has no option '${option}': ${hintAt(option, options, known, hints)}`,
    )
  }
  refuseInherited(caller, options, known)
  const read = Object.create(null) as { [option: string]: unknown }
  for (const option of known) {
    if (Object.hasOwn(options, option)) read[option] = (options as { readonly [option: string]: unknown })[option]
  }
  return read as Options
}

function hintAt(
  option: string,
  options: object,
  known: readonly string[],
  hints: { readonly [option: string]: string },
): string {
  if (option === 'key') {
    const name = known.includes('session_key') ? 'session_key' : 'name'
    // To call a public name the secret would be the worst of mistakes.
    return Object.hasOwn(options, 'secret')
      ? `beside a secret, other modules take it for the cookie's name: that is '${name}' here`
      : `other modules take it for the secret or for the cookie's name: these are 'secret' and '${name}' here`
  }
  const hint = Object.hasOwn(hints, option) ? (hints[option] as string) : ''
  if (hint.includes(' ')) return hint
  const meant = known.includes(hint) ? hint : nearest(option, known)
  return meant === undefined ? `known are ${known.join(', ')}` : `did you mean '${meant}'?`
}

/** Options that a class or Object.create() provides would be left out without a word. Object.prototype, of any realm, provides none. */
function refuseInherited(caller: string, options: object, known: readonly string[]): void {
  let from: object | null = Object.getPrototypeOf(options)
  for (; from !== null && !Object.hasOwn(from, 'isPrototypeOf'); from = Object.getPrototypeOf(from)) {
    const inherited = Object.getOwnPropertyNames(from).find(
      (name) => known.includes(name) && !Object.hasOwn(options, name),
    )
    if (inherited === undefined) continue
    throw new TypeError(
      `cookie-sessions: the option '${inherited}' is inherited, and ${caller}() reads what the object itself holds: copy it into a plain object`,
    )
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
