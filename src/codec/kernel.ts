/**
 * The backend on the kernel, which is assembly/ as WebAssembly (wasm.ts) or as plain JavaScript (js.ts). Its memory is 64 KiB for good,
 * its views are made once, and the keys of the codec at work stand in one region of it. A call is stage -> call -> copy out, with
 * nothing in between that could run other code.
 */
import type { Kernel } from './abi.ts'
import { type Assist, LEAST_BYTES } from './assist.ts'
import { type Backend, type Keyring, type OpenedText, REFUSED, type Reason, type Refused } from './backend.ts'
import { readExtensions } from './extensions.ts'
import {
  CONTEXT,
  HEADER_BYTES,
  KEY_ID_OFFSET,
  MAX_PLAINTEXT_BYTES,
  MAX_TOKEN_CHARS,
  RANDOM_OFFSET,
  STRETCH_ITERATIONS,
  STRONG_SECRET_BYTES,
  TAG_BYTES,
} from './format.ts'
import { encodeUtf8 } from './options.ts'
import { selfTest } from './selftest.ts'
import { createText, type Text } from './text.ts'

/** Bytes of a slot of the key region: cipherKey || inner midstate || outer midstate || key id, padded. A test holds it to the kernel. */
const SLOT_BYTES = 112
/** Where the key id stands in a slot. */
const SLOT_KEY_ID = 96

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

/** An instance of the kernel, and what it holds at the moment. */
export interface Instance {
  readonly kernel: Kernel
  /** Whose keys stand in its key region. */
  slots: Uint8Array | undefined
  /** Whose padded key stands before its message. */
  pad: Uint8Array | undefined
}

export function createInstance(kernel: Kernel): Instance {
  return { kernel, slots: undefined, pad: undefined }
}

/** Several backends may share an instance. `assist` takes a part of the work. */
export function createBackend(name: Backend['name'], instance: Instance, assist?: Assist): Backend {
  const { kernel } = instance
  const memory = kernel.memory.buffer
  const keyRegion = kernel.KEYRING.value
  const message = kernel.MESSAGE.value
  const pad = kernel.IPAD.value
  const digest = kernel.DIGEST.value
  const plaintext = message + HEADER_BYTES
  const tokenStart = kernel.TOKEN.value
  const bytes = new Uint8Array(memory)
  const result = kernel.RESULT.value
  const doubles = new Float64Array(memory)
  const integers = new Int32Array(memory)
  const text: Text = createText(memory)
  // Room for one character more than fits, so that too much is told from enough.
  const stageJson = text.writer(plaintext, MAX_PLAINTEXT_BYTES + 4)
  const stageToken = text.writer(tokenStart, MAX_TOKEN_CHARS)

  // An engine may end a call anywhere (a stack overflow, the timeout of node:vm). So the owner of a region is forgotten before the region
  // is written to, and is known again only afterwards: half-written keys belong to nobody.
  function load(slots: Uint8Array): void {
    instance.slots = undefined
    bytes.set(slots, keyRegion)
    instance.slots = slots
  }

  /** One slot for each secret. A weak secret is replaced by what it is stretched to. */
  function deriveSlots(secrets: Uint8Array[], purpose: string): Uint8Array {
    const info = encodeUtf8('name', `${CONTEXT}\0${purpose}`)
    instance.slots = undefined
    secrets.forEach((secret, slot) => {
      bytes.set(secret, message)
      let length = secret.length
      if (length < STRONG_SECRET_BYTES) {
        kernel.stretch(length, STRETCH_ITERATIONS)
        length = STRONG_SECRET_BYTES
        secrets[slot] = bytes.slice(message, message + length)
      }
      bytes.set(info, tokenStart)
      kernel.derive(length, info.length, slot)
    })
    return bytes.slice(keyRegion, keyRegion + secrets.length * SLOT_BYTES)
  }

  function digestMessage(length: number): void {
    assist?.digest(pad, message + length, digest)
  }

  /** Whether a message of about that length goes through node:crypto. Called while nothing is staged: measuring overwrites that. */
  function isAssisted(length: number): boolean {
    if (assist === undefined || length < LEAST_BYTES) return false
    if (assist.countdown > 0) {
      const begins = assist.calibrate(kernel.inner, digestMessage)
      bytes.fill(0, digest, digest + TAG_BYTES)
      if (begins) check(assist)
    }
    return length >= assist.threshold
  }

  /** What is made with node:crypto's help has to pass the self-test, or there is no help. */
  function check(assist: Assist): void {
    try {
      selfTest(backend)
    } catch {
      assist.countdown = 0
      assist.threshold = Infinity
    }
  }

  /** 8. payload: of a token that was opened, or the reason for its status. The caller wipes. */
  function take(status: number, record: number, start: number, now: number): OpenedText | Refused {
    if (status < 0) return REFUSED[REASONS[-status] as Reason]
    const at = record >> 2
    const end = start + status
    const from = integers[at + 4] === 0 ? start : readExtensions(bytes, start, end, now)
    if (typeof from !== 'number') return REFUSED[from]
    const json = text.utf8(from, end)
    if (json === undefined) return REFUSED['bad-payload']
    return {
      ok: true,
      json,
      createdAt: doubles[record >> 3] as number,
      issuedAt: doubles[(record >> 3) + 1] as number,
      keyIndex: integers[at + 5] as number,
    }
  }

  function keyring(given: readonly Uint8Array[], purpose: string): Keyring {
    const secrets = [...given]
    const pads: Uint8Array[] = []
    const slots = deriveSlots(secrets, purpose)
    instance.slots = slots
    const keys = secrets.length

    /** Made when first needed: till then, nobody pays for node:crypto. */
    function padOf(key: number): Uint8Array {
      const known = pads[key]
      if (known !== undefined) return known
      const made = (assist as Assist).innerPad(secrets[key] as Uint8Array, purpose)
      pads[key] = made
      return made
    }

    function digestInner(key: number, length: number): void {
      const keyPad = padOf(key)
      if (instance.pad !== keyPad) {
        instance.pad = undefined
        bytes.set(keyPad, pad)
        instance.pad = keyPad
      }
      digestMessage(length)
    }

    function sealAssisted(length: number, createdAt: number, issuedAt: number): number {
      digestInner(0, kernel.sealBegin(length, createdAt, issuedAt))
      return kernel.sealEnd(length)
    }

    function openAssisted(chars: number, now: number, timeout: number, absoluteTimeout: number): number {
      const length = kernel.openBegin(chars)
      if (length < 0) return length
      const key = findKey(bytes[message + KEY_ID_OFFSET] as number, bytes[message + KEY_ID_OFFSET + 1] as number)
      // None, or several to try: the kernel's business.
      if (key === undefined) return kernel.open(chars, keys, now, timeout, absoluteTimeout)
      digestInner(key, length)
      return kernel.openEnd(length, key, now, timeout, absoluteTimeout)
    }

    /** The only slot with that id. */
    function findKey(high: number, low: number): number | undefined {
      let found: number | undefined
      for (let key = 0, at = SLOT_KEY_ID; key < keys; key++, at += SLOT_BYTES) {
        if (slots[at] !== high || slots[at + 1] !== low) continue
        if (found !== undefined) return undefined
        found = key
      }
      return found
    }

    return {
      seal(json, createdAt, issuedAt, nonces) {
        nonces.prepare(1)
        const assisted = isAssisted(json.length)
        const length = stageJson(json)
        if (length > MAX_PLAINTEXT_BYTES) {
          bytes.fill(0, plaintext, plaintext + length)
          return undefined
        }
        nonces.take(bytes, message + RANDOM_OFFSET)
        if (instance.slots !== slots) load(slots)
        const chars = assisted ? sealAssisted(length, createdAt, issuedAt) : kernel.seal(length, createdAt, issuedAt)
        return text.ascii(tokenStart, tokenStart + chars)
      },

      open(token, now, timeout, absoluteTimeout): OpenedText | Refused {
        const assisted = isAssisted((token.length * 3) / 4)
        // Past the limit, or not ASCII and so longer in UTF-8: no token.
        const chars = token.length
        if (chars > MAX_TOKEN_CHARS || stageToken(token) !== chars) return REFUSED.malformed
        if (instance.slots !== slots) load(slots)
        const length = assisted
          ? openAssisted(chars, now, timeout, absoluteTimeout)
          : kernel.open(chars, keys, now, timeout, absoluteTimeout)
        const opened = take(length, result, plaintext, now)
        if (length > 0) kernel.wipe(length)
        return opened
      },
    }
  }

  const backend = { name, keyring }
  return backend
}
