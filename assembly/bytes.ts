/**
 * Bytes in memory: big-endian integers, wiping, constant-time comparison.
 * No 64-bit integers: the plain JavaScript build would have to emulate them.
 */

export function load32be(ptr: usize): u32 {
  return bswap<u32>(load<u32>(ptr))
}

export function store32be(ptr: usize, value: u32): void {
  store<u32>(ptr, bswap<u32>(value))
}

/** A 48-bit integer as a double, which holds it exactly. */
export function load48be(ptr: usize): f64 {
  return <f64>bswap<u16>(load<u16>(ptr)) * 4294967296.0 + <f64>load32be(ptr + 2)
}

/** 0 <= value < 2^48; a fraction is cut off. */
export function store48be(ptr: usize, value: f64): void {
  const high = <u32>(value / 4294967296.0)
  store<u16>(ptr, bswap<u16>(<u16>high))
  store32be(ptr + 2, <u32>(value - <f64>high * 4294967296.0))
}

/** Zeroes `length` bytes, rounded up to whole 64: what lies behind must be slack. */
export function wipe(ptr: usize, length: i32): void {
  if (ASC_FEATURE_SIMD) {
    const zero = i32x4.splat(0)
    for (const end = ptr + length; ptr < end; ptr += 64) {
      v128.store(ptr, zero)
      v128.store(ptr, zero, 16)
      v128.store(ptr, zero, 32)
      v128.store(ptr, zero, 48)
    }
  } else {
    memory.fill(ptr, 0, (length + 63) & -64)
  }
}

/** Compares 32 bytes; the time does not depend on where they differ. */
export function equal(a: usize, b: usize): bool {
  if (ASC_FEATURE_SIMD) {
    const low = v128.xor(v128.load(a), v128.load(b))
    const high = v128.xor(v128.load(a, 16), v128.load(b, 16))
    return !v128.any_true(v128.or(low, high))
  } else {
    let difference: u32 = 0
    for (let i: usize = 0; i < 32; i += 4) difference |= load<u32>(a + i) ^ load<u32>(b + i)
    return difference === 0
  }
}
