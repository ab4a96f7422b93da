/**
 * A second reading of docs/format.md, for tests: every step written out plainly, in the document's order and under its
 * numbers, sharing nothing with src/. It is slow, keeps keys in memory and compares tags with `===`-like loops, so it
 * must never serve a request. Types stand in reference.d.ts, so that a plain Node script can import this file.
 */
import { createHmac, pbkdf2Sync } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const LABEL = 'cookie-sessions v1'

// Bytes

export function concat(...parts) {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

export function toHex(bytes) {
  return Buffer.from(bytes).toString('hex')
}

export function fromHex(hex) {
  if (!/^([0-9a-f]{2})*$/.test(hex)) throw new Error(`not lower-case hex: ${hex}`)
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

/** A string becomes its UTF-8; bytes stay what they are. */
export function toBytes(value) {
  if (typeof value !== 'string') return Uint8Array.from(value)
  if (/\p{Surrogate}/u.test(value)) throw new Error('a lone surrogate has no UTF-8')
  return new TextEncoder().encode(value)
}

/** Big-endian. Plain arithmetic, because 48 bits do not fit JavaScript's bitwise operators. */
function writeUint(value, size) {
  const bytes = new Uint8Array(size)
  for (let i = size - 1; i >= 0; i--) {
    bytes[i] = value % 256
    value = Math.floor(value / 256)
  }
  return bytes
}

function readUint(bytes) {
  return bytes.reduce((value, byte) => value * 256 + byte, 0)
}

function equal(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

// base64url (RFC 4648 section 5), unpadded, canonical

export function encode(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let text = ''
  for (let i = 0; i < bits.length; i += 6) text += ALPHABET[Number.parseInt(bits.slice(i, i + 6).padEnd(6, '0'), 2)]
  return text
}

/** The bytes, or null for whatever `encode` would not have written. */
export function decode(text) {
  let bits = ''
  for (let i = 0; i < text.length; i++) {
    const index = ALPHABET.indexOf(text[i])
    if (index < 0) return null
    bits += index.toString(2).padStart(6, '0')
  }
  const spare = bits.length % 8
  if (spare === 6 || bits.slice(bits.length - spare).includes('1')) return null
  const bytes = new Uint8Array((bits.length - spare) / 8)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2)
  return bytes
}

// ChaCha20 (RFC 8439 section 2)

function rotl(x, n) {
  return (x << n) | (x >>> (32 - n))
}

/** Section 2.1. */
function quarterRound(s, a, b, c, d) {
  s[a] += s[b]
  s[d] = rotl(s[d] ^ s[a], 16)
  s[c] += s[d]
  s[b] = rotl(s[b] ^ s[c], 12)
  s[a] += s[b]
  s[d] = rotl(s[d] ^ s[a], 8)
  s[c] += s[d]
  s[b] = rotl(s[b] ^ s[c], 7)
}

/** Section 2.3: the 16 words of state in, 64 bytes of keystream out. */
function block(state) {
  const s = Uint32Array.from(state)
  for (let i = 0; i < 10; i++) {
    quarterRound(s, 0, 4, 8, 12)
    quarterRound(s, 1, 5, 9, 13)
    quarterRound(s, 2, 6, 10, 14)
    quarterRound(s, 3, 7, 11, 15)
    quarterRound(s, 0, 5, 10, 15)
    quarterRound(s, 1, 6, 11, 12)
    quarterRound(s, 2, 7, 8, 13)
    quarterRound(s, 3, 4, 9, 14)
  }
  const out = new DataView(new ArrayBuffer(64))
  for (let i = 0; i < 16; i++) out.setUint32(4 * i, s[i] + state[i], true)
  return new Uint8Array(out.buffer)
}

/** Section 2.4. `nonce` is 16 bytes: the initial block counter, little-endian, then the RFC's 12-byte nonce. */
export function chacha20(key, nonce, bytes) {
  const input = new DataView(concat(toBytes('expand 32-byte k'), key, nonce).buffer)
  const state = Uint32Array.from({ length: 16 }, (_, i) => input.getUint32(4 * i, true))
  const out = Uint8Array.from(bytes)
  for (let start = 0; start < out.length; start += 64) {
    const keystream = block(state)
    for (let i = start; i < Math.min(start + 64, out.length); i++) out[i] ^= keystream[i - start]
    state[12] += 1
  }
  return out
}

// Keys

function hmac(key, ...parts) {
  return Uint8Array.from(
    createHmac('sha256', key)
      .update(concat(...parts))
      .digest(),
  )
}

const derived = new Map()

/** Every value on the way from a secret and a name to the keys. */
export function deriveKeys(secret, name) {
  const given = toBytes(secret)
  const label = toBytes(LABEL)
  const nameBytes = toBytes(name)
  if (given.length === 0) throw new Error('an empty secret')
  if (nameBytes.length < 1 || nameBytes.length > 256 || nameBytes.includes(0)) throw new Error('not a name')

  const id = `${toHex(given)}:${toHex(nameBytes)}`
  if (!derived.has(id)) {
    const ikm = given.length < 32 ? Uint8Array.from(pbkdf2Sync(given, label, 600_000, 32, 'sha256')) : given
    const info = concat(label, [0], nameBytes)
    // RFC 5869: an absent salt is HashLen zeros (section 2.2); T(1) || T(2) || T(3), cut to 66 bytes (section 2.3).
    const prk = hmac(new Uint8Array(32), ikm)
    const t1 = hmac(prk, info, [1])
    const t2 = hmac(prk, t1, info, [2])
    const t3 = hmac(prk, t2, info, [3])
    const okm = concat(t1, t2, t3).slice(0, 66)
    derived.set(id, {
      ikm,
      info,
      prk,
      okm,
      cipherKey: okm.slice(0, 32),
      macKey: okm.slice(32, 64),
      keyId: okm.slice(64),
    })
  }
  return derived.get(id)
}

// Seal

/**
 * `payload` is the plaintext as bytes, or else any JSON value. Unlike a writer it also makes tokens that no writer may
 * make (another version, unknown flags, a nonce that does not begin with zero, created-at after issued-at, an empty or
 * an oversized plaintext), each with a tag that is right: that is what the negative vectors are made of.
 */
export function referenceSeal(payload, options) {
  const { secret, name, nonce15, createdAt, issuedAt, version = 1, flags = 0, nonceStart = 0 } = options
  const keys = deriveKeys(secret, name)
  const plaintext = payload instanceof Uint8Array ? payload : toBytes(JSON.stringify(payload))
  if (nonce15.length !== 15) throw new Error('nonce15 is 15 bytes')
  const nonce = concat([nonceStart], nonce15)

  // 1 header
  const header = concat([version, flags], keys.keyId, writeUint(createdAt, 6), writeUint(issuedAt, 6), nonce)
  // 2 encrypt
  const ciphertext = chacha20(keys.cipherKey, nonce, plaintext)
  // 3 tag
  const tag = hmac(keys.macKey, header, ciphertext)
  // 4 encode
  return encode(concat(header, ciphertext, tag))
}

// Open

function refuse(reason) {
  return { ok: false, reason }
}

export function referenceOpen(token, options) {
  const { secrets, name, timeout, absoluteTimeout = null, now } = options

  // 1 length
  if (token.length < 86 || token.length > 21_846 || token.length % 4 === 1) return refuse('malformed')

  // 2 decode
  const raw = decode(token)
  if (raw === null) return refuse('malformed')
  const header = raw.slice(0, 32)
  const ciphertext = raw.slice(32, raw.length - 32)
  const tag = raw.slice(raw.length - 32)

  // 3 header
  if (header[0] !== 1) return refuse('unsupported')
  const flags = header[1]
  if (flags !== 0 && flags !== 1) return refuse('unsupported')
  const nonce = header.slice(16)
  if (nonce[0] !== 0) return refuse('malformed')

  // 4 key
  const keyring = secrets.map((secret, keyIndex) => ({ keyIndex, ...deriveKeys(secret, name) }))
  const candidates = keyring.filter(({ keyId }) => equal(keyId, header.slice(2, 4)))
  if (candidates.length === 0) return refuse('unknown-key')

  // 5 tag
  const keys = candidates.find(({ macKey }) => equal(hmac(macKey, header, ciphertext), tag))
  if (!keys) return refuse('bad-tag')

  // 6 times
  const createdAt = readUint(header.slice(4, 10))
  const issuedAt = readUint(header.slice(10, 16))
  if (createdAt > issuedAt) return refuse('malformed')
  if (issuedAt > now + 60_000) return refuse('not-yet-valid')
  if (now - issuedAt >= timeout) return refuse('expired')
  if (absoluteTimeout !== null && now - createdAt >= absoluteTimeout) return refuse('expired')

  // 7 decrypt
  const plaintext = chacha20(keys.cipherKey, nonce, ciphertext)

  // 8 payload
  let json = plaintext
  if (flags === 1) {
    if (plaintext.length === 0) return refuse('bad-payload')
    const end = 1 + plaintext[0]
    if (end > plaintext.length) return refuse('bad-payload')
    const reason = refuseExtensions(plaintext.slice(1, end), now)
    if (reason) return refuse(reason)
    json = plaintext.slice(end)
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json)
    return { ok: true, data: JSON.parse(text), createdAt, issuedAt, keyIndex: keys.keyIndex }
  } catch {
    return refuse('bad-payload')
  }
}

const EXTENSION_LENGTHS = new Map([
  [0x01, 16],
  [0x02, 6],
  [0x03, 0],
])

/** Entry by entry: the first that fails gives the reason; null when none does. */
function refuseExtensions(entries, now) {
  const seen = new Set()
  let at = 0
  while (at < entries.length) {
    if (at + 2 > entries.length) return 'bad-payload'
    const type = entries[at]
    const length = entries[at + 1]
    const value = entries.slice(at + 2, at + 2 + length)
    if (value.length !== length) return 'bad-payload'
    at += 2 + length

    if (!EXTENSION_LENGTHS.has(type)) {
      if (type < 0x80) return 'unsupported'
      continue
    }
    if (length !== EXTENSION_LENGTHS.get(type) || seen.has(type)) return 'bad-payload'
    seen.add(type)
    if (type === 0x02 && now >= readUint(value)) return 'expired'
    if (type === 0x03) return 'unsupported'
  }
  return null
}
