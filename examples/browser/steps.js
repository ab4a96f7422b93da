/** Opening a token, step by step: docs/format.md, Open. open() gives a reason; this finds out which step gave it, and says it in words. */
import { sextetOf, spareBits } from './base64url.js'
import { hex } from './fields.js'

export const STEPS = ['Length', 'Decode', 'Header', 'Key', 'Tag', 'Times', 'Decrypt', 'Payload']

/**
 * @param {string} token
 * @param {Uint8Array | undefined} bytes The token, decoded as far as it can be.
 * @param {string} reason What open() answered.
 * @returns {{ step: number, why: string }} The step counts from 1.
 */
export function refusal(token, bytes, reason) {
  switch (reason) {
    case 'malformed':
      return malformed(token, bytes)
    case 'unsupported':
      return unsupported(bytes)
    case 'unknown-key':
      return { step: 4, why: `No key here has the id ${hex(bytes.subarray(2, 4))}: another secret, or another name.` }
    case 'bad-tag':
      return {
        step: 5,
        why: 'The tag is not the HMAC of what stands before it: something was changed. Nothing was decrypted.',
      }
    case 'not-yet-valid':
      return { step: 6, why: 'It was issued more than a minute in the future: one of the two clocks is wrong.' }
    case 'expired':
      return { step: 6, why: expired(bytes) }
    default:
      return { step: 8, why: 'It is authentic, but what it holds is no JSON: its writer has a fault.' }
  }
}

/** An expiry that it carries is looked at last, in step 8. */
function expired([, flags]) {
  const own = flags === 0 ? '' : ', or it is past an expiry that it carries'
  return `It was issued longer ago than the timeout allows${own}.`
}

function malformed(token, bytes) {
  const { length } = token
  if (length < 86 || length > 21_846 || length % 4 === 1) {
    const rule =
      length % 4 === 1 ? 'no bytes make a length that leaves 1 when divided by 4' : 'a token has 86 to 21,846'
    return { step: 1, why: `${length.toLocaleString('en')} ${length === 1 ? 'character' : 'characters'}: ${rule}.` }
  }
  if (bytes === undefined) {
    const stranger = [...token].find((character) => sextetOf(character) < 0)
    return { step: 2, why: `${JSON.stringify(stranger)} is not in base64url’s alphabet.` }
  }
  const spare = spareBits(length)
  if (sextetOf(token[length - 1]) % 2 ** spare !== 0) {
    return {
      step: 2,
      why: `The last ${spare} bits belong to no byte and have to be zero: a token has one spelling only.`,
    }
  }
  if (bytes[16] !== 0)
    return { step: 3, why: 'The nonce’s first byte is not zero: it counts the blocks of this token.' }
  return { step: 6, why: 'created-at is later than issued-at.' }
}

function unsupported([version, flags]) {
  if (version !== 1) return { step: 3, why: `Version ${version}: this reader knows version 1.` }
  if (flags > 1) return { step: 3, why: 'A flag other than bit 0: this reader does not know what it asks for.' }
  return { step: 8, why: 'It holds an extension that this reader does not know and may not skip.' }
}
