/** The ABI for tests and benches: each primitive by itself, beside the whole of index.ts. Never shipped. */

import { compress4 as advance4, gather } from './sha256x4'

export { decode, encode } from './base64url'
export { equal } from './bytes'
export { xor as chacha20 } from './chacha20'
export { hmac, setKey } from './hmac'
export * from './index'
export { expand, extract, pbkdf2 } from './kdf'
export {
  CHAIN,
  DIGEST,
  KEYED,
  LANE_SCRATCH,
  LANE_SCRATCH_BYTES,
  SCRATCH,
  SCRATCH_BYTES,
  SPARE,
  SPARE_BYTES,
} from './layout'
export { compress, sha256 } from './sha256'

/** One block of each lane, from `ptr` on; without SIMD there is no such function, and this does nothing. */
export function compress4(states: usize, ptr: usize): void {
  if (ASC_FEATURE_SIMD) {
    gather(ptr)
    advance4(states, -1)
  }
}
