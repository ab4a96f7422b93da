/** Misuse of createCodec: a TypeError that names the option, what was given and the way out, and never a secret. */
import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import type { Backend } from '../src/codec/backend.ts'
import { createCodec } from '../src/codec/codec.ts'
import { nodeBackend } from '../src/codec/node.ts'
import { checkCodecOptions, encodeUtf8 } from '../src/codec/options.ts'
import { toBytes } from './helpers/reference.js'

const SECRET = 'a published secret, good for test vectors only'
const GOOD = { secret: SECRET, name: 'n' }
const LONG = 'x'.repeat(61)

class Duration {}

/** The message of the TypeError that these options get. */
function refusal(options: unknown): string {
  try {
    createCodec(options as typeof GOOD)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    return (error as Error).message
  }
  throw new Error('not refused')
}

const withOption = (option: string, value: unknown): string => refusal({ ...GOOD, [option]: value })

describe('options', () => {
  it.each([
    [undefined, '(an? )?undefined'],
    [null, 'null'],
    [1, 'a number'],
    [true, 'a boolean'],
    [() => GOOD, 'a function'],
    [Symbol('hunter2'), 'a symbol'],
    ['hunter2', 'a string'],
    [['hunter2'], 'an object \\(Array\\)'],
    [new TextEncoder().encode('hunter2'), 'an object \\(Uint8Array\\)'],
  ])('must be an object, and are not shown, for they may be the secret: %s', (options, shown) => {
    expect(refusal(options)).toMatch(
      new RegExp(`^cookie-sessions: createCodec\\(\\) takes an object of options, got ${shown}; `),
    )
    expect(refusal(options)).toContain('{ secret')
    expect(refusal(options)).not.toMatch(/hunter2|104/)
  })

  it('may all be left out but secret and name', () => {
    expect(checkCodecOptions(GOOD)).toEqual({
      secrets: [new TextEncoder().encode(SECRET)],
      name: 'n',
      timeout: 86_400_000,
      absoluteTimeout: Infinity,
      backend: 'auto',
      now: expect.any(Function),
      random: undefined,
    })
  })

  it('that are undefined count as left out', () => {
    const options = {
      timeout: undefined,
      absoluteTimeout: undefined,
      backend: undefined,
      now: undefined,
      random: undefined,
    }
    expect(checkCodecOptions({ ...GOOD, ...options })).toEqual(checkCodecOptions(GOOD))
  })

  it('are neither changed nor read again', () => {
    const options = Object.freeze({ ...GOOD, secret: Object.freeze([SECRET]), timeout: 5 })
    expect(createCodec(options).backend).toBe('auto')
    const loose = { ...GOOD, now: () => 1_000 }
    const codec = createCodec(loose)
    loose.now = () => 2_000
    expect(codec.open(codec.seal(1))).toMatchObject({ issuedAt: 1_000 })
  })

  it('may come without a prototype, from another realm, or from a class', () => {
    expect(createCodec(Object.assign(Object.create(null) as object, GOOD) as typeof GOOD).backend).toBe('auto')
    expect(createCodec(runInNewContext('({ secret, name: "n" })', { secret: SECRET }) as typeof GOOD).backend).toBe(
      'auto',
    )
    expect(
      createCodec(
        new (class {
          secret = SECRET
          name = 'n'
        })(),
      ).backend,
    ).toBe('auto')
  })
})

describe('"secret" option', () => {
  it('is required, and says what may be missing', () => {
    const message = refusal({ name: 'n' })
    expect(message).toBe(
      'cookie-sessions: secret must be a string, a Uint8Array or a list of them, got undefined (is the environment variable set?). ' +
        'Make one with generateSecret() and hand it in, say as process.env.SESSION_SECRET',
    )
    expect(withOption('secret', undefined)).toBe(message)
    expect(withOption('secret', [undefined, SECRET])).toBe(
      message.replace(
        'secret must be a string, a Uint8Array or a list of them',
        'secret[0] must be a string or a Uint8Array',
      ),
    )
  })

  it.each([
    ['null', null, 'null'],
    ['a number', 123_456_789, 'a number'],
    ['true', true, 'a boolean'],
    ['a BigInt', 1n, 'a bigint'],
    ['a symbol', Symbol('hunter2'), 'a symbol'],
    ['a function', () => 'hunter2', 'a function'],
    ['an object', { secret: 'hunter2' }, 'an object (Object)'],
    ['an object without a prototype', Object.create(null), 'an object (without a prototype)'],
    ['an ArrayBuffer', new ArrayBuffer(32), 'an object (ArrayBuffer)'],
    ['words of 16 bits', new Uint16Array(32), 'an object (Uint16Array)'],
  ])('is refused as %s', (_, value, shown) => {
    const message = withOption('secret', value)
    expect(message).toMatch(/^cookie-sessions: secret must be a string, a Uint8Array or a list of them, got /)
    expect(message).toContain(`got ${shown}.`)
    expect(message).toContain('generateSecret()')
  })

  it.each<[string, unknown, string]>([
    ['nothing at the first place', [undefined, SECRET], 'secret[0] must be a string or a Uint8Array, got undefined'],
    ['a hole at the first place', new Array(2), 'secret[0] must be a string or a Uint8Array, got undefined'],
    ['a list in a list', [[SECRET]], 'secret[0] must be a string or a Uint8Array, got an object (Array).'],
    ['null', [SECRET, null], 'secret[1] must be a string or a Uint8Array, got null.'],
    ['a number', [SECRET, SECRET, 123_456_789], 'secret[2] must be a string or a Uint8Array, got a number.'],
    ['empty text', [SECRET, ''], 'secret[1] must not be empty. '],
    ['no bytes', [SECRET, new Uint8Array()], 'secret[1] must not be empty. '],
    ['too much', [SECRET, 'hunter2'.repeat(600)], 'secret[1] must be at most 4096 bytes, got 4200: '],
    [
      'half a character',
      [SECRET, 'hunter2 \ud83c'],
      'secret[1] must be well-formed, got a string with a lone surrogate',
    ],
  ])('is refused as a list with %s, and which one it is', (_, value, message) => {
    expect(withOption('secret', value)).toContain(`cookie-sessions: ${message}`)
    expect(withOption('secret', value)).not.toMatch(/hunter2|published/)
  })

  it.each<[string, unknown]>([
    ['text', ''],
    ['bytes', new Uint8Array()],
  ])('is refused when empty: %s', (_, value) => {
    expect(withOption('secret', value)).toMatch(
      /^cookie-sessions: secret must not be empty\. Make one with generateSecret\(\)/,
    )
  })

  it('is refused as a list of none, or of more than 64', () => {
    expect(withOption('secret', [])).toMatch(/^cookie-sessions: secret must hold 1 to 64 secrets, got 0\. /)
    expect(withOption('secret', Array(65).fill(SECRET))).toMatch(
      /^cookie-sessions: secret must hold 1 to 64 secrets, got 65\. /,
    )
    expect(createCodec({ ...GOOD, secret: Array(64).fill(SECRET) as string[] }).backend).toBe('auto')
  })

  it('may be undefined behind the first of a list, which is left out with one warning that names it', () => {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue()
    const last = toBytes('the secret of the year before, no longer used')
    const withHole = [SECRET]
    withHole[3] = 'the secret of the year before, no longer used'
    for (const secret of [
      [SECRET, undefined, last],
      [SECRET, undefined, last],
    ] as const) {
      expect(checkCodecOptions({ ...GOOD, secret }).secrets).toEqual([toBytes(SECRET), last])
    }
    expect(checkCodecOptions({ ...GOOD, secret: withHole }).secrets).toEqual([toBytes(SECRET), last])
    expect(checkCodecOptions({ ...GOOD, secret: [SECRET, undefined] as const }).secrets).toEqual([toBytes(SECRET)])
    expect(emitWarning.mock.calls.map(([message]) => message)).toEqual([
      'cookie-sessions: secret[1]: undefined, and so left out (is the environment variable set?). What was sealed with that secret no longer opens',
      'cookie-sessions: secret[1], secret[2]: undefined, and so left out (is the environment variable set?). What was sealed with that secret no longer opens',
    ])
    emitWarning.mockRestore()
  })

  it('may be bytes of another realm, as Jest has them', () => {
    const bytes = runInNewContext('Uint8Array.from({ length: 40 }, (_, i) => i * i)') as Uint8Array
    expect(bytes).not.toBeInstanceOf(Uint8Array)
    for (const secret of [bytes, [bytes], runInNewContext('[bytes]', { bytes })]) {
      const { secrets } = checkCodecOptions({ ...GOOD, secret } as typeof GOOD)
      expect(secrets).toEqual([Uint8Array.from({ length: 40 }, (_, i) => i * i)])
    }
    for (const other of ['new Uint16Array(40)', 'new DataView(new ArrayBuffer(40))', 'new Uint8ClampedArray(40)']) {
      expect(withOption('secret', runInNewContext(other))).toMatch(/^cookie-sessions: secret must be a string/)
    }
    expect(refusal(bytes)).toMatch(
      /^cookie-sessions: createCodec\(\) takes an object of options, got an object \(Uint8/,
    )
  })

  it('is refused above 4,096 bytes', () => {
    expect(withOption('secret', 'hunter2'.repeat(600))).toBe(
      'cookie-sessions: secret must be at most 4096 bytes, got 4200: 32 random bytes are enough',
    )
    expect(withOption('secret', '\u00e9'.repeat(2_049))).toContain('got 4098')
    expect(withOption('secret', new Uint8Array(4_097))).toContain('got 4097')
    expect(createCodec({ ...GOOD, secret: new Uint8Array(4_096) }).backend).toBe('auto')
  })

  it.each(['\ud83c', '\udf6a', 'ab\ud83ccd', '\udf6a\ud83c'])('is refused with a lone surrogate', (half) => {
    const message = withOption('secret', `hunter2 and so on, and so on ${half}`)
    expect(message).toBe('cookie-sessions: secret must be well-formed, got a string with a lone surrogate')
  })

  it('never shows in a message, whatever else is wrong', () => {
    const wrong: [string, unknown][] = [
      ['name', ''],
      ['name', undefined],
      ['timeout', 0],
      ['absoluteTimeout', 0],
      ['backend', 'fast'],
      ['now', 5],
      ['random', 5],
      ['sercet', SECRET],
      ['password', SECRET],
      ['keys', [SECRET]],
      ['rolling', true],
    ]
    for (const [option, value] of wrong) {
      for (const secret of ['hunter2', [SECRET, 'hunter2'], new TextEncoder().encode('hunter2')]) {
        const message = refusal({ ...GOOD, secret, [option]: value })
        expect(message).not.toMatch(/hunter2|published/)
      }
    }
  })
})

describe('"name" option', () => {
  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [5, '5'],
    ['', '""'],
    ['a\0b', '"a\\u0000b"'],
    [`\0${LONG}`, 'a string of 62 characters'],
    [['_node'], 'an object (Array)'],
    [Symbol('n'), 'Symbol(n)'],
  ])('is refused: %s', (name, shown) => {
    expect(withOption('name', name)).toBe(
      `cookie-sessions: name must be the cookie's or the purpose's name, a string of 1 to 256 bytes without NUL, got ${shown}`,
    )
  })

  it('is refused above 256 bytes of UTF-8', () => {
    expect(withOption('name', 'n'.repeat(257))).toBe(
      'cookie-sessions: name must be at most 256 bytes of UTF-8, got a string of 257 characters',
    )
    expect(withOption('name', '\u{1f36a}'.repeat(65))).toContain('name must be at most 256 bytes of UTF-8')
    expect(createCodec({ ...GOOD, name: '\u{1f36a}'.repeat(64) }).backend).toBe('auto')
  })

  it('is refused with a lone surrogate', () => {
    expect(withOption('name', 'n\ud83c')).toBe(
      'cookie-sessions: name must be well-formed, got a string with a lone surrogate',
    )
  })
})

describe.each(['timeout', 'absoluteTimeout'])('"%s" option', (option) => {
  it.each([
    [0, '0'],
    [-1, '-1'],
    [1.5, '1.5'],
    [NaN, 'NaN'],
    [-Infinity, '-Infinity'],
    [2 ** 48, '281474976710656'],
    ['1000', '"1000"'],
    ['1 day', '"1 day"'],
    [LONG, 'a string of 61 characters'],
    [null, 'null'],
    [true, 'true'],
    [1_000n, '1000'],
    [new Date(5), 'an object (Date)'],
    [new Duration(), 'an object (Duration)'],
    [() => 5, 'a function'],
  ])('is refused: %s', (value, shown) => {
    expect(withOption(option, value)).toMatch(
      new RegExp(
        `^cookie-sessions: ${option} must be a whole number of milliseconds above 0,( or Infinity,)? got ${shown.replace(/[()]/g, '\\$&')}`,
      ),
    )
  })

  it('is taken from 1 ms to the end of time', () => {
    for (const value of [1, 2 ** 48 - 1]) {
      const settings = checkCodecOptions({ ...GOOD, timeout: 1, [option]: value })
      expect(settings[option as 'timeout']).toBe(value)
    }
  })
})

describe('"absoluteTimeout" option', () => {
  it('is refused when shorter than timeout, with both values and the way out', () => {
    expect(refusal({ ...GOOD, timeout: 5_000, absoluteTimeout: 4_999 })).toBe(
      'cookie-sessions: absoluteTimeout (4999 ms) is shorter than timeout (5000 ms), which then never counts: make timeout the shorter of the two',
    )
  })

  it('may be Infinity, which is none; timeout may not', () => {
    expect(checkCodecOptions({ ...GOOD, absoluteTimeout: Infinity })).toMatchObject({
      timeout: 86_400_000,
      absoluteTimeout: Infinity,
    })
    expect(withOption('timeout', Infinity)).toMatch(/timeout must be a whole number of milliseconds above 0, got Infin/)
  })

  it('may equal timeout, and shortens it where that is left out', () => {
    expect(checkCodecOptions({ ...GOOD, timeout: 5, absoluteTimeout: 5 })).toMatchObject({
      timeout: 5,
      absoluteTimeout: 5,
    })
    expect(checkCodecOptions({ ...GOOD, absoluteTimeout: 5 })).toMatchObject({ timeout: 5, absoluteTimeout: 5 })
    expect(checkCodecOptions({ ...GOOD, absoluteTimeout: 1e9 })).toMatchObject({
      timeout: 86_400_000,
      absoluteTimeout: 1e9,
    })
  })
})

describe('"backend" option', () => {
  it.each([
    ['fast', '"fast"'],
    ['WASM', '"WASM"'],
    ['js', '"js"'],
    ['', '""'],
    [null, 'null'],
    [5, '5'],
    [false, 'false'],
    [{}, 'an object (Object)'],
    [{ keyring: true }, 'an object (Object)'],
    [createCodec, 'a function'],
  ])('is refused: %s', (backend, shown) => {
    expect(withOption('backend', backend)).toBe(
      `cookie-sessions: backend must be 'auto', 'wasm', 'node' or a backend object, got ${shown}`,
    )
  })

  it.each<[string, 'auto' | 'wasm' | 'node' | Backend, RegExp]>([
    ["'auto'", 'auto', /^auto$/],
    ["'wasm'", 'wasm', /^wasm$/],
    ["'node'", 'node', /^node$/],
    ['an object', nodeBackend(), /^node$/],
  ])('is taken: %s', (_, backend, name) => {
    expect(createCodec({ ...GOOD, backend }).backend).toMatch(name)
  })
})

describe('"now" and "random" options', () => {
  it.each([
    [5, '5'],
    [null, 'null'],
    ['now', '"now"'],
    [new Date(5), 'an object (Date)'],
    [{ getRandomValues: () => 1 }, 'an object (Object)'],
  ])('are refused: %s', (value, shown) => {
    expect(withOption('now', value)).toBe(
      `cookie-sessions: now must be a function that returns milliseconds since the epoch, got ${shown}`,
    )
    expect(withOption('random', value)).toBe(
      `cookie-sessions: random must be a function that fills bytes, got ${shown}`,
    )
  })
})

describe('an unknown option', () => {
  it.each([
    // What neighbours call it
    ['keys', 'secret'],
    ['password', 'secret'],
    ['secrets', 'secret'],
    ['duration', 'timeout'],
    ['idleTimeout', 'timeout'],
    ['absoluteDuration', 'absoluteTimeout'],
    ['session_key', 'name'],
    ['cookieName', 'name'],
    // Slips
    ['Secret', 'secret'],
    ['SECRET', 'secret'],
    ['sercet', 'secret'],
    ['timeOut', 'timeout'],
    ['timout', 'timeout'],
    ['time_out', 'timeout'],
    ['absolutetimeout', 'absoluteTimeout'],
    ['absolute_timeout', 'absoluteTimeout'],
    ['backEnd', 'backend'],
    ['bakcend', 'backend'],
    ['randm', 'random'],
    ['nam', 'name'],
    ['noww', 'now'],
  ])('%s is told of %s', (option, meant) => {
    expect(withOption(option, undefined)).toBe(
      `cookie-sessions: createCodec() has no option '${option}': did you mean '${meant}'?`,
    )
  })

  it.each([
    'x',
    'toString',
    'constructor',
    '__proto__',
    'hasOwnProperty',
    'rolling',
    'cookie',
    'algorithm',
    '',
    'a long name of nothing that is known here',
  ])('%j is told of what there is, for it is like nothing', (option) => {
    const options = JSON.parse(`{${JSON.stringify(option)}: 1}`) as object
    expect(refusal(Object.defineProperties({ ...GOOD }, Object.getOwnPropertyDescriptors(options)))).toBe(
      `cookie-sessions: createCodec() has no option '${option}': known are secret, name, timeout, absoluteTimeout, backend, now, random`,
    )
  })

  it('is never led to an option that createCodec does not have', () => {
    for (const option of ['activeDuration', 'rolling', 'secure', 'path', 'cookieOptions', 'sessionName']) {
      const [, meant] = /did you mean '(.*)'/.exec(withOption(option, 1)) ?? []
      if (meant !== undefined)
        expect(['secret', 'name', 'timeout', 'absoluteTimeout', 'backend', 'now', 'random']).toContain(meant)
    }
  })

  it('is told of before what else is wrong', () => {
    expect(refusal({ pasword: 5 })).toContain("no option 'pasword'")
    expect(refusal({ password: SECRET, name: 'n' })).toContain("did you mean 'secret'?")
  })

  it('on the prototype does not count', () => {
    expect(createCodec(Object.assign(Object.create({ extra: 1 }) as object, GOOD) as typeof GOOD).backend).toBe('auto')
  })

  it.each(['maxAge', 'ttl', 'expires', 'expiry'])('%s is told of timeout and its unit', (option) => {
    expect(withOption(option, 3_600)).toMatch(
      /no option '\w+': did you mean 'timeout'\? It says how long .* in milliseconds \(not in seconds, .* not as a date\)$/,
    )
  })

  it('key is told of name beside a secret, and of both where there is none', () => {
    expect(withOption('key', 'hunter2')).toBe(
      "cookie-sessions: createCodec() has no option 'key': beside a secret, other modules take it for the cookie's name: that is 'name' here",
    )
    expect(refusal({ key: 'hunter2', name: 'n' })).toBe(
      "cookie-sessions: createCodec() has no option 'key': other modules take it for the secret or for the cookie's name: these are 'secret' and 'name' here",
    )
  })
})

describe('encodeUtf8', () => {
  it('is UTF-8 at every border between lengths', () => {
    for (const point of [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xfeff, 0xffff, 0x10000, 0x10ffff]) {
      const text = `a${String.fromCodePoint(point)}b`
      expect([...encodeUtf8('name', text)]).toEqual([...new TextEncoder().encode(text)])
    }
  })
})
