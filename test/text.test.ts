/** The three ways of writing and reading UTF-8 in a fixed memory, held against each other and against the Encoding Standard. */
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { bufferText, createText, plainText, standardText, type Text } from '../src/codec/text.ts'

fc.configureGlobal({ seed: 2011 })

/** The longest payload, and some room around it. */
const MEMORY_BYTES = 16_320 + 80
const FILL = 0xaa

interface Subject {
  readonly text: Text
  readonly bytes: Uint8Array
}

function subject(make: (memory: ArrayBuffer) => Text): Subject {
  const memory = new ArrayBuffer(MEMORY_BYTES)
  return { text: make(memory), bytes: new Uint8Array(memory) }
}

const subjects = {
  bufferText: subject((memory) => bufferText(Buffer as unknown as Parameters<typeof bufferText>[0], memory)),
  standardText: subject(standardText),
  plainText: subject(plainText),
}
const variants = Object.entries(subjects)
const all = Object.values(subjects)

/** What a write leaves: its length, and the memory from `offset` to one character past the limit. */
function write({ text, bytes }: Subject, string: string, offset: number, limit: number): [number, number[]] {
  bytes.fill(FILL)
  const written = text.writer(offset, limit)(string)
  return [written, [...bytes.subarray(offset, offset + limit + 4)]]
}

function read({ text, bytes }: Subject, input: readonly number[], offset = 64): string | undefined {
  bytes.fill(FILL)
  bytes.set(input, offset)
  return text.utf8(offset, offset + input.length)
}

const utf8 = (string: string): number[] => [...new TextEncoder().encode(string)]

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('createText', () => {
  it('takes node Buffer where there is one', () => {
    const slice = vi.spyOn(Buffer.prototype as unknown as { latin1Slice(): string }, 'latin1Slice')
    createText(new ArrayBuffer(8)).ascii(0, 4)
    expect(slice).toHaveBeenCalledOnce()
    slice.mockRestore()
  })

  /** Which of the Encoding Standard's classes are made for a text that works, in a runtime with these globals changed. */
  function made(globals: { readonly [name: string]: unknown }): string[] {
    const slice = vi.spyOn(Buffer.prototype as unknown as { latin1Slice(): string }, 'latin1Slice')
    const classes: string[] = []
    for (const name of ['TextEncoder', 'TextDecoder'] as const) {
      const Class = globalThis[name] as new (...args: unknown[]) => object
      vi.stubGlobal(
        name,
        class extends Class {
          constructor(...args: unknown[]) {
            super(...args)
            classes.push(name)
          }
        },
      )
    }
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value)
    const text = createText(new ArrayBuffer(8))
    const done = [text.writer(1, 7)('\u00e9\u{1f36a}'), text.utf8(1, 7), text.ascii(0, 1), slice.mock.calls.length]
    vi.unstubAllGlobals()
    slice.mockRestore()
    expect(done).toEqual([6, '\u00e9\u{1f36a}', '\0', 0])
    return classes.sort()
  }

  it.each([
    ['no Buffer', undefined],
    ['a Buffer without its unchecked methods', { from: () => ({}) }],
  ])('takes TextEncoder and TextDecoder where there is %s', (_, value) => {
    expect(made({ Buffer: value })).toEqual(['TextDecoder', 'TextEncoder'])
  })

  it.each([['TextEncoder'], ['TextDecoder']])('does without either where there is no %s', (name) => {
    expect(made({ [name]: undefined })).toEqual([])
    expect(made({ Buffer: undefined, [name]: undefined })).toEqual([])
  })
})

describe.each(variants)('%s', (_, it_) => {
  it.each([
    ['nothing', ''],
    ['ASCII', 'cookie'],
    ['two bytes', '\u00e9\u07ff\u0080'],
    ['three bytes', '\u20ac\u0800\uffff'],
    ['four bytes', '\u{1f36a}\u{10000}\u{10ffff}'],
    ['NUL', 'a\0b'],
    ['a byte order mark, first and later', '\ufeffa\ufeff'],
    ['U+FFFD in its own right', 'a\ufffdb'],
  ])('writes and reads %s', (_, string) => {
    const expected = utf8(string)
    expect(write(it_, string, 7, 100)).toEqual([
      expected.length,
      [...expected, ...Array(104 - expected.length).fill(FILL)],
    ])
    expect(read(it_, expected)).toBe(string)
  })

  it.each([
    ['a high surrogate alone', 'a\ud83cb', 'a\ufffdb'],
    ['a low surrogate alone', 'a\udf6ab', 'a\ufffdb'],
    ['a high surrogate at the end', 'a\ud83c', 'a\ufffd'],
    ['a pair the wrong way round', '\udf6a\ud83c', '\ufffd\ufffd'],
  ])('writes %s as U+FFFD', (_, string, written) => {
    expect(write(it_, string, 0, 50)[1].slice(0, utf8(written).length)).toEqual(utf8(written))
    expect(it_.text.writer(0, 50)(string)).toBe(utf8(written).length)
  })

  it.each([
    ['\u00e9', 2],
    ['\u20ac', 3],
    ['\u{1f36a}', 4],
  ])('cuts %s at the limit as a whole, and writes nothing past the limit', (character, size) => {
    for (let before = 0; before < 5; before++) {
      for (let limit = 0; limit < 20; limit++) {
        const string = `${'x'.repeat(before)}${character.repeat(4)}`
        const fits =
          before >= limit ? limit : before + Math.floor((Math.min(limit, utf8(string).length) - before) / size) * size
        const [written, memory] = write(it_, string, 33, limit)
        expect([written, memory.slice(written)]).toEqual([fits, Array(limit + 4 - fits).fill(FILL)])
      }
    }
  })

  it.each([
    ['a continuation byte alone', [0x80]],
    ['a lead byte alone', [0x61, 0xc3]],
    ['two of three bytes', [0xe2, 0x82]],
    ['three of four bytes', [0xf0, 0x9f, 0x8d]],
    ['an overlong NUL', [0xc0, 0x80]],
    ['an overlong slash, three bytes', [0xe0, 0x80, 0xaf]],
    ['an overlong euro, four bytes', [0xf0, 0x82, 0x82, 0xac]],
    ['a surrogate (CESU-8)', [0xed, 0xa0, 0xbc]],
    ['a pair of surrogates (CESU-8)', [0xed, 0xa0, 0xbc, 0xed, 0xbd, 0xaa]],
    ['a point above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a byte that UTF-8 never has', [0x22, 0xff, 0x22]],
    ['a fault next to U+FFFD in its own right', [0xef, 0xbf, 0xbd, 0x80]],
    ['a fault that is as long as the U+FFFD it reads as', [0xed, 0xa0, 0x80]],
  ])('does not read %s', (_, input) => {
    expect(read(it_, input)).toBeUndefined()
  })

  it('reads nothing as the empty text', () => {
    expect(it_.text.utf8(5, 5)).toBe('')
    expect(it_.text.ascii(5, 5)).toBe('')
  })

  it('reads every ASCII character', () => {
    const ascii = Array.from({ length: 128 }, (_, i) => i)
    it_.bytes.set(ascii, 9)
    expect(it_.text.ascii(9, 137)).toBe(String.fromCharCode(...ascii))
    expect(it_.text.utf8(9, 137)).toBe(String.fromCharCode(...ascii))
  })

  it('reads what stands between the two places and no more', () => {
    const stand = utf8('a\u20acb')
    it_.bytes.fill(FILL)
    it_.bytes.set(stand, 10)
    expect(it_.text.utf8(10, 15)).toBe('a\u20acb')
    expect(it_.text.utf8(11, 14)).toBe('\u20ac')
    expect(it_.text.utf8(11, 13)).toBeUndefined()
  })
})

describe('all', () => {
  /** What each one says, which has to be the same. */
  function agreed<T>(ask: (it_: Subject) => T): T {
    const [first, ...others] = all.map(ask)
    for (const other of others) expect(other).toEqual(first)
    return first as T
  }

  /** RFC 3629 section 4, over a character for each byte. */
  const tail = '[\\x80-\\xbf]'
  const grammar = new RegExp(
    `^(?:${[
      '[^\\x80-\\xff]',
      `[\\xc2-\\xdf]${tail}`,
      `\\xe0[\\xa0-\\xbf]${tail}`,
      `[\\xe1-\\xec\\xee\\xef]${tail}{2}`,
      `\\xed[\\x80-\\x9f]${tail}`,
      `\\xf0[\\x90-\\xbf]${tail}{2}`,
      `[\\xf1-\\xf3]${tail}{3}`,
      `\\xf4[\\x80-\\x8f]${tail}{2}`,
    ].join('|')})*$`,
  )

  /** That all read these bytes alike, exactly if the grammar has them. Without expect(), for it is called very often. */
  function checkReading(...input: readonly number[]): void {
    const isValid = grammar.test(String.fromCharCode(...input))
    const texts = all.map(({ text, bytes }) => {
      bytes.set(input, 64)
      return text.utf8(64, 64 + input.length)
    })
    const expected = isValid ? Buffer.from(input).toString() : undefined
    if (texts.some((text) => text !== expected)) throw new Error(`${input} are read as ${texts.map(String)}`)
  }

  it('write and read every code point', () => {
    for (let from = 0; from < 0x110000; from += 0x800) {
      const string = String.fromCodePoint(...Array.from({ length: 0x800 }, (_, i) => from + i))
      const expected = Buffer.from(string)
      for (const { text, bytes } of all) {
        expect(text.writer(0, MEMORY_BYTES)(string)).toBe(expected.length)
        expect(expected.equals(bytes.subarray(0, expected.length))).toBe(true)
        expect(text.utf8(0, expected.length) === expected.toString()).toBe(true)
      }
    }
  })

  it('read every sequence of one and of two bytes alike', () => {
    for (let first = 0; first < 256; first++) {
      checkReading(first)
      for (let second = 0; second < 256; second++) checkReading(first, second)
    }
  })

  it('read the sequences of three and four bytes alike, around each edge of the grammar', () => {
    const firsts = [
      0x22, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff,
    ]
    const nexts = [0x22, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
    for (const first of firsts) {
      for (const second of nexts) {
        for (const third of nexts) {
          checkReading(first, second, third)
          for (const fourth of nexts) checkReading(first, second, third, fourth)
        }
      }
    }
  })

  it('write the same bytes of any text at any limit', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.oneof(
            fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
            fc.constantFrom('a', '\u00e9', '\u20ac', '\u{1f36a}'),
          ),
        }),
        fc.nat({ max: 60 }),
        fc.nat({ max: 300 }),
        (string, limit, offset) => {
          agreed((it_) => write(it_, string, offset, limit))
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('write and read the longest payload there is, and no byte more', () => {
    for (const character of ['x', '\u00e9', '\u20ac', '\u{1f36a}', '\ufeff', '\ud83c']) {
      const size = utf8(character).length
      const string = `ab${character.repeat(16_320 / size)}`
      const fits = 2 + Math.floor(16_318 / size) * size
      const [written, memory] = agreed((it_) => write(it_, string, 40, 16_320))
      expect([written, memory.slice(written)]).toEqual([fits, Array(16_324 - fits).fill(FILL)])
      const text = agreed((it_) => it_.text.utf8(40, 40 + fits))
      expect(text === Buffer.from(string).toString('utf8', 0, fits)).toBe(true)
    }
    agreed((it_) => {
      it_.bytes.fill(0x41)
      return it_.text.ascii(0, MEMORY_BYTES) === 'A'.repeat(MEMORY_BYTES)
    })
  })

  it('read the same text of any bytes, or all refuse', () => {
    const fragment = fc.oneof(
      fc.uint8Array({ maxLength: 6 }).map((bytes) => [...bytes]),
      fc.string({ unit: 'binary', maxLength: 4 }).map(utf8),
      fc.constantFrom([0xef, 0xbf, 0xbd], [0xef, 0xbb, 0xbf], [0xed, 0xa0, 0x80], [0xc3], [0xbf]),
    )
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 6 }), (fragments) => {
        const input = fragments.flat()
        const text = agreed((it_) => read(it_, input))
        if (text !== undefined) expect(utf8(text)).toEqual(input)
      }),
      { numRuns: 2_000 },
    )
  })
})
