/**
 * ChaCha20 (RFC 8439 section 2.4): xor in place. The nonce has 16 bytes as in OpenSSL: the initial block counter,
 * little-endian, then the 12 bytes of RFC 8439. The counter wraps at 32 bits; format v1 never gets there.
 *
 * Works on whole blocks: up to 127 bytes behind the message are overwritten with keystream and then zeroed, rounded
 * up to 128, so a message must have 128 bytes of slack. No keystream buffer; no branch and no address depends on a
 * secret.
 */
import { wipe } from './bytes'

/** "expand 32-byte k", RFC 8439 section 2.3. */
const SIGMA: usize = memory.data<u32>([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574])

// The rounds are written once, for T = v128 (four blocks side by side, one per lane) and for T = u32 (one block).

function add<T>(a: T, b: T): T {
  if (isVector<T>()) return i32x4.add(a, b)
  return a + b
}

/** (d xor a) rotated left by n: the second half of a quarter round's step (section 2.1). */
function mix<T>(d: T, a: T, n: i32): T {
  if (isVector<T>()) {
    const x = v128.xor(d, a)
    // 16 bits are whole bytes: one shuffle, which makes the cipher 3 % faster. The same for 8 bits makes it slower.
    if (n === 16) return v128.shuffle<i8>(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
    return v128.or(i32x4.shl(x, n), i32x4.shr_u(x, 32 - n))
  }
  return rotl<u32>(d ^ a, n)
}

function word<T>(ptr: usize): T {
  if (isVector<T>()) return v128.load32_splat(ptr)
  return load<T>(ptr)
}

/**
 * Four words of the state after the rounds, plus those of the initial state at `initial` (section 2.3), are xored into
 * the message at `ptr` (section 2.4): those of one block, or of each of four blocks, which takes a transposition.
 */
function xorWords<T>(a: T, b: T, c: T, d: T, initial: usize, ptr: usize): void {
  a = add<T>(a, word<T>(initial))
  b = add<T>(b, word<T>(initial + 4))
  c = add<T>(c, word<T>(initial + 8))
  d = add<T>(d, word<T>(initial + 12))
  if (isVector<T>()) {
    const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
    const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
    const ab2 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
    const cd2 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
    v128.store(ptr, v128.xor(v128.load(ptr), v128.shuffle<i64>(ab0, cd0, 0, 2)))
    v128.store(ptr, v128.xor(v128.load(ptr, 64), v128.shuffle<i64>(ab0, cd0, 1, 3)), 64)
    v128.store(ptr, v128.xor(v128.load(ptr, 128), v128.shuffle<i64>(ab2, cd2, 0, 2)), 128)
    v128.store(ptr, v128.xor(v128.load(ptr, 192), v128.shuffle<i64>(ab2, cd2, 1, 3)), 192)
  } else {
    store<T>(ptr, load<T>(ptr) ^ a)
    store<T>(ptr, load<T>(ptr, 4) ^ b, 4)
    store<T>(ptr, load<T>(ptr, 8) ^ c, 8)
    store<T>(ptr, load<T>(ptr, 12) ^ d, 12)
  }
}

/** The number of each block, from `counter` on: what is added to the initial state's word 12. */
function numbers<T>(counter: u32): T {
  if (isVector<T>()) return i32x4.add(i32x4.splat(counter), i32x4(0, 1, 2, 3))
  return counter
}

/** The block function (section 2.3) for one block or four, from block `counter` on, xored into `ptr`. */
function xorBlocks<T>(key: usize, nonce: usize, counter: u32, ptr: usize): void {
  let x0 = word<T>(SIGMA)
  let x1 = word<T>(SIGMA + 4)
  let x2 = word<T>(SIGMA + 8)
  let x3 = word<T>(SIGMA + 12)
  let x4 = word<T>(key)
  let x5 = word<T>(key + 4)
  let x6 = word<T>(key + 8)
  let x7 = word<T>(key + 12)
  let x8 = word<T>(key + 16)
  let x9 = word<T>(key + 20)
  let x10 = word<T>(key + 24)
  let x11 = word<T>(key + 28)
  const block = numbers<T>(counter)
  let x12 = add<T>(word<T>(nonce), block)
  let x13 = word<T>(nonce + 4)
  let x14 = word<T>(nonce + 8)
  let x15 = word<T>(nonce + 12)
  // biome-ignore format: two quarter rounds' steps a line
  for (let i = 0; i < 10; i++) {
    // columns
    x0 = add<T>(x0, x4); x12 = mix<T>(x12, x0, 16); x1 = add<T>(x1, x5); x13 = mix<T>(x13, x1, 16)
    x2 = add<T>(x2, x6); x14 = mix<T>(x14, x2, 16); x3 = add<T>(x3, x7); x15 = mix<T>(x15, x3, 16)
    x8 = add<T>(x8, x12); x4 = mix<T>(x4, x8, 12); x9 = add<T>(x9, x13); x5 = mix<T>(x5, x9, 12)
    x10 = add<T>(x10, x14); x6 = mix<T>(x6, x10, 12); x11 = add<T>(x11, x15); x7 = mix<T>(x7, x11, 12)
    x0 = add<T>(x0, x4); x12 = mix<T>(x12, x0, 8); x1 = add<T>(x1, x5); x13 = mix<T>(x13, x1, 8)
    x2 = add<T>(x2, x6); x14 = mix<T>(x14, x2, 8); x3 = add<T>(x3, x7); x15 = mix<T>(x15, x3, 8)
    x8 = add<T>(x8, x12); x4 = mix<T>(x4, x8, 7); x9 = add<T>(x9, x13); x5 = mix<T>(x5, x9, 7)
    x10 = add<T>(x10, x14); x6 = mix<T>(x6, x10, 7); x11 = add<T>(x11, x15); x7 = mix<T>(x7, x11, 7)
    // diagonals
    x0 = add<T>(x0, x5); x15 = mix<T>(x15, x0, 16); x1 = add<T>(x1, x6); x12 = mix<T>(x12, x1, 16)
    x2 = add<T>(x2, x7); x13 = mix<T>(x13, x2, 16); x3 = add<T>(x3, x4); x14 = mix<T>(x14, x3, 16)
    x10 = add<T>(x10, x15); x5 = mix<T>(x5, x10, 12); x11 = add<T>(x11, x12); x6 = mix<T>(x6, x11, 12)
    x8 = add<T>(x8, x13); x7 = mix<T>(x7, x8, 12); x9 = add<T>(x9, x14); x4 = mix<T>(x4, x9, 12)
    x0 = add<T>(x0, x5); x15 = mix<T>(x15, x0, 8); x1 = add<T>(x1, x6); x12 = mix<T>(x12, x1, 8)
    x2 = add<T>(x2, x7); x13 = mix<T>(x13, x2, 8); x3 = add<T>(x3, x4); x14 = mix<T>(x14, x3, 8)
    x10 = add<T>(x10, x15); x5 = mix<T>(x5, x10, 7); x11 = add<T>(x11, x12); x6 = mix<T>(x6, x11, 7)
    x8 = add<T>(x8, x13); x7 = mix<T>(x7, x8, 7); x9 = add<T>(x9, x14); x4 = mix<T>(x4, x9, 7)
  }
  xorWords<T>(x0, x1, x2, x3, SIGMA, ptr)
  xorWords<T>(x4, x5, x6, x7, key, ptr + 16)
  xorWords<T>(x8, x9, x10, x11, key + 16, ptr + 32)
  xorWords<T>(add<T>(x12, block), x13, x14, x15, nonce, ptr + 48)
}

// Row-wise: a vector is a row of the state, and the diagonal round is a column round on rotated rows. The row b is left
// where it is and the others turn around it: it is computed last and needed first (1.5 % of a call at 32 bytes). Four
// blocks side by side take longer than two row-wise, so a rest of at most two blocks goes this way. A rest of one does
// too: computing it alone is no faster, since the processor works on both at the same time.

function left1(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 1, 2, 3, 0)
}

function left2(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 2, 3, 0, 1)
}

function left3(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 3, 0, 1, 2)
}

function xorRow(ptr: usize, row: v128, initial: v128): void {
  v128.store(ptr, v128.xor(v128.load(ptr), i32x4.add(row, initial)))
}

/** Two blocks from block `counter` on, row-wise. */
function xorRows(key: usize, nonce: usize, counter: u32, ptr: usize): void {
  const a = v128.load(SIGMA)
  const b = v128.load(key)
  const c = v128.load(key, 16)
  const first = v128.load(nonce)
  const last0 = i32x4.replace_lane(first, 0, i32x4.extract_lane(first, 0) + counter)
  const last1 = i32x4.replace_lane(first, 0, i32x4.extract_lane(first, 0) + counter + 1)
  let a0 = a
  let b0 = b
  let c0 = c
  let d0 = last0
  let a1 = a
  let b1 = b
  let c1 = c
  let d1 = last1
  // biome-ignore format: a step of both blocks a line
  for (let i = 0; i < 10; i++) {
    a0 = i32x4.add(a0, b0); a1 = i32x4.add(a1, b1); d0 = mix<v128>(d0, a0, 16); d1 = mix<v128>(d1, a1, 16)
    c0 = i32x4.add(c0, d0); c1 = i32x4.add(c1, d1); b0 = mix<v128>(b0, c0, 12); b1 = mix<v128>(b1, c1, 12)
    a0 = i32x4.add(a0, b0); a1 = i32x4.add(a1, b1); d0 = mix<v128>(d0, a0, 8); d1 = mix<v128>(d1, a1, 8)
    c0 = i32x4.add(c0, d0); c1 = i32x4.add(c1, d1); b0 = mix<v128>(b0, c0, 7); b1 = mix<v128>(b1, c1, 7)
    a0 = left3(a0); a1 = left3(a1); c0 = left1(c0); c1 = left1(c1); d0 = left2(d0); d1 = left2(d1)
    a0 = i32x4.add(a0, b0); a1 = i32x4.add(a1, b1); d0 = mix<v128>(d0, a0, 16); d1 = mix<v128>(d1, a1, 16)
    c0 = i32x4.add(c0, d0); c1 = i32x4.add(c1, d1); b0 = mix<v128>(b0, c0, 12); b1 = mix<v128>(b1, c1, 12)
    a0 = i32x4.add(a0, b0); a1 = i32x4.add(a1, b1); d0 = mix<v128>(d0, a0, 8); d1 = mix<v128>(d1, a1, 8)
    c0 = i32x4.add(c0, d0); c1 = i32x4.add(c1, d1); b0 = mix<v128>(b0, c0, 7); b1 = mix<v128>(b1, c1, 7)
    a0 = left1(a0); a1 = left1(a1); c0 = left3(c0); c1 = left3(c1); d0 = left2(d0); d1 = left2(d1)
  }
  xorRow(ptr, a0, a)
  xorRow(ptr + 16, b0, b)
  xorRow(ptr + 32, c0, c)
  xorRow(ptr + 48, d0, last0)
  xorRow(ptr + 64, a1, a)
  xorRow(ptr + 80, b1, b)
  xorRow(ptr + 96, c1, c)
  xorRow(ptr + 112, d1, last1)
}

/** Xors `length` bytes at `ptr` with the key stream of the 32-byte key and the 16-byte nonce. */
export function xor(key: usize, nonce: usize, ptr: usize, length: i32): void {
  const end = ptr + length
  let counter: u32 = 0
  if (ASC_FEATURE_SIMD) {
    for (; ptr + 128 < end; ptr += 256, counter += 4) xorBlocks<v128>(key, nonce, counter, ptr)
    if (ptr < end) {
      xorRows(key, nonce, counter, ptr)
      ptr += 128
    }
  } else {
    for (; ptr < end; ptr += 64, counter++) xorBlocks<u32>(key, nonce, counter, ptr)
  }
  if (ptr > end) wipe(end, <i32>(ptr - end))
}
