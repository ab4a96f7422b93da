/** What `npm run bench` times: the kernels against node's, and the whole codec on each backend. Nothing is timed before it is checked. */
import { strictEqual } from 'node:assert'
import crypto from 'node:crypto'
import { readFileSync } from 'node:fs'

export const SIZES = [32, 128, 256, 512, 1024, 2048, 3000]
/** The first is what the others are held against. */
export const BACKENDS = ['auto', 'wasm', 'node']

/**
 * Contenders by name, the first being what the others are held against, ready to be called.
 * @typedef {(size: number) => Record<string, () => unknown>} Work
 */

/** When each session began, ms since the epoch. */
const BEGAN = 1_700_000_000_000

/** The package as it is built, by its inner names: JSON text in, JSON text out. */
async function loadBuilt() {
  try {
    const { createTextCodec } = await import('../dist/codec/codec.js')
    const { checkCodecOptions } = await import('../dist/codec/options.js')
    return { createTextCodec, checkCodecOptions }
  } catch (error) {
    if (/** @type {any} */ (error).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new NotBuilt('dist/ is missing: run npm run build first')
  }
}

export class NotBuilt extends Error {}

/** JSON of exactly `bytes` bytes. @param {number} bytes */
export const jsonOf = (bytes) => JSON.stringify({ user: 'a'.repeat(bytes - 11) })

/** @param {string} token Its middle character changed: right in form, wrong in its tag. */
export function forge(token) {
  const at = token.length >> 1
  const forged = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
  // In one piece, as out of a header: a string that was put together costs more to read.
  return Buffer.from(forged, 'latin1').toString('latin1')
}

/** Kernels first, then the codec. */
export async function allWork() {
  return { ...kernelWork(), ...(await codecWork()) }
}

/** @param {readonly string[]} [backends] @returns {Promise<Record<string, Work>>} */
export async function codecWork(backends = BACKENDS) {
  const { createTextCodec, checkCodecOptions } = await loadBuilt()
  const secret = Buffer.alloc(32, 7)
  const codecs = backends.map((backend) => ({
    backend,
    codec: createTextCodec(checkCodecOptions({ secret, name: '_node', backend })),
  }))
  const json = jsonOf(256)
  for (const { codec } of codecs) {
    const token = codec.seal(json, BEGAN)
    for (const { codec: other } of codecs) {
      strictEqual(other.open(token).json, json)
      strictEqual(other.open(forge(token)).reason, 'bad-tag')
    }
  }
  /** @param {(codec: any, json: string) => () => unknown} make @returns {Work} */
  const each = (make) => (size) =>
    Object.fromEntries(codecs.map(({ backend, codec }) => [backend, make(codec, jsonOf(size))]))
  return {
    seal: each((codec, json) => () => codec.seal(json, BEGAN)),
    open: each((codec, json) => {
      const token = codec.seal(json, BEGAN)
      return () => codec.open(token)
    }),
    'seal + open': each((codec, json) => () => codec.open(codec.seal(json, BEGAN))),
    'refuse (forged)': each((codec, json) => {
      const forged = forge(codec.seal(json, BEGAN))
      return () => codec.open(forged)
    }),
  }
}

/**
 * Each where it is at home: the wasm kernel on bytes in its memory, node's on a Buffer. Of node's ways to do it the fastest is taken.
 * @returns {Record<string, Work>}
 */
export function kernelWork() {
  const kernels = loadKernels()
  const memory = Buffer.from(kernels.memory.buffer)
  const [input, output, text] = [kernels.MESSAGE.value, kernels.SPARE.value, kernels.TOKEN.value]
  const [midstates, digest] = [kernels.KEYED.value, kernels.DIGEST.value]
  const key = crypto.createHash('sha256').update('key').digest()
  const nonce = Buffer.alloc(16, 9)
  nonce[0] = 0
  const noise = crypto.createCipheriv('chacha20', key, nonce).update(Buffer.alloc(4096))
  const bytesOf = (/** @type {number} */ size) => Buffer.from(noise.subarray(0, size))
  /** The wasm contender finds its input in memory, whoever wrote there before. */
  const place = (/** @type {number} */ size) => memory.set(bytesOf(size), input)
  const digestText = () => memory.latin1Slice(digest, digest + 32)

  memory.set(key, input)
  kernels.setKey(input, key.length, midstates)
  const macKey = crypto.createSecretKey(key)
  const cipherKey = crypto.createSecretKey(key)
  const sha256 = oneShot()

  return {
    'SHA-256'(size) {
      const bytes = bytesOf(size)
      const wasm = () => kernels.sha256(input, size, digest)
      const node = () => sha256(bytes)
      place(size)
      wasm()
      strictEqual(digestText(), node())
      return { wasm, node }
    },
    // RFC 2104: node's fastest way are two one-shot hashes over prepared blocks (src/codec/node.ts).
    'HMAC-SHA256'(size) {
      const bytes = bytesOf(size)
      const inner = Buffer.concat([Buffer.alloc(64, 0x36), bytes])
      const outer = Buffer.alloc(96, 0x5c)
      key.forEach((byte, i) => {
        inner[i] = byte ^ 0x36
        outer[i] = byte ^ 0x5c
      })
      const wasm = () => kernels.hmac(midstates, input, size, digest)
      const node = () => {
        outer.latin1Write(sha256(inner), 64, 32)
        return sha256(outer)
      }
      const createHmac = () => crypto.createHmac('sha256', macKey).update(bytes).digest('latin1')
      place(size)
      wasm()
      strictEqual(digestText(), node())
      strictEqual(digestText(), createHmac())
      return { wasm, node, createHmac }
    },
    ChaCha20(size) {
      const bytes = bytesOf(size)
      const [keyAt, nonceAt] = [output, output + 32]
      memory.set(key, keyAt)
      memory.set(nonce, nonceAt)
      const wasm = () => kernels.chacha20(keyAt, nonceAt, input, size)
      const node = () => crypto.createCipheriv('chacha20', cipherKey, nonce).update(bytes)
      place(size)
      wasm()
      strictEqual(memory.latin1Slice(input, input + size), node().latin1Slice(0, size))
      return { wasm, node }
    },
    'base64url encode'(size) {
      const bytes = bytesOf(size)
      const wasm = () => memory.latin1Slice(text, text + kernels.encode(input, size, text))
      const node = () => bytes.base64urlSlice(0, size)
      place(size)
      strictEqual(wasm(), node())
      return { wasm, node }
    },
    // The kernel refuses what is not canonical; node does not, and needs a second look for that (src/codec/node.ts), not counted here.
    'base64url decode'(size) {
      const encoded = bytesOf(size).toString('base64url')
      const target = Buffer.alloc(size)
      const wasm = () => {
        memory.latin1Write(encoded, text, encoded.length)
        return kernels.decode(text, encoded.length, input)
      }
      const node = () => target.base64urlWrite(encoded, 0, size)
      strictEqual(wasm(), node())
      strictEqual(memory.latin1Slice(input, input + size), target.latin1Slice(0, size))
      return { wasm, node }
    },
  }
}

/** SHA-256 of bytes as a string of bytes: half of what a Buffer costs to take out of node. */
function oneShot() {
  const { hash } = crypto
  return typeof hash === 'function'
    ? (/** @type {Buffer} */ bytes) => hash('sha256', bytes, 'latin1')
    : (/** @type {Buffer} */ bytes) => crypto.createHash('sha256').update(bytes).digest('latin1')
}

function loadKernels() {
  try {
    const bytes = readFileSync(new URL('../build/kernels.wasm', import.meta.url))
    return /** @type {any} */ (new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports)
  } catch (error) {
    if (/** @type {any} */ (error).code !== 'ENOENT') throw error
    throw new NotBuilt('build/kernels.wasm is missing: run npm run build and npm run build:kernels first')
  }
}
