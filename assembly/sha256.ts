/**
 * SHA-256 (FIPS 180-4). The state is eight u32 in the machine's order; a message is hashed where it lies and padded
 * in place. No streaming: every message here is in memory as a whole.
 */
import { load32be, store32be, wipe } from './bytes'
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

// The functions of section 4.1.2. Maj stands in the rounds.

function ch(e: u32, f: u32, g: u32): u32 {
  return g ^ (e & (f ^ g))
}

function bigSigma0(a: u32): u32 {
  return rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)
}

function bigSigma1(e: u32): u32 {
  return rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25)
}

/** sigma0 of four words. */
function smallSigma0(x: v128): v128 {
  const r7 = v128.or(i32x4.shr_u(x, 7), i32x4.shl(x, 25))
  const r18 = v128.or(i32x4.shr_u(x, 18), i32x4.shl(x, 14))
  return v128.xor(v128.xor(r7, r18), i32x4.shr_u(x, 3))
}

/**
 * sigma1 of the two words that stand in lanes (0, 1) and (2, 3) each: a 64-bit shift of a doubled word is its
 * rotation.
 */
function smallSigma1(x: v128): v128 {
  return v128.xor(v128.xor(i64x2.shr_u(x, 17), i64x2.shr_u(x, 19)), i32x4.shr_u(x, 10))
}

/** The next four schedule words from the last sixteen (section 6.2.2 step 1). The last two need the first two. */
function next(w0: v128, w1: v128, w2: v128, w3: v128): v128 {
  const zero = i32x4.splat(0)
  const w15 = v128.shuffle<i32>(w0, w1, 1, 2, 3, 4)
  const w7 = v128.shuffle<i32>(w2, w3, 1, 2, 3, 4)
  const sum = i32x4.add(i32x4.add(w0, w7), smallSigma0(w15))
  const s01 = smallSigma1(v128.shuffle<i32>(w3, w3, 2, 2, 3, 3))
  const low = i32x4.add(sum, v128.shuffle<i32>(s01, zero, 0, 2, 4, 4))
  const s23 = smallSigma1(v128.shuffle<i32>(low, low, 0, 0, 1, 1))
  return i32x4.add(low, v128.shuffle<i32>(s23, zero, 4, 4, 0, 2))
}

/** Four words to the other byte order. */
function swap4(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)
}

function storeWK(w: v128, at: usize): void {
  v128.store(at, i32x4.add(w, v128.load(at + (K - SCHEDULE))))
}

/** SCHEDULE = W(t) + K(t) of a whole block, in the build without SIMD. */
function schedule(ptr: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(i + SCHEDULE, load32be(ptr + i))
  for (let i: usize = SCHEDULE; i < SCHEDULE + 192; i += 4) {
    const w16 = load<u32>(i)
    const w15 = load<u32>(i, 4)
    const w2 = load<u32>(i, 56)
    const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3)
    const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10)
    store<u32>(i, w16 + s0 + load<u32>(i, 36) + s1, 64)
    store<u32>(i, w16 + load<u32>(i + (K - SCHEDULE)))
  }
  for (let i: usize = SCHEDULE + 192; i < SCHEDULE + 256; i += 4) {
    store<u32>(i, load<u32>(i) + load<u32>(i + (K - SCHEDULE)))
  }
}

/** The state `from`, advanced over `blocks` blocks of 64 bytes at `ptr`, goes to `to` (section 6.2.2). */
export function compress(from: usize, to: usize, ptr: usize, blocks: i32): void {
  if (ASC_FEATURE_SIMD) rounds<v128>(from, to, ptr, blocks)
  else rounds<u32>(from, to, ptr, blocks)
}

/** T = v128: the schedule is computed between the rounds. T = u32: before them. */
function rounds<T>(from: usize, to: usize, ptr: usize, blocks: i32): void {
  let h0 = load<u32>(from)
  let h1 = load<u32>(from, 4)
  let h2 = load<u32>(from, 8)
  let h3 = load<u32>(from, 12)
  let h4 = load<u32>(from, 16)
  let h5 = load<u32>(from, 20)
  let h6 = load<u32>(from, 24)
  let h7 = load<u32>(from, 28)
  for (const end = ptr + (blocks << 6); ptr < end; ptr += 64) {
    let w0 = load<T>(ptr)
    let w1 = load<T>(ptr, 16)
    let w2 = load<T>(ptr, 32)
    let w3 = load<T>(ptr, 48)
    if (isVector<T>()) {
      w0 = swap4(w0)
      w1 = swap4(w1)
      w2 = swap4(w2)
      w3 = swap4(w3)
      storeWK(w0, SCHEDULE)
      storeWK(w1, SCHEDULE + 16)
      storeWK(w2, SCHEDULE + 32)
      storeWK(w3, SCHEDULE + 48)
    } else {
      schedule(ptr)
    }
    let a = h0
    let b = h1
    let c = h2
    let d = h3
    let e = h4
    let f = h5
    let g = h6
    let h = h7
    // Maj(a, b, c) = b ^ ((a ^ b) & (b ^ c)), and a round's a ^ b is the next round's b ^ c.
    let x = b ^ c
    let y: u32 = 0
    let t: u32 = 0
    // 3 x 16 rounds that compute the words for the next 16 between them, then 16 that need not: 5 % faster than 4 x
    // 16 with a branch, 20 % faster than the schedule first, and than all 64 unrolled where caches are cold.
    // biome-ignore format: one round a line, so that the rotation of the letters shows
    for (let i: usize = SCHEDULE; i < SCHEDULE + 192; i += 64) {
      t = h + load<u32>(i,  0) + ch(e, f, g) + bigSigma1(e); y = a ^ b; h = (b ^ (x & y)) + t + bigSigma0(a); d += t
      t = g + load<u32>(i,  4) + ch(d, e, f) + bigSigma1(d); x = h ^ a; g = (a ^ (y & x)) + t + bigSigma0(h); c += t
      t = f + load<u32>(i,  8) + ch(c, d, e) + bigSigma1(c); y = g ^ h; f = (h ^ (x & y)) + t + bigSigma0(g); b += t
      t = e + load<u32>(i, 12) + ch(b, c, d) + bigSigma1(b); x = f ^ g; e = (g ^ (y & x)) + t + bigSigma0(f); a += t
      if (isVector<T>()) { w0 = next(w0, w1, w2, w3); storeWK(w0, i + 64) }
      t = d + load<u32>(i, 16) + ch(a, b, c) + bigSigma1(a); y = e ^ f; d = (f ^ (x & y)) + t + bigSigma0(e); h += t
      t = c + load<u32>(i, 20) + ch(h, a, b) + bigSigma1(h); x = d ^ e; c = (e ^ (y & x)) + t + bigSigma0(d); g += t
      t = b + load<u32>(i, 24) + ch(g, h, a) + bigSigma1(g); y = c ^ d; b = (d ^ (x & y)) + t + bigSigma0(c); f += t
      t = a + load<u32>(i, 28) + ch(f, g, h) + bigSigma1(f); x = b ^ c; a = (c ^ (y & x)) + t + bigSigma0(b); e += t
      if (isVector<T>()) { w1 = next(w1, w2, w3, w0); storeWK(w1, i + 80) }
      t = h + load<u32>(i, 32) + ch(e, f, g) + bigSigma1(e); y = a ^ b; h = (b ^ (x & y)) + t + bigSigma0(a); d += t
      t = g + load<u32>(i, 36) + ch(d, e, f) + bigSigma1(d); x = h ^ a; g = (a ^ (y & x)) + t + bigSigma0(h); c += t
      t = f + load<u32>(i, 40) + ch(c, d, e) + bigSigma1(c); y = g ^ h; f = (h ^ (x & y)) + t + bigSigma0(g); b += t
      t = e + load<u32>(i, 44) + ch(b, c, d) + bigSigma1(b); x = f ^ g; e = (g ^ (y & x)) + t + bigSigma0(f); a += t
      if (isVector<T>()) { w2 = next(w2, w3, w0, w1); storeWK(w2, i + 96) }
      t = d + load<u32>(i, 48) + ch(a, b, c) + bigSigma1(a); y = e ^ f; d = (f ^ (x & y)) + t + bigSigma0(e); h += t
      t = c + load<u32>(i, 52) + ch(h, a, b) + bigSigma1(h); x = d ^ e; c = (e ^ (y & x)) + t + bigSigma0(d); g += t
      t = b + load<u32>(i, 56) + ch(g, h, a) + bigSigma1(g); y = c ^ d; b = (d ^ (x & y)) + t + bigSigma0(c); f += t
      t = a + load<u32>(i, 60) + ch(f, g, h) + bigSigma1(f); x = b ^ c; a = (c ^ (y & x)) + t + bigSigma0(b); e += t
      if (isVector<T>()) { w3 = next(w3, w0, w1, w2); storeWK(w3, i + 112) }
    }
    t = h + load<u32>(SCHEDULE, 192) + ch(e, f, g) + bigSigma1(e)
    y = a ^ b
    h = (b ^ (x & y)) + t + bigSigma0(a)
    d += t
    t = g + load<u32>(SCHEDULE, 196) + ch(d, e, f) + bigSigma1(d)
    x = h ^ a
    g = (a ^ (y & x)) + t + bigSigma0(h)
    c += t
    t = f + load<u32>(SCHEDULE, 200) + ch(c, d, e) + bigSigma1(c)
    y = g ^ h
    f = (h ^ (x & y)) + t + bigSigma0(g)
    b += t
    t = e + load<u32>(SCHEDULE, 204) + ch(b, c, d) + bigSigma1(b)
    x = f ^ g
    e = (g ^ (y & x)) + t + bigSigma0(f)
    a += t
    t = d + load<u32>(SCHEDULE, 208) + ch(a, b, c) + bigSigma1(a)
    y = e ^ f
    d = (f ^ (x & y)) + t + bigSigma0(e)
    h += t
    t = c + load<u32>(SCHEDULE, 212) + ch(h, a, b) + bigSigma1(h)
    x = d ^ e
    c = (e ^ (y & x)) + t + bigSigma0(d)
    g += t
    t = b + load<u32>(SCHEDULE, 216) + ch(g, h, a) + bigSigma1(g)
    y = c ^ d
    b = (d ^ (x & y)) + t + bigSigma0(c)
    f += t
    t = a + load<u32>(SCHEDULE, 220) + ch(f, g, h) + bigSigma1(f)
    x = b ^ c
    a = (c ^ (y & x)) + t + bigSigma0(b)
    e += t
    t = h + load<u32>(SCHEDULE, 224) + ch(e, f, g) + bigSigma1(e)
    y = a ^ b
    h = (b ^ (x & y)) + t + bigSigma0(a)
    d += t
    t = g + load<u32>(SCHEDULE, 228) + ch(d, e, f) + bigSigma1(d)
    x = h ^ a
    g = (a ^ (y & x)) + t + bigSigma0(h)
    c += t
    t = f + load<u32>(SCHEDULE, 232) + ch(c, d, e) + bigSigma1(c)
    y = g ^ h
    f = (h ^ (x & y)) + t + bigSigma0(g)
    b += t
    t = e + load<u32>(SCHEDULE, 236) + ch(b, c, d) + bigSigma1(b)
    x = f ^ g
    e = (g ^ (y & x)) + t + bigSigma0(f)
    a += t
    t = d + load<u32>(SCHEDULE, 240) + ch(a, b, c) + bigSigma1(a)
    y = e ^ f
    d = (f ^ (x & y)) + t + bigSigma0(e)
    h += t
    t = c + load<u32>(SCHEDULE, 244) + ch(h, a, b) + bigSigma1(h)
    x = d ^ e
    c = (e ^ (y & x)) + t + bigSigma0(d)
    g += t
    t = b + load<u32>(SCHEDULE, 248) + ch(g, h, a) + bigSigma1(g)
    y = c ^ d
    b = (d ^ (x & y)) + t + bigSigma0(c)
    f += t
    t = a + load<u32>(SCHEDULE, 252) + ch(f, g, h) + bigSigma1(f)
    x = b ^ c
    a = (c ^ (y & x)) + t + bigSigma0(b)
    e += t
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
    const low = swap4(v128.load(state))
    const high = swap4(v128.load(state, 16))
    v128.store(state, low)
    v128.store(state, high, 16)
  } else {
    for (let i: usize = 0; i < 32; i += 4) store32be(state + i, load<u32>(state + i))
  }
}

/**
 * Pads (section 5.1.1) the `length` bytes at `ptr` behind `before` bytes that are hashed already, a multiple of 64, and
 * returns how many blocks they are then. In place: overwrites up to 80 bytes behind the message, which a message must
 * have as slack.
 */
function pad(before: i32, ptr: usize, length: i32): i32 {
  const end = ptr + length
  const blocks = (length + 72) >> 6
  // Up to the last block's end or up to 8 bytes beyond.
  wipe(end, 72)
  store<u8>(end, 0x80)
  store32be(ptr + (blocks << 6) - 4, (before + length) << 3)
  return blocks
}

/** out = the digest of `before` bytes, which the state `from` has taken in, and `length` bytes at `ptr`; see pad(). */
export function finish(from: usize, before: i32, ptr: usize, length: i32, out: usize): void {
  compress(from, out, ptr, pad(before, ptr, length))
  toDigest(out)
}

/** out = SHA-256 of `length` bytes at `ptr`; slack as for pad(). */
export function sha256(ptr: usize, length: i32, out: usize): void {
  finish(INITIAL, 0, ptr, length, out)
}

/** A state after one block, from the initial state: HMAC's midstates. */
export function midstate(block: usize, out: usize): void {
  compress(INITIAL, out, block, 1)
}
