/**
 * Wire format v1: the numbers that both ends agree on. docs/format.md is the specification; a test pins these to assembly/layout.ts.
 */

export const VERSION = 1
/** Flag bit 0: an extension block stands before the JSON. */
export const FLAG_EXTENSIONS = 1

export const HEADER_BYTES = 32
export const KEY_ID_OFFSET = 2
export const CREATED_AT_OFFSET = 4
export const ISSUED_AT_OFFSET = 10
/** The 16-byte ChaCha20 IV: one zero byte, then the random bytes. */
export const NONCE_OFFSET = 16
export const NONCE_BYTES = 16
export const RANDOM_OFFSET = 17
export const RANDOM_BYTES = 15
export const TAG_BYTES = 32

/** 255 blocks of ChaCha20: the block counter's low byte never wraps (docs/format.md, Limits). */
export const MAX_PLAINTEXT_BYTES = 16_320
export const MIN_TOKEN_CHARS = 86
export const MAX_TOKEN_CHARS = 21_846

/** How far in the future a token's issued-at may lie: clocks of a fleet differ. */
export const MAX_SKEW_MS = 60_000
/** Times are 48-bit milliseconds since the epoch. */
export const MAX_TIME_MS = 281_474_976_710_655

export const KEY_BYTES = 32
export const KEY_ID_BYTES = 2
/** cipherKey || macKey || keyId */
export const DERIVED_BYTES: number = 2 * KEY_BYTES + KEY_ID_BYTES
/** HKDF's info is this, a zero byte and the name; PBKDF2's salt is this alone. */
export const CONTEXT = 'cookie-sessions v1'
/** A shorter secret is stretched to this length first. */
export const STRONG_SECRET_BYTES = 32
/** OWASP's figure for PBKDF2-HMAC-SHA256. */
export const STRETCH_ITERATIONS = 600_000
export const MAX_NAME_BYTES = 256

/** Limits of this library, not of the format. */
export const MAX_SECRET_BYTES = 4_096
export const MAX_KEYS = 64

/** Extension types (docs/format.md, Extensions). Below 0x80 an unknown one refuses the token. */
export const EXTENSION_SESSION_ID = 0x01
export const EXTENSION_EXPIRES_AT = 0x02
export const EXTENSION_DEFLATE = 0x03
export const FIRST_SKIPPABLE_EXTENSION = 0x80

/** base64url characters that `bytes` bytes take, unpadded (RFC 4648 section 5). */
export const encodedLength = (bytes: number): number => Math.ceil((bytes * 4) / 3)
