/**
 * Makes the kernel of 'auto': for larger tokens, node:crypto computes HMAC's inner hash, since it can use the processor's SHA-256
 * instructions, which WebAssembly cannot. With them that pays from some 350 bytes of JSON on; without them the kernel is as fast or
 * faster at every size (bench/README.md). So it looks for them first.
 */
import { type Hash, hasBuiltins, nodeCrypto, oneShotHash } from './crypto.ts'
import { encodedLength, HEADER_BYTES, TAG_BYTES } from './format.ts'
import type { Kernel } from './kernel.ts'

/** Payloads of this many bytes or more are offloaded. */
const MIN_BYTES = 368
/** Calls for larger tokens before node:crypto is loaded, which takes a millisecond: a process that makes few does without. */
const PATIENCE = 1_000

/** `minBytes` is for tests: payloads of that length are offloaded, whatever the processor has. */
export function offload(kernel: Kernel, minBytes?: number): Kernel | undefined {
  const { Buffer, performance } = globalThis
  // The contexts of node:vm have what they are given.
  if (!hasBuiltins() || !Buffer || !performance) return undefined
  const bytes = Buffer.from(kernel.memory.buffer)
  const block = kernel.IPAD.value
  const message = kernel.MESSAGE.value
  const digest = kernel.DIGEST.value
  let minPayload = minBytes ?? MIN_BYTES
  let minChars = encodedLength(HEADER_BYTES + minPayload + TAG_BYTES)
  let patience = minBytes === undefined ? PATIENCE : 0
  let hash: Hash | undefined

  /** Whether there is a hash that pays; if not, nothing asks again. */
  function isReady(): boolean {
    if (hash !== undefined) return true
    if (--patience >= 0) return false
    hash = findHash(minBytes === undefined)
    if (hash === undefined) minPayload = minChars = Infinity
    return hash !== undefined
  }

  function hashMessage(length: number): void {
    bytes.write((hash as Hash)(bytes.subarray(block, message + length)), digest, 'latin1')
  }

  return {
    ...kernel,
    seal(length, createdAt, issuedAt) {
      if (length < minPayload || !isReady()) return kernel.seal(length, createdAt, issuedAt)
      const end = kernel.sealBegin(length, createdAt, issuedAt)
      if (end === 0) return 0
      kernel.innerBlock(1)
      hashMessage(end)
      return kernel.sealEnd(length)
    },
    open(chars, keys, now, timeout, absoluteTimeout) {
      if (chars < minChars || !isReady()) return kernel.open(chars, keys, now, timeout, absoluteTimeout)
      const end = kernel.openBegin(chars)
      if (end < 0) return end
      const key = kernel.innerBlock(keys)
      if (key < 0) return key
      hashMessage(end)
      const status = kernel.openEnd(end, key, now, timeout, absoluteTimeout)
      // Another key may have the same id, once in 65,536.
      return status === BAD_TAG && keys > 1 ? kernel.open(chars, keys, now, timeout, absoluteTimeout) : status
    },
  }
}

const BAD_TAG = -4
const SAMPLE = new Uint8Array(16_384)
const SAMPLE_DIGEST = '4fe7b59af6de3b665b67788cc2f99892ab827efae3a467342b3bb4e3bc8e5bfe'

/** node's SHA-256; only if it is faster than its SHA-512, which only SHA-256 instructions make it, where `isProbed`. */
function findHash(isProbed: boolean): Hash | undefined {
  const crypto = nodeCrypto()
  const hash = crypto && oneShotHash(crypto)
  if (hash === undefined || crypto?.hash('sha256', SAMPLE) !== SAMPLE_DIGEST) return undefined
  const time = (algorithm: string): number => {
    const begun = performance.now()
    crypto.hash(algorithm, SAMPLE)
    return performance.now() - begun
  }
  const best = (algorithm: string): number => Math.min(...[1, 2, 3].map(() => time(algorithm)))
  return !isProbed || best('sha256') < best('sha512') ? hash : undefined
}
