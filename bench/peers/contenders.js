/**
 * Who does the same work: a session's JSON text into a cookie's value, and back. Each is set up the way its package uses it, where
 * that leaves a choice in the fastest way that it offers, and is checked before it is timed.
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
import { BACKENDS, forge, jsonOf } from '../contenders.js'
import { BEGAN, loadCodecs, NAME, SECRET } from './ours.js'

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} encrypts With what, or 'no'.
 * @property {string} authenticates With what.
 * @property {string} expires Which limits the server itself enforces.
 * @property {boolean} isBound Whether a value is refused under another cookie's name.
 * @property {boolean} isSync Async ones are awaited call by call.
 * @property {string} remark Empty, or what else has to be known about the figure.
 * @property {boolean} [takesObjects] Offers objects only: `seal` takes the data and `open` gives it.
 * @property {(input: any) => any} seal
 * @property {(value: any) => any} open Gives undefined or null, throws or rejects, when it refuses.
 * @property {(value: any) => any} [forge]
 */

/** Ours first: the others are held against `auto`. @returns {Promise<Peer[]>} */
export async function contenders() {
  return [
    ...(await ours()),
    straightforward(),
    fastify(),
    noble(),
    cookieSession(),
    original(),
    clientSession(),
    await joseDirect(),
    ironSession(),
  ]
}

async function ours() {
  const createCodec = await loadCodecs()
  return BACKENDS.map((backend) => {
    const codec = createCodec({ backend })
    return {
      name: backend,
      encrypts: 'ChaCha20',
      authenticates: 'HMAC-SHA256',
      expires: 'idle, absolute',
      isBound: true,
      isSync: true,
      remark: `cookie-sessions, backend '${backend}'`,
      seal: (/** @type {string} */ json) => codec.seal(json, BEGAN),
      open: (/** @type {string} */ token) => codec.open(token).json,
    }
  })
}

/**
 * Our format (docs/format.md) the way one writes it down with node:crypto: KeyObjects, one Hmac and one Cipher a token. Its random bytes
 * come out of a pool as ours do: at 1.5 us for 15 of them they would be a large part of the figure.
 */
function straightforward() {
  const derived = Buffer.from(crypto.hkdfSync('sha256', SECRET, '', `cookie-sessions v1\0${NAME}`, 66))
  const cipherKey = crypto.createSecretKey(derived.subarray(0, 32))
  const macKey = crypto.createSecretKey(derived.subarray(32, 64))
  const keyId = derived.readUInt16BE(64)
  const pool = Buffer.alloc(3840)
  let next = pool.length
  const day = 86_400_000

  function seal(/** @type {string} */ json) {
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
  }

  function open(/** @type {string} */ token) {
    const raw = Buffer.from(token, 'base64url')
    if (raw.length < 64 || raw.toString('base64url') !== token) return undefined
    if (raw[0] !== 1 || raw[1] !== 0 || raw[16] !== 0 || raw.readUInt16BE(2) !== keyId) return undefined
    const end = raw.length - 32
    const tag = crypto.createHmac('sha256', macKey).update(raw.subarray(0, end)).digest()
    if (!crypto.timingSafeEqual(tag, raw.subarray(end))) return undefined
    const issuedAt = raw.readUIntBE(10, 6)
    const now = Date.now()
    if (raw.readUIntBE(4, 6) > issuedAt || issuedAt > now + 60_000 || now - issuedAt >= day) return undefined
    return crypto.createDecipheriv('chacha20', cipherKey, raw.subarray(16, 32)).update(raw.subarray(32, end)).toString()
  }

  return {
    name: 'createHmac + createCipheriv',
    encrypts: 'ChaCha20',
    authenticates: 'HMAC-SHA256',
    expires: 'idle',
    isBound: true,
    isSync: true,
    remark: 'our format, straight on node:crypto with KeyObjects',
    seal,
    open,
  }
}

/** As @fastify/secure-session 8.4 encodes and decodes, without Fastify and without the age that it keeps in the JSON. */
function fastify() {
  return {
    name: 'sodium-native',
    encrypts: 'XSalsa20',
    authenticates: 'Poly1305',
    expires: 'no',
    isBound: false,
    isSync: true,
    remark: "secretbox, as in @fastify/secure-session (which keeps the session's age in its JSON)",
    seal(/** @type {string} */ json) {
      const nonce = Buffer.allocUnsafe(sodium.crypto_secretbox_NONCEBYTES)
      sodium.randombytes_buf(nonce)
      const text = Buffer.from(json)
      const box = Buffer.allocUnsafe(text.length + sodium.crypto_secretbox_MACBYTES)
      sodium.crypto_secretbox_easy(box, text, nonce, SECRET)
      return `${box.toString('base64')};${nonce.toString('base64')}`
    },
    open(/** @type {string} */ value) {
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
    name: '@noble/ciphers',
    encrypts: 'XChaCha20',
    authenticates: 'Poly1305',
    expires: 'no',
    isBound: false,
    isSync: true,
    remark: 'managedNonce(xchacha20poly1305) in JavaScript; base64url by Buffer',
    seal(/** @type {string} */ json) {
      const { buffer, byteOffset, length } = cipher.encrypt(Buffer.from(json))
      return Buffer.from(buffer, byteOffset, length).toString('base64url')
    },
    open: (/** @type {string} */ value) => Buffer.from(cipher.decrypt(Buffer.from(value, 'base64url'))).toString(),
  }
}

/** The part of cookie-session 2.1 that makes and checks its two cookies; it is keygrip that signs (cookies 0.9). */
function cookieSession() {
  const keys = new Keygrip([SECRET.toString('hex')])
  return {
    name: 'cookie-session',
    encrypts: 'no',
    authenticates: 'HMAC-SHA1',
    expires: 'no',
    isBound: true,
    isSync: true,
    remark: 'keygrip, the data is readable; two cookies',
    seal(/** @type {string} */ json) {
      const value = Buffer.from(json).toString('base64')
      return [value, keys.sign(`${NAME}=${value}`)]
    },
    open([value, signature] = ['', '']) {
      return keys.verify(`${NAME}=${value}`, signature) ? Buffer.from(value, 'base64').toString('utf8') : undefined
    },
    forge: (/** @type {[string, string]} */ [value, signature]) => [forge(value), signature],
  }
}

/**
 * What cookie-sessions 0.0.2 of 2011 did: createCipher('aes192', secret), which is EVP_BytesToKey (MD5, once, no salt), and
 * HMAC-SHA1 in hexadecimal. Kinder than that one was: the key is derived once, and is a KeyObject.
 */
function original() {
  const { encrypt, decrypt, sign } = originalPrimitives('secret')
  assert.strictEqual(encrypt('somedata'), '686734eb9e0fff9adea53983210825ef')
  assert.strictEqual(decrypt('686734eb9e0fff9adea53983210825ef'), 'somedata')
  assert.strictEqual(sign('1264710287440somedata'), '5eaaa22480acefd8b18d67bb194573dc1b75d9db')

  const own = originalPrimitives(SECRET.toString('hex'))
  const timeout = 86_400_000
  return {
    name: 'cookie-sessions 0.0.2',
    encrypts: 'AES-192-CBC',
    authenticates: 'HMAC-SHA1',
    expires: 'idle',
    isBound: false,
    isSync: true,
    remark:
      'the algorithm of the original on node:crypto: no nonce, so equal sessions give equal ciphertext; refused above 4,096 characters',
    seal(/** @type {string} */ json) {
      const data = own.encrypt(json)
      const time = Date.now()
      return own.sign(`${time}${data}`) + time + data
    },
    open(/** @type {string} */ value) {
      const signature = value.slice(0, 40)
      const time = Number.parseInt(value.slice(40, 53), 10)
      const data = value.slice(53)
      return own.sign(`${time}${data}`) === signature && time + timeout > Date.now() ? own.decrypt(data) : undefined
    },
  }
}

/** @param {string} secret */
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
    encrypt(/** @type {string} */ text) {
      const cipher = crypto.createCipheriv('aes-192-cbc', key, iv)
      return cipher.update(text, 'utf8', 'hex') + cipher.final('hex')
    },
    decrypt(/** @type {string} */ hex) {
      const decipher = crypto.createDecipheriv('aes-192-cbc', key, iv)
      return decipher.update(hex, 'hex', 'utf8') + decipher.final('utf8')
    },
    sign: (/** @type {string} */ text) => crypto.createHmac('sha1', macKey).update(text).digest('hex'),
  }
}

function clientSession() {
  const options = { cookieName: NAME, secret: SECRET.toString('hex') }
  return {
    name: 'client-sessions',
    encrypts: 'AES-256-CBC',
    authenticates: 'HMAC-SHA256',
    // util.decode() does not look at the duration; its middleware does.
    expires: 'idle (middleware)',
    isBound: true,
    isSync: true,
    remark: 'takes and gives objects: JSON is in the figure',
    takesObjects: true,
    seal: (/** @type {object} */ data) => clientSessions.util.encode(options, data),
    open: (/** @type {string} */ value) => clientSessions.util.decode(options, value)?.content,
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
    name: 'jose',
    encrypts: 'AES-256-GCM',
    authenticates: 'GCM',
    expires: 'no',
    isBound: false,
    isSync: false,
    remark: "compact JWE, alg 'dir', with a CryptoKey; expiry would be EncryptJWT's",
    seal: (/** @type {string} */ json) =>
      new CompactEncrypt(encoder.encode(json)).setProtectedHeader(header).encrypt(key),
    open: async (/** @type {string} */ value) => decoder.decode((await compactDecrypt(value, key, accept)).plaintext),
  }
}

/** As iron-session 9 calls it, its lossless JSON left out: `encode` and `decode` hand text through. */
function ironSession() {
  const asText = (/** @type {any} */ text) => text
  const options = { ...iron.defaults, ttl: 14 * 86_400_000, encode: asText, decode: asText }
  const secret = SECRET.toString('hex')
  return {
    name: 'iron-webcrypto',
    encrypts: 'AES-256-CBC',
    authenticates: 'HMAC-SHA256',
    expires: 'absolute',
    isBound: false,
    isSync: false,
    remark: 'as in iron-session: derives two keys from the password for every value',
    seal: (/** @type {string} */ json) => iron.seal(json, { id: '1', secret }, options),
    open: (/** @type {string} */ value) => iron.unseal(value, { 1: secret }, options),
  }
}

/** What `seal` takes of a peer. @param {Peer} peer @param {string} json */
export const inputOf = (peer, json) => (peer.takesObjects ? JSON.parse(json) : json)

/** Throws unless the peer gives back what it was given, at that size, and refuses what was changed. @param {Peer} peer @param {number} size */
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
  assert.ok(forged === undefined || forged === null, `${name}: takes a forged value at ${size} bytes`)
  return [value].flat().join('').length
}

/** The one that writes our format by other means must read ours, and ours its. @param {Peer[]} peers */
export async function checkFormat(peers) {
  const own = peers.filter(({ authenticates, encrypts }) => encrypts === 'ChaCha20' && authenticates === 'HMAC-SHA256')
  assert.strictEqual(own.length, BACKENDS.length + 1)
  for (const writer of own) {
    for (const reader of own) assert.strictEqual(reader.open(writer.seal('{"user":"ü"}')), '{"user":"ü"}')
  }
}

/** All that stands beside a figure. @param {Peer} peer */
export function noteOf({ encrypts, authenticates, expires, isBound, isSync, remark }) {
  return [
    encrypts === 'no'
      ? `signs (${authenticates}), does not encrypt`
      : `encrypts (${encrypts}) and authenticates (${authenticates})`,
    expires === 'no' ? 'enforces no expiry' : `expiry: ${expires}`,
    isBound ? 'bound to the cookie\u2019s name' : 'not bound to the cookie\u2019s name',
    isSync ? 'sync' : 'async',
    ...(remark ? [remark] : []),
  ].join('; ')
}
