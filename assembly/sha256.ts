/**
 * SHA-256 (FIPS 180-4). The state is eight u32 in the machine's order; a message is hashed where it lies and padded in place.
 * No streaming: every message here is in memory as a whole.
 */
import { load32be, store32be } from './bytes'
import { SCHEDULE } from './layout'

/** FIPS 180-4 section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
])

/** FIPS 180-4 section 5.3.3: the initial state. */
const INITIAL: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
])

/** A round's first half up to T1, without adding it to d: section 6.2.2 step 3. Ch and Sigma1 are in section 4.1.2. */
function t1(e: u32, f: u32, g: u32, h: u32, at: usize): u32 {
  const wk = ASC_FEATURE_SIMD ? load<u32>(at + SCHEDULE) : load<u32>(at + SCHEDULE) + load<u32>(at + K)
  return h + wk + (g ^ (e & (f ^ g))) + (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25))
}

/** T2 = Sigma0(a) + Maj(a, b, c). */
function t2(a: u32, b: u32, c: u32): u32 {
  return (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)) + ((a & b) ^ (c & (a ^ b)))
}

/** sigma0 of four words. */
function sigma0(x: v128): v128 {
  const r7 = v128.or(i32x4.shr_u(x, 7), i32x4.shl(x, 25))
  const r18 = v128.or(i32x4.shr_u(x, 18), i32x4.shl(x, 14))
  return v128.xor(v128.xor(r7, r18), i32x4.shr_u(x, 3))
}

/** sigma1 of the two words that stand in lanes (0, 1) and (2, 3) each: a 64-bit shift of a doubled word is its rotation. */
function sigma1(x: v128): v128 {
  return v128.xor(v128.xor(i64x2.shr_u(x, 17), i64x2.shr_u(x, 19)), i32x4.shr_u(x, 10))
}

/** The next four schedule words from the last sixteen (section 6.2.2 step 1). The last two need the first two. */
function next(w0: v128, w1: v128, w2: v128, w3: v128): v128 {
  const zero = i32x4.splat(0)
  const w15 = v128.shuffle<i32>(w0, w1, 1, 2, 3, 4)
  const w7 = v128.shuffle<i32>(w2, w3, 1, 2, 3, 4)
  const sum = i32x4.add(i32x4.add(w0, w7), sigma0(w15))
  const s01 = sigma1(v128.shuffle<i32>(w3, w3, 2, 2, 3, 3))
  const low = i32x4.add(sum, v128.shuffle<i32>(s01, zero, 0, 2, 4, 4))
  const s23 = sigma1(v128.shuffle<i32>(low, low, 0, 0, 1, 1))
  return i32x4.add(low, v128.shuffle<i32>(s23, zero, 4, 4, 0, 2))
}

function load4be(ptr: usize): v128 {
  const x = v128.load(ptr)
  return v128.shuffle<i8>(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)
}

function storeWK(w: v128, at: usize): void {
  v128.store(at + SCHEDULE, i32x4.add(w, v128.load(at + K)))
}

/** SCHEDULE = the message schedule of one block; the SIMD build has the constants added already. */
function schedule(ptr: usize): void {
  if (ASC_FEATURE_SIMD) {
    let w0 = load4be(ptr)
    let w1 = load4be(ptr + 16)
    let w2 = load4be(ptr + 32)
    let w3 = load4be(ptr + 48)
    storeWK(w0, 0)
    storeWK(w1, 16)
    storeWK(w2, 32)
    storeWK(w3, 48)
    for (let i: usize = 64; i < 256; i += 64) {
      w0 = next(w0, w1, w2, w3)
      storeWK(w0, i)
      w1 = next(w1, w2, w3, w0)
      storeWK(w1, i + 16)
      w2 = next(w2, w3, w0, w1)
      storeWK(w2, i + 32)
      w3 = next(w3, w0, w1, w2)
      storeWK(w3, i + 48)
    }
  } else {
    for (let i: usize = 0; i < 64; i += 4) store<u32>(i + SCHEDULE, load32be(ptr + i))
    for (let i: usize = SCHEDULE; i < SCHEDULE + 192; i += 4) {
      const w15 = load<u32>(i, 4)
      const w2 = load<u32>(i, 56)
      const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3)
      const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10)
      store<u32>(i, load<u32>(i) + s0 + load<u32>(i, 36) + s1, 64)
    }
  }
}

/** The state `from`, advanced over `blocks` blocks of 64 bytes at `ptr`, goes to `to` (section 6.2.2). */
export function compress(from: usize, to: usize, ptr: usize, blocks: i32): void {
  let h0 = load<u32>(from)
  let h1 = load<u32>(from, 4)
  let h2 = load<u32>(from, 8)
  let h3 = load<u32>(from, 12)
  let h4 = load<u32>(from, 16)
  let h5 = load<u32>(from, 20)
  let h6 = load<u32>(from, 24)
  let h7 = load<u32>(from, 28)
  for (const end = ptr + (blocks << 6); ptr < end; ptr += 64) {
    schedule(ptr)
    let a = h0
    let b = h1
    let c = h2
    let d = h3
    let e = h4
    let f = h5
    let g = h6
    let h = h7
    // Rolled as 4 x 16: faster than all 64 unrolled, most of all with cold caches.
    for (let i: usize = 0; i < 256; i += 64) {
      h = t1(e, f, g, h, i)
      d += h
      h += t2(a, b, c)
      g = t1(d, e, f, g, i + 4)
      c += g
      g += t2(h, a, b)
      f = t1(c, d, e, f, i + 8)
      b += f
      f += t2(g, h, a)
      e = t1(b, c, d, e, i + 12)
      a += e
      e += t2(f, g, h)
      d = t1(a, b, c, d, i + 16)
      h += d
      d += t2(e, f, g)
      c = t1(h, a, b, c, i + 20)
      g += c
      c += t2(d, e, f)
      b = t1(g, h, a, b, i + 24)
      f += b
      b += t2(c, d, e)
      a = t1(f, g, h, a, i + 28)
      e += a
      a += t2(b, c, d)
      h = t1(e, f, g, h, i + 32)
      d += h
      h += t2(a, b, c)
      g = t1(d, e, f, g, i + 36)
      c += g
      g += t2(h, a, b)
      f = t1(c, d, e, f, i + 40)
      b += f
      f += t2(g, h, a)
      e = t1(b, c, d, e, i + 44)
      a += e
      e += t2(f, g, h)
      d = t1(a, b, c, d, i + 48)
      h += d
      d += t2(e, f, g)
      c = t1(h, a, b, c, i + 52)
      g += c
      c += t2(d, e, f)
      b = t1(g, h, a, b, i + 56)
      f += b
      b += t2(c, d, e)
      a = t1(f, g, h, a, i + 60)
      e += a
      a += t2(b, c, d)
    }
    h0 += a
    h1 += b
    h2 += c
    h3 += d
    h4 += e
    h5 += f
    h6 += g
    h7 += h
  }
  store<u32>(to, h0)
  store<u32>(to, h1, 4)
  store<u32>(to, h2, 8)
  store<u32>(to, h3, 12)
  store<u32>(to, h4, 16)
  store<u32>(to, h5, 20)
  store<u32>(to, h6, 24)
  store<u32>(to, h7, 28)
}

/** A state's eight words, in place, as the digest's bytes. */
export function toDigest(state: usize): void {
  if (ASC_FEATURE_SIMD) {
    const low = load4be(state)
    const high = load4be(state + 16)
    v128.store(state, low)
    v128.store(state, high, 16)
  } else {
    for (let i: usize = 0; i < 32; i += 4) store32be(state + i, load<u32>(state + i))
  }
}

/**
 * out = the digest of `before` bytes, a multiple of 64 that the state `from` has taken in, and `length` bytes at `ptr`.
 * Pads in place (section 5.1.1): overwrites up to 72 bytes behind the message, which a message must have as slack.
 */
export function finish(from: usize, before: i32, ptr: usize, length: i32, out: usize): void {
  const end = ptr + length
  const blocks = (length + 72) >> 6
  if (ASC_FEATURE_SIMD) {
    // Up to the last block's end or up to 8 bytes beyond: at most 72.
    const zero = i32x4.splat(0)
    v128.store(end, zero)
    v128.store(end, zero, 16)
    v128.store(end, zero, 32)
    v128.store(end, zero, 48)
    store<u64>(end, 0, 64)
  } else {
    memory.fill(end, 0, 72)
  }
  store<u8>(end, 0x80)
  store32be(ptr + (blocks << 6) - 4, (before + length) << 3)
  compress(from, out, ptr, blocks)
  toDigest(out)
}

/** out = SHA-256 of `length` bytes at `ptr`; slack as for finish(). */
export function sha256(ptr: usize, length: i32, out: usize): void {
  finish(INITIAL, 0, ptr, length, out)
}

/** A state after one block, from the initial state: HMAC's midstates. */
export function midstate(block: usize, out: usize): void {
  compress(INITIAL, out, block, 1)
}
