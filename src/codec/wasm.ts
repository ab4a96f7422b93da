/**
 * The backend in WebAssembly, and the only file that knows WebAssembly. One instance serves every codec of a process: its memory is
 * 64 KiB for good, its views are made once, and the keys of the codec at work stand in one region of it. A call is stage -> call ->
 * copy out, with nothing in between that could run other code.
 */
import { instantiateSync } from '@assemblyscript/loader'
import source from '#codec.wasm'
import { SessionError } from '../errors.ts'
import { type Backend, type Keyring, type OpenedText, REFUSED, type Reason, type Refused } from './backend.ts'
import { readExtensions } from './extensions.ts'
import {
  CONTEXT,
  HEADER_BYTES,
  MAX_PLAINTEXT_BYTES,
  MAX_TOKEN_CHARS,
  RANDOM_BYTES,
  RANDOM_OFFSET,
  STRETCH_ITERATIONS,
  STRONG_SECRET_BYTES,
} from './format.ts'
import { encodeUtf8 } from './options.ts'
import { createText, type Text } from './text.ts'

/** The exports of assembly/index.ts; what each one does stands there. */
interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly KEYRING: Pointer
  readonly MESSAGE: Pointer
  readonly TOKEN: Pointer
  readonly RESULT: Pointer
  derive(secretLength: number, infoLength: number, slot: number): void
  stretch(secretLength: number, iterations: number): void
  seal(length: number, createdAt: number, issuedAt: number): number
  open(length: number, keys: number, now: number, timeout: number, absoluteTimeout: number): number
  wipe(length: number): void
}

interface Pointer {
  readonly value: number
}

/** Bytes of a slot of the key region: cipherKey || inner midstate || outer midstate || key id, padded. */
const SLOT_BYTES = 112

/** The kernel's statuses, negated. */
const REASONS: readonly Reason[] = [
  'malformed',
  'malformed',
  'unsupported',
  'unknown-key',
  'bad-tag',
  'expired',
  'not-yet-valid',
]

let shared: Backend | undefined

/** Throws a SessionError where there is no WebAssembly, or where it is forbidden (a Content-Security-Policy). */
export function wasmBackend(): Backend {
  shared ??= createBackend(instantiate())
  return shared
}

function instantiate(): Kernel {
  try {
    // A policy may refuse the module's compilation or, in WebKit, only its instantiation: both happen in here.
    return instantiateSync(decodeBase64(source)).exports as unknown as Kernel
  } catch (cause) {
    throw new SessionError(
      'no-backend',
      "backend 'wasm' needs WebAssembly with SIMD, which this runtime lacks or forbids (in a page, Content-Security-Policy needs 'wasm-unsafe-eval')",
      cause,
    )
  }
}

function decodeBase64(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

function createBackend(kernel: Kernel): Backend {
  const memory = kernel.memory.buffer
  const keyRegion = kernel.KEYRING.value
  const message = kernel.MESSAGE.value
  const plaintext = message + HEADER_BYTES
  const tokenStart = kernel.TOKEN.value
  const bytes = new Uint8Array(memory)
  const times = new Float64Array(memory, kernel.RESULT.value, 2)
  const integers = new Int32Array(memory, kernel.RESULT.value + 16, 2)
  const text: Text = createText(memory)
  const random = new Uint8Array(RANDOM_BYTES)

  /** Whose keys stand in the key region. */
  let loaded: Uint8Array | undefined

  function load(slots: Uint8Array): void {
    bytes.set(slots, keyRegion)
    loaded = slots
  }

  /** One slot for each secret. */
  function deriveSlots(secrets: readonly Uint8Array[], name: string): Uint8Array {
    const info = encodeUtf8('name', `${CONTEXT}\0${name}`)
    secrets.forEach((secret, slot) => {
      bytes.set(secret, message)
      let length = secret.length
      if (length < STRONG_SECRET_BYTES) {
        kernel.stretch(length, STRETCH_ITERATIONS)
        length = STRONG_SECRET_BYTES
      }
      bytes.set(info, tokenStart)
      kernel.derive(length, info.length, slot)
    })
    return bytes.slice(keyRegion, keyRegion + secrets.length * SLOT_BYTES)
  }

  function keyring(secrets: readonly Uint8Array[], name: string): Keyring {
    const slots = deriveSlots(secrets, name)
    loaded = slots
    const keys = secrets.length
    return {
      seal(json, createdAt, issuedAt, nonces) {
        // The random source may be the caller's own code, and use this very memory: it comes first.
        nonces.take(random, 0)
        const length = text.write(json, plaintext, MAX_PLAINTEXT_BYTES + 4)
        if (length > MAX_PLAINTEXT_BYTES) {
          bytes.fill(0, plaintext, plaintext + length)
          return undefined
        }
        bytes.set(random, message + RANDOM_OFFSET)
        if (loaded !== slots) load(slots)
        const chars = kernel.seal(length, createdAt, issuedAt)
        return text.ascii(tokenStart, tokenStart + chars)
      },

      open(token, now, timeout, absoluteTimeout): OpenedText | Refused {
        // Past the limit, or not ASCII and so longer in UTF-8: no token.
        const chars = token.length
        if (chars > MAX_TOKEN_CHARS || text.write(token, tokenStart, chars) !== chars) return REFUSED.malformed
        if (loaded !== slots) load(slots)
        const length = kernel.open(chars, keys, now, timeout, absoluteTimeout)
        if (length < 0) return REFUSED[REASONS[-length] as Reason]
        // 8. payload
        const end = plaintext + length
        const start = integers[0] === 0 ? plaintext : readExtensions(bytes, plaintext, end, now)
        const json = typeof start === 'number' ? text.utf8(start, end) : undefined
        kernel.wipe(length)
        if (typeof start !== 'number') return REFUSED[start]
        if (json === undefined) return REFUSED['bad-payload']
        return {
          ok: true,
          json,
          createdAt: times[0] as number,
          issuedAt: times[1] as number,
          keyIndex: integers[1] as number,
        }
      },
    }
  }

  return { name: 'wasm', keyring }
}
