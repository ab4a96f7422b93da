/**
 * A pool of random bytes: asking the system for 15 bytes costs nearly as much as for 4,000 (bench/README.md). Each byte is handed
 * out once and wiped here as it goes. Nothing is drawn before the first seal: workers forbid it at module scope.
 */
import { SessionError } from '../errors.ts'
import type { NonceSource } from './backend.ts'
import { RANDOM_BYTES } from './format.ts'
import { isPromise } from './promise.ts'

const POOL_BYTES = 256 * RANDOM_BYTES

/** Fills `bytes` from a cryptographic random source, as `crypto.getRandomValues` does. */
export type Random = (bytes: Uint8Array) => unknown

export function createNonces(random: Random): NonceSource {
  let pool: Uint8Array = new Uint8Array(0)
  let next = 0
  function prepare(count: number): void {
    if (next + count * RANDOM_BYTES <= pool.length) return
    pool = fill(random)
    next = 0
  }
  return {
    prepare,
    take(target, offset) {
      prepare(1)
      const from = next
      // First of all: a call that is interrupted must not leave the bytes it has wiped to the next one.
      next += RANDOM_BYTES
      for (let i = 0; i < RANDOM_BYTES; i++) {
        target[offset + i] = pool[from + i] as number
        pool[from + i] = 0
      }
    },
  }
}

/** Fills `bytes`. SessionError 'no-random' for a source that answers with a promise: what it fills later would come too late. */
export function draw(random: Random, bytes: Uint8Array): void {
  if (!isPromise(random(bytes))) return
  throw new SessionError(
    'no-random',
    'the option random must fill the bytes that it is given before it returns, but returned a promise: use a synchronous source, such as crypto.getRandomValues',
  )
}

/** A new pool, whole before it takes the old one's place: the source may be the caller's code, and seal as well. */
function fill(random: Random): Uint8Array {
  const pool = new Uint8Array(POOL_BYTES)
  draw(random, pool)
  for (let at = 0; at < POOL_BYTES; ) {
    let any = 0
    for (const end = at + RANDOM_BYTES; at < end; at++) any |= pool[at] as number
    // Once in 2^120 by chance.
    if (any === 0) {
      throw new SessionError(
        'no-random',
        'the option random must fill all of the bytes that it is given, at once, but left some 0: equal nonces would give the data away',
      )
    }
  }
  return pool
}
