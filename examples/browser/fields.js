/** The fields of a token: docs/format.md, The token. They can be read without a secret; only the tag says whether to believe them. */

/** Header and tag: with fewer bytes there are no fields to speak of. */
export const LEAST_BYTES = 64

/** What each field is, by its id, which is also its class in style.css. */
const FIELDS = [
  { id: 'version', name: 'version', size: 1, about: 'which format this is; 1 is the only one so far' },
  { id: 'flags', name: 'flags', size: 1, about: 'bit 0: extensions stand before the JSON; the other bits are 0' },
  { id: 'key-id', name: 'key id', size: 2, about: 'tells a reader which of its keys to try' },
  {
    id: 'created-at',
    name: 'created-at',
    size: 6,
    about: 'when the session began; the absolute timeout counts from here',
  },
  {
    id: 'issued-at',
    name: 'issued-at',
    size: 6,
    about: 'when this token was sealed; the idle timeout counts from here',
  },
  {
    id: 'nonce',
    name: 'nonce',
    size: 16,
    about: 'one zero byte, then 15 random ones: no two tokens are encrypted alike',
  },
  { id: 'ciphertext', name: 'ciphertext', size: 0, about: 'ChaCha20(cipherKey, nonce) xor the JSON' },
  { id: 'tag', name: 'tag', size: 32, about: 'HMAC-SHA256 over all that stands before it' },
]

/**
 * The fields in order, with their places and what they say. Empty when there are too few bytes.
 * @param {Uint8Array} bytes
 * @returns {Field[]}
 *
 * @typedef {object} Field
 * @property {string} id
 * @property {string} name
 * @property {string} about What it is for.
 * @property {number} offset
 * @property {number} size
 * @property {string} value What its bytes say.
 */
export function fieldsOf(bytes) {
  if (bytes.length < LEAST_BYTES) return []
  let offset = 0
  return FIELDS.map(({ id, name, about, size: fixed }) => {
    const size = id === 'ciphertext' ? bytes.length - LEAST_BYTES : fixed
    const field = { id, name, about, offset, size, value: READ[id](bytes.subarray(offset, offset + size)) }
    offset += size
    return field
  })
}

/** @type {Record<string, (bytes: Uint8Array) => string>} */
const READ = {
  version: ([version]) => String(version),
  flags: ([flags]) => (flags === 0 ? 'none' : `0b${flags.toString(2).padStart(8, '0')}`),
  'key-id': hex,
  'created-at': time,
  'issued-at': time,
  nonce: (nonce) => `first block 0x${hex(nonce.slice(0, 4).reverse())}`, // little-endian: ChaCha20's own
  ciphertext: ({ length }) => `${length.toLocaleString('en')} ${length === 1 ? 'byte' : 'bytes'}, encrypted`,
  tag: (tag) => `${hex(tag.subarray(0, 4))}…`,
}

/** @param {Uint8Array} bytes */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** 48 bits of milliseconds, big-endian: more than bitwise operators hold. They reach to the year 10889. @param {Uint8Array} bytes */
function time(bytes) {
  return new Date(bytes.reduce((ms, byte) => ms * 256 + byte, 0)).toISOString()
}
