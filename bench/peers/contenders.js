/**
 * Packages that do the same work: a session's JSON text into a cookie's value, and back. Each is set up the way its package uses it and,
 * where that leaves a choice, in the fastest way that it offers. Each is checked before it is timed.
 */
import assert from 'node:assert'
import crypto from 'node:crypto'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { managedNonce } from '@noble/ciphers/utils.js'
import clientSessions from 'client-sessions'
import * as iron from 'iron-webcrypto'
import { CompactEncrypt, compactDecrypt } from 'jose'
import Keygrip from 'keygrip'
import sodium from 'sodium-native'
import { BACKENDS, BEGAN, derived, forge, jsonOf, loadCodecs, NAME, SECRET } from '../ours.js'

const DAY = 86_400_000
const ORIGINAL = 'cookie-sessions 0.0.2'
const PLAIN = 'createHmac + createCipheriv'

/**
 * What each does: encrypts, with what or 'no'; authenticates, with what; which limits the server itself enforces; whether a value is
 * refused under another cookie's name; whether it is synchronous; what else has to be known about the figure.
 */
// biome-ignore format: a table
const FACTS = {
  auto: ['ChaCha20', 'HMAC-SHA256', 'idle, absolute', true, true, "cookie-sessions, backend 'auto'"],
  wasm: ['ChaCha20', 'HMAC-SHA256', 'idle, absolute', true, true, "cookie-sessions, backend 'wasm'"],
  node: ['ChaCha20', 'HMAC-SHA256', 'idle, absolute', true, true, "cookie-sessions, backend 'node'"],
  [PLAIN]: ['ChaCha20', 'HMAC-SHA256', 'idle', true, true, 'our format, straight on node:crypto with KeyObjects'],
  'sodium-native': ['XSalsa20', 'Poly1305', 'no', false, true, "secretbox, as in @fastify/secure-session (which keeps the session's age in its JSON)"],
  '@noble/ciphers': ['XChaCha20', 'Poly1305', 'no', false, true, 'managedNonce(xchacha20poly1305) in JavaScript; base64url by Buffer'],
  'cookie-session': ['no', 'HMAC-SHA1', 'no', true, true, 'keygrip, the data is readable; two cookies'],
  [ORIGINAL]: ['AES-192-CBC', 'HMAC-SHA1', 'idle', false, true, 'the algorithm of the original on node:crypto: no nonce, so equal sessions give equal ciphertext; refused above 4,096 characters'],
  // util.decode() ignores the duration; the package's middleware enforces it.
  'client-sessions': ['AES-256-CBC', 'HMAC-SHA256', 'idle (middleware)', true, true, 'takes and gives objects: JSON is in the figure'],
  jose: ['AES-256-GCM', 'GCM', 'no', false, false, "compact JWE, alg 'dir', with a CryptoKey; expiry would be EncryptJWT's"],
  'iron-webcrypto': ['AES-256-CBC', 'HMAC-SHA256', 'absolute', false, false, 'as in iron-session: derives two keys from the password for every value'],
}

/**
 * Ours first: the others are compared with `auto`. `open` gives undefined or null, throws or rejects when it refuses. Where a peer
 * `takesObjects`, `seal` takes the data and `open` gives it.
 */
export async function contenders() {
  const codecOf = await loadCodecs()
  const ours = BACKENDS.map((backend) => {
    const { seal, open } = codecOf({ backend })
    return [backend, { seal: (json) => seal(json, BEGAN), open: (token) => open(token).json }]
  })
  const peers = {
    ...Object.fromEntries(ours),
    [PLAIN]: straightforward(),
    'sodium-native': fastify(),
    '@noble/ciphers': noble(),
    'cookie-session': cookieSession(),
    [ORIGINAL]: original(),
    'client-sessions': clientSession(),
    jose: await joseDirect(),
    'iron-webcrypto': ironSession(),
  }
  return Object.entries(peers).map(([name, peer]) => {
    const [encrypts, authenticates, expires, isBound, isSync, remark] = FACTS[name]
    return { name, encrypts, authenticates, expires, isBound, isSync, remark, ...peer }
  })
}

/**
 * Our format (docs/format.md) the way one writes it down with node:crypto: KeyObjects, one Hmac and one Cipher a token. Its random bytes
 * come from a pool like ours: at 1.5 us for 15 of them they would be a large part of the figure.
 */
function straightforward() {
  const keys = derived()
  const cipherKey = crypto.createSecretKey(keys.subarray(0, 32))
  const macKey = crypto.createSecretKey(keys.subarray(32, 64))
  const keyId = keys.readUInt16BE(64)
  const pool = Buffer.alloc(3840)
  let next = pool.length
  return {
    seal(json) {
      if (next === pool.length) {
        crypto.randomFillSync(pool)
        next = 0
      }
      const header = Buffer.alloc(32)
      header[0] = 1
      header.writeUInt16BE(keyId, 2)
      header.writeUIntBE(BEGAN, 4, 6)
      header.writeUIntBE(Date.now(), 10, 6)
      pool.copy(header, 17, next, next + 15)
      next += 15
      const ciphertext = crypto.createCipheriv('chacha20', cipherKey, header.subarray(16)).update(json, 'utf8')
      const tag = crypto.createHmac('sha256', macKey).update(header).update(ciphertext).digest()
      return Buffer.concat([header, ciphertext, tag]).toString('base64url')
    },
    open(token) {
      const raw = Buffer.from(token, 'base64url')
      if (raw.length < 64 || raw.toString('base64url') !== token) return undefined
      if (raw[0] !== 1 || raw[1] !== 0 || raw[16] !== 0 || raw.readUInt16BE(2) !== keyId) return undefined
      const end = raw.length - 32
      const tag = crypto.createHmac('sha256', macKey).update(raw.subarray(0, end)).digest()
      if (!crypto.timingSafeEqual(tag, raw.subarray(end))) return undefined
      const issuedAt = raw.readUIntBE(10, 6)
      const now = Date.now()
      if (raw.readUIntBE(4, 6) > issuedAt || issuedAt > now + 60_000 || now - issuedAt >= DAY) return undefined
      const decipher = crypto.createDecipheriv('chacha20', cipherKey, raw.subarray(16, 32))
      return decipher.update(raw.subarray(32, end)).toString()
    },
  }
}

/** Encodes and decodes as @fastify/secure-session 8.4 does, without Fastify and without the age that it keeps in the JSON. */
function fastify() {
  return {
    seal(json) {
      const nonce = Buffer.allocUnsafe(sodium.crypto_secretbox_NONCEBYTES)
      sodium.randombytes_buf(nonce)
      const text = Buffer.from(json)
      const box = Buffer.allocUnsafe(text.length + sodium.crypto_secretbox_MACBYTES)
      sodium.crypto_secretbox_easy(box, text, nonce, SECRET)
      return `${box.toString('base64')};${nonce.toString('base64')}`
    },
    open(value) {
      const split = value.split(';')
      if (split.length <= 1) return undefined
      const box = Buffer.from(split[0], 'base64')
      const nonce = Buffer.from(split[1], 'base64')
      if (box.length < sodium.crypto_secretbox_MACBYTES || nonce.length !== sodium.crypto_secretbox_NONCEBYTES) {
        return undefined
      }
      const text = Buffer.allocUnsafe(box.length - sodium.crypto_secretbox_MACBYTES)
      return sodium.crypto_secretbox_open_easy(text, box, nonce, SECRET) ? text.toString() : undefined
    },
  }
}

function noble() {
  const cipher = managedNonce(xchacha20poly1305)(SECRET)
  return {
    seal(json) {
      const { buffer, byteOffset, length } = cipher.encrypt(Buffer.from(json))
      return Buffer.from(buffer, byteOffset, length).toString('base64url')
    },
    open: (value) => Buffer.from(cipher.decrypt(Buffer.from(value, 'base64url'))).toString(),
  }
}

/** The part of cookie-session 2.1 that makes and checks its two cookies; keygrip signs for it (cookies 0.9). */
function cookieSession() {
  const keys = new Keygrip([SECRET.toString('hex')])
  return {
    seal(json) {
      const value = Buffer.from(json).toString('base64')
      return [value, keys.sign(`${NAME}=${value}`)]
    },
    open([value, signature]) {
      return keys.verify(`${NAME}=${value}`, signature) ? Buffer.from(value, 'base64').toString('utf8') : undefined
    },
    forge: ([value, signature]) => [forge(value), signature],
  }
}

/**
 * The algorithm of cookie-sessions 0.0.2 (2011): createCipher('aes192', secret), which is EVP_BytesToKey (MD5, once, no salt), and
 * HMAC-SHA1 in hexadecimal. Faster than the package was: the key is derived once, and is a KeyObject.
 */
function original() {
  const published = originalPrimitives('secret')
  assert.strictEqual(published.encrypt('somedata'), '686734eb9e0fff9adea53983210825ef')
  assert.strictEqual(published.decrypt('686734eb9e0fff9adea53983210825ef'), 'somedata')
  assert.strictEqual(published.sign('1264710287440somedata'), '5eaaa22480acefd8b18d67bb194573dc1b75d9db')

  const { encrypt, decrypt, sign } = originalPrimitives(SECRET.toString('hex'))
  return {
    seal(json) {
      const data = encrypt(json)
      const time = Date.now()
      return sign(`${time}${data}`) + time + data
    },
    open(value) {
      const signature = value.slice(0, 40)
      const time = Number.parseInt(value.slice(40, 53), 10)
      const data = value.slice(53)
      return sign(`${time}${data}`) === signature && time + DAY > Date.now() ? decrypt(data) : undefined
    },
  }
}

function originalPrimitives(secret) {
  let derived = Buffer.alloc(0)
  let last = Buffer.alloc(0)
  while (derived.length < 40) {
    last = crypto.createHash('md5').update(last).update(secret).digest()
    derived = Buffer.concat([derived, last])
  }
  const key = crypto.createSecretKey(derived.subarray(0, 24))
  const iv = derived.subarray(24, 40)
  const macKey = crypto.createSecretKey(Buffer.from(secret))
  return {
    encrypt(text) {
      const cipher = crypto.createCipheriv('aes-192-cbc', key, iv)
      return cipher.update(text, 'utf8', 'hex') + cipher.final('hex')
    },
    decrypt(hex) {
      const decipher = crypto.createDecipheriv('aes-192-cbc', key, iv)
      return decipher.update(hex, 'hex', 'utf8') + decipher.final('utf8')
    },
    sign: (text) => crypto.createHmac('sha1', macKey).update(text).digest('hex'),
  }
}

function clientSession() {
  const options = { cookieName: NAME, secret: SECRET.toString('hex') }
  return {
    takesObjects: true,
    seal: (data) => clientSessions.util.encode(options, data),
    open: (value) => clientSessions.util.decode(options, value)?.content,
  }
}

async function joseDirect() {
  // A CryptoKey, so that no call has to import the bytes.
  const key = await crypto.subtle.importKey('raw', SECRET, 'AES-GCM', false, ['encrypt', 'decrypt'])
  const header = { alg: 'dir', enc: 'A256GCM' }
  const accept = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] }
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  return {
    seal: (json) => new CompactEncrypt(encoder.encode(json)).setProtectedHeader(header).encrypt(key),
    open: async (value) => decoder.decode((await compactDecrypt(value, key, accept)).plaintext),
  }
}

/** Called as iron-session 9 calls it, without its lossless JSON: `encode` and `decode` pass text through. */
function ironSession() {
  const asText = (text) => text
  const options = { ...iron.defaults, ttl: 14 * DAY, encode: asText, decode: asText }
  const secret = SECRET.toString('hex')
  return {
    seal: (json) => iron.seal(json, { id: '1', secret }, options),
    open: (value) => iron.unseal(value, { 1: secret }, options),
  }
}

/** What a peer's `seal` takes. */
export const inputOf = ({ takesObjects }, json) => (takesObjects ? JSON.parse(json) : json)

/** Throws unless the peer gives back what it was given, at that size, and refuses a changed value. Resolves to the value's length. */
export async function check(peer, size) {
  const { name, isSync, seal, open, forge: change = forge } = peer
  const input = inputOf(peer, jsonOf(size))
  const sealed = seal(input)
  assert.strictEqual(sealed instanceof Promise, !isSync, `${name}: sync or not`)
  const value = await sealed
  assert.deepStrictEqual(await open(value), input, `${name}: gives back something else at ${size} bytes`)
  let forged
  try {
    forged = await open(change(value))
  } catch {
    forged = undefined
  }
  assert.ok(forged === undefined || forged === null, `${name}: accepts a forged value at ${size} bytes`)
  return [value].flat().join('').length
}

/** Throws unless the one that writes our format by other means reads ours, and ours its. */
export function checkFormat(peers) {
  const own = peers.filter(({ name }) => name === PLAIN || BACKENDS.includes(name))
  for (const writer of own) {
    for (const reader of own) assert.strictEqual(reader.open(writer.seal('{"user":"ü"}')), '{"user":"ü"}')
  }
}

/** Everything that is printed beside a figure. */
export const noteOf = ({ encrypts, authenticates, expires, isBound, isSync, remark }) =>
  [
    encrypts === 'no'
      ? `signs (${authenticates}), does not encrypt`
      : `encrypts (${encrypts}) and authenticates (${authenticates})`,
    expires === 'no' ? 'enforces no expiry' : `expiry: ${expires}`,
    isBound ? 'bound to the cookie\u2019s name' : 'not bound to the cookie\u2019s name',
    isSync ? 'sync' : 'async',
    remark,
  ].join('; ')
