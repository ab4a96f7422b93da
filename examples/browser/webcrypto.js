/**
 * The same work through WebCrypto, for the benchmark only: JSON, a fresh nonce, encryption, a tag, base64url, and back. It cannot make
 * this package's tokens: WebCrypto has no ChaCha20, so AES-CTR takes its place. And everything in it is asynchronous, too late for a
 * cookie that has to be set before the headers go out.
 */

const HEADER_BYTES = 32
const NONCE_OFFSET = 16
const TAG_BYTES = 32
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Absent outside of https and localhost. */
export const hasWebCrypto = globalThis.crypto?.subtle !== undefined

export async function createWebCrypto() {
  const { subtle } = crypto
  const macKey = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign', 'verify'])
  const cipherKey = await subtle.generateKey({ name: 'AES-CTR', length: 256 }, false, ['encrypt', 'decrypt'])
  const cipher = (/** @type {Uint8Array} */ header) => ({
    name: 'AES-CTR',
    counter: header.subarray(NONCE_OFFSET),
    length: 32,
  })

  return {
    /** @param {unknown} data */
    async seal(data) {
      const plaintext = encoder.encode(JSON.stringify(data))
      const raw = new Uint8Array(HEADER_BYTES + plaintext.length + TAG_BYTES)
      const header = raw.subarray(0, HEADER_BYTES)
      const body = raw.subarray(0, -TAG_BYTES)
      new DataView(raw.buffer).setBigUint64(8, BigInt(Date.now()))
      crypto.getRandomValues(header.subarray(NONCE_OFFSET))
      body.set(new Uint8Array(await subtle.encrypt(cipher(header), cipherKey, plaintext)), HEADER_BYTES)
      raw.set(new Uint8Array(await subtle.sign('HMAC', macKey, body)), body.length)
      return encode(raw)
    },
    /** @param {string} token */
    async open(token) {
      const raw = decode(token)
      const body = raw.subarray(0, -TAG_BYTES)
      if (!(await subtle.verify('HMAC', macKey, raw.subarray(-TAG_BYTES), body))) return undefined
      const plaintext = await subtle.decrypt(
        cipher(raw.subarray(0, HEADER_BYTES)),
        cipherKey,
        body.subarray(HEADER_BYTES),
      )
      return JSON.parse(decoder.decode(plaintext))
    },
  }
}

// The browser's own base64url where it has one: it is the fastest.
const OPTIONS = { alphabet: 'base64url', omitPadding: true }
const isNative = 'toBase64' in Uint8Array.prototype

function encode(bytes) {
  if (isNative) return bytes.toBase64(OPTIONS)
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '')
}

function decode(text) {
  if (isNative) return Uint8Array.fromBase64(text, OPTIONS)
  return Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (character) => character.charCodeAt(0))
}
