/** Where nonces and secrets come from: the pool, generateSecret, and what a random source may do wrong. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createCodec } from '../src/codec/codec.ts'
import { RANDOM_BYTES } from '../src/codec/format.ts'
import { createNonces } from '../src/codec/nonces.ts'
import { generateSecret, systemRandom } from '../src/codec/secret.ts'
import { SessionError } from '../src/errors.ts'
import { ALPHABET, counting, NAME, setUp, thrownBy } from './helpers/codec.ts'

const { labels, make } = await setUp()

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe('the nonce pool', () => {
  const POOL = 256 * RANDOM_BYTES

  it('draws nothing before it is asked', () => {
    const random = vi.fn()
    createNonces(random)
    for (const label of labels) make(label, { random }).open('x')
    expect(random).not.toHaveBeenCalled()
  })

  it('draws 256 nonces at a time', () => {
    const random = vi.fn(counting())
    const nonces = createNonces(random)
    const target = new Uint8Array(RANDOM_BYTES)
    for (let i = 1; i <= 1_000; i++) {
      nonces.take(target, 0)
      expect(random).toHaveBeenCalledTimes(Math.ceil(i / 256))
    }
    expect(random.mock.calls.map(([bytes]) => bytes.length)).toEqual(Array(4).fill(POOL))
  })

  it('hands out every byte once, in order, over refills', () => {
    const drawn: number[] = []
    const fill = counting()
    const nonces = createNonces((bytes) => {
      fill(bytes)
      drawn.push(...bytes)
    })
    const handed: number[] = []
    const target = new Uint8Array(40)
    for (let i = 0; i < 3 * 256; i++) {
      target.fill(0xee)
      nonces.take(target, 7)
      expect([target[6], target[7 + RANDOM_BYTES]]).toEqual([0xee, 0xee])
      handed.push(...target.subarray(7, 7 + RANDOM_BYTES))
    }
    expect(handed).toHaveLength(3 * POOL)
    expect(handed.every((byte, i) => byte === drawn[i])).toBe(true)
  })

  it('wipes what it has handed out, and nothing else', () => {
    let pool = new Uint8Array()
    const nonces = createNonces((bytes) => {
      pool = bytes as Uint8Array<ArrayBuffer>
      bytes.fill(0xff)
    })
    const target = new Uint8Array(RANDOM_BYTES)
    for (let i = 1; i <= 256; i++) {
      nonces.take(target, 0)
      expect(pool.every((byte, at) => byte === (at < i * RANDOM_BYTES ? 0 : 0xff))).toBe(true)
    }
  })

  it('starts over after a random source that threw: nothing half-filled is handed out', () => {
    let calls = 0
    const nonces = createNonces((bytes) => {
      calls++
      if (calls === 1) {
        bytes.fill(1, 0, 100)
        throw new Error('no entropy')
      }
      bytes.fill(2)
    })
    const target = new Uint8Array(RANDOM_BYTES)
    expect(() => nonces.take(target, 0)).toThrow('no entropy')
    nonces.take(target, 0)
    expect([...target]).toEqual(Array(RANDOM_BYTES).fill(2))
  })

  it.each<[string, (bytes: Uint8Array) => unknown]>([
    ['returns bytes instead of filling those it is given', () => crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))],
    ['does nothing', () => {}],
    [
      'fills them later',
      async (bytes) => {
        await null
        crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)
      },
    ],
    ['fills only the first', (bytes) => crypto.getRandomValues(new Uint8Array(bytes.buffer as ArrayBuffer, 0, 32))],
  ])('refuses a random source that %s: no two nonces are the same', (_, random) => {
    const nonces = createNonces(random)
    const handed = new Set<string>()
    const error = thrownBy(() => {
      for (let i = 0; i < 300; i++) {
        const target = new Uint8Array(RANDOM_BYTES)
        nonces.take(target, 0)
        expect(handed).not.toContain(String(target))
        handed.add(String(target))
      }
    })
    expect(error).toBeInstanceOf(SessionError)
    expect(error).toMatchObject({ code: 'no-random' })
    expect(error.message).toMatch(/^cookie-sessions: the option random .*fill/)
    expect(handed.size).toBeLessThan(4)
  })

  it('hands out no byte twice when the random source asks the same pool', () => {
    const fill = counting()
    const handed: string[] = []
    const take = (): void => {
      const target = new Uint8Array(RANDOM_BYTES)
      nonces.take(target, 0)
      handed.push(String(target))
    }
    let depth = 0
    const nonces = createNonces((bytes) => {
      fill(bytes)
      if (depth++ === 0) take()
    })
    for (let i = 0; i < 300; i++) take()
    expect(new Set(handed).size).toBe(301)
    expect(handed).not.toContain(String(new Uint8Array(RANDOM_BYTES)))
  })
})

describe('generateSecret', () => {
  it('makes 43 characters of base64url, new ones each time', () => {
    const secrets = Array.from({ length: 100 }, () => generateSecret())
    for (const secret of secrets) expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(new Set(secrets).size).toBe(100)
  })

  it('takes each character from six bits of one byte', () => {
    const random = (bytes: Uint8Array): void =>
      bytes.forEach((_, i) => {
        bytes[i] = 0xc0 | i
      })
    expect(generateSecret(random)).toBe(ALPHABET.slice(0, 43))
    expect(generateSecret((bytes) => bytes.fill(63))).toBe('_'.repeat(43))
    expect(generateSecret((bytes) => bytes.fill(62))).toBe('-'.repeat(43))
  })

  it('makes a secret that no codec warns of', () => {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue()
    createCodec({ secret: generateSecret(), name: NAME }).seal(1)
    expect(emitWarning).not.toHaveBeenCalled()
  })

  it.each([
    ['no crypto', undefined],
    ['a crypto without getRandomValues', {}],
  ])('says so in a runtime with %s', (_, crypto) => {
    vi.stubGlobal('crypto', crypto)
    for (const action of [
      () => generateSecret(),
      () => systemRandom(new Uint8Array(1)),
      () => make('wasm', { random: undefined }).seal(1),
    ]) {
      const error = thrownBy(action)
      expect(error).toBeInstanceOf(SessionError)
      expect(error).toMatchObject({ code: 'no-random' })
      expect(error.message).toMatch(/hand in the option random/)
    }
    expect(generateSecret((bytes) => bytes.fill(0))).toBe('A'.repeat(43))
    expect(make('wasm').seal(1)).toHaveLength(87)
  })
})
