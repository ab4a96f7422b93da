/** seal and open: one suite over every backend. */
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Codec } from '../src/codec/codec.ts'
import { SessionError } from '../src/errors.ts'
import {
  ALPHABET,
  counting,
  flip,
  NAME,
  NOW,
  OTHER_SECRET,
  refusesWeakSecrets,
  SECRET,
  setUp,
  thrownBy,
} from './helpers/codec.ts'
import { decode, deriveKeys, encode, referenceOpen, referenceSeal } from './helpers/reference.js'

fc.configureGlobal({ seed: 2011 })

const DAY = 86_400_000
const { labels, make, makeText } = await setUp()

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe.each(labels)('backend: %s', (label) => {
  const codec = make(label)
  // Long enough for 'auto' to ask node:crypto, where it is to
  const padded = (text: string): string => (label.includes('help') ? text.padEnd(180, '.') : text)
  const token = codec.seal({ views: 1, name: padded('d\u00e9j\u00e0 \u{1f36a}') })

  it('tells its name', () => {
    expect(codec.backend).toBe(label.split(' ')[0])
  })

  describe('seal and open', () => {
    it.each([
      ['an object', { views: 1 }],
      ['an empty object', {}],
      ['a list', [1, 'two', null, [3]]],
      ['a string', 'text'],
      ['an empty string', ''],
      ['a number', -1.5e-7],
      ['true', true],
      ['null', null],
      ['text of all lengths of UTF-8', 'a\u00e9\u20ac\u{1f36a}\0\u007f\uffff'],
      ['U+FFFD and a byte order mark', ['\ufffd', '\ufeff', { '\ufeff': '\ufffd' }]],
      ['lone surrogates', ['\ud83c', '\udf6a', { '\ud83c': 1 }]],
      ['line separators', '\u2028\u2029'],
    ])('keep %s', (_, data) => {
      expect(codec.open(codec.seal(data))).toEqual({ ok: true, data, createdAt: NOW, issuedAt: NOW, keyIndex: 0 })
    })

    it('keep any JSON value', () => {
      fc.assert(
        fc.property(fc.jsonValue(), (data) => {
          const opened = codec.open(codec.seal(data))
          expect(opened.ok && JSON.stringify(opened.data)).toBe(JSON.stringify(data))
        }),
        { numRuns: 200 },
      )
    })

    it('keep __proto__ and constructor as data, and touch no prototype', () => {
      const json = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'
      const opened = codec.open(codec.seal(JSON.parse(json)))
      if (!opened.ok) throw new Error(opened.reason)
      expect(JSON.stringify(opened.data)).toBe(json)
      expect(Object.hasOwn(opened.data as object, '__proto__')).toBe(true)
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    })

    it('make tokens of base64url characters, each with a nonce of its own', () => {
      const tokens = Array.from({ length: 600 }, () => codec.seal(1))
      expect(new Set(tokens).size).toBe(600)
      for (const one of tokens) expect(one).toMatch(/^AQ[A-D][\w-]{84}$/)
    })

    it('draw from the runtime where no random source is given', () => {
      const natural = make(label, { random: undefined })
      expect(natural.seal(1)).not.toBe(natural.seal(1))
      expect(natural.open(natural.seal(1))).toMatchObject({ ok: true, data: 1 })
    })

    it('read the clock of the runtime where none is given', () => {
      const natural = make(label, { now: undefined })
      const before = Date.now()
      const opened = natural.open(natural.seal(1))
      expect(opened.ok && opened.issuedAt >= before && opened.issuedAt <= Date.now()).toBe(true)
    })
  })

  describe('createdAt', () => {
    it('defaults to now', () => {
      expect(codec.open(codec.seal(1))).toMatchObject({ createdAt: NOW, issuedAt: NOW })
      expect(codec.open(codec.seal(1, undefined))).toMatchObject({ createdAt: NOW, issuedAt: NOW })
    })

    it.each([0, 1, 2 ** 32, NOW - 1, NOW])('is kept: %d', (createdAt) => {
      expect(codec.open(codec.seal(1, createdAt))).toMatchObject({ createdAt, issuedAt: NOW })
    })

    it.each([NOW + 1, 2 ** 48 - 1])('that lies in the future is taken as now: %d', (createdAt) => {
      expect(codec.open(codec.seal(1, createdAt))).toMatchObject({ createdAt: NOW, issuedAt: NOW })
    })

    it.each([
      [-1, '-1'],
      [0.5, '0.5'],
      [NaN, 'NaN'],
      [Infinity, 'Infinity'],
      [2 ** 48, '281474976710656'],
      [String(NOW), `"${NOW}"`],
      [null, 'null'],
      [new Date(NOW), 'an object (Date)'],
    ])('that is no time is a TypeError: %s', (createdAt, shown) => {
      const error = thrownBy(() => codec.seal(1, createdAt as number))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toBe(`cookie-sessions: createdAt must be whole milliseconds since the epoch, got ${shown}`)
    })
  })

  describe('the clock', () => {
    it.each([
      [0, 0],
      [0.999, 0],
      [NOW + 0.25, NOW],
      [NOW + 0.999, NOW],
      [2 ** 48 - 0.5, 2 ** 48 - 1],
    ])('%d counts as %d', (time, issuedAt) => {
      const reader = make(label, { now: () => time })
      expect(reader.open(reader.seal(1))).toMatchObject({ ok: true, createdAt: issuedAt, issuedAt })
    })

    it.each([NaN, Infinity, -Infinity, -0.001, -1, 2 ** 48, undefined])('that says %s is a TypeError', (time) => {
      const broken = make(label, { now: () => time as number })
      for (const action of [() => broken.seal(1), () => broken.open(token)]) {
        const error = thrownBy(action)
        expect(error).toBeInstanceOf(TypeError)
        expect(error.message).toMatch(/^cookie-sessions: now\(\) must return milliseconds since the epoch, returned /)
      }
    })

    it('may be set back: a session keeps its beginning where it can', () => {
      let time = NOW
      const moving = make(label, { now: () => time })
      expect(moving.open(moving.seal(1, NOW - 5))).toMatchObject({ createdAt: NOW - 5 })
      time = NOW - 10
      expect(moving.open(moving.seal(1, NOW - 5))).toMatchObject({ createdAt: NOW - 10, issuedAt: NOW - 10 })
    })
  })

  describe('timeouts', () => {
    const limited = { timeout: 1_000, absoluteTimeout: 5_000 }
    let time = NOW
    const reader = make(label, { ...limited, now: () => time })
    const openAt = (token: string, at: number): unknown => {
      time = at
      const opened = reader.open(token)
      return opened.ok || opened.reason
    }

    it.each([
      [-60_000, true],
      [-60_001, 'not-yet-valid'],
      [0, true],
      [999, true],
      [1_000, 'expired'],
      [DAY, 'expired'],
    ])('idle, %d ms after the seal: %s', (age, outcome) => {
      expect(openAt(codec.seal(1), NOW + age)).toBe(outcome)
    })

    it.each([
      [4_999, true],
      [5_000, 'expired'],
    ])('absolute, %d ms after the beginning: %s', (age, outcome) => {
      expect(openAt(codec.seal(1, NOW - age), NOW)).toBe(outcome)
      expect(openAt(codec.seal(1, NOW - age + 500), NOW + 500)).toBe(outcome)
    })

    it.each([
      ['the idle one is a day where nothing is said', {}, DAY],
      ['the idle one is the absolute one where only that is said and shorter', { absoluteTimeout: 7_000 }, 7_000],
      ['the idle one is a day where a longer absolute one is said', { absoluteTimeout: 2 * DAY }, DAY],
      ['there is no absolute one where nothing is said', { timeout: 2 ** 48 - 1 - NOW }, 2 ** 48 - 1 - NOW],
    ])('%s', (_, options, timeout) => {
      let at = NOW
      const writer = make(label, { ...options, now: () => at })
      const sealed = writer.seal(1, 0 in options ? NOW : NOW)
      at = NOW + timeout - 1
      expect(writer.open(sealed).ok).toBe(true)
      at = NOW + timeout
      expect(writer.open(sealed)).toEqual({ ok: false, reason: 'expired' })
    })
  })

  describe('keys', () => {
    it('the first seals, all open, and keyIndex tells which', () => {
      const old = make(label, { secret: OTHER_SECRET })
      const [before, after] = [padded('old'), padded('new')]
      const rotated = make(label, { secret: [SECRET, 'a third secret that is never used here', OTHER_SECRET] })
      expect(rotated.open(old.seal(before))).toMatchObject({ ok: true, data: before, keyIndex: 2 })
      expect(rotated.open(rotated.seal(after))).toMatchObject({ ok: true, data: after, keyIndex: 0 })
      expect(codec.open(rotated.seal(after))).toMatchObject({ ok: true, data: after, keyIndex: 0 })
      expect(old.open(rotated.seal(after))).toEqual({ ok: false, reason: 'unknown-key' })
    })

    it('holds 64 of them', () => {
      const secrets = Array.from({ length: 64 }, (_, i) => `${SECRET} ${i}`)
      const many = make(label, { secret: secrets })
      for (const [keyIndex, secret] of secrets.entries()) {
        expect(many.open(make(label, { secret }).seal(padded(secret)))).toMatchObject({
          ok: true,
          data: padded(secret),
          keyIndex,
        })
      }
    })

    it('of several that are the same, the first opens', () => {
      expect(make(label, { secret: [OTHER_SECRET, SECRET, SECRET] }).open(token)).toMatchObject({ keyIndex: 1 })
    })

    it('takes bytes, and text as its UTF-8', () => {
      const text = 'a secret with d\u00e9j\u00e0 vu \u20ac and \u{1f36a} in it'
      const bytes = new TextEncoder().encode(text)
      const sealed = make(label, { secret: text }).seal(1)
      expect(make(label, { secret: bytes }).open(sealed).ok).toBe(true)
      expect(make(label, { secret: [Buffer.from(bytes)] }).open(sealed).ok).toBe(true)
      expect(make(label, { secret: text.normalize('NFD') }).open(sealed).ok).toBe(false)
    })

    it('decodes no hex: 64 digits are 64 bytes', () => {
      const hex = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'
      const sealed = make(label, { secret: hex }).seal(1)
      expect(make(label, { secret: Buffer.from(hex, 'hex') }).open(sealed).ok).toBe(false)
      expect(make(label, { secret: Buffer.from(hex) }).open(sealed).ok).toBe(true)
    })

    it('does not follow later changes of the bytes or the list it was given', () => {
      const bytes = Buffer.from(SECRET)
      const list: Uint8Array[] = [bytes]
      const own = make(label, { secret: list })
      bytes.fill(0)
      list.length = 0
      expect(own.open(token).ok).toBe(true)
      expect(codec.open(own.seal(1)).ok).toBe(true)
    })

    it.each([31, 32, 33, 63, 64, 65, 127, 128, 4_096])('derives as the document says, from %d bytes', (length) => {
      vi.spyOn(process, 'emitWarning').mockReturnValue()
      const secret = Uint8Array.from({ length }, (_, i) => i * 7 + 1)
      if (length < 32 && refusesWeakSecrets(label)) {
        expect(thrownBy(() => make(label, { secret }))).toBeInstanceOf(TypeError)
        return
      }
      const raw = decode(make(label, { secret }).seal({})) as Uint8Array
      expect([...raw.subarray(2, 4)]).toEqual([...deriveKeys(secret, NAME).keyId])
      expect(referenceOpen(encode(raw), { secrets: [secret], name: NAME, timeout: 1, now: NOW }).ok).toBe(true)
    })

    it.each(['x', '\u00e9', 'a purpose with blanks; and = signs', '\u{1f36a}'.repeat(64), 'n'.repeat(256)])(
      'binds the name: %s',
      (name) => {
        const named = make(label, { name })
        const sealed = named.seal(1)
        expect(referenceOpen(sealed, { secrets: [SECRET], name, timeout: 1, now: NOW }).ok).toBe(true)
        expect(named.open(sealed).ok).toBe(true)
        expect(codec.open(sealed)).toEqual({ ok: false, reason: 'unknown-key' })
        expect(named.open(token)).toEqual({ ok: false, reason: 'unknown-key' })
      },
    )

    it('refuses what another secret sealed, even under its own key id', () => {
      const foreign = make(label, { secret: OTHER_SECRET }).seal(padded('1'))
      expect(codec.open(foreign)).toEqual({ ok: false, reason: 'unknown-key' })
      const raw = decode(foreign) as Uint8Array
      raw.set((decode(token) as Uint8Array).subarray(2, 4), 2)
      expect(codec.open(encode(raw))).toEqual({ ok: false, reason: 'bad-tag' })
    })
  })

  describe('what was tampered with', () => {
    const raw = decode(token) as Uint8Array

    it.each<[string, number[], string]>([
      ['the version', [0], 'unsupported'],
      ['the key id', [2, 3], 'unknown-key'],
      ['created-at', [4, 5, 6, 7, 8, 9], 'bad-tag'],
      ['issued-at', [10, 11, 12, 13, 14, 15], 'bad-tag'],
      ["the nonce's zero byte", [16], 'malformed'],
      ['the nonce', Array.from({ length: 15 }, (_, i) => 17 + i), 'bad-tag'],
      ['the ciphertext', Array.from({ length: raw.length - 64 }, (_, i) => 32 + i), 'bad-tag'],
      ['the tag', Array.from({ length: 32 }, (_, i) => raw.length - 32 + i), 'bad-tag'],
    ])('is refused at every bit of %s', (_, places, reason) => {
      for (const place of places) {
        for (let bit = 0; bit < 8; bit++) {
          expect(codec.open(flip(token, place, 1 << bit))).toEqual({ ok: false, reason })
        }
      }
    })

    it('is refused at every bit of the flags', () => {
      expect(codec.open(flip(token, 1, 1))).toEqual({ ok: false, reason: 'bad-tag' })
      for (let mask = 2; mask < 256; mask++) {
        expect(codec.open(flip(token, 1, mask))).toEqual({ ok: false, reason: 'unsupported' })
      }
    })

    it('is refused when truncated anywhere, at either end', () => {
      for (let length = 0; length < token.length; length++) {
        expect(codec.open(token.slice(0, length)).ok).toBe(false)
        expect(codec.open(token.slice(token.length - length)).ok).toBe(false)
        if (length < 86) expect(codec.open(token.slice(0, length))).toEqual({ ok: false, reason: 'malformed' })
      }
    })

    it('is refused with a piece left out of the middle', () => {
      for (let at = 0; at < token.length; at++) {
        expect(codec.open(token.slice(0, at) + token.slice(at + 1)).ok).toBe(false)
        expect(codec.open(token.slice(0, at) + token.slice(at + 4)).ok).toBe(false)
      }
    })

    it('is refused with anything appended or put before it', () => {
      for (const extra of [...ALPHABET, '=', '==', ' ', '\n', '\0', ';', '.', '"', '%3D', 'AAAA', token]) {
        expect(codec.open(token + extra).ok).toBe(false)
        expect(codec.open(extra + token).ok).toBe(false)
      }
    })

    it('is refused when two tokens are spliced', () => {
      const other = codec.seal({ views: 2, name: padded('d\u00e9j\u00e0 \u{1f36a}') })
      for (let at = 1; at < token.length; at++) {
        const spliced = token.slice(0, at) + other.slice(at)
        if (spliced !== token && spliced !== other) expect(codec.open(spliced).ok).toBe(false)
      }
    })
  })

  describe('spelling', () => {
    // 64 + n bytes for n of 1, 2, 3: two characters at the end, three, and a whole group
    const tokens = [1, 22, 333].map((data) => codec.seal(data))

    it('a token has exactly one: every other last character is refused', () => {
      for (const one of tokens) {
        for (const last of ALPHABET) {
          const spelt = one.slice(0, -1) + last
          expect(codec.open(spelt).ok).toBe(spelt === one)
        }
      }
    })

    it.each([
      ['padded', (one: string) => one.padEnd(Math.ceil(one.length / 4) * 4, '=')],
      ['with one =', (one: string) => `${one}=`],
      ['in standard base64', (one: string) => one.replace(/-/g, '+').replace(/_/g, '/')],
      ['with a space for each -', (one: string) => one.replace(/-/g, ' ')],
      ['percent-encoded', (one: string) => one.replace(/-/g, '%2D').replace(/_/g, '%5F')],
      ['in quotes', (one: string) => `"${one}"`],
      ['with line breaks', (one: string) => one.replace(/.{76}/g, '$&\r\n')],
      ['in lower case', (one: string) => one.toLowerCase()],
      ['with white space around it', (one: string) => ` ${one}\t`],
    ])('is refused %s', (_, respell) => {
      for (const one of [...tokens, ...Array.from({ length: 12 }, () => codec.seal('x'.repeat(80)))]) {
        const spelt = respell(one)
        if (spelt !== one) expect(codec.open(spelt)).toEqual({ ok: false, reason: expect.any(String) })
      }
    })

    it('is refused with a character whose low byte alone is right', () => {
      for (let at = 0; at < token.length; at++) {
        const code = token.charCodeAt(at)
        for (const high of [0x80, 0x100, 0x200, 0x0a00, 0x2000, 0xd800, 0xdc00, 0xfee0, 0xff00]) {
          const alias = token.slice(0, at) + String.fromCharCode(code + high) + token.slice(at + 1)
          expect(codec.open(alias)).toEqual({ ok: false, reason: 'malformed' })
          // As long in UTF-8 as the token was, once something else is left out
          for (const short of [alias.slice(0, -1), alias.slice(0, -2), alias.slice(1)]) {
            expect(codec.open(short).ok).toBe(false)
          }
        }
        const astral = token.slice(0, at) + String.fromCodePoint(0x1f300 + code) + token.slice(at + 1)
        expect(codec.open(astral)).toEqual({ ok: false, reason: 'malformed' })
        expect(codec.open(astral.slice(0, -1)).ok).toBe(false)
      }
    })

    it('is never completed from the token before it, where a character does not fit', () => {
      for (const tail of ['\u00e9', '\u20ac', '\u{1f36a}', '\ud83c']) {
        for (let cut = 1; cut <= 5; cut++) {
          expect(codec.open(token).ok).toBe(true)
          expect(codec.open(token.slice(0, -cut) + tail.padEnd(cut, token.at(-1)))).toMatchObject({ ok: false })
          expect(codec.open(token).ok).toBe(true)
          expect(codec.open(token.slice(0, -cut) + tail.repeat(cut)).ok).toBe(false)
        }
      }
    })

    it('is refused with any other byte anywhere', () => {
      for (let at = 0; at < token.length; at++) {
        for (let byte = 0; byte < 256; byte++) {
          const character = String.fromCharCode(byte)
          if (character === token[at]) continue
          const opened = codec.open(token.slice(0, at) + character + token.slice(at + 1))
          if (opened.ok) throw new Error(`opened with byte ${byte} at ${at}`)
          if (!ALPHABET.includes(character)) expect(opened.reason).toBe('malformed')
        }
      }
    })
  })

  describe('open never throws', () => {
    it('on any text', () => {
      const piece = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
        fc.constantFrom(token, token.slice(0, 60), '', '=', '\0', 'A'.repeat(21_800)),
      )
      fc.assert(
        fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
          const text = pieces.join('')
          const opened = codec.open(text)
          expect(opened.ok).toBe(text === token)
        }),
        { numRuns: 500 },
      )
    })

    it.each([0, 1, 85, 86, 87, 88, 89, 21_845, 21_846, 21_847, 21_850, 65_536, 4_000_000])(
      'on %d characters of any kind',
      (length) => {
        for (const character of ['A', '_', '=', '\0', '\u00ff', '\u0141', '\ud83c']) {
          expect(codec.open(character.repeat(length)).ok).toBe(false)
        }
        expect(codec.open('\u{1f36a}'.repeat(length >> 1)).ok).toBe(false)
      },
    )

    it.each([
      ['undefined', undefined],
      ['null', null],
      ['a number', 86],
      ['a symbol', Symbol('token')],
      ['a list', [token]],
      ['a Buffer', Buffer.from(token)],
      ['a String object', Object(token)],
      ['an object with a length', { length: 86, toString: () => token }],
      ['a function', () => token],
    ])('on %s', (_, value) => {
      expect(codec.open(value as string)).toEqual({ ok: false, reason: 'malformed' })
    })

    it('on an authentic token that holds no JSON', () => {
      const text = makeText(label)
      for (const json of ['', '{', '{"a":1}}', '\ufeff{}', 'undefined', "{'a':1}", '\u00e9']) {
        expect(codec.open(text.seal(json, NOW) as string)).toEqual({ ok: false, reason: 'bad-payload' })
      }
    })

    it('on authentic tokens whose payload is not UTF-8 or begins with extensions', () => {
      const times = { createdAt: NOW, issuedAt: NOW }
      const sealed = (plaintext: number[], flags: number): string =>
        referenceSeal(Uint8Array.from(plaintext), {
          secret: SECRET,
          name: NAME,
          nonce15: new Uint8Array(15),
          flags,
          ...times,
        })
      const skipped = [2, 0x80, 0]
      expect(codec.open(sealed([...skipped, 0x31], 1))).toMatchObject({ ok: true, data: 1 })
      expect(codec.open(sealed([...skipped, 0x22, 0xff, 0x22], 1))).toEqual({ ok: false, reason: 'bad-payload' })
      expect(codec.open(sealed([0x22, 0xff, 0x22], 0))).toEqual({ ok: false, reason: 'bad-payload' })
      expect(codec.open(sealed([2, 0x04, 0, 0x31], 1))).toEqual({ ok: false, reason: 'unsupported' })
      expect(codec.open(sealed([8, 2, 6, 0, 0, 0, 0, 0, 1, 0x31], 1))).toEqual({ ok: false, reason: 'expired' })
      expect(codec.open(sealed([], 1))).toEqual({ ok: false, reason: 'bad-payload' })
      expect(codec.open(sealed([], 0))).toEqual({ ok: false, reason: 'bad-payload' })
    })

    it('and gives a frozen answer that cannot be spoilt', () => {
      expect(Object.isFrozen(codec.open(''))).toBe(true)
    })
  })

  describe('too much', () => {
    it.each([
      ['ASCII', 'a', 16_318],
      ['two bytes a character', '\u00e9', 8_159],
      ['three bytes a character, and two left over', '\u20ac', 5_439],
      ['four bytes a character, and two left over', '\u{1f36a}', 4_079],
    ])('is what exceeds 16,320 bytes of JSON: %s', (_, character, count) => {
      const most = character.repeat(count)
      const left = 16_318 - Buffer.byteLength(most)
      const full = codec.seal('b'.repeat(left) + most)
      expect(full).toHaveLength(21_846)
      expect(codec.open(full)).toMatchObject({ ok: true, data: 'b'.repeat(left) + most })
      for (let more = 1; more < 10; more++) {
        const error = thrownBy(() => codec.seal('b'.repeat(left + more) + most))
        expect(error).toBeInstanceOf(SessionError)
        expect(error).toMatchObject({ code: 'too-large', name: 'SessionError' })
        expect(error.message).toMatch(/^cookie-sessions: .*16320 bytes/)
        expect(error.message).not.toContain('bbb')
      }
      expect(thrownBy(() => codec.seal(character.repeat(100_000)))).toMatchObject({ code: 'too-large' })
      expect(codec.open(codec.seal('as before'))).toMatchObject({ ok: true, data: 'as before' })
    })

    it('is one character that crosses the limit, however it does', () => {
      for (const character of ['\u00e9', '\u20ac', '\u{1f36a}']) {
        for (let before = 16_310; before <= 16_318; before++) {
          const data = 'a'.repeat(before) + character
          const fits = Buffer.byteLength(JSON.stringify(data)) <= 16_320
          if (fits) expect(codec.open(codec.seal(data))).toMatchObject({ ok: true, data })
          else expect(thrownBy(() => codec.seal(data))).toMatchObject({ code: 'too-large' })
        }
      }
    })

    it('is told below JSON by undefined, at one byte more than 16,320', () => {
      const text = makeText(label)
      expect(text.seal('x'.repeat(16_321), NOW)).toBeUndefined()
      expect(text.seal('x'.repeat(16_320), NOW)).toHaveLength(21_846)
    })
  })

  describe('what JSON cannot hold', () => {
    const circular: { self?: unknown } = {}
    circular.self = circular
    const failure = new Error('no JSON from me\nsecond line')

    it.each<[string, unknown, RegExp, unknown]>([
      ['a cycle', circular, /: self refers back to the data itself, a cycle$/, expect.any(TypeError)],
      ['a BigInt', { id: 1n }, /: id is a BigInt$/, expect.any(TypeError)],
      [
        'a toJSON that throws',
        {
          toJSON: () => {
            throw failure
          },
        },
        /: no JSON from me$/,
        failure,
      ],
      [
        'a toJSON that throws no Error',
        {
          toJSON: () => {
            throw 'a string'
          },
        },
        /: a string$/,
        'a string',
      ],
      [
        'a getter that throws',
        Object.defineProperty({}, 'x', {
          enumerable: true,
          get: () => {
            throw failure
          },
        }),
        /no JSON from me$/,
        failure,
      ],
    ])('%s is a SessionError with its cause', (_, data, message, cause) => {
      const error = thrownBy(() => codec.seal(data))
      expect(error).toBeInstanceOf(SessionError)
      expect(error).toMatchObject({ code: 'unserializable', cause })
      expect(error.message).toMatch(/^cookie-sessions: the data cannot be written as JSON: /)
      expect(error.message).toMatch(message)
    })

    it('a toJSON that throws what cannot even be printed is one too', () => {
      const cause = Object.create(null) as object
      const error = thrownBy(() =>
        codec.seal({
          toJSON: () => {
            throw cause
          },
        }),
      )
      expect(error).toBeInstanceOf(SessionError)
      expect(error).toMatchObject({ code: 'unserializable', cause })
    })

    it.each([
      ['undefined', undefined, 'undefined'],
      ['a function', () => 1, 'a function'],
      ['a symbol', Symbol('s'), 'Symbol(s)'],
      ['a toJSON that gives nothing', { toJSON: () => undefined }, 'an object (Object)'],
    ])('%s is a SessionError that names it', (_, data, shown) => {
      const error = thrownBy(() => codec.seal(data))
      expect(error).toBeInstanceOf(SessionError)
      expect(error).toMatchObject({ code: 'unserializable' })
      expect(error.message).toBe(`cookie-sessions: ${shown} cannot be written as JSON`)
      expect('cause' in error).toBe(false)
    })
  })

  describe('code of the caller in the middle', () => {
    const other = make(label, { secret: OTHER_SECRET, name: 'other' })
    const foreign = other.seal('foreign')

    const disturb = (): void => {
      expect(other.open(foreign)).toMatchObject({ ok: true, data: 'foreign' })
      other.seal({ secret: 'x'.repeat(500) })
      expect(other.open('nonsense')).toEqual({ ok: false, reason: 'malformed' })
    }

    it('a random source may use another codec', () => {
      const fill = counting()
      const disturbed = make(label, {
        random: (bytes) => {
          disturb()
          fill(bytes)
          disturb()
        },
      })
      expect(disturbed.seal({ views: 1 })).toBe(make(label).seal({ views: 1 }))
    })

    it('a random source may make a codec', () => {
      const fill = counting()
      const disturbed = make(label, {
        random: (bytes) => {
          fill(bytes)
          make(label, { secret: OTHER_SECRET }).seal('inner')
        },
      })
      expect(disturbed.seal({ views: 1 })).toBe(make(label).seal({ views: 1 }))
    })

    it('a random source may open with the very codec that asks it', () => {
      const fill = counting()
      const self: Codec = make(label, {
        random: (bytes) => {
          fill(bytes)
          expect(self.open(token).ok).toBe(true)
          expect(self.open('nonsense').ok).toBe(false)
        },
      })
      expect(self.seal({ views: 1 })).toBe(make(label).seal({ views: 1 }))
    })

    it('a clock may use another codec', () => {
      const disturbed = make(label, {
        now: () => {
          disturb()
          return NOW
        },
      })
      const sealed = disturbed.seal({ views: 1 })
      expect(sealed).toBe(make(label).seal({ views: 1 }))
      expect(disturbed.open(sealed)).toMatchObject({ ok: true, data: { views: 1 } })
    })

    it('a toJSON may use another codec, and this one', () => {
      const data = {
        toJSON() {
          disturb()
          return codec.seal('inner').length
        },
      }
      expect(codec.open(codec.seal(data))).toMatchObject({ ok: true, data: 95 })
    })

    it('a random source that throws fails that seal alone', () => {
      const failure = new Error('no entropy')
      let fails = true
      const fill = counting()
      const flaky = make(label, {
        random: (bytes) => {
          bytes.fill(9, 0, 20)
          if (fails) throw failure
          fill(bytes)
        },
      })
      expect(thrownBy(() => flaky.seal({ views: 1 }))).toBe(failure)
      expect(flaky.open(token).ok).toBe(true)
      expect(thrownBy(() => flaky.seal({ views: 1 }))).toBe(failure)
      fails = false
      expect(flaky.seal({ views: 1 })).toBe(make(label).seal({ views: 1 }))
    })
  })

  it('goes on with its own keys after another codec was made', () => {
    const first = make(label)
    const sealed = first.seal(padded('1'))
    make(label, { secret: OTHER_SECRET })
    expect(first.open(sealed)).toMatchObject({ ok: true, data: padded('1') })
    make(label, { secret: [OTHER_SECRET, SECRET], name: 'other' })
    expect(codec.open(first.seal(padded('2')))).toMatchObject({ ok: true, data: padded('2') })
  })

  it('serves many codecs in turn, each with its own keys', () => {
    const codecs = Array.from({ length: 6 }, (_, i) => {
      const options = {
        name: i % 2 ? 'odd' : NAME,
        secret: Array.from({ length: i + 1 }, (_, j) => `${SECRET} of codec ${i}, key ${j}`),
        random: counting(i * 1_000),
      }
      // The twin tells whether they are the right keys, and not just the same for seal and open.
      return { codec: make(label, options), twin: make('node', options), tokens: [] as string[] }
    })
    const step = fc.record({ writer: fc.nat(5), reader: fc.nat(5), opens: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
        for (const { writer, reader, opens } of steps) {
          const from = codecs[writer] as (typeof codecs)[number]
          if (!opens || from.tokens.length === 0) from.tokens.push(from.codec.seal(padded(String(writer))))
          const { codec, twin } = codecs[reader] as (typeof codecs)[number]
          const opened = codec.open(from.tokens.at(-1) as string)
          expect(opened).toEqual(twin.open(from.tokens.at(-1) as string))
          if (writer === reader) expect(opened).toMatchObject({ ok: true, data: padded(String(writer)), keyIndex: 0 })
          else expect(opened).toEqual({ ok: false, reason: 'unknown-key' })
        }
      }),
      { numRuns: 60 },
    )
  })
})
