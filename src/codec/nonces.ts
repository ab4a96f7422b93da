/**
 * A pool of random bytes: asking the system for 15 bytes costs nearly as much as for 4,000 (bench/README.md). Each byte is handed
 * out once and wiped here as it goes. Nothing is drawn before the first seal: workers forbid it at module scope.
 */
import type { NonceSource } from './backend.ts'
import { RANDOM_BYTES } from './format.ts'

const POOL_BYTES = 256 * RANDOM_BYTES

/** Fills `bytes` from a cryptographic random source, as `crypto.getRandomValues` does. */
export type Random = (bytes: Uint8Array) => unknown

export function createNonces(random: Random): NonceSource {
  const pool = new Uint8Array(POOL_BYTES)
  let next = POOL_BYTES
  return {
    take(target, offset) {
      if (next === POOL_BYTES) {
        random(pool)
        next = 0
      }
      for (let i = 0; i < RANDOM_BYTES; i++) {
        target[offset + i] = pool[next + i] as number
        pool[next + i] = 0
      }
      next += RANDOM_BYTES
    },
  }
}
