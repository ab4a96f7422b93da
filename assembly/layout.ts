/**
 * The memory map: one fixed page (64 KiB), no allocator. Every region and limit stands here and nowhere else.
 *
 * | from  | bytes      | region   | holds                                                                | secret   |
 * |-------|------------|----------|----------------------------------------------------------------------|----------|
 * | 0     | 64         | ZERO     | zeroes, never written                                                |          |
 * | 64    | 64         | RESULT   | what open() found: four numbers                                      | no       |
 * | 128   | 256        | SCHEDULE | SHA-256's message schedule                                           | in calls |
 * | 384   | 64         | BLOCK    | HMAC: key block, then the outer message                              | in calls |
 * | 448   | 32         | DIGEST   | the digest or tag just computed                                      | in calls |
 * | 480   | 32         | TAG      | the tag that came with the token                                     | no       |
 * | 512   | 96         | KEYED    | the HMAC state of a key under derivation                             | in calls |
 * | 608   | 64 x 144   | KEYRING  | the slots: derived keys, for as long as the caller leaves them there | yes      |
 * | 9824  | 64         | IPAD     | HMAC's inner key block, to be hashed in one run with MESSAGE         | yes      |
 * | 9888  | 16384      | MESSAGE  | the raw token: header, payload, tag; or a secret to derive from      | in calls |
 * | 26272 | 128        | -        | slack: whole blocks are written past the message's end               | in calls |
 * | 26400 | 64         | CHAIN    | HKDF's T(i-1), directly before the info                              | in calls |
 * | 26464 | 21846 + 42 | TOKEN    | the token's text and slack; or the HKDF info                         | no       |
 * | 48352 | 8992       | SPARE    | free; test and bench buffers                                         | no       |
 * | 57344 | 324        | -        | static data (asconfig.json, memoryBase): constants and the salt      | no       |
 * | 57668 | 7868       | -        | free                                                                 |          |
 *
 * "in calls": wiped before the call returns, on every path. What stays: an opened payload, until wipe(); what
 * stretch() has made, for derive(); and where the caller hashes, IPAD for good and DIGEST until the second half of the
 * call. Ciphertexts, nonces, tags that came with a token and the token's text are not secret and are not wiped.
 */

export const MAX_KEYS: i32 = 64
export const MIDSTATE_BYTES: i32 = 32
export const DIGEST_BYTES: i32 = 32

// One slot of the keyring: cipherKey(32) | inner midstate(32) | outer midstate(32) | macKey xor ipad(32) | key id(2) |
// zero(14). A midstate is eight u32 in the machine's (little-endian) order; the id is big-endian, as on the wire.
export const SLOT_BYTES: i32 = 144
export const SLOT_MIDSTATES: i32 = 32
export const SLOT_INNER_KEY: i32 = 96
export const SLOT_KEY_ID: i32 = 128

// The raw token, all integers big-endian (docs/format.md).
export const HEADER_BYTES: i32 = 32
export const FLAGS: i32 = 1
export const KEY_ID: i32 = 2
export const CREATED_AT: i32 = 4
export const ISSUED_AT: i32 = 10
export const NONCE: i32 = 16
export const TAG_BYTES: i32 = 32
export const VERSION: i32 = 1
export const KNOWN_FLAGS: i32 = 1
export const MAX_SKEW_MS: f64 = 60000
export const MAX_TIME_MS: f64 = 281474976710655 // 2^48 - 1

// 255 blocks of 64 bytes: the block counter's low byte starts at 0 and never carries.
export const MAX_PAYLOAD_BYTES: i32 = 16320
export const MIN_TOKEN_CHARS: i32 = 86
export const MAX_TOKEN_CHARS: i32 = 21846
export const MAX_SECRET_BYTES: i32 = 16384
export const MAX_INFO_BYTES: i32 = 275 // "cookie-sessions v1" || 0x00 || a name of at most 256 bytes

export const ZERO: usize = 0

export const RESULT: usize = 64
export const RESULT_CREATED_AT: i32 = 0
export const RESULT_ISSUED_AT: i32 = 8
export const RESULT_FLAGS: i32 = 16
export const RESULT_KEY: i32 = 20

export const SCRATCH: usize = 128
export const SCRATCH_BYTES: i32 = 480 // SCHEDULE to KEYRING
export const SCHEDULE: usize = 128
export const BLOCK: usize = 384
export const DIGEST: usize = 448
export const TAG: usize = 480
export const KEYED: usize = 512

export const KEYRING: usize = 608
export const IPAD: usize = 9824
export const MESSAGE: usize = 9888 // directly behind IPAD
export const PAYLOAD: usize = 9920 // MESSAGE + HEADER_BYTES
export const SLACK_BYTES: i32 = 128
export const CHAIN: usize = 26432 // TOKEN - DIGEST_BYTES
export const TOKEN: usize = 26464
export const SPARE: usize = 48352
export const SPARE_BYTES: i32 = 8992
