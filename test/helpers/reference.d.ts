/** Types of reference.js, which is plain JavaScript so that test/vectors/generate.mjs can import it under Node 20. */

export type Reason =
  | 'malformed'
  | 'unsupported'
  | 'unknown-key'
  | 'bad-tag'
  | 'expired'
  | 'not-yet-valid'
  | 'bad-payload'

export type Opened =
  | { ok: true; data: unknown; createdAt: number; issuedAt: number; keyIndex: number }
  | { ok: false; reason: Reason }

export interface OpenOptions {
  secrets: readonly (string | Uint8Array)[]
  name: string
  /** Milliseconds, like every time here. */
  timeout: number
  absoluteTimeout?: number | null
  now: number
}

export interface SealOptions {
  secret: string | Uint8Array
  name: string
  /** The 15 bytes behind the nonce's zero byte. */
  nonce15: Uint8Array
  createdAt: number
  issuedAt: number
  version?: number
  flags?: number
  nonceStart?: number
}

export interface Keys {
  ikm: Uint8Array
  info: Uint8Array
  prk: Uint8Array
  okm: Uint8Array
  cipherKey: Uint8Array
  macKey: Uint8Array
  keyId: Uint8Array
}

export function concat(...parts: Iterable<number>[]): Uint8Array
export function toHex(bytes: Uint8Array): string
export function fromHex(hex: string): Uint8Array
export function toBytes(value: string | Uint8Array): Uint8Array
export function encode(bytes: Uint8Array): string
export function decode(text: string): Uint8Array | null
export function chacha20(key: Uint8Array, nonce: Uint8Array, bytes: Uint8Array): Uint8Array
export function deriveKeys(secret: string | Uint8Array, name: string): Keys
export function referenceSeal(payload: unknown, options: SealOptions): string
export function referenceOpen(token: string, options: OpenOptions): Opened
