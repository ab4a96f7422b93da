/**
 * HMAC-SHA256 of four messages at once, each with its own key: enter4() takes each in, hmac4() computes, and the tags
 * stand at TAGS. The caller wipes LANE_SCRATCH and SCRATCH. In the build without SIMD each is computed as it comes in.
 */
import { copy32, wipe } from './bytes'
import { hmac } from './hmac'
import { BLOCK, BLOCKS, DIGEST_BYTES, INNER, LANE_BYTES, MESSAGE, MIDSTATE_BYTES, OUTER, TAGS, WORDS } from './layout'
import { compress, pad, toDigest } from './sha256'
import { compress4, gather } from './sha256x4'

/** Lane `lane` of the states at `states` = `bytes` bytes at `from`: one state, or two, for INNER and OUTER at once. */
function scatter(from: usize, bytes: i32, states: usize, lane: i32): void {
  states += lane << 2
  for (let i = 0; i < bytes; i += 4) store<u32>(states + (i << 2), load<u32>(from + i))
}

/** The other way round, for one state. */
function collect(states: usize, lane: i32, to: usize): void {
  states += lane << 2
  for (let i = 0; i < DIGEST_BYTES; i += 4) store<u32>(to + i, load<u32>(states + (i << 2)))
}

/** Which lanes have more than `done` blocks: a bit for each. */
function unfinished(done: i32): i32 {
  return i32x4.bitmask(i32x4.gt_s(v128.load(BLOCKS), i32x4.splat(done)))
}

/**
 * Takes in the message of `length` bytes in lane `lane` of MESSAGE; slack as for pad(). A lane that takes in
 * none is left out.
 */
export function enter4(lane: i32, midstates: usize, length: i32): void {
  const message = MESSAGE + lane * LANE_BYTES
  if (ASC_FEATURE_SIMD) {
    // OUTER stands behind INNER as the outer midstate stands behind the inner one.
    scatter(midstates, 2 * MIDSTATE_BYTES, INNER, lane)
    store<i32>(BLOCKS + (lane << 2), pad(64, message, length))
  } else {
    hmac(midstates, message, length, TAGS + lane * DIGEST_BYTES)
  }
}

export function hmac4(): void {
  if (ASC_FEATURE_SIMD) {
    let done = 0
    let lanes = unfinished(done)
    while (popcnt<i32>(lanes) > 2) {
      gather(MESSAGE + (done << 6))
      compress4(INNER, done)
      lanes = unfinished(++done)
    }
    // Two by themselves take less time than four at once.
    for (; lanes; lanes &= lanes - 1) {
      const lane = ctz<i32>(lanes)
      const rest = load<i32>(BLOCKS + (lane << 2)) - done
      collect(INNER, lane, BLOCK)
      compress(BLOCK, BLOCK, MESSAGE + lane * LANE_BYTES + (done << 6), rest)
      scatter(BLOCK, MIDSTATE_BYTES, INNER, lane)
    }
    // The outer block: the inner digest, whose words are in place as they are, and padding as in hmac.ts.
    for (let i: usize = 0; i < 128; i += 32) copy32(WORDS + i, INNER + i)
    wipe(WORDS + 128, 128)
    v128.store(WORDS, i32x4.splat(0x80000000), 128)
    v128.store(WORDS, i32x4.splat(0x300), 240)
    compress4(OUTER, 0)
    for (let lane = 0; lane < 4; lane++) {
      const tag = TAGS + lane * DIGEST_BYTES
      collect(OUTER, lane, tag)
      toDigest(tag)
    }
  }
}
