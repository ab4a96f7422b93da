/**
 * Bytes in memory: big-endian integers, wiping, constant-time comparison.
 *
 * Two rules for the sake of the plain JavaScript build (wasm2js): no 64-bit integers, which it would have to emulate,
 * and no access in the build without SIMD at an address that is not a multiple of its size, unless the access states
 * its alignment (the third argument).
 */
import { ZERO } from './layout'

export function load32be(ptr: usize): u32 {
  return bswap<u32>(load<u32>(ptr))
}

export function store32be(ptr: usize, value: u32): void {
  store<u32>(ptr, bswap<u32>(value))
}

/** A 48-bit integer at an even address as a double, which holds it exactly. */
export function load48be(ptr: usize): f64 {
  return <f64>bswap<u16>(load<u16>(ptr)) * 4294967296.0 + <f64>bswap<u32>(load<u32>(ptr, 2, 2))
}

/** 0 <= value < 2^48, at an even address; a fraction is cut off. */
export function store48be(ptr: usize, value: f64): void {
  const high = <u32>(value / 4294967296.0)
  const low = <u32>(value - <f64>high * 4294967296.0)
  store<u16>(ptr, bswap<u16>(<u16>high))
  store<u32>(ptr, bswap<u32>(low), 2, 2)
}

/** Zeroes `length` bytes, rounded up to whole 16: what lies behind must be slack. */
export function wipe(ptr: usize, length: i32): void {
  if (ASC_FEATURE_SIMD) {
    // Zero comes from memory, as this is inlined nearly everywhere and a constant v128 takes 18 bytes of code.
    const zero = v128.load(ZERO)
    for (const end = ptr + length; ptr < end; ptr += 16) v128.store(ptr, zero)
  } else {
    memory.fill(ptr, 0, (length + 15) & -16)
  }
}

/** Copies 32 bytes. The instruction memory.copy is a call out of the module, worth its cost for long runs only. */
export function copy32(to: usize, from: usize): void {
  if (ASC_FEATURE_SIMD) {
    v128.store(to, v128.load(from))
    v128.store(to, v128.load(from, 16), 16)
  } else {
    memory.copy(to, from, 32)
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
