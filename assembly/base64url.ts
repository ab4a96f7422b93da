/**
 * base64url (RFC 4648 section 5), unpadded, canonical only: a byte string has exactly one spelling, and decode()
 * refuses every other. No tables in memory: a character's value never becomes an address. The build without SIMD
 * works on four characters in a u32; there the text must stand at a multiple of 4.
 */

/** How many characters encode `length` bytes. */
export function encodedLength(length: i32): i32 {
  return (length * 4 + 2) / 3
}

/**
 * Writes the text of `length` bytes at `ptr` to `out` and returns its length. Up to 15 bytes behind it are
 * overwritten.
 */
export function encode(ptr: usize, length: i32, out: usize): i32 {
  const end = ptr + length
  const chars = encodedLength(length)
  if (ASC_FEATURE_SIMD) {
    for (; ptr + 12 <= end; ptr += 12, out += 16) v128.store(out, toChars(v128.load(ptr)))
    // What lies behind the end counts as zero: a last character's spare bits are zero (RFC 4648 section 3.5).
    const rest = i8x16.splat(<i8>(end - ptr))
    const inside = i8x16.lt_u(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), rest)
    if (ptr < end) v128.store(out, toChars(v128.and(v128.load(ptr), inside)))
  } else {
    for (; ptr + 3 <= end; ptr += 3, out += 4) {
      store<u32>(out, toChars4(((<u32>load<u8>(ptr)) << 16) | ((<u32>load<u8>(ptr, 1)) << 8) | load<u8>(ptr, 2)))
    }
    const rest = end - ptr
    if (rest === 1) store<u32>(out, toChars4((<u32>load<u8>(ptr)) << 16))
    if (rest === 2) store<u32>(out, toChars4(((<u32>load<u8>(ptr)) << 16) | ((<u32>load<u8>(ptr, 1)) << 8)))
  }
  return chars
}

/**
 * Writes the bytes of `length` characters at `ptr` to `out` and returns how many they are, or -1 if the text is not
 * canonical; then what stands at `out` means nothing. Always reads the whole text. Up to 16 bytes behind the result
 * are overwritten.
 */
export function decode(ptr: usize, length: i32, out: usize): i32 {
  const end = ptr + length
  const bytes = (length * 3) >> 2
  const last = out + bytes
  let valid = (length & 3) !== 1
  if (ASC_FEATURE_SIMD) {
    let bad = i8x16.splat(0)
    for (; ptr + 16 <= end; ptr += 16, out += 12) {
      const text = v128.load(ptr)
      bad = v128.or(bad, invalid(text))
      v128.store(out, toBytes(text))
    }
    if (ptr < end) {
      const rest = i8x16.splat(<i8>(end - ptr))
      const inside = i8x16.lt_u(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), rest)
      const text = v128.bitselect(v128.load(ptr), i8x16.splat(0x41), inside)
      bad = v128.or(bad, invalid(text))
      v128.store(out, toBytes(text))
    }
    valid = valid && !v128.any_true(bad)
  } else {
    let bad: u32 = 0
    for (; ptr + 4 <= end; ptr += 4, out += 3) {
      bad |= decode4(load<u32>(ptr), out)
    }
    const rest = <u32>(end - ptr)
    if (rest > 0) {
      const inside = ((<u32>1) << (rest << 3)) - 1
      bad |= decode4((load<u32>(ptr) & inside) | (0x41414141 & ~inside), out)
    }
    valid = valid && bad === 0
  }
  // The text was filled up with 'A', zero: so a last character's spare bits stand alone in the next byte.
  if (length & 3) valid = valid && load<u8>(last) === 0
  return valid ? bytes : -1
}

/** The first 12 bytes as 16 characters. */
function toChars(x: v128): v128 {
  // Each 32-bit lane: three bytes as one 24-bit number, then its four sextets, first in the lowest byte.
  const v = v128.shuffle<i8>(x, i8x16.splat(0), 2, 1, 0, 16, 5, 4, 3, 16, 8, 7, 6, 16, 11, 10, 9, 16)
  const high = v128.or(i32x4.shr_u(v, 18), v128.and(i32x4.shr_u(v, 4), i32x4.splat(0x3f00)))
  const low = v128.or(
    v128.and(i32x4.shl(v, 10), i32x4.splat(0x3f0000)),
    v128.and(i32x4.shl(v, 24), i32x4.splat(0x3f000000)),
  )
  const sextets = v128.or(high, low)
  // Index of the offset: 0 = lower case, 1 to 10 = digits, 11 = '-', 12 = '_', 13 = upper case.
  const index = v128.or(
    i8x16.sub_sat_u(sextets, i8x16.splat(51)),
    v128.and(i8x16.lt_u(sextets, i8x16.splat(26)), i8x16.splat(13)),
  )
  const offsets = i8x16(71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -17, 32, 65, 0, 0)
  return i8x16.add(sextets, i8x16.swizzle(offsets, index))
}

/** The high nibble of each byte. */
function nibbles(text: v128): v128 {
  return i8x16.shr_u(text, 4)
}

/**
 * Not zero in the lanes that hold no character of the alphabet: the high nibble's column lacks the low nibble's row.
 */
function invalid(text: v128): v128 {
  // A bit for each kind of column: 1 = 2x ('-'), 2 = 3x (digits), 4 = 4x, 6x (letters), 8 = 5x (letters, '_'), 16 =
  // 7x, 32 = none.
  const columns = i8x16(32, 32, 1, 2, 4, 8, 4, 16, 32, 32, 32, 32, 32, 32, 32, 32)
  // For each low nibble, the kinds of column in which it is not in the alphabet.
  const rows = i8x16(37, 33, 33, 33, 33, 33, 33, 33, 33, 33, 35, 59, 59, 58, 59, 51)
  return v128.and(i8x16.swizzle(columns, nibbles(text)), i8x16.swizzle(rows, v128.and(text, i8x16.splat(15))))
}

/** 16 valid characters as 12 bytes, then four zero bytes. */
function toBytes(text: v128): v128 {
  // The offset hangs on the high nibble, but for '_' (5x as 'P' to 'Z'), which takes place 8.
  const underscore = v128.and(i8x16.eq(text, i8x16.splat(0x5f)), i8x16.splat(13))
  const offsets = i8x16(0, 0, 17, 4, -65, -65, -71, -71, -32, 0, 0, 0, 0, 0, 0, 0)
  const sextets = i8x16.add(text, i8x16.swizzle(offsets, v128.xor(nibbles(text), underscore)))
  const pairs = v128.or(v128.and(i16x8.shl(sextets, 6), i16x8.splat(0x0fc0)), i16x8.shr_u(sextets, 8))
  const v = i32x4.dot_i16x8_s(pairs, i32x4.splat(0x00011000))
  return v128.shuffle<i8>(v, i8x16.splat(0), 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 16, 16, 16, 16)
}

// Four bytes in a u32, each below 0x80: (x + 0x80 - n) has bit 7 where x >= n, and nothing carries into the neighbour.

function atLeast(x: u32, n: u32): u32 {
  return ((x + (0x80 - n) * 0x01010101) >> 7) & 0x01010101
}

/** A 24-bit number as four characters. */
function toChars4(v: u32): u32 {
  const x = (v >> 18) | ((v >> 4) & 0x3f00) | ((v << 10) & 0x3f0000) | ((v << 24) & 0x3f000000)
  return x + 0x41414141 + atLeast(x, 26) * 6 + atLeast(x, 63) * 49 - atLeast(x, 52) * 75 - atLeast(x, 62) * 13
}

/** 1 in each byte from `first` to `last`: where it reaches `first` and does not reach `last` + 1. */
function between(x: u32, first: u32, last: u32): u32 {
  return (((x + (0x80 - first) * 0x01010101) ^ (x + (0x7f - last) * 0x01010101)) >> 7) & 0x01010101
}

/** Writes four characters at `out` as three bytes, then a zero byte. Returns 0 if all four are of the alphabet. */
function decode4(text: u32, out: usize): u32 {
  const x = text & 0x7f7f7f7f
  const upper = between(x, 0x41, 0x5a)
  const lower = between(x, 0x61, 0x7a)
  const digit = between(x, 0x30, 0x39)
  const minus = between(x, 0x2d, 0x2d)
  const underscore = between(x, 0x5f, 0x5f)
  const sextets = x + digit * 4 + minus * 17 - upper * 65 - lower * 71 - underscore * 32
  const v = ((sextets & 0x3f) << 18) | ((sextets & 0x3f00) << 4) | ((sextets >> 10) & 0x0fc0) | ((sextets >> 24) & 0x3f)
  store<u32>(out, bswap<u32>(v) >> 8, 0, 1)
  return (text & 0x80808080) | ((upper + lower + digit + minus + underscore) ^ 0x01010101)
}
