/**
 * seal() and open() of the kernel in both builds, against tokens put together with node:crypto. The statuses are
 * those of assembly/seal.ts, the order of the steps is docs/format.md's.
 */
import { describe, expect, it } from 'vitest'
import {
  BAD_TAG,
  BUILDS,
  CREATED_AT,
  derive,
  EXPIRED,
  ISSUED_AT,
  type Kernels,
  keysOf,
  LENGTHS,
  load,
  MALFORMED,
  NOT_YET_VALID,
  noise,
  pointers,
  type TokenFields,
  tokenOf,
  UNKNOWN_KEY,
  UNSUPPORTED,
} from './helpers/kernels.ts'

const NOW = ISSUED_AT + 1000
const TIMEOUT = 86_400_000
const INFO = Buffer.from('cookie-sessions v1\0_node')
const SECRETS = [noise(32, 'first'), noise(32, 'second'), noise(40, 'third')]
const FIRST = keysOf(SECRETS[0] as Buffer, INFO)
const SECOND = keysOf(SECRETS[1] as Buffer, INFO)
const THIRD = keysOf(SECRETS[2] as Buffer, INFO)
const KEYS = [FIRST, SECOND, THIRD]
const DATA = noise(16_320, 'data')
const NONCE_15 = noise(15, 'nonce')

function ready(file: string): Kernels {
  const kernels = load(file)
  for (const [slot, secret] of SECRETS.entries()) derive(kernels, secret, INFO, slot)
  return kernels
}

function seal(kernels: Kernels, plaintext: Uint8Array, createdAt = CREATED_AT, issuedAt = ISSUED_AT): string {
  const { MESSAGE, TOKEN } = pointers(kernels)
  kernels.put(MESSAGE + 17, NONCE_15)
  kernels.put(MESSAGE + 32, plaintext)
  const length = kernels.seal(plaintext.length, createdAt, issuedAt)
  return kernels.get(TOKEN, length).toString('latin1')
}

interface Times {
  keys?: number
  now?: number
  timeout?: number
  absoluteTimeout?: number
}

function open(kernels: Kernels, token: string | Uint8Array, times: Times = {}): number {
  const { keys = 3, now = NOW, timeout = TIMEOUT, absoluteTimeout = Number.POSITIVE_INFINITY } = times
  const length = kernels.put(kernels.TOKEN.value, typeof token === 'string' ? Buffer.from(token, 'latin1') : token)
  return kernels.open(length, keys, now, timeout, absoluteTimeout)
}

/** The token with one bit of one raw byte flipped. */
function flip(token: string, at: number, mask = 1): string {
  const bytes = Buffer.from(token, 'base64url')
  const place = at < 0 ? bytes.length + at : at
  bytes[place] = (bytes[place] ?? 0) ^ mask
  return bytes.toString('base64url')
}

describe.each(BUILDS)('%s build', (_, file) => {
  const kernels = ready(file)
  const { KEYRING, MESSAGE, TOKEN, RESULT } = pointers(kernels)

  it('seals the same bytes as node:crypto and opens them, at every length', () => {
    for (const n of LENGTHS) {
      const plaintext = DATA.subarray(0, n)
      const token = tokenOf(FIRST, plaintext)
      if (seal(kernels, plaintext) !== token) expect.fail(`seal ${n}`)
      kernels.bytes.fill(0, MESSAGE, MESSAGE + 16_384)
      if (open(kernels, token) !== n) expect.fail(`open ${n}`)
      if (!kernels.get(MESSAGE + 32, n).equals(plaintext)) expect.fail(`payload ${n}`)
    }
  })

  it.each([0, -0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 47, 2 ** 48 - 1])('carries the time %d', (time) => {
    const token = seal(kernels, DATA.subarray(0, 5), time, time)
    expect(token).toBe(tokenOf(FIRST, DATA.subarray(0, 5), { createdAt: time, issuedAt: time }))
    expect(open(kernels, token, { now: time })).toBe(5)
    expect(kernels.bytes.readDoubleLE(RESULT)).toBe(Math.abs(time))
    expect(kernels.bytes.readDoubleLE(RESULT + 8)).toBe(Math.abs(time))
  })

  it('seals nothing where length or times are out of range, and wipes what was staged', () => {
    for (const [length, createdAt, issuedAt] of [
      [16_321, 1, 1],
      [-1, 1, 1],
      [0x7fffffff, 1, 1],
      [-0x80000000, 1, 1],
      [5, -1, 1],
      [5, 2, 1],
      [5, 1, 2 ** 48],
      [5, Number.NaN, 1],
      [5, 1, Number.NaN],
      [5, 1, Number.POSITIVE_INFINITY],
      [5, Number.NEGATIVE_INFINITY, 1],
    ] as const) {
      kernels.put(MESSAGE + 32, DATA)
      expect(kernels.seal(length, createdAt, issuedAt), `${length}, ${createdAt}, ${issuedAt}`).toBe(0)
      expect(kernels.get(MESSAGE + 32, 16_320).equals(Buffer.alloc(16_320))).toBe(true)
    }
  })

  it('tells times, flags and key of what it opened', () => {
    for (const [index, keys] of KEYS.entries()) {
      for (const flags of [0, 1]) {
        expect(open(kernels, tokenOf(keys, DATA.subarray(0, 7), { flags }))).toBe(7)
        expect(kernels.bytes.readDoubleLE(RESULT)).toBe(CREATED_AT)
        expect(kernels.bytes.readDoubleLE(RESULT + 8)).toBe(ISSUED_AT)
        expect(kernels.bytes.readInt32LE(RESULT + 16)).toBe(flags)
        expect(kernels.bytes.readInt32LE(RESULT + 20)).toBe(index)
      }
    }
  })

  it('knows only the slots it is told of', () => {
    const token = tokenOf(THIRD, DATA.subarray(0, 7))
    expect(open(kernels, token, { keys: 3 })).toBe(7)
    for (const keys of [2, 1, 0, -1, -0x80000000]) expect(open(kernels, token, { keys })).toBe(UNKNOWN_KEY)
    const foreign = tokenOf(keysOf(noise(32, 'stranger'), INFO), DATA.subarray(0, 7))
    for (const keys of [64, 65, 0x7fffffff]) {
      expect(open(kernels, token, { keys })).toBe(7)
      expect(open(kernels, foreign, { keys })).toBe(UNKNOWN_KEY)
    }
  })

  it('tries every key with the id of the token', () => {
    const twin = ready(file)
    const ring = twin.KEYRING.value
    for (const slot of [0, 1, 2]) twin.put(ring + slot * 144 + 128, FIRST.keyId)
    for (const [index, keys] of KEYS.entries()) {
      expect(open(twin, tokenOf({ ...keys, keyId: FIRST.keyId }, DATA.subarray(0, 7)))).toBe(7)
      expect(twin.bytes.readInt32LE(twin.RESULT.value + 20)).toBe(index)
    }
    const stranger = keysOf(noise(32, 'stranger'), INFO)
    expect(open(twin, tokenOf({ ...stranger, keyId: FIRST.keyId }, DATA.subarray(0, 7)))).toBe(BAD_TAG)
  })

  describe('open() refuses', () => {
    const GOOD = tokenOf(FIRST, DATA.subarray(0, 100))
    const token = (fields: Partial<TokenFields>, keys = FIRST): string => tokenOf(keys, DATA.subarray(0, 100), fields)

    it('every length out of range, whatever stands there', () => {
      kernels.bytes.fill(0x41, TOKEN, TOKEN + 21_846)
      for (const length of [0, 1, 85, 21_847, 89, 93, 21_845, -1, 0x7fffffff, -0x80000000]) {
        expect(kernels.open(length, 3, NOW, TIMEOUT, TIMEOUT), `${length}`).toBe(MALFORMED)
      }
      expect(kernels.open(86, 3, NOW, TIMEOUT, TIMEOUT)).toBe(UNSUPPORTED)
      expect(kernels.open(21_846, 3, NOW, TIMEOUT, TIMEOUT)).toBe(UNSUPPORTED)
    })

    it('a token cut short or made longer, at every place', () => {
      for (let n = 0; n < GOOD.length; n++) {
        const cut = GOOD.slice(0, n)
        const isCanonical = n >= 86 && Buffer.from(cut, 'base64url').toString('base64url') === cut
        expect(open(kernels, cut), `${n}`).toBe(isCanonical ? BAD_TAG : MALFORMED)
      }
      for (const tail of ['A', 'AA', 'AAA', 'AAAA', '=', '\0', ' ', '\n']) {
        expect(open(kernels, GOOD + tail), JSON.stringify(tail)).toBeLessThan(0)
      }
    })

    it('every single flipped bit', () => {
      const bytes = Buffer.from(GOOD, 'base64url').length
      for (let at = 0; at < bytes; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const status = open(kernels, flip(GOOD, at, 1 << bit))
          const expected =
            at === 0
              ? UNSUPPORTED
              : at === 1
                ? bit === 0
                  ? BAD_TAG
                  : UNSUPPORTED
                : at < 4
                  ? UNKNOWN_KEY
                  : at === 16
                    ? MALFORMED
                    : BAD_TAG
          if (status !== expected) expect.fail(`byte ${at}, bit ${bit}: ${status}`)
        }
      }
    })

    it('every character that is not base64url, at every place', () => {
      const text = Buffer.from(GOOD)
      for (let at = 0; at < text.length; at++) {
        const kept = text[at] ?? 0
        for (const byte of [0, 0x20, 0x2b, 0x2f, 0x3d, 0x40, 0x5b, 0x60, 0x7b, 0x7f, 0x80, kept | 0x80, 0xff]) {
          text[at] = byte
          if (open(kernels, text) !== MALFORMED) expect.fail(`${byte} at ${at}`)
        }
        text[at] = kept
      }
      expect(open(kernels, text)).toBe(100)
    })

    it('every other version and every other flag', () => {
      for (let byte = 0; byte < 256; byte++) {
        expect(open(kernels, token({ version: byte })), `version ${byte}`).toBe(byte === 1 ? 100 : UNSUPPORTED)
        expect(open(kernels, token({ flags: byte })), `flags ${byte}`).toBe(byte <= 1 ? 100 : UNSUPPORTED)
      }
    })

    it('a nonce that does not begin with zero', () => {
      for (const first of [1, 0x80, 0xff]) {
        const nonce = Buffer.concat([Buffer.from([first]), NONCE_15])
        expect(open(kernels, token({ nonce }))).toBe(MALFORMED)
      }
    })

    it('by the clock, at its very edges', () => {
      const age = (issued: number, created: number, times: Times): number =>
        open(kernels, token({ issuedAt: NOW - issued, createdAt: NOW - created }), times)
      expect(age(999, 999, { timeout: 1000 })).toBe(100)
      expect(age(1000, 1000, { timeout: 1000 })).toBe(EXPIRED)
      expect(age(0, 1999, { absoluteTimeout: 2000 })).toBe(100)
      expect(age(0, 2000, { absoluteTimeout: 2000 })).toBe(EXPIRED)
      expect(age(-60_000, 0, {})).toBe(100)
      expect(age(-60_001, 0, {})).toBe(NOT_YET_VALID)
      expect(age(0, 0, {})).toBe(100)
      expect(age(1, 0, {})).toBe(MALFORMED)
      expect(age(0, 0, { timeout: 0 })).toBe(EXPIRED)
    })

    it('where a time is not a number', () => {
      expect(open(kernels, GOOD, { now: Number.NaN })).toBe(NOT_YET_VALID)
      expect(open(kernels, GOOD, { timeout: Number.NaN })).toBe(EXPIRED)
      expect(open(kernels, GOOD, { absoluteTimeout: Number.NaN })).toBe(EXPIRED)
    })

    // Each token has two faults; the status must be that of the step that comes first.
    const other = { ...FIRST, keyId: Buffer.from([FIRST.keyId[0] ?? 0, (FIRST.keyId[1] ?? 0) ^ 1]) }
    const badNonce = Buffer.concat([Buffer.from([9]), NONCE_15])
    it.each([
      ['length before alphabet', '*'.repeat(85), MALFORMED, {}],
      ['alphabet before version', `${token({ version: 2 }).slice(0, -2)}*A`, MALFORMED, {}],
      ['version before nonce', token({ version: 2, nonce: badNonce }), UNSUPPORTED, {}],
      ['flags before nonce', token({ flags: 2, nonce: badNonce }), UNSUPPORTED, {}],
      ['nonce before key', token({ nonce: badNonce }, other), MALFORMED, {}],
      ['key before tag', flip(token({}, other), -1), UNKNOWN_KEY, {}],
      ['tag before times', flip(token({ createdAt: NOW + 1 }), -1), BAD_TAG, {}],
      ['tag before future', flip(token({ issuedAt: NOW + 60_001 }), -1), BAD_TAG, {}],
      ['tag before expiry', flip(GOOD, -1), BAD_TAG, { timeout: 1 }],
      ['order of times before future', token({ createdAt: NOW + 60_003, issuedAt: NOW + 60_002 }), MALFORMED, {}],
      ['order of times before expiry', token({ createdAt: ISSUED_AT + 1 }), MALFORMED, { timeout: 1 }],
      ['future before expiry', token({ issuedAt: NOW + 60_001 }), NOT_YET_VALID, { absoluteTimeout: 1 }],
    ] as const)('%s', (_, given, status, times) => {
      expect(open(kernels, given, times)).toBe(status)
    })

    it('anything, without a trap', () => {
      const numbers = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 0, 1e308, NOW]
      const chaos = load(file)
      const seed = noise(64 * 1024, 'chaos')
      for (let i = 0; i < 3000; i++) {
        chaos.put(TOKEN, seed.subarray(i * 16, i * 16 + 128))
        const value = (at: number): number => numbers[(seed[i + at] ?? 0) % numbers.length] ?? 0
        const int = seed.readInt32LE(i * 4) >> ((seed[i] ?? 0) & 31)
        expect(chaos.open(int, seed.readInt32LE(i * 8), value(1), value(2), value(3))).toBeLessThan(0)
        chaos.seal(int, value(4), value(5))
        chaos.derive(int, seed.readInt32LE(i * 8 + 4) >> 20, seed.readInt32LE(i) >> 24)
        chaos.stretch(int, 1)
        chaos.wipe(int)
      }
    })
  })

  it('leaves the slots and what lies around the regions as they are', () => {
    const slots = kernels.get(KEYRING, 64 * 144)
    const token = seal(kernels, DATA)
    open(kernels, token)
    kernels.wipe(16_320)
    expect(kernels.get(KEYRING, 64 * 144).equals(slots)).toBe(true)
  })
})

it('writes the same memory in both builds, byte for byte', () => {
  const [simd, scalar] = BUILDS.map(([, file]) => ready(file)) as [Kernels, Kernels]
  const { KEYRING, MESSAGE, TOKEN, RESULT } = pointers(simd)
  const same = (what: string): void => {
    for (const [at, length] of [
      [RESULT, 64],
      [KEYRING, 64 * 144],
      [MESSAGE, 16_384],
      [TOKEN, 21_846],
    ] as const) {
      if (!simd.get(at, length).equals(scalar.get(at, length))) expect.fail(`${what}, at ${at}`)
    }
  }
  same('derive')
  for (const n of [16_320, 3000, 100, 0]) {
    for (const kernels of [simd, scalar]) kernels.bytes.fill(0, MESSAGE, KEYRING + 49_152)
    const token = seal(simd, DATA.subarray(0, n))
    expect(seal(scalar, DATA.subarray(0, n))).toBe(token)
    for (const kernels of [simd, scalar]) kernels.bytes.fill(0, TOKEN + token.length, TOKEN + 21_846)
    same(`seal ${n}`)
    for (const kernels of [simd, scalar]) {
      open(kernels, token)
      kernels.bytes.fill(0, MESSAGE + 32 + n, MESSAGE + 16_384)
    }
    same(`open ${n}`)
    for (const kernels of [simd, scalar]) kernels.wipe(n)
    same(`wipe ${n}`)
  }
})
