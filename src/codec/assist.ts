/**
 * What makes the wasm backend 'auto': of a larger token it leaves the longest part, HMAC's inner hash, to node:crypto, where SHA-256
 * may be an instruction of the processor. From which size on that pays is measured on the spot, after some thousand larger tokens:
 * some 300 bytes with such instructions, and a few kilobytes or never without (bench/README.md). Until then nobody pays for
 * node:crypto's start, which takes longer than the kernel's.
 */
import { deriveKeys, type Hash, hasBuiltins, INNER_PAD, nodeCrypto, oneShotHash, padMacKey } from './crypto.ts'

/** Shorter messages are never worth the way out of the kernel. */
export const LEAST_BYTES = 160

/** What going in and out of the kernel once more costs beside the hash itself. */
const DETOUR_MS = 0.000_1

/** The lengths that are measured, in bytes, and how often. */
const SHORT = 512
const LONG = 2_048
const SAMPLES = 16
const TRIAL = 4_096
const NEVER = Number.POSITIVE_INFINITY

type Crypto = NonNullable<ReturnType<typeof nodeCrypto>>

export class Assist {
  /** Messages of this many bytes or more go to node:crypto: none, until it has been measured. */
  threshold: number = NEVER
  /** Calls until it has been: by then the engine has compiled all that is called here with its optimisations. */
  countdown: number = 5_120
  /** The shortest times, ms: the kernel's and node's for SHORT, the same for LONG. */
  readonly #least: [number, number, number, number] = [NEVER, NEVER, NEVER, NEVER]
  readonly #bytes: Buffer
  #hash: Hash | undefined

  constructor(memory: ArrayBuffer) {
    this.#bytes = Buffer.from(memory)
  }

  /** Puts the SHA-256 of the memory from `start` to `end` at `out`. */
  digest(start: number, end: number, out: number): void {
    this.#hash ??= findHash() as Hash
    this.#bytes.write(this.#hash(this.#bytes.subarray(start, end)), out, 'latin1')
  }

  /**
   * One call nearer to the threshold: where the straight lines through two measured lengths cross. The TRIAL calls before it all have help,
   * so that the engine has compiled that as well; the last SAMPLES of them measure, each for some 40 microseconds. Both functions are
   * handed how many bytes to hash. Returns whether help begins with this call.
   */
  calibrate(own: (bytes: number) => void, assisted: (bytes: number) => void): boolean {
    this.countdown--
    if (this.countdown === TRIAL) {
      if (findHash() === undefined) {
        this.countdown = 0
        return false
      }
      this.threshold = 0
      return true
    }
    if (this.countdown >= SAMPLES) return false
    const least = this.#least
    least[0] = Math.min(least[0], timeOf(own, SHORT))
    least[1] = Math.min(least[1], timeOf(assisted, SHORT))
    least[2] = Math.min(least[2], timeOf(own, LONG))
    least[3] = Math.min(least[3], timeOf(assisted, LONG))
    if (this.countdown > 0) return false
    const first = least[0] - least[1] - DETOUR_MS
    const second = least[2] - least[3] - DETOUR_MS
    if (second > first) this.threshold = SHORT - (first * (LONG - SHORT)) / (second - first)
    else this.threshold = first > 0 ? 0 : NEVER
    return false
  }

  /** The first block of the inner hash. */
  innerPad(secret: Uint8Array, name: string): Uint8Array {
    const derived = deriveKeys(nodeCrypto() as Crypto, secret, name)
    const pad = padMacKey(derived, INNER_PAD)
    derived.fill(0)
    return pad
  }
}

function findHash(): Hash | undefined {
  const crypto = nodeCrypto()
  return crypto && oneShotHash(crypto)
}

/** The shortest of a few calls, ms: the first ones find cold caches. */
function timeOf(hash: (bytes: number) => void, bytes: number): number {
  let least = NEVER
  for (let i = 0; i < 5; i++) {
    const start = performance.now()
    hash(bytes)
    least = Math.min(least, performance.now() - start)
  }
  return least
}

/** undefined where there is no Buffer, no stopwatch or no way to node:crypto: node:vm's contexts have what they are given. */
export function createAssist(memory: ArrayBuffer): Assist | undefined {
  const { Buffer, performance } = globalThis
  return hasBuiltins() && Buffer && performance ? new Assist(memory) : undefined
}
