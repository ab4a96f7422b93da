/**
 * Key derivation: HKDF-SHA256 (RFC 5869) fills a slot of the keyring, PBKDF2-HMAC-SHA256 (RFC 8018 section 5.2)
 * stretches a short secret first. They are here so that keys can be derived where node:crypto is not.
 */
import { copy32, wipe } from './bytes'
import { hmac, hmacDigest, padDigest, setKey } from './hmac'
import {
  BLOCK,
  CHAIN,
  DIGEST,
  DIGEST_BYTES,
  KEYED,
  KEYRING,
  MAX_INFO_BYTES,
  MAX_KEYS,
  MAX_SECRET_BYTES,
  MESSAGE,
  SCRATCH,
  SCRATCH_BYTES,
  SLACK_BYTES,
  SLOT_BYTES,
  SLOT_KEY_ID,
  SLOT_MIDSTATES,
  TOKEN,
} from './layout'

/** The PBKDF2 salt "cookie-sessions v1", 18 bytes. */
const SALT: usize = memory.data<u8>([
  0x63, 0x6f, 0x6f, 0x6b, 0x69, 0x65, 0x2d, 0x73, 0x65, 0x73, 0x73, 0x69, 0x6f, 0x6e, 0x73, 0x20, 0x76, 0x31,
])
const SALT_BYTES: i32 = 18

/** Wipes what was staged, of any length, and what a derivation leaves beside it. */
function wipeStaged(): void {
  wipe(MESSAGE, MAX_SECRET_BYTES + SLACK_BYTES)
  wipe(CHAIN, DIGEST_BYTES + MAX_INFO_BYTES + SLACK_BYTES)
}

/** HKDF-Extract with an empty salt (RFC 5869 section 2.2): KEYED = the midstates of PRK. */
export function extract(secretLength: i32): void {
  setKey(MESSAGE, 0, KEYED)
  hmac(KEYED, MESSAGE, secretLength, DIGEST)
  setKey(DIGEST, DIGEST_BYTES, KEYED)
}

/**
 * HKDF-Expand's step i (section 2.3): T(i) = HMAC(PRK, T(i-1) || info || i) replaces T(i-1) at CHAIN, before the info
 * at TOKEN.
 */
export function expand(infoLength: i32, i: i32): void {
  store<u8>(TOKEN + infoLength, i)
  const from: usize = i === 1 ? TOKEN : CHAIN
  hmac(KEYED, from, <i32>(TOKEN - from) + infoLength + 1, CHAIN)
}

/**
 * Slot `slot` = HKDF-SHA256(secret at MESSAGE, no salt, info at TOKEN, 66 bytes): cipherKey(32) || macKey(32) || key
 * id(2), of which macKey is kept as its midstates and the first half of its inner block. Out of range, it leaves the
 * slot as it is. Wipes the secret in any case.
 */
export function derive(secretLength: i32, infoLength: i32, slot: i32): void {
  if (
    <u32>secretLength <= <u32>MAX_SECRET_BYTES &&
    <u32>infoLength <= <u32>MAX_INFO_BYTES &&
    <u32>slot < <u32>MAX_KEYS
  ) {
    const at = KEYRING + slot * SLOT_BYTES
    extract(secretLength)
    expand(infoLength, 1)
    copy32(at, CHAIN)
    expand(infoLength, 2)
    setKey(CHAIN, DIGEST_BYTES, at + SLOT_MIDSTATES)
    expand(infoLength, 3)
    memory.fill(at + SLOT_KEY_ID, 0, SLOT_BYTES - SLOT_KEY_ID)
    store<u16>(at, load<u16>(CHAIN), SLOT_KEY_ID)
  }
  wipeStaged()
  wipe(SCRATCH, SCRATCH_BYTES)
}

/**
 * One block of PBKDF2 with the secret at MESSAGE and the salt at TOKEN: DIGEST = U(1) xor ... xor U(iterations), where
 * U(1) = HMAC(secret, salt || 00 00 00 01) and U(i) = HMAC(secret, U(i-1)).
 */
export function pbkdf2(secretLength: i32, saltLength: i32, iterations: i32): void {
  setKey(MESSAGE, secretLength, KEYED)
  store<u32>(TOKEN + saltLength, bswap<u32>(1), 0, 1)
  hmac(KEYED, TOKEN, saltLength + 4, DIGEST)
  padDigest()
  copy32(BLOCK, DIGEST)
  for (let i = 1; i < iterations; i++) {
    hmacDigest(KEYED)
    for (let j: usize = 0; j < 32; j += 4) store<u32>(DIGEST + j, load<u32>(DIGEST + j) ^ load<u32>(BLOCK + j))
  }
}

/**
 * The 32 bytes at MESSAGE = PBKDF2-HMAC-SHA256(secret at MESSAGE, "cookie-sessions v1", iterations, 32 bytes). Wipes
 * the secret in any case; out of range, it leaves zeroes.
 */
export function stretch(secretLength: i32, iterations: i32): void {
  const isValid = <u32>secretLength <= <u32>MAX_SECRET_BYTES
  if (isValid) {
    memory.copy(TOKEN, SALT, SALT_BYTES)
    pbkdf2(secretLength, SALT_BYTES, iterations)
  }
  wipeStaged()
  if (isValid) copy32(MESSAGE, DIGEST)
  wipe(SCRATCH, SCRATCH_BYTES)
}
