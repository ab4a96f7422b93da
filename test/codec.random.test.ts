/** Where nonces and secrets come from: the pool, generateSecret, and what a random source may do wrong. */
import { runInNewContext } from 'node:vm'
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
    [
      'fills them at once, but answers with a promise',
      async (bytes) => {
        crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)
      },
    ],
    [
      'fills them at once, but answers with a promise of another realm',
      (bytes) => {
        crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)
        return runInNewContext('Promise.reject()')
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

  it.each([
    [1, 2],
    [3, 4],
    [0, 4],
    [255, 256],
  ])('with %d nonces left, draws as soon as %d are to be prepared', (left, count) => {
    const random = vi.fn(counting())
    const nonces = createNonces(random)
    const target = new Uint8Array(RANDOM_BYTES)
    for (let i = left; i < 256; i++) nonces.take(target, 0)
    if (left > 0) nonces.prepare(left)
    const calls = random.mock.calls.length
    nonces.prepare(count)
    expect(random).toHaveBeenCalledTimes(calls + 1)
    for (let i = 0; i < count; i++) nonces.take(target, 0)
    expect(random).toHaveBeenCalledTimes(calls + 1)
  })

  it.each([0, 1, 2, 3])(
    'hands out no nonce twice, and none of zeros, when the random source asks in refill %d',
    (refill) => {
      const fill = counting()
      const handed: string[] = []
      const take = (): void => {
        const target = new Uint8Array(RANDOM_BYTES)
        nonces.take(target, 0)
        handed.push(String(target))
      }
      let refills = 0
      const nonces = createNonces((bytes) => {
        // Before the new pool is there: what is left of the old one has been handed out.
        if (refills++ === refill) take()
        fill(bytes)
      })
      for (let i = 0; i < 1_100; i++) take()
      expect(new Set(handed).size).toBe(1_101)
      expect(handed).not.toContain(String(new Uint8Array(RANDOM_BYTES)))
    },
  )

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

describe('a random source or a clock that answers with a promise', () => {
  async function fail(): Promise<never> {
    throw new Error('hunter2')
  }

  it.each(labels)('is refused, and ends no process when that fails: %s', async (label) => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const error = thrownBy(() => make(label, { random: fail }).seal(1))
    expect(error).toMatchObject({ name: 'SessionError', code: 'no-random' })
    expect(error.message).toMatch(
      /^cookie-sessions: the option random must .* but returned a promise: use a synchronous/,
    )
    const now = fail as unknown as () => number
    const message = 'cookie-sessions: now() must return milliseconds since the epoch, returned a promise'
    expect(thrownBy(() => make(label, { now }).seal(1))).toEqual(new TypeError(message))
    expect(thrownBy(() => make(label, { now }).open('x'))).toEqual(new TypeError(message))
    await new Promise(setImmediate)
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })
})

describe('generateSecret', () => {
  it('refuses a random source that answers with a promise', async () => {
    const random = async (bytes: Uint8Array): Promise<unknown> => bytes.fill(5)
    expect(thrownBy(() => generateSecret(random))).toMatchObject({ code: 'no-random' })
  })

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
