/** The backends against each other: the same bytes, the same answers, and those of docs/format.md. */
import { describe, expect, it } from 'vitest'
import { flip, NAME, NOW, OTHER_SECRET, SECRET, setUp } from './helpers/codec.ts'
import { decode, deriveKeys, referenceOpen, referenceSeal, toBytes } from './helpers/reference.js'

const { labels, make, makeText } = await setUp()

describe('all backends write the same bytes and read each other', () => {
  // Texts of exactly `length` bytes, JSON or not: what stands below JSON does not care.
  const texts: [string, (length: number) => string][] = [
    ['ASCII', (length) => 'The quick brown fox jumps over 13 lazy dogs. '.repeat(364).slice(0, length)],
    [
      'all lengths of UTF-8',
      (length) => `${'x'.repeat(length % 10)}${'a\u00e9\u20ac\u{1f36a}'.repeat(Math.floor(length / 10))}`,
    ],
  ]
  const all = labels.map((label) => ({ label, codec: makeText(label) }))
  // The slow ones among them: but for how they read and write text, these are 'js'.
  const withoutVariants = all.filter(({ label }) => !label.startsWith('js '))
  const opened = (json: string): object => ({ ok: true, json, createdAt: NOW - 5, issuedAt: NOW, keyIndex: 0 })

  function check(lengths: readonly number[], text: (length: number) => string, codecs = all): void {
    for (const length of lengths) {
      const json = text(length)
      expect(Buffer.byteLength(json)).toBe(length)
      const tokens = codecs.map(({ codec }) => codec.seal(json, NOW - 5) as string)
      const [first = ''] = tokens
      expect(first).toHaveLength(Math.ceil(((64 + length) * 4) / 3))
      if (tokens.some((token) => token !== first)) throw new Error(`at ${length} bytes the tokens differ`)
      for (const { label, codec } of codecs) {
        expect({ label, length, ...codec.open(first) }).toEqual({ label, length, ...opened(json) })
      }
    }
  }

  it.each(texts)('at every length from 0 to 300: %s', (_, text) => {
    check(
      Array.from({ length: 301 }, (_, i) => i),
      text,
    )
  })

  it.each(texts)('around every block of 64 bytes up to 16,320: %s', (_, text) => {
    const lengths = Array.from({ length: 250 }, (_, i) => [-1, 0, 1].map((d) => 64 * (i + 6) + d)).flat()
    check(
      lengths.filter((length) => length <= 16_320),
      text,
      withoutVariants,
    )
  })

  it('and the bytes that the document alone gives', () => {
    for (const length of [
      0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1_023, 1_024, 1_025, 4_097, 16_320,
    ]) {
      const json = 'j'.repeat(length)
      const nonce15 = Uint8Array.from({ length: 15 }, (_, i) => i * 11)
      const times = { createdAt: 0, issuedAt: NOW }
      const token = referenceSeal(toBytes(json), { secret: SECRET, name: NAME, nonce15, ...times })
      for (const label of labels) {
        const random = (bytes: Uint8Array): void =>
          bytes.forEach((_, i) => {
            bytes[i] = (i % 15) * 11
          })
        expect(makeText(label, { random }).seal(json, 0)).toBe(token)
      }
    }
  })

  it('also with the nonces at their extremes and at the times at theirs', () => {
    for (const byte of [0x01, 0x7f, 0x80, 0xff]) {
      for (const now of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 47, 2 ** 48 - 1]) {
        const options = { random: (bytes: Uint8Array) => bytes.fill(byte), now: () => now }
        const codecs = labels.map((label) => makeText(label, options))
        const tokens = codecs.map((codec) => codec.seal('x'.repeat(1_000), 0) as string)
        expect(new Set(tokens).size).toBe(1)
        const answers = codecs.map((codec) => JSON.stringify(codec.open(tokens[0] as string)))
        expect(new Set(answers).size).toBe(1)
      }
    }
  })

  it('and refuse for the same reason as the document, at every flipped bit and every cut', () => {
    const codecs = labels.map((label) => make(label, { secret: [SECRET, OTHER_SECRET], timeout: 1_000 }))
    const [sealed = ''] = [codecs[0]?.seal({ id: 7, text: 'x'.repeat(100) })]
    const raw = decode(sealed) as Uint8Array
    const bits = Array.from({ length: raw.length * 8 }, (_, bit) => flip(sealed, bit >> 3, 1 << (bit & 7)))
    const cuts = Array.from({ length: sealed.length }, (_, length) => sealed.slice(0, length))
    const spelt = Array.from({ length: sealed.length * 7 }, (_, bit) => {
      const at = Math.floor(bit / 7)
      return sealed.slice(0, at) + String.fromCharCode(sealed.charCodeAt(at) ^ (1 << (bit % 7))) + sealed.slice(at + 1)
    })
    for (const token of [...bits, ...cuts, ...spelt]) {
      const expected = referenceOpen(token, { secrets: [SECRET, OTHER_SECRET], name: NAME, timeout: 1_000, now: NOW })
      expect(expected.ok).toBe(false)
      for (const codec of codecs) expect(codec.open(token)).toEqual(expected)
    }
  })
})

describe('keys that share an id', () => {
  // Found by trying: about one in 65,536 pairs of secrets has the same key id.
  const byId = new Map<string, string>()
  const pair: [string, string] = (() => {
    for (let i = 0; ; i++) {
      const secret = `a secret that shares its key id, number ${i}`
      const id = String(deriveKeys(secret, NAME).keyId)
      const earlier = byId.get(id)
      if (earlier !== undefined) return [earlier, secret]
      byId.set(id, secret)
    }
  })()

  it.each(labels.flatMap((label) => [1, 300].map((length) => [label, length] as const)))(
    'are all tried: %s, %d bytes',
    (label, length) => {
      const [first, second] = pair
      const data = 'x'.repeat(length)
      const both = make(label, { secret: [first, OTHER_SECRET, second] })
      expect(both.open(make(label, { secret: first }).seal(data))).toMatchObject({ ok: true, data, keyIndex: 0 })
      const foreign = make(label, { secret: second }).seal(data)
      expect(both.open(foreign)).toMatchObject({ ok: true, data, keyIndex: 2 })
      expect(make(label, { secret: first }).open(foreign)).toEqual({ ok: false, reason: 'bad-tag' })
      expect(both.open(flip(foreign, 33, 1))).toEqual({ ok: false, reason: 'bad-tag' })
    },
  )
})
