/** The C program makes the same bytes as the package, opens what the package makes, and refuses the same for the same reasons. */
import { strictEqual } from 'node:assert'
import { BACKENDS, BEGAN, derived, forge, jsonOf, SIZES } from '../ours.js'

const hex = (value) => Buffer.from(value).toString('hex')
const NOW = BEGAN + 3_600_000
const DAY = 86_400_000

export async function check(program, codecOf) {
  strictEqual(await program.ask('key', hex(derived())), 'ok')
  let now = NOW
  let seed = 1
  // Any bytes will do, as long as they differ.
  const random = (bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = seed = (seed * 48_271) % 2_147_483_647
  }
  const texts = [
    ...Array.from({ length: 300 }, (_, i) => 'x'.repeat(i + 1)),
    ...[...SIZES, 16_320].map(jsonOf),
    '{"user":"\u00fc\u20ac\u{1f36a}"}',
  ]
  const foreign = codecOf({ backend: 'node', name: 'another', now: () => NOW }).seal('{}', BEGAN)
  for (const backend of BACKENDS) {
    const codec = codecOf({ backend, random, now: () => now })
    now = NOW
    for (const json of texts) {
      const token = codec.seal(json, BEGAN)
      const drawn = Buffer.from(token, 'base64url').subarray(17, 32)
      const is = `${backend}, ${Buffer.byteLength(json)} bytes`
      strictEqual(await program.ask('seal', BEGAN, NOW, hex(drawn), hex(json)), token, is)
      strictEqual(await program.ask('open', NOW, token), `ok ${BEGAN} ${NOW} ${hex(json)}`, is)
    }
    for (const token of [foreign, ...variants(codec.seal(jsonOf(256), BEGAN))]) {
      for (const time of [NOW, NOW + DAY - 1, NOW + DAY, NOW - 60_000, NOW - 60_001]) {
        now = time
        const opened = codec.open(token)
        const answer = opened.ok ? `ok ${opened.createdAt} ${opened.issuedAt} ${hex(opened.json)}` : opened.reason
        strictEqual(await program.ask('open', time, token), answer, `${backend}, ${token.slice(0, 40)}... at ${time}`)
      }
    }
  }
}

/** A good token, and everything that can be wrong with one. */
function variants(token) {
  const raw = Buffer.from(token, 'base64url')
  const changed = (at, value) => {
    const copy = Buffer.from(raw)
    copy[at] = value
    return copy.toString('base64url')
  }
  return [
    token,
    forge(token),
    // A future version and flags, a nonce that is none, another key id, times the wrong way round.
    ...[0, 1, 2, 4, 10, 16, 20].map((at) => changed(at, 0xfe)),
    changed(raw.length - 1, raw[raw.length - 1] ^ 1),
    // Lengths, alphabets, and a second spelling of the last byte.
    ...[1, 2, 3, 4, 60].map((less) => token.slice(0, -less)),
    token.slice(0, 85),
    `${token}=`,
    `${token}A`,
    `+${token.slice(1)}`,
    `${token.slice(0, 100)}/${token.slice(101)}`,
    `${token.slice(0, -1)}${String.fromCharCode(token.charCodeAt(token.length - 1) + 1)}`,
  ]
}
