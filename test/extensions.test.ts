/** The extension block, entry by entry: docs/format.md, Open, step 8.1. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readExtensions } from '../src/codec/extensions.ts'
import { referenceOpen, referenceSeal } from './helpers/reference.js'

fc.configureGlobal({ seed: 2011 })

const NOW = 1_700_000_000_000
const ID = [0x01, 16, ...Array<number>(16).fill(0x55)]
const DEFLATED = [0x03, 0]

function expiresAt(time: number): number[] {
  return [0x02, 6, ...Buffer.from(time.toString(16).padStart(12, '0'), 'hex')]
}

/** A block of these entries with its length before it. */
const block = (...entries: number[][]): number[] => [entries.flat().length, ...entries.flat()]

/** Reads the block from the middle of a larger memory whose own buffer begins elsewhere. */
function read(plaintext: readonly number[], now = NOW): number | string {
  const memory = new Uint8Array(new ArrayBuffer(1_024), 64, 900)
  memory.fill(0x77)
  memory.set(plaintext, 100)
  const result = readExtensions(memory, 100, 100 + plaintext.length, now)
  return typeof result === 'number' ? result - 100 : result
}

describe('the extension block', () => {
  it.each<[string, number[]]>([
    ['no entries', block()],
    ['a session id', block(ID)],
    ['an expiry to come', block(expiresAt(NOW + 1))],
    ['the latest expiry there is', block(expiresAt(2 ** 48 - 1))],
    ['both, in either order', block(expiresAt(NOW + 1), ID)],
    ['a skippable entry', block([0x80, 3, 1, 2, 3])],
    ['the last skippable type, empty', block([0xff, 0])],
    ['a skippable type twice', block([0x90, 1, 7], [0x90, 0])],
    ['a skippable entry between known ones', block(ID, [0x80, 0], expiresAt(NOW + 1))],
    ['255 bytes of entries', block([0x80, 253, ...Array<number>(253).fill(9)])],
  ])('lets JSON follow %s', (_, bytes) => {
    expect(read([...bytes, 0x7b, 0x7d])).toBe(bytes.length)
  })

  it('may end where the plaintext ends: the JSON is then empty, and refused as such', () => {
    expect(read(block(ID))).toBe(19)
  })

  it.each<[string, number[], string]>([
    ['nothing at all', [], 'bad-payload'],
    ['a length beyond the plaintext', [1], 'bad-payload'],
    ['the greatest length, and 254 bytes', [255, ...Array<number>(254).fill(0x80)], 'bad-payload'],
    ['a type alone', block([0x80]), 'bad-payload'],
    ['a critical type alone', block([0x04]), 'bad-payload'],
    ['an entry one byte short', block([0x80, 3, 1, 2]), 'bad-payload'],
    ['an unknown critical entry that is cut short', block([0x04, 1]), 'bad-payload'],
    ['an entry that goes on into the JSON', [2, 0x80, 1, 0x7b, 0x7d], 'bad-payload'],
    ['a good entry, then half of one', block([0x80, 0], [0x80]), 'bad-payload'],
    ['type 0', block([0x00, 0]), 'unsupported'],
    ['the first unassigned critical type', block([0x04, 2, 1, 1]), 'unsupported'],
    ['the last critical type', block([0x7f, 0]), 'unsupported'],
    ['an unknown critical type behind a skippable one', block([0x80, 0], [0x04, 0]), 'unsupported'],
    ['a session id of 15 bytes', block([0x01, 15, ...Array<number>(15).fill(1)]), 'bad-payload'],
    ['a session id of 17 bytes', block([0x01, 17, ...Array<number>(17).fill(1)]), 'bad-payload'],
    ['a session id twice', block(ID, ID), 'bad-payload'],
    ['an expiry of 5 bytes', block([0x02, 5, 1, 1, 1, 1, 1]), 'bad-payload'],
    ['an expiry of 8 bytes', block([0x02, 8, 0, 0, ...expiresAt(NOW + 1).slice(2)]), 'bad-payload'],
    ['an expiry twice', block(expiresAt(NOW + 1), expiresAt(NOW + 1)), 'bad-payload'],
    ['an expiry now', block(expiresAt(NOW)), 'expired'],
    ['an expiry in the past', block(expiresAt(NOW - 1)), 'expired'],
    ['an expiry at 0', block(expiresAt(0)), 'expired'],
    ['deflated JSON', block(DEFLATED), 'unsupported'],
    ['deflated with a value', block([0x03, 1, 0]), 'bad-payload'],
    ['of two faults the first: expired, then unknown', block(expiresAt(NOW), [0x04, 0]), 'expired'],
    ['of two faults the first: unknown, then expired', block([0x04, 0], expiresAt(NOW)), 'unsupported'],
    ['of two faults the first: deflated, then cut short', block(DEFLATED, [0x80]), 'unsupported'],
    ['of two faults the first: twice, though it has expired', block(expiresAt(NOW + 1), expiresAt(NOW)), 'bad-payload'],
  ])('refuses %s', (_, bytes, reason) => {
    expect(read(bytes)).toBe(reason)
  })

  it('expires at the millisecond', () => {
    const bytes = block(expiresAt(NOW))
    expect(read(bytes, NOW - 1)).toBe(bytes.length)
    expect(read(bytes, NOW)).toBe('expired')
  })

  it('reads times above 2^32, and every byte of them', () => {
    for (let bit = 0; bit < 48; bit++) {
      const bytes = block(expiresAt(2 ** bit))
      expect([read(bytes, 2 ** bit - 1), read(bytes, 2 ** bit)]).toEqual([bytes.length, 'expired'])
    }
  })

  it('is read as the document alone has it read, whatever its bytes', () => {
    const secret = 'a published secret, good for test vectors only'
    const entry = fc.oneof(
      fc.constantFrom(ID, DEFLATED, expiresAt(NOW), expiresAt(NOW + 1), [0x04, 0], [0x80, 1, 1]),
      fc.uint8Array({ maxLength: 5 }).map((bytes) => [...bytes]),
    )
    const input = fc
      .tuple(fc.array(entry, { maxLength: 4 }), fc.constantFrom(0, 0, 0, 1, -1))
      .map(([entries, error]) => [(entries.flat().length + error) & 0xff, ...entries.flat()])
    fc.assert(
      fc.property(input, (bytes) => {
        const times = { createdAt: NOW, issuedAt: NOW }
        const plaintext = Uint8Array.from([...bytes, 0x31])
        const token = referenceSeal(plaintext, { secret, name: 'n', nonce15: new Uint8Array(15), flags: 1, ...times })
        const opened = referenceOpen(token, { secrets: [secret], name: 'n', timeout: 1, now: NOW })
        const result = read([...plaintext])
        // A block too short by one leaves something before the JSON, which is no fault of the block.
        if (typeof result === 'string') expect(opened).toEqual({ ok: false, reason: result })
        else if (!opened.ok)
          expect([opened.reason, result < plaintext.length - 1 || result === plaintext.length]).toEqual([
            'bad-payload',
            true,
          ])
      }),
      { numRuns: 500 },
    )
  })
})
