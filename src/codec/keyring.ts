/**
 * The backend on the kernel, which is assembly/ as WebAssembly (wasm.ts) or as plain JavaScript (js.ts). Its memory is 64 KiB for good,
 * its views are made once, and one region of it holds the keys of the codec at work. A call is stage -> call -> copy out, with nothing in
 * between that could run other code.
 */
import { type Backend, type Keyring, type OpenedText, REFUSED, type Reason, type Refused } from './backend.ts'
import { readExtensions } from './extensions.ts'
import {
  CONTEXT,
  HEADER_BYTES,
  MAX_PLAINTEXT_BYTES,
  MAX_TOKEN_CHARS,
  RANDOM_OFFSET,
  STRETCH_ITERATIONS,
  STRONG_SECRET_BYTES,
} from './format.ts'
import type { Kernel } from './kernel.ts'
import { encodeUtf8 } from './options.ts'
import { createText } from './text.ts'

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

/** An instance of the kernel, and the keys that its key region holds at the moment. */
export interface Instance {
  readonly kernel: Kernel
  slots: Uint8Array | undefined
}

export function createInstance(kernel: Kernel): Instance {
  return { kernel, slots: undefined }
}

/** Several backends may share an instance. `kernel` is its own, or one that works on the same memory in another way (offload.ts). */
export function createBackend(name: Backend['name'], instance: Instance, kernel: Kernel = instance.kernel): Backend {
  const memory = kernel.memory.buffer
  const bytes = new Uint8Array(memory)
  const doubles = new Float64Array(memory, kernel.RESULT.value, 2)
  const integers = new Int32Array(memory, kernel.RESULT.value + 16, 2)
  const text = createText(memory)
  const keyRegion = kernel.KEYRING.value
  const messageAt = kernel.MESSAGE.value
  const plaintextAt = messageAt + HEADER_BYTES
  const tokenAt = kernel.TOKEN.value
  // One character of extra room, so that overflow can be detected.
  const stageJson = text.writer(plaintextAt, MAX_PLAINTEXT_BYTES + 4)
  const stageToken = text.writer(tokenAt, MAX_TOKEN_CHARS)

  // An engine may end a call anywhere (a stack overflow, the timeout of node:vm). So the owner of the region is forgotten before the region
  // is written to, and is known again only afterwards: half-written keys belong to nobody.
  function load(slots: Uint8Array): void {
    instance.slots = undefined
    bytes.set(slots, keyRegion)
    instance.slots = slots
  }

  /** One slot for each secret; a weak secret is stretched first. */
  function deriveSlots(secrets: readonly Uint8Array[], purpose: string): Uint8Array {
    const info = encodeUtf8('name', `${CONTEXT}\0${purpose}`)
    instance.slots = undefined
    secrets.forEach((secret, slot) => {
      bytes.set(secret, messageAt)
      let { length } = secret
      if (length < STRONG_SECRET_BYTES) {
        kernel.stretch(length, STRETCH_ITERATIONS)
        length = STRONG_SECRET_BYTES
      }
      bytes.set(info, tokenAt)
      kernel.derive(length, info.length, slot)
    })
    return bytes.slice(keyRegion, keyRegion + secrets.length * kernel.SLOT_BYTES.value)
  }

  /** 8. payload: the `length` bytes of a token that was opened, or the reason for a negative one. The caller wipes. */
  function readOpened(length: number, now: number): OpenedText | Refused {
    if (length < 0) return REFUSED[REASONS[-length] as Reason]
    const end = plaintextAt + length
    const start = integers[0] === 0 ? plaintextAt : readExtensions(bytes, plaintextAt, end, now)
    if (typeof start !== 'number') return REFUSED[start]
    const json = text.utf8(start, end)
    if (json === undefined) return REFUSED['bad-payload']
    return {
      ok: true,
      json,
      createdAt: doubles[0] as number,
      issuedAt: doubles[1] as number,
      keyIndex: integers[1] as number,
    }
  }

  function keyring(secrets: readonly Uint8Array[], purpose: string): Keyring {
    const keys = secrets.length
    const slots = deriveSlots(secrets, purpose)
    instance.slots = slots
    return {
      seal(json, createdAt, issuedAt, nonces) {
        nonces.prepare(1)
        const length = stageJson(json)
        if (length > MAX_PLAINTEXT_BYTES) {
          bytes.fill(0, plaintextAt, plaintextAt + length)
          return undefined
        }
        nonces.take(bytes, messageAt + RANDOM_OFFSET)
        if (instance.slots !== slots) load(slots)
        return text.ascii(tokenAt, tokenAt + kernel.seal(length, createdAt, issuedAt))
      },

      open(token, now, timeout, absoluteTimeout) {
        // Past the limit, or not ASCII and so longer in UTF-8: no token.
        const chars = token.length
        if (chars > MAX_TOKEN_CHARS || stageToken(token) !== chars) return REFUSED.malformed
        if (instance.slots !== slots) load(slots)
        const length = kernel.open(chars, keys, now, timeout, absoluteTimeout)
        const opened = readOpened(length, now)
        if (length > 0) kernel.wipe(length)
        return opened
      },
    }
  }

  return { name, keyring }
}
