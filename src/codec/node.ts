/**
 * The backend on node:crypto: the bytes of the wasm backend, made by OpenSSL. Also the measure that the wasm backend is held against,
 * so it is as fast as node:crypto allows: one-shot hashes over prepared blocks instead of Hmac objects, KeyObjects instead of raw
 * keys (bench/README.md).
 */
import type * as Crypto from 'node:crypto'
import { SessionError } from '../errors.ts'
import { type Backend, type Keyring, type NonceSource, type OpenedText, REFUSED, type Refused } from './backend.ts'
import { BLOCK_BYTES, deriveKeys, INNER_PAD, nodeCrypto, OUTER_PAD, oneShotHash, padMacKey, stretch } from './crypto.ts'
import { readExtensions } from './extensions.ts'
import {
  CREATED_AT_OFFSET,
  encodedLength,
  FLAG_EXTENSIONS,
  HEADER_BYTES,
  ISSUED_AT_OFFSET,
  KEY_BYTES,
  KEY_ID_OFFSET,
  MAX_PLAINTEXT_BYTES,
  MAX_SKEW_MS,
  MAX_TOKEN_CHARS,
  MIN_TOKEN_CHARS,
  NONCE_BYTES,
  NONCE_OFFSET,
  RANDOM_OFFSET,
  TAG_BYTES,
  VERSION,
} from './format.ts'
import { createText } from './text.ts'

/** Scratch, in this order: ipad key || header || text || tag, so that the inner hash reads one piece. */
const MESSAGE = BLOCK_BYTES
const PLAINTEXT = MESSAGE + HEADER_BYTES
/** Room for one character more than fits, so that too much is told from enough. */
const SCRATCH_BYTES = PLAINTEXT + MAX_PLAINTEXT_BYTES + TAG_BYTES + 4

interface Key {
  readonly id: number
  readonly cipherKey: Crypto.KeyObject
  readonly innerPad: Uint8Array
  /** opad key || inner digest: the outer hash's whole message. */
  readonly outer: Buffer
}

export function nodeBackend(): Backend {
  const crypto = nodeCrypto()
  if (crypto === undefined || !crypto.getCiphers().includes('chacha20')) {
    throw new SessionError('no-backend', "backend 'node' needs node:crypto with ChaCha20, which this runtime lacks")
  }
  return { name: 'node', keyring: (secrets, name) => createKeyring(crypto, secrets, name) }
}

function createKeyring(crypto: typeof Crypto, secrets: readonly Uint8Array[], name: string): Keyring {
  const keys = secrets.map((secret) => createKey(crypto, secret, name))
  const current = keys[0] as Key
  const memory = new ArrayBuffer(SCRATCH_BYTES)
  const bytes = Buffer.from(memory)
  const text = createText(memory)
  const stage = text.writer(PLAINTEXT, MAX_PLAINTEXT_BYTES + 4)
  const digest = Buffer.alloc(TAG_BYTES)

  const sha256 =
    oneShotHash(crypto) ??
    ((data: Uint8Array) =>
      crypto
        .createHash('sha256')
        .update(data)
        .digest('latin1' as 'hex'))

  /** HMAC-SHA256 (RFC 2104) of the scratch's message up to `end`, into `digest`. */
  function computeTag(key: Key, end: number): void {
    bytes.set(key.innerPad, 0)
    key.outer.write(sha256(bytes.subarray(0, end)), BLOCK_BYTES, 'latin1')
    digest.write(sha256(key.outer), 'latin1')
    bytes.fill(0, 0, MESSAGE)
  }

  /** ChaCha20 in place; its own inverse. */
  function xor(key: Key, end: number): void {
    const nonce = bytes.subarray(MESSAGE + NONCE_OFFSET, MESSAGE + NONCE_OFFSET + NONCE_BYTES)
    const output = crypto.createCipheriv('chacha20', key.cipherKey, nonce).update(bytes.subarray(PLAINTEXT, end))
    bytes.set(output, PLAINTEXT)
    output.fill(0)
  }

  function seal(json: string, createdAt: number, issuedAt: number, nonces: NonceSource): string | undefined {
    nonces.prepare(1)
    const length = stage(json)
    const end = PLAINTEXT + length
    if (length > MAX_PLAINTEXT_BYTES) {
      bytes.fill(0, PLAINTEXT, end)
      return undefined
    }
    // 1. header
    bytes[MESSAGE] = VERSION
    bytes[MESSAGE + 1] = 0
    bytes.writeUInt16BE(current.id, MESSAGE + KEY_ID_OFFSET)
    bytes.writeUIntBE(createdAt, MESSAGE + CREATED_AT_OFFSET, 6)
    bytes.writeUIntBE(issuedAt, MESSAGE + ISSUED_AT_OFFSET, 6)
    bytes[MESSAGE + NONCE_OFFSET] = 0
    nonces.take(bytes, MESSAGE + RANDOM_OFFSET)
    // 2. encrypt
    xor(current, end)
    // 3. tag
    computeTag(current, end)
    bytes.set(digest, end)
    // 4. encode
    return bytes.toString('base64url', MESSAGE, end + TAG_BYTES)
  }

  function open(token: string, now: number, timeout: number, absoluteTimeout: number): OpenedText | Refused {
    // 1. length
    const chars = token.length
    if (chars < MIN_TOKEN_CHARS || chars > MAX_TOKEN_CHARS || chars % 4 === 1) return REFUSED.malformed
    // 2. decode: node's decoder is lenient, so the one canonical spelling is the one that it writes back
    const end = MESSAGE + bytes.write(token, MESSAGE, 'base64url') - TAG_BYTES
    if (encodedLength(end + TAG_BYTES - MESSAGE) !== chars) return REFUSED.malformed
    if (bytes.toString('base64url', MESSAGE, end + TAG_BYTES) !== token) return REFUSED.malformed
    // 3. header
    const flags = bytes[MESSAGE + 1] as number
    if (bytes[MESSAGE] !== VERSION || flags > FLAG_EXTENSIONS) return REFUSED.unsupported
    if (bytes[MESSAGE + NONCE_OFFSET] !== 0) return REFUSED.malformed
    // 4. key, 5. tag
    const id = bytes.readUInt16BE(MESSAGE + KEY_ID_OFFSET)
    let keyIndex = -1
    let known = false
    for (let i = 0; i < keys.length && keyIndex < 0; i++) {
      const candidate = keys[i] as Key
      if (candidate.id !== id) continue
      known = true
      computeTag(candidate, end)
      if (crypto.timingSafeEqual(digest, bytes.subarray(end, end + TAG_BYTES))) keyIndex = i
    }
    digest.fill(0)
    if (keyIndex < 0) return known ? REFUSED['bad-tag'] : REFUSED['unknown-key']
    // 6. times
    const createdAt = bytes.readUIntBE(MESSAGE + CREATED_AT_OFFSET, 6)
    const issuedAt = bytes.readUIntBE(MESSAGE + ISSUED_AT_OFFSET, 6)
    if (createdAt > issuedAt) return REFUSED.malformed
    if (issuedAt > now + MAX_SKEW_MS) return REFUSED['not-yet-valid']
    if (now - issuedAt >= timeout || now - createdAt >= absoluteTimeout) return REFUSED.expired
    // 7. decrypt
    xor(keys[keyIndex] as Key, end)
    // 8. payload
    const start = flags === 0 ? PLAINTEXT : readExtensions(bytes, PLAINTEXT, end, now)
    const json = typeof start === 'number' ? text.utf8(start, end) : undefined
    bytes.fill(0, PLAINTEXT, end)
    if (typeof start !== 'number') return REFUSED[start]
    return json === undefined ? REFUSED['bad-payload'] : { ok: true, json, createdAt, issuedAt, keyIndex }
  }

  return { seal, open }
}

function createKey(crypto: typeof Crypto, secret: Uint8Array, name: string): Key {
  const derived = deriveKeys(crypto, stretch(crypto, secret), name)
  const outer = Buffer.alloc(BLOCK_BYTES + TAG_BYTES)
  outer.set(padMacKey(derived, OUTER_PAD))
  const key: Key = {
    id: derived.readUInt16BE(2 * KEY_BYTES),
    cipherKey: crypto.createSecretKey(derived.subarray(0, KEY_BYTES)),
    innerPad: padMacKey(derived, INNER_PAD),
    outer,
  }
  derived.fill(0)
  return key
}
