/** wasm against node:crypto: the kernels one by one, and the whole codec on each backend. Nothing is timed before it is checked. */
import { strictEqual } from 'node:assert'
import crypto from 'node:crypto'
import { readFileSync } from 'node:fs'
import { inProcesses } from '../options.js'
import { BACKENDS, BEGAN, built, callOf, forge, jsonOf, loadCodecs, PAIR, SIZES } from '../ours.js'

export const options = {
  quick: '20 seconds instead of two minutes: fewer sizes, fewer rounds',
  only: `only the rows whose "<group> <size>" matches, as in --only 'seal|open' or --only 'SHA-256 (32|256)$'`,
  numbers: inProcesses({ rounds: 21, time: 27 }, { rounds: 9, time: 12 }),
  sizes: [SIZES, [32, 256, 1024, 3000]],
}

export async function prepare({ rounds, sizes, only }) {
  const groups = Object.keys({ ...(await kernelWork()), ...(await codecWork()) })
  return {
    intro: [`Microseconds a call; medians over ${rounds} interleaved rounds. Above 1x, the first column is faster.`],
    plan: groups
      .flatMap((group) => sizes.map((size) => ({ group, size })))
      .filter(({ group, size }) => only.test(`${group} ${size}`)),
  }
}

export async function work() {
  const all = { ...(await kernelWork()), ...(await codecWork()) }
  return (group, size) => all[group](size)
}

/** Functions by group that take a size in bytes and return contenders, by backend. */
export async function codecWork(backends = BACKENDS) {
  const codecOf = await loadCodecs()
  const codecs = backends.map((backend) => [backend, codecOf({ backend })])
  const json = jsonOf(256)
  for (const [, { seal }] of codecs) {
    const token = seal(json, BEGAN)
    for (const [, { open }] of codecs) {
      strictEqual(open(token).json, json)
      strictEqual(open(forge(token)).reason, 'bad-tag')
    }
  }
  const each = (callFor) => (size) => {
    const text = jsonOf(size)
    return Object.fromEntries(codecs.map(([name, codec]) => [name, callFor(codec, text, codec.seal(text, BEGAN))]))
  }
  return {
    ...Object.fromEntries(PAIR.map((group) => [group, each((codec, ...given) => callOf(codec, group, ...given))])),
    'refuse (forged)': each((codec, text, token) => callOf(codec, 'open', text, forge(token))),
  }
}

/**
 * Functions by group as above. Each side is measured where it is at home: the wasm kernel on bytes in its memory, node on a Buffer, and
 * node in the fastest way that it offers.
 */
export async function kernelWork() {
  const bytes = await built(() => readFileSync(new URL('../../build/kernels.wasm', import.meta.url)))
  const kernels = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
  const memory = Buffer.from(kernels.memory.buffer)
  const [input, spare, text] = [kernels.MESSAGE.value, kernels.SPARE.value, kernels.TOKEN.value]
  const [midstates, digest] = [kernels.KEYED.value, kernels.DIGEST.value]
  const key = crypto.createHash('sha256').update('key').digest()
  const nonce = Buffer.alloc(16, 9)
  nonce[0] = 0
  const noise = crypto.createCipheriv('chacha20', key, nonce).update(Buffer.alloc(4096))
  /** Bytes for node's side, and the same where the kernel finds its input, whatever was there before. */
  const place = (size) => {
    memory.set(noise.subarray(0, size), input)
    return Buffer.from(noise.subarray(0, size))
  }
  const textAt = (at, length) => memory.latin1Slice(at, at + length)

  memory.set(key, input)
  kernels.setKey(input, key.length, midstates)
  const macKey = crypto.createSecretKey(key)
  const cipherKey = crypto.createSecretKey(key)
  // A string of bytes takes half as long to get out of node as a Buffer.
  const sha256 =
    typeof crypto.hash === 'function'
      ? (bytes) => crypto.hash('sha256', bytes, 'latin1')
      : (bytes) => crypto.createHash('sha256').update(bytes).digest('latin1')

  return {
    'SHA-256'(size) {
      const bytes = place(size)
      const wasm = () => kernels.sha256(input, size, digest)
      const node = () => sha256(bytes)
      wasm()
      strictEqual(textAt(digest, 32), node())
      return { wasm, node }
    },
    // RFC 2104. The fastest way in node is two one-shot hashes over prepared blocks (src/codec/node.ts).
    'HMAC-SHA256'(size) {
      const bytes = place(size)
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
      wasm()
      strictEqual(textAt(digest, 32), node())
      strictEqual(textAt(digest, 32), createHmac())
      return { wasm, node, createHmac }
    },
    ChaCha20(size) {
      const bytes = place(size)
      memory.set(key, spare)
      memory.set(nonce, spare + 32)
      const wasm = () => kernels.chacha20(spare, spare + 32, input, size)
      const node = () => crypto.createCipheriv('chacha20', cipherKey, nonce).update(bytes)
      wasm()
      strictEqual(textAt(input, size), node().latin1Slice(0, size))
      return { wasm, node }
    },
    'base64url encode'(size) {
      const bytes = place(size)
      const wasm = () => textAt(text, kernels.encode(input, size, text))
      const node = () => bytes.base64urlSlice(0, size)
      strictEqual(wasm(), node())
      return { wasm, node }
    },
    // The kernel refuses text that is not canonical. Node does not, and needs a second look for that (src/codec/node.ts), not timed here.
    'base64url decode'(size) {
      const encoded = place(size).toString('base64url')
      const target = Buffer.alloc(size)
      const wasm = () => {
        memory.latin1Write(encoded, text, encoded.length)
        return kernels.decode(text, encoded.length, input)
      }
      const node = () => target.base64urlWrite(encoded, 0, size)
      strictEqual(wasm(), node())
      strictEqual(textAt(input, size), target.latin1Slice(0, size))
      return { wasm, node }
    },
  }
}
