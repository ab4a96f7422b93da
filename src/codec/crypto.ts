/** What two backends take from node:crypto. It is reached at run time, so that no bundler stumbles over an import. */
import type * as Crypto from 'node:crypto'
import { CONTEXT, DERIVED_BYTES, KEY_BYTES, STRETCH_ITERATIONS, STRONG_SECRET_BYTES } from './format.ts'

/** SHA-256's block, the length of HMAC's padded keys (RFC 2104 section 2). */
export const BLOCK_BYTES = 64
export const INNER_PAD = 0x36
export const OUTER_PAD = 0x5c

interface Runtime {
  process?: { getBuiltinModule?(id: string): unknown }
}

/** Whether there is a way to node:crypto. To go it for the first time takes milliseconds. */
export function hasBuiltins(): boolean {
  return typeof (globalThis as Runtime).process?.getBuiltinModule === 'function'
}

export function nodeCrypto(): typeof Crypto | undefined {
  return (globalThis as Runtime).process?.getBuiltinModule?.('node:crypto') as typeof Crypto | undefined
}

/** SHA-256, as a string of 32 characters below U+0100: the cheapest way to take a digest out of node, half of a Buffer's cost. */
export type Hash = (data: Uint8Array) => string

/** The runtime's one-shot hash, or undefined where it has none. */
export function oneShotHash(crypto: typeof Crypto): Hash | undefined {
  // Node's types leave 'latin1' out.
  return typeof crypto.hash === 'function' ? (data) => crypto.hash('sha256', data, 'latin1' as 'hex') : undefined
}

/** docs/format.md, Keys: PBKDF2 (RFC 8018) for a short secret; the others are what they are. */
export function stretch(crypto: typeof Crypto, secret: Uint8Array): Uint8Array {
  if (secret.length >= STRONG_SECRET_BYTES) return secret
  return crypto.pbkdf2Sync(secret, CONTEXT, STRETCH_ITERATIONS, STRONG_SECRET_BYTES, 'sha256')
}

/** docs/format.md, Keys: HKDF-SHA256 (RFC 5869). cipherKey || macKey || keyId. */
export function deriveKeys(crypto: typeof Crypto, secret: Uint8Array, name: string): Buffer {
  return Buffer.from(crypto.hkdfSync('sha256', secret, '', `${CONTEXT}\0${name}`, DERIVED_BYTES))
}

/** macKey, zero-padded to a block and xored with one of HMAC's pads (RFC 2104 section 2). */
export function padMacKey(derived: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES).fill(pad)
  for (let i = 0; i < KEY_BYTES; i++) block[i] = pad ^ (derived[KEY_BYTES + i] as number)
  return block
}
