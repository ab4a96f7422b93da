/**
 * The two pipelines, mirror images of each other. The numbers are those of docs/format.md. Neither traps on any
 * input, and neither leaves a plaintext it was not asked for, a keystream, a digest or a computed tag behind.
 */
import { decode, encode } from './base64url'
import { copy32, equal, load48be, store48be, wipe } from './bytes'
import { xor } from './chacha20'
import { hmac, hmacOuter } from './hmac'
import {
  CREATED_AT,
  DIGEST,
  FLAGS,
  HEADER_BYTES,
  IPAD,
  ISSUED_AT,
  KEY_ID,
  KEYRING,
  KNOWN_FLAGS,
  MAX_KEYS,
  MAX_PAYLOAD_BYTES,
  MAX_SKEW_MS,
  MAX_TIME_MS,
  MAX_TOKEN_CHARS,
  MESSAGE,
  MIN_TOKEN_CHARS,
  NONCE,
  PAYLOAD,
  RESULT,
  RESULT_CREATED_AT,
  RESULT_FLAGS,
  RESULT_ISSUED_AT,
  RESULT_KEY,
  SCRATCH,
  SCRATCH_BYTES,
  SLOT_BYTES,
  SLOT_INNER_KEY,
  SLOT_KEY_ID,
  SLOT_MIDSTATES,
  TAG,
  TAG_BYTES,
  TOKEN,
  VERSION,
} from './layout'

export const MALFORMED: i32 = -1
export const UNSUPPORTED: i32 = -2
export const UNKNOWN_KEY: i32 = -3
export const BAD_TAG: i32 = -4
export const EXPIRED: i32 = -5
export const NOT_YET_VALID: i32 = -6

/**
 * Seals `length` bytes at MESSAGE + 32 with slot 0; 15 random bytes stand at MESSAGE + 17. The token comes to TOKEN,
 * its length is returned; 0 if the length is not in 0..16320 or not 0 <= createdAt <= issuedAt < 2^48.
 */
export function seal(length: i32, createdAt: f64, issuedAt: f64): i32 {
  const message = sealBegin(length, createdAt, issuedAt)
  if (message === 0) return 0
  hmac(KEYRING + SLOT_MIDSTATES, MESSAGE, message, DIGEST)
  return finish(message)
}

/**
 * seal() in two halves, for a caller with a faster SHA-256: between them it calls innerBlock(1) and puts the inner
 * digest, which is SHA-256(IPAD || MESSAGE) up to the payload's end, at DIGEST. This half, steps 1 and 2, returns the
 * message's length; or 0 where an argument is out of range, and then the payload is wiped.
 */
export function sealBegin(length: i32, createdAt: f64, issuedAt: f64): i32 {
  // Written so that NaN fails too.
  if (<u32>length > <u32>MAX_PAYLOAD_BYTES || !(createdAt >= 0 && createdAt <= issuedAt && issuedAt <= MAX_TIME_MS)) {
    wipe(PAYLOAD, MAX_PAYLOAD_BYTES)
    return 0
  }
  // 1. header
  store<u8>(MESSAGE, VERSION)
  store<u8>(MESSAGE, 0, FLAGS)
  store<u16>(MESSAGE, load<u16>(KEYRING, SLOT_KEY_ID), KEY_ID)
  store48be(MESSAGE + CREATED_AT, createdAt)
  store48be(MESSAGE + ISSUED_AT, issuedAt)
  store<u8>(MESSAGE, 0, NONCE)
  // 2. encrypt
  xor(KEYRING, MESSAGE + NONCE, PAYLOAD, length)
  return HEADER_BYTES + length
}

/** The other half: the token's length, or 0 if the length is not in 0..16320. */
export function sealEnd(length: i32): i32 {
  if (<u32>length > <u32>MAX_PAYLOAD_BYTES) return 0
  hmacOuter(KEYRING + SLOT_MIDSTATES)
  return finish(HEADER_BYTES + length)
}

/** Steps 3 and 4: the token's length. */
function finish(message: i32): i32 {
  // 3. tag
  copy32(MESSAGE + message, DIGEST)
  // 4. encode
  const chars = encode(MESSAGE, message + TAG_BYTES, TOKEN)
  wipe(SCRATCH, SCRATCH_BYTES)
  return chars
}

/**
 * Opens the token of `length` characters at TOKEN with the first `keys` slots. Returns the length of the payload,
 * which comes to MESSAGE + 32 (the caller copies it out and calls wipe()), and fills RESULT; or a negative status.
 * Times are in milliseconds.
 */
export function open(length: i32, keys: i32, now: f64, timeout: f64, absoluteTimeout: f64): i32 {
  const message = openBegin(length)
  if (message < 0) return message
  // 4. key, 5. tag
  copy32(TAG, MESSAGE + message)
  const key = authenticate(message, min<i32>(keys, MAX_KEYS))
  wipe(SCRATCH, SCRATCH_BYTES)
  return key < 0 ? key : decrypt(message, key, now, timeout, absoluteTimeout)
}

/**
 * open() in two halves, for a caller with a faster SHA-256: between them it calls innerBlock() and puts the inner
 * digest at DIGEST as for seal(). This half, steps 1 to 3, returns the message's length, or a negative status.
 */
export function openBegin(length: i32): i32 {
  // 1. length
  if (length < MIN_TOKEN_CHARS || length > MAX_TOKEN_CHARS || (length & 3) === 1) return MALFORMED
  // 2. decode
  const bytes = decode(TOKEN, length, MESSAGE)
  if (bytes < 0) return MALFORMED
  // 3. header
  if (load<u8>(MESSAGE) !== VERSION || load<u8>(MESSAGE, FLAGS) & ~KNOWN_FLAGS) return UNSUPPORTED
  if (load<u8>(MESSAGE, NONCE) !== 0) return MALFORMED
  return bytes - TAG_BYTES
}

/**
 * The other half, for the `message` bytes at MESSAGE and the tag behind them. Returns what open() returns, but tries
 * the key of one slot alone.
 */
export function openEnd(message: i32, key: i32, now: f64, timeout: f64, absoluteTimeout: f64): i32 {
  if (message < HEADER_BYTES || message > HEADER_BYTES + MAX_PAYLOAD_BYTES) return MALFORMED
  if (<u32>key >= <u32>MAX_KEYS) return UNKNOWN_KEY
  // 5. tag
  hmacOuter(KEYRING + key * SLOT_BYTES + SLOT_MIDSTATES)
  const isAuthentic = equal(DIGEST, MESSAGE + message)
  wipe(SCRATCH, SCRATCH_BYTES)
  return isAuthentic ? decrypt(message, key, now, timeout, absoluteTimeout) : BAD_TAG
}

/** Between two halves: IPAD = the inner block of the first slot with the token's id. Returns the slot, or a status. */
export function innerBlock(keys: i32): i32 {
  const id = load<u16>(MESSAGE, KEY_ID)
  for (let key = 0; key < min<i32>(keys, MAX_KEYS); key++) {
    const slot = KEYRING + key * SLOT_BYTES
    if (load<u16>(slot, SLOT_KEY_ID) !== id) continue
    copy32(IPAD, slot + SLOT_INNER_KEY)
    memory.fill(IPAD + 32, 0x36, 32)
    return key
  }
  return UNKNOWN_KEY
}

/**
 * Steps 4 and 5: the slot whose key made the tag at TAG, or a status. Ids and slots are not secret; of several keys with
 * the token's id (2^-16 for a pair) each is tried. The padding overwrites the tag behind the message.
 */
function authenticate(message: i32, keys: i32): i32 {
  const id = load<u16>(MESSAGE, KEY_ID)
  let status = UNKNOWN_KEY
  for (let key = 0; key < keys; key++) {
    const slot = KEYRING + key * SLOT_BYTES
    if (load<u16>(slot, SLOT_KEY_ID) !== id) continue
    hmac(slot + SLOT_MIDSTATES, MESSAGE, message, DIGEST)
    if (equal(DIGEST, TAG)) return key
    status = BAD_TAG
  }
  return status
}

/** Steps 6 and 7 with the key of slot `key`: the payload's length, and four numbers in RESULT; or a status. */
function decrypt(message: i32, key: i32, now: f64, timeout: f64, absoluteTimeout: f64): i32 {
  // 6. times: written so that NaN fails too
  const createdAt = load48be(MESSAGE + CREATED_AT)
  const issuedAt = load48be(MESSAGE + ISSUED_AT)
  if (createdAt > issuedAt) return MALFORMED
  if (!(issuedAt <= now + MAX_SKEW_MS)) return NOT_YET_VALID
  if (!(now - issuedAt < timeout && now - createdAt < absoluteTimeout)) return EXPIRED
  // 7. decrypt
  const length = message - HEADER_BYTES
  xor(KEYRING + key * SLOT_BYTES, MESSAGE + NONCE, PAYLOAD, length)
  store<f64>(RESULT, createdAt, RESULT_CREATED_AT)
  store<f64>(RESULT, issuedAt, RESULT_ISSUED_AT)
  store<i32>(RESULT, <i32>load<u8>(MESSAGE, FLAGS), RESULT_FLAGS)
  store<i32>(RESULT, key, RESULT_KEY)
  return length
}

/** Zeroes an opened payload of `length` bytes at MESSAGE + 32. */
export function wipePayload(length: i32): void {
  wipe(PAYLOAD, max<i32>(0, min<i32>(length, MAX_PAYLOAD_BYTES)))
}
