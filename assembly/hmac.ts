/**
 * HMAC-SHA256 (RFC 2104, FIPS 198-1) with kept midstates: the states after the ipad and the opad block depend on the
 * key alone, so they are computed once per key and stand in for it. No truncation.
 */
import { copy32, wipe } from './bytes'
import { BLOCK, DIGEST, MIDSTATE_BYTES } from './layout'
import { compress, finish, midstate, sha256, toDigest } from './sha256'

/**
 * midstates = the inner(32) and the outer(32) state of the key, and the first 32 bytes of its inner block: of a key of
 * 32 bytes, all that depends on the key. Leaves the key's block in BLOCK: the caller wipes it. A key longer than 64
 * bytes is hashed first, which pads it in place (see pad()).
 */
export function setKey(key: usize, length: i32, midstates: usize): void {
  wipe(BLOCK, 64)
  if (length > 64) sha256(key, length, BLOCK)
  else memory.copy(BLOCK, key, length)
  flip(0x36363636)
  midstate(BLOCK, midstates)
  copy32(midstates + 2 * MIDSTATE_BYTES, BLOCK)
  flip(0x36363636 ^ 0x5c5c5c5c)
  midstate(BLOCK, midstates + MIDSTATE_BYTES)
}

function flip(mask: u32): void {
  for (let i: usize = BLOCK; i < BLOCK + 64; i += 4) store<u32>(i, load<u32>(i) ^ mask)
}

/** BLOCK's second half = the padding of a 32-byte message behind one key block (96 bytes in all). */
export function padDigest(): void {
  wipe(BLOCK, 64)
  store<u8>(BLOCK, 0x80, 32)
  store<u16>(BLOCK, 0x0003, 62)
}

/** The 32 bytes at BLOCK, behind which padDigest() has put the padding, become their HMAC. */
export function hmacDigest(midstates: usize): void {
  compress(midstates, BLOCK, BLOCK, 1)
  toDigest(BLOCK)
  outer(midstates, BLOCK)
}

/**
 * out = the HMAC of `length` bytes at `ptr`; slack as for pad().
 * Leaves the inner digest in BLOCK and in SCHEDULE: the caller wipes them.
 */
export function hmac(midstates: usize, ptr: usize, length: i32, out: usize): void {
  padDigest()
  finish(midstates, 64, ptr, length, BLOCK)
  outer(midstates, out)
}

/** The inner digest at DIGEST, which somebody else has computed, becomes the HMAC; the rest as for hmac(). */
export function hmacOuter(midstates: usize): void {
  padDigest()
  copy32(BLOCK, DIGEST)
  outer(midstates, DIGEST)
}

function outer(midstates: usize, out: usize): void {
  compress(midstates + MIDSTATE_BYTES, out, BLOCK, 1)
  toDigest(out)
}
