/**
 * What makes the wasm backend 'auto': of a larger token it leaves the longest part, HMAC's inner hash, to node:crypto, where SHA-256
 * may be an instruction of the processor. From which size on that pays is measured on the spot:
 * some 200 bytes with such instructions, and a few kilobytes or never without (bench/README.md).
 */
import { deriveKeys, type Hash, INNER_PAD, nodeCrypto, oneShotHash, padMacKey, stretch } from './crypto.ts'

/** Shorter messages are never worth the way out of the kernel. */
export const LEAST_BYTES = 160

export class Assist {
  /** Messages of this many bytes or more go to node:crypto: all from LEAST_BYTES on, until it has been measured. */
  threshold = 0
  /** Calls until it is measured: by then the engine has compiled the kernel with all its optimisations. */
  countdown = 256
  readonly #bytes: Buffer
  readonly #hash: Hash
  readonly #crypto: NonNullable<ReturnType<typeof nodeCrypto>>

  constructor(memory: ArrayBuffer, crypto: NonNullable<ReturnType<typeof nodeCrypto>>, hash: Hash) {
    this.#bytes = Buffer.from(memory)
    this.#crypto = crypto
    this.#hash = hash
  }

  /** Puts the SHA-256 of the memory from `start` to `end` at `out`. */
  digest(start: number, end: number, out: number): void {
    this.#bytes.write(this.#hash(this.#bytes.subarray(start, end)), out, 'latin1')
  }

  /**
   * From which length on node's hash is faster than the kernel's: where the straight lines through two measured lengths cross. Takes
   * some 0.2 ms. Both are handed how many bytes to hash.
   */
  calibrate(own: (bytes: number) => void, assisted: (bytes: number) => void): void {
    const gain = (bytes: number): number => fastest(() => own(bytes)) - fastest(() => assisted(bytes))
    const [short, long] = [512, 2048]
    const [first, second] = [gain(short), gain(long)]
    if (second > first) this.threshold = short - (first * (long - short)) / (second - first)
    else this.threshold = first > 0 ? 0 : Number.POSITIVE_INFINITY
  }

  stretch(secret: Uint8Array): Uint8Array {
    return stretch(this.#crypto, secret)
  }

  /** The first block of the inner hash. */
  innerPad(secret: Uint8Array, name: string): Uint8Array {
    const derived = deriveKeys(this.#crypto, secret, name)
    const pad = padMacKey(derived, INNER_PAD)
    derived.fill(0)
    return pad
  }
}

/** The shortest time of a few calls, ms. */
function fastest(call: () => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 16; i++) {
    const start = performance.now()
    call()
    least = Math.min(least, performance.now() - start)
  }
  return least
}

/** undefined where there is no Buffer, no node:crypto, or none with a one-shot hash. */
export function createAssist(memory: ArrayBuffer): Assist | undefined {
  const crypto = nodeCrypto()
  const hash = crypto && oneShotHash(crypto)
  return crypto && hash && 'Buffer' in globalThis ? new Assist(memory, crypto, hash) : undefined
}
