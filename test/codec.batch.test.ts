/** sealMany() and openMany(): the same bytes, the same answers and the same errors as one after another. */
import { describe, expect, it } from 'vitest'
import { SessionError } from '../src/errors.ts'
import { ALPHABET, flip, NAME, NOW, OTHER_SECRET, SECRET, setUp, thrownBy } from './helpers/codec.ts'

const { labels, make } = await setUp()

/** The same nonce for every token, so that tokens do not depend on the order in which they are made. */
const random = (bytes: Uint8Array): void => {
  bytes.fill(7)
}

/** Data of every length of JSON up to 300 bytes, and around what a lane holds (3,936) and a token (16,320). */
const LENGTHS = [...Array.from({ length: 299 }, (_, i) => i + 2), 1_000, 3_000, 3_935, 3_936, 3_937, 4_000, 16_320]
const textOf = (length: number): string => 'x'.repeat(length - 2)

describe.each(labels)('%s', (label) => {
  const codec = make(label, { random })

  it.each([0, 1, 2, 3, 4, 5, 8, 9])('seals and opens a list of %d as one after another', (count) => {
    const list = Array.from({ length: count }, (_, i) => ({ i, name: '\u00e9'.repeat(i) }))
    const tokens = codec.sealMany(list)
    expect(tokens).toEqual(list.map((data) => codec.seal(data)))
    expect(codec.openMany(tokens as string[])).toEqual(list.map((data) => expect.objectContaining({ ok: true, data })))
  })

  it('seals and opens every length, long ones and short ones side by side', () => {
    const mixed = LENGTHS.map((_, i) => textOf(LENGTHS[(i * 101) % LENGTHS.length] as number))
    for (const list of [LENGTHS.map(textOf), mixed]) {
      const tokens = codec.sealMany(list)
      expect(tokens).toEqual(list.map((data) => codec.seal(data)))
      expect(codec.openMany(tokens as string[]).map((opened) => opened.ok && opened.data)).toEqual(list)
    }
  })

  it('counts bytes, not characters, where a lane ends', () => {
    for (const count of [1_966, 1_967, 1_968, 1_969]) {
      const list = ['\u00e9'.repeat(count), '\u{1f36a}'.repeat(count >> 1), 'e'.repeat(count)]
      const tokens = codec.sealMany(list)
      expect(tokens).toEqual(list.map((data) => codec.seal(data)))
      expect(codec.openMany(tokens as string[]).map((opened) => opened.ok && opened.data)).toEqual(list)
    }
  })

  it('gives the error of each item that cannot be sealed, in its place', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    const results = codec.sealMany(['a', cycle, 'b', 'x'.repeat(16_319), 1n, undefined, 'c', '\u00e9'.repeat(8_160)])
    const codes = results.map((result) => (result instanceof SessionError ? result.code : 'sealed'))
    expect(codes).toEqual([
      'sealed',
      'unserializable',
      'sealed',
      'too-large',
      'unserializable',
      'unserializable',
      'sealed',
      'too-large',
    ])
    expect((results[3] as SessionError).message).toBe(thrownBy(() => codec.seal('x'.repeat(16_319))).message)
    expect([0, 2, 6].map((index) => results[index])).toEqual(['a', 'b', 'c'].map((data) => codec.seal(data)))
  })

  it('refuses each bad token for its own reason, whatever stands beside it', () => {
    const good = codec.seal({ good: true })
    const bad = [
      flip(good, 0, 1),
      flip(good, 2, 1),
      flip(good, 16, 1),
      flip(good, 32, 1),
      `${good.slice(0, -1)}${ALPHABET[(ALPHABET.indexOf(good.at(-1) as string) ^ 1) & 63]}`,
      '',
      'short',
      '\u0141'.repeat(200),
      'A'.repeat(30_000),
      'A'.repeat(5_334),
      'A'.repeat(5_335),
      make(label, { random, secret: OTHER_SECRET }).seal(1),
      make(label, { random, now: () => NOW - 86_400_000 }).seal(1),
      make(label, { random, now: () => NOW + 60_001 }).seal(1),
    ]
    const reasons = bad.map((token) => codec.open(token))
    expect(new Set(reasons.map((refused) => !refused.ok && refused.reason)).size).toBeGreaterThan(5)
    expect(codec.openMany(bad)).toEqual(reasons)
    for (let place = 0; place < 4; place++) {
      for (const [i, token] of bad.entries()) {
        const list = [good, good, good, good].with(place, token)
        const opened = codec.openMany(list)
        expect(opened[place]).toEqual(reasons[i])
        expect(opened.filter((result) => result.ok)).toHaveLength(3)
      }
    }
    expect(codec.openMany([good, undefined, 5, null] as string[]).map((result) => result.ok)).toEqual([
      true,
      false,
      false,
      false,
    ])
  })

  it('opens what several secrets have sealed', () => {
    const both = make(label, { random, secret: [SECRET, OTHER_SECRET] })
    const other = make(label, { random, secret: OTHER_SECRET })
    const opened = both.openMany([other.seal(1), codec.seal(2), other.seal(3), codec.seal(4), other.seal(5)])
    expect(opened.map((result) => result.ok && [result.data, result.keyIndex])).toEqual([
      [1, 1],
      [2, 0],
      [3, 1],
      [4, 0],
      [5, 1],
    ])
  })

  it('takes when each began, or one time for all; later than now is now', () => {
    const list = ['a', 'b', 'c', 'd', 'e']
    const times = [5, 4, 3, NOW + 9, NOW]
    const began = codec.openMany(codec.sealMany(list, times) as string[]).map((result) => result.ok && result.createdAt)
    expect(began).toEqual([5, 4, 3, NOW, NOW])
    expect(codec.sealMany(list, 5)).toEqual(list.map((data) => codec.seal(data, 5)))
    const opened = codec.openMany(codec.sealMany(list) as string[])
    expect(opened).toEqual(list.map((data) => ({ ok: true, data, createdAt: NOW, issuedAt: NOW, keyIndex: 0 })))
  })

  it.each<[string, () => unknown]>([
    ['sealMany() takes a list, got "a"', () => codec.sealMany('a' as unknown as string[])],
    ['openMany() takes a list, got undefined', () => codec.openMany(undefined as unknown as string[])],
    ['sealMany() takes as many times as data, got 1 for 2', () => codec.sealMany([1, 2], [3])],
    ['createdAt must be whole milliseconds since the epoch, got 0.5', () => codec.sealMany([1, 2], [3, 0.5])],
  ])('is misused: %s', (message, action) => {
    expect(thrownBy(action)).toMatchObject({ name: 'TypeError', message: `cookie-sessions: ${message}` })
  })

  it('seals well when the random source seals in between', () => {
    let depth = 0
    const inner = make(label, { random })
    const reentrant = make(label, {
      random: (bytes) => {
        if (depth++ === 0) inner.sealMany(['within', 'within', 'within'])
        bytes.fill(7)
      },
    })
    const list = ['a', 'bb', 'ccc', 'dddd', 'eeeee']
    expect(reentrant.sealMany(list)).toEqual(list.map((data) => codec.seal(data)))
    expect(depth).toBeGreaterThan(0)
  })

  it('never hands out a nonce twice', () => {
    const fresh = make(label, { name: NAME })
    const nonces = fresh
      .sealMany(Array.from({ length: 600 }, () => 'same'))
      .map((token) => (token as string).slice(22, 42))
    expect(new Set(nonces).size).toBe(600)
  })
})
