/**
 * seal4() and open4() of the kernel in both builds: lane by lane the bytes and the answers of one token alone, whatever
 * stands in the other lanes. The single calls themselves are held to node:crypto in kernels.seal.test.ts.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  BAD_TAG,
  BUILDS,
  CREATED_AT,
  derive,
  EXPIRED,
  ISSUED_AT,
  type Kernels,
  type Keys,
  keysOf,
  LENGTHS,
  laneOf,
  load,
  MALFORMED,
  NOT_YET_VALID,
  noise,
  sha256,
  type TokenFields,
  tokenOf,
  UNKNOWN_KEY,
  UNSUPPORTED,
} from './helpers/kernels.ts'

const MAX_BYTES = 3936
const MAX_CHARS = 5334
const NOW = ISSUED_AT + 1000
const TIMEOUT = 86_400_000
const INFO = Buffer.from('cookie-sessions v1\0_node')
const SECRETS = [noise(32, 'first'), noise(32, 'second'), noise(40, 'third')]
const KEYS = SECRETS.map((secret) => keysOf(secret, INFO))
const [FIRST, SECOND] = KEYS as [Keys, Keys]
const DATA = noise(4 * MAX_BYTES, 'data')
const NONCES = [0, 1, 2, 3].map((lane) => Buffer.concat([Buffer.alloc(1), noise(15, `nonce ${lane}`)]))
const LANE_NUMBERS = [0, 1, 2, 3]

/** What lane `lane` seals: data of its own. */
const plaintextOf = (lane: number, length: number): Buffer => DATA.subarray(lane * MAX_BYTES, lane * MAX_BYTES + length)

function fieldsOf(lane: number): Partial<TokenFields> & { createdAt: number } {
  return { nonce: NONCES[lane] as Buffer, createdAt: CREATED_AT + lane }
}

const cache = new Map<string, string>()

/** The token of lane `lane`, as node:crypto makes it. */
function expected(lane: number, length: number): string {
  const name = `${lane} ${length}`
  let token = cache.get(name)
  if (token === undefined) {
    token = tokenOf(FIRST, plaintextOf(lane, length), fieldsOf(lane))
    cache.set(name, token)
  }
  return token
}

/** The token with some bits of one raw byte flipped; a negative place counts from the end. */
function flip(token: string, at: number, mask = 1): string {
  const bytes = Buffer.from(token, 'base64url')
  const place = at < 0 ? bytes.length + at : at
  bytes[place] = (bytes[place] as number) ^ mask
  return bytes.toString('base64url')
}

interface Times {
  keys?: number
  now?: number
  timeout?: number
  absoluteTimeout?: number
}

describe.each(BUILDS)('%s build', (_, file) => {
  const kernels = ready()
  const alone = ready()

  function ready(): Kernels {
    const made = load(file)
    for (const [slot, secret] of SECRETS.entries()) derive(made, secret, INFO, slot)
    return made
  }

  /** Seals one payload in each lane; a lane without a length is not used. */
  function seal4(lengths: readonly (number | undefined)[], issuedAt = ISSUED_AT): string[] {
    const lanes = LANE_NUMBERS.map((n) => laneOf(kernels, n))
    lanes.forEach((lane, n) => {
      const length = lengths[n]
      lane.stage(length ?? -1, fieldsOf(n).createdAt)
      if (length === undefined) return
      kernels.put(lane.message + 17, (NONCES[n] as Buffer).subarray(1))
      kernels.put(lane.message + 32, plaintextOf(n, length))
    })
    kernels.seal4(issuedAt)
    return lanes.map((lane) => kernels.get(lane.text, lane.result).toString('latin1'))
  }

  /** Opens one text in each lane and returns the results; a lane without a text is not used. */
  function open4(texts: readonly (string | Uint8Array | undefined)[], times: Times = {}): number[] {
    const { keys = 3, now = NOW, timeout = TIMEOUT, absoluteTimeout = Number.POSITIVE_INFINITY } = times
    const lanes = LANE_NUMBERS.map((n) => laneOf(kernels, n))
    lanes.forEach((lane, n) => {
      const text = texts[n]
      lane.stage(text === undefined ? -1 : kernels.put(lane.text, Buffer.from(text as string, 'latin1')))
    })
    kernels.open4(keys, now, timeout, absoluteTimeout)
    return lanes.map((lane) => lane.result)
  }

  const payload = (lane: number, length: number): Buffer => kernels.get(laneOf(kernels, lane).message + 32, length)

  beforeEach(() => {
    kernels.bytes.fill(0xa5, kernels.MESSAGE.value, kernels.MESSAGE.value + 4 * kernels.LANE_BYTES.value)
    kernels.bytes.fill(0xa5, kernels.TOKEN.value, kernels.TOKEN.value + 4 * kernels.LANE_CHARS.value)
  })

  it('offers what a cookie can carry, and more', () => {
    expect(kernels.MAX_LANE_PAYLOAD_BYTES.value).toBe(MAX_BYTES)
    expect(kernels.LANE_CHARS.value).toBeGreaterThanOrEqual(MAX_CHARS + 15)
    expect(kernels.LANE_BYTES.value).toBeGreaterThanOrEqual(32 + MAX_BYTES + 128)
  })

  it('seals and opens the same bytes as node:crypto, at every length', () => {
    const lengths = LENGTHS.filter((n) => n <= MAX_BYTES)
    for (let i = 0; i < lengths.length; i++) {
      const batch = LANE_NUMBERS.map((lane) => lengths[(i + lane) % lengths.length] as number)
      const tokens = batch.map((length, lane) => expected(lane, length))
      expect(seal4(batch)).toEqual(tokens)
      expect(open4(tokens)).toEqual(batch)
      batch.forEach((length, lane) => {
        if (!payload(lane, length).equals(plaintextOf(lane, length))) expect.fail(`${batch}, lane ${lane}`)
      })
    }
  })

  it('takes four messages of any numbers of blocks', () => {
    // 32 bytes of header: at 23 the padding just fits, at 24 it takes another block.
    const lengths = [0, 23, 24, 87, 88, 200, 344]
    for (let i = 0; i < lengths.length ** 4; i++) {
      const batch = LANE_NUMBERS.map(
        (lane) => lengths[Math.floor(i / lengths.length ** lane) % lengths.length] as number,
      )
      const tokens = batch.map((length, lane) => expected(lane, length))
      if (seal4(batch).join() !== tokens.join()) expect.fail(`seal ${batch}`)
      if (open4(tokens).join() !== batch.join()) expect.fail(`open ${batch}`)
    }
  })

  it('leaves lanes that are not used alone', () => {
    for (let used = 0; used < 16; used++) {
      for (const length of [0, 24, 300, MAX_BYTES]) {
        const batch = LANE_NUMBERS.map((lane) => (used & (1 << lane) ? length : undefined))
        const tokens = batch.map((n, lane) => (n === undefined ? '' : expected(lane, n)))
        expect(seal4(batch)).toEqual(tokens)
        const texts = batch.map((n, lane) => (n === undefined ? undefined : tokens[lane]))
        expect(open4(texts)).toEqual(batch.map((n) => n ?? MALFORMED))
      }
    }
  })

  it('tells times, flags and key of each', () => {
    const tokens = LANE_NUMBERS.map((lane) =>
      tokenOf(KEYS[lane % 3] as Keys, plaintextOf(lane, 7), {
        createdAt: CREATED_AT + lane,
        issuedAt: ISSUED_AT + lane,
        flags: lane & 1,
      }),
    )
    expect(open4(tokens)).toEqual([7, 7, 7, 7])
    for (const n of LANE_NUMBERS) {
      const { createdAt, issuedAt, flags, key } = laneOf(kernels, n)
      expect([createdAt, issuedAt, flags, key]).toEqual([CREATED_AT + n, ISSUED_AT + n, n & 1, n % 3])
    }
  })

  it('opens with any of the slots it is told of, in any lanes', () => {
    for (let i = 0; i < 81; i++) {
      const slots = LANE_NUMBERS.map((lane) => Math.floor(i / 3 ** lane) % 3)
      const tokens = slots.map((slot, lane) => tokenOf(KEYS[slot] as Keys, plaintextOf(lane, 60 + 30 * lane)))
      for (const keys of [3, 2, 1, 0, -1, 64, 65, 0x7fffffff, -0x80000000]) {
        const results = slots.map((slot, lane) => (slot < keys ? 60 + 30 * lane : UNKNOWN_KEY))
        expect(open4(tokens, { keys })).toEqual(results)
      }
    }
  })

  it('tries every key with the id of the token', () => {
    const ring = kernels.KEYRING.value
    const kept = kernels.get(ring, 3 * 112)
    for (const slot of [0, 1, 2]) kernels.put(ring + slot * 112 + 96, FIRST.keyId)
    const stranger = keysOf(noise(32, 'stranger'), INFO)
    const all = [...KEYS, stranger].map((keys) => ({ ...keys, keyId: FIRST.keyId }))
    for (let i = 0; i < 256; i++) {
      const makers = LANE_NUMBERS.map((lane) => Math.floor(i / 4 ** lane) % 4)
      const tokens = makers.map((maker, lane) => tokenOf(all[maker] as Keys, plaintextOf(lane, 20 + 50 * lane)))
      expect(open4(tokens)).toEqual(makers.map((maker, lane) => (maker === 3 ? BAD_TAG : 20 + 50 * lane)))
      makers.forEach((maker, lane) => {
        if (maker === 3) return
        expect(laneOf(kernels, lane).key).toBe(maker)
        expect(payload(lane, 20 + 50 * lane).equals(plaintextOf(lane, 20 + 50 * lane))).toBe(true)
      })
    }
    kernels.put(ring, kept)
  })

  describe('refuses one and opens the others:', () => {
    const good = tokenOf(FIRST, DATA.subarray(0, 100))
    const token = (fields: Partial<TokenFields>): string => tokenOf(FIRST, DATA.subarray(0, 100), fields)
    const nonce = Buffer.concat([Buffer.from([9]), noise(15, 'nonce')])
    it.each([
      ['no text', MALFORMED, '', {}],
      ['a text too short', MALFORMED, good.slice(0, 85), {}],
      ['a text too long', MALFORMED, 'A'.repeat(MAX_CHARS + 1), {}],
      ['a length that no text has', MALFORMED, `${good}AAA`.slice(0, 217), {}],
      ['a character outside the alphabet', MALFORMED, `${good.slice(0, -1)}*`, {}],
      ['another version', UNSUPPORTED, token({ version: 2 }), {}],
      ['an unknown flag', UNSUPPORTED, token({ flags: 2 }), {}],
      ['a nonce that does not begin with zero', MALFORMED, token({ nonce }), {}],
      ['an unknown key', UNKNOWN_KEY, token({ keyId: Buffer.from([1, 2]) }), {}],
      ['another key', BAD_TAG, tokenOf({ ...SECOND, keyId: FIRST.keyId }, DATA.subarray(0, 100)), {}],
      ['another tag', BAD_TAG, flip(good, -1), {}],
      ['another ciphertext', BAD_TAG, flip(good, 32), {}],
      ['times in disorder', MALFORMED, token({ createdAt: ISSUED_AT + 1 }), {}],
      ['the future', NOT_YET_VALID, token({ issuedAt: NOW + 60_001 }), {}],
      ['idle for too long', EXPIRED, token({ issuedAt: NOW - 5000 }), { timeout: 5000 }],
      ['too old', EXPIRED, token({ createdAt: CREATED_AT - 5 }), { absoluteTimeout: NOW - CREATED_AT + 5 }],
    ] as const)('%s', (_, status, bad, times) => {
      for (const at of LANE_NUMBERS) {
        const lengths = [32, 100, 500, 130]
        const texts = lengths.map((length, lane) => (lane === at ? bad : expected(lane, length)))
        const results = lengths.map((length, lane) => (lane === at ? status : length))
        expect(open4(texts, times)).toEqual(results)
        for (const lane of LANE_NUMBERS) {
          const plaintext = lane === at ? DATA.subarray(0, 100) : plaintextOf(lane, lengths[lane] as number)
          expect(payload(lane, plaintext.length).equals(plaintext), `lane ${lane}`).toBe(lane !== at)
        }
      }
    })

    it('and all four', () => {
      const texts = [flip(good, -32), 'A'.repeat(86), token({ keyId: Buffer.from([1, 2]) }), '']
      expect(open4(texts)).toEqual([BAD_TAG, UNSUPPORTED, UNKNOWN_KEY, MALFORMED])
    })
  })

  it('refuses every flipped bit of a tag, in every lane', () => {
    const lengths = [10, 64, 200, 24]
    const good = lengths.map((length, lane) => expected(lane, length))
    for (const at of LANE_NUMBERS) {
      for (let bit = 0; bit < 256; bit++) {
        const texts = good.map((token, lane) => (lane === at ? flip(token, -32 + (bit >> 3), 1 << (bit & 7)) : token))
        const results = lengths.map((length, lane) => (lane === at ? BAD_TAG : length))
        if (open4(texts).join() !== results.join()) expect.fail(`bit ${bit} in lane ${at}`)
      }
    }
  })

  it("does not take one lane's tag for another's", () => {
    const bodies = LANE_NUMBERS.map((lane) => Buffer.from(expected(lane, 100), 'base64url'))
    const texts = bodies.map((body, lane) =>
      Buffer.concat([body.subarray(0, -32), (bodies[(lane + 1) % 4] as Buffer).subarray(-32)]).toString('base64url'),
    )
    expect(open4(texts)).toEqual([BAD_TAG, BAD_TAG, BAD_TAG, BAD_TAG])
  })

  it('answers as open() does, lane by lane, to anything', () => {
    const seed = noise(40_000, 'chaos')
    let at = 0
    const random = (below: number): number => {
      at = (at + 4) % 39_996
      return seed.readUInt32LE(at) % below
    }
    const mutants: (() => string)[] = [
      () => expected(random(4), random(300)),
      () => flip(expected(random(4), random(300)), random(32), 1 << random(8)),
      () => flip(expected(random(4), random(300)), -1 - random(64), 1 << random(8)),
      () => expected(random(4), 200).slice(0, random(350)),
      () => `${expected(0, 50)}${'A'.repeat(random(5400))}`,
      () => seed.toString('latin1', random(20_000), 20_000 + random(6000)),
      () => tokenOf(KEYS[random(3)] as Keys, DATA.subarray(0, random(900)), { issuedAt: NOW - random(2 * TIMEOUT) }),
    ]
    for (let round = 0; round < 1000; round++) {
      const texts = LANE_NUMBERS.map(() => (mutants[random(mutants.length)] as () => string)().slice(0, MAX_CHARS))
      const results = open4(texts)
      texts.forEach((text, lane) => {
        const length = alone.put(alone.TOKEN.value, Buffer.from(text, 'latin1'))
        const result = alone.open(length, 3, NOW, TIMEOUT, Number.POSITIVE_INFINITY)
        if (results[lane] !== result) expect.fail(`${text}: ${results[lane]}, not ${result}`)
        if (result >= 0) {
          const single = alone.get(alone.MESSAGE.value + 32, result)
          if (!payload(lane, result).equals(single)) expect.fail(`${text}: another payload`)
        }
      })
    }
  })

  it('seals nothing where a length or a time is out of range, wipes that lane, and seals the others', () => {
    for (const at of LANE_NUMBERS) {
      for (const [length, createdAt] of [
        [MAX_BYTES + 1, CREATED_AT],
        [-1, CREATED_AT],
        [0x7fffffff, CREATED_AT],
        [-0x80000000, CREATED_AT],
        [5, -1],
        [5, ISSUED_AT + 1],
        [5, Number.NaN],
        [5, Number.POSITIVE_INFINITY],
      ] as const) {
        for (const n of LANE_NUMBERS) {
          const lane = laneOf(kernels, n)
          lane.stage(n === at ? length : 300, n === at ? createdAt : fieldsOf(n).createdAt)
          kernels.put(lane.message + 17, (NONCES[n] as Buffer).subarray(1))
          kernels.put(lane.message + 32, plaintextOf(n, n === at ? MAX_BYTES : 300))
        }
        kernels.seal4(ISSUED_AT)
        for (const n of LANE_NUMBERS) {
          const lane = laneOf(kernels, n)
          const token = kernels.get(lane.text, lane.result).toString('latin1')
          expect(token, `lane ${n}, ${length}, ${createdAt} in lane ${at}`).toBe(n === at ? '' : expected(n, 300))
        }
        expect(payload(at, MAX_BYTES).equals(Buffer.alloc(MAX_BYTES))).toBe(true)
      }
    }
    for (const issuedAt of [-1, 2 ** 48, Number.NaN]) expect(seal4([1, 2, 3, 4], issuedAt)).toEqual(['', '', '', ''])
  })

  it('traps on no number and stays in its lanes', () => {
    const numbers = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 0, 1e308, NOW]
    const chaos = ready()
    const ends = [chaos.get(0, chaos.LANES.value), chaos.get(chaos.SPARE.value, 65_536 - chaos.SPARE.value)]
    const seed = noise(64 * 1024, 'chaos')
    for (let i = 0; i < 1000; i++) {
      const value = (at: number): number => numbers[(seed[i + at] as number) % numbers.length] as number
      const int = (at: number): number => seed.readInt32LE(i * 16 + at * 4) >> ((seed[i + at] as number) & 31)
      chaos.put(chaos.LANES.value, seed.subarray(i, i + 128))
      chaos.put(chaos.TOKEN.value + (i % 4) * chaos.LANE_CHARS.value, seed.subarray(i * 8, i * 8 + 5360))
      for (const n of LANE_NUMBERS) laneOf(chaos, n).stage(int(n), value(n))
      chaos.open4(int(4), value(5), value(6), value(7))
      for (const n of LANE_NUMBERS) expect(laneOf(chaos, n).result).toBeLessThan(0)
      for (const n of LANE_NUMBERS) laneOf(chaos, n).stage(int(n), value(n))
      chaos.seal4(value(8))
      chaos.put(chaos.LANES.value, seed.subarray(i, i + 128))
      chaos.wipe4()
    }
    // RESULT is the single calls', which did not run.
    expect(chaos.get(0, chaos.LANES.value).equals(ends[0] as Buffer)).toBe(true)
    expect(chaos.get(chaos.SPARE.value, 65_536 - chaos.SPARE.value).equals(ends[1] as Buffer)).toBe(true)
  })

  it('wipe4() zeroes what was opened, in every lane', () => {
    const lengths = [0, 77, 1000, MAX_BYTES]
    for (let turn = 0; turn < 4; turn++) {
      const batch = LANE_NUMBERS.map((lane) => lengths[(lane + turn) % 4] as number)
      expect(open4(batch.map((length, lane) => expected(lane, length)))).toEqual(batch)
      kernels.wipe4()
      batch.forEach((length, lane) => {
        expect(payload(lane, length).equals(Buffer.alloc(length)), `${length} in lane ${lane}`).toBe(true)
      })
    }
  })
})

describe('compress4', () => {
  const kernels = load('kernels.wasm')
  const states = kernels.SPARE.value
  const INITIAL = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ] as const

  it('hashes four messages as node:crypto does, block by block', () => {
    for (let blocks = 1; blocks <= 4; blocks++) {
      for (let length = (blocks - 1) * 64; length <= blocks * 64 - 9; length += 5) {
        const messages = LANE_NUMBERS.map((lane) => noise(length, `message ${lane}`))
        messages.forEach((message, lane) => {
          for (const [i, word] of INITIAL.entries()) kernels.bytes.writeUInt32LE(word, states + i * 16 + lane * 4)
          const padded = Buffer.alloc(blocks * 64)
          padded.set(message)
          padded[length] = 0x80
          padded.writeUInt32BE(length * 8, padded.length - 4)
          kernels.put(laneOf(kernels, lane).message, padded)
        })
        for (let block = 0; block < blocks; block++) kernels.compress4(states, kernels.MESSAGE.value + block * 64)
        messages.forEach((message, lane) => {
          const digest = Buffer.alloc(32)
          for (let i = 0; i < 8; i++)
            digest.writeUInt32BE(kernels.bytes.readUInt32LE(states + i * 16 + lane * 4), i * 4)
          expect(digest.equals(sha256(message)), `${length} bytes in lane ${lane}`).toBe(true)
        })
      }
    }
  })
})
