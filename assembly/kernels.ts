/** The ABI for tests and benches: each primitive by itself, beside the whole of index.ts. Never shipped. */

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
  SCRATCH,
  SCRATCH_BYTES,
  SPARE,
  SPARE_BYTES,
} from './layout'
export { compress, sha256 } from './sha256'
