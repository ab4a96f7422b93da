/** The package as it is built, by its inner names (JSON text in, JSON text out), and the sessions that every suite seals with it. */
import { createHash, hkdfSync } from 'node:crypto'
import { UserError } from './print.js'

/** Bytes of JSON. */
export const SIZES = [32, 128, 256, 512, 1024, 2048, 3000]
/** The first is the one that the others are compared with. */
export const BACKENDS = ['auto', 'wasm', 'node']
export const PAIR = ['seal', 'open', 'seal + open']

/** Published, so not a secret: both sides of a comparison need the same one. */
export const SECRET = createHash('sha256').update('a published secret, good for benchmarks only').digest()
export const NAME = '_node'
/** When each session began, ms since the epoch. */
export const BEGAN = 1_700_000_000_000

/** docs/format.md, Keys: 32 bytes of cipher key, 32 of HMAC key, two of key id. */
export const derived = () => Buffer.from(hkdfSync('sha256', SECRET, '', `cookie-sessions v1\0${NAME}`, 66))

/** A function that makes codecs: `codecOf({ backend, random, now })`. */
export async function loadCodecs() {
  const { createTextCodec } = await built(import('../dist/codec/codec.js'))
  const { checkCodecOptions } = await built(import('../dist/codec/options.js'))
  return (options) => createTextCodec(checkCodecOptions({ secret: SECRET, name: NAME, ...options }))
}

/** What a promise or a function gives that needs the package's build. */
export async function built(needs) {
  try {
    return await (typeof needs === 'function' ? needs() : needs)
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' && error.code !== 'ENOENT') throw error
    throw new UserError('The build is missing: run npm run build and npm run build:kernels first')
  }
}

/** What to time of a codec or of another package that seals and opens. */
export function callOf({ seal, open, isSync = true }, group, input, value) {
  if (group === 'seal') return () => seal(input, BEGAN)
  if (group === 'open') return () => open(value)
  return isSync ? () => open(seal(input, BEGAN)) : async () => open(await seal(input))
}

/** JSON of exactly that many bytes. */
export const jsonOf = (bytes) => JSON.stringify({ user: 'a'.repeat(bytes - 11) })

/** The token with its middle character changed: well-formed, but with a wrong tag. */
export function forge(token) {
  const at = token.length >> 1
  const forged = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
  // In one piece, like a header's text: a concatenated string costs more to read.
  return Buffer.from(forged, 'latin1').toString('latin1')
}
