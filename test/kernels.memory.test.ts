/**
 * What a call leaves in the kernel's memory: nothing secret, on every way out. The whole page is searched for every
 * piece of eight bytes of each secret, as bytes and as byte-swapped words (SHA-256 works on those); and the scratch
 * must be zero.
 */
import { describe, expect, it } from 'vitest'
import {
  BUILDS,
  CREATED_AT,
  chacha20,
  derive,
  hmac,
  ISSUED_AT,
  type Kernels,
  keysOf,
  laneOf,
  load,
  noise,
  pointers,
  sha256,
  tokenOf,
} from './helpers/kernels.ts'

const PAGE = 65_536
const PIECE = 8
const INFO = Buffer.from('cookie-sessions v1\0_node')
const SECRET = noise(48, 'secret')
const KEYS = keysOf(SECRET, INFO)
const NONCE = Buffer.concat([Buffer.alloc(1), noise(15, 'nonce')])
const STREAM = chacha20(KEYS.cipherKey, NONCE, Buffer.alloc(16_640))
const NOW = ISSUED_AT + 1000
// Around the block sizes, so that every one of the cipher's ways and of the padding's is gone.
const LENGTHS = [0, 1, 31, 32, 63, 64, 65, 100, 128, 129, 192, 193, 256, 257, 1000, 16_320]

const xored = (bytes: Uint8Array, mask: number): Buffer => Buffer.from(bytes.map((byte) => byte ^ mask))
const padded = (key: Uint8Array): Buffer => Buffer.concat([key, Buffer.alloc(64 - key.length)])

/** What HMAC has in hand for one message: never to be seen again. */
function innards(key: Uint8Array, message: Uint8Array): Record<string, Buffer> {
  const block = padded(key.length > 64 ? sha256(key) : key)
  return {
    'HMAC key': Buffer.from(key),
    ipad: xored(block, 0x36),
    opad: xored(block, 0x5c),
    'inner digest': sha256(Buffer.concat([xored(block, 0x36), message])),
  }
}

/** Marks the first three bytes of every piece that is looked for, so that almost no place has to be looked up. */
const starts = new Uint8Array(1 << 24)

/** Where in the memory a piece of one of the needles stands, but for the areas [from, to) that may hold it. */
function traces(kernels: Kernels, needles: Record<string, Uint8Array>, allowed: [number, number][] = []): string[] {
  const pieces = new Map<string, string>()
  const marked: number[] = []
  for (const [name, needle] of Object.entries(needles)) {
    const whole = Buffer.from(needle)
    const swapped = Buffer.from(whole.subarray(0, whole.length & ~3)).swap32()
    for (const bytes of [whole, swapped]) {
      const text = bytes.toString('latin1')
      for (let i = 0; i + PIECE <= bytes.length; i++) {
        // The padding of a key's block is no secret.
        if (bytes.readUInt16LE(i) === bytes.readUInt16LE(i + 2)) continue
        if (bytes.readUInt16LE(i + 4) === bytes.readUInt16LE(i + 6)) continue
        pieces.set(text.slice(i, i + PIECE), `${name} + ${i}`)
        const start = bytes.readUIntLE(i, 3)
        starts[start] = 1
        marked.push(start)
      }
    }
  }
  const found: string[] = []
  const { bytes } = kernels
  for (let at = 0; at + PIECE <= PAGE; at++) {
    const start = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16)
    if (starts[start] === 0 || allowed.some(([from, to]) => at >= from && at + PIECE <= to)) continue
    const name = pieces.get(bytes.toString('latin1', at, at + PIECE))
    if (name) found.push(`${name} at ${at}`)
  }
  for (const start of marked) starts[start] = 0
  return found
}

describe.each(BUILDS)('%s build', (_, file) => {
  const fresh = load(file)
  const { KEYRING, MESSAGE, TOKEN, RESULT, SPARE } = pointers(fresh)
  const LANES = fresh.LANES.value
  const ring: [number, number] = [KEYRING, KEYRING + 64 * 112]

  /**
   * Everything but the regions that carry something from call to call is as in a fresh instance: zero, and the
   * constants.
   */
  function expectClean(kernels: Kernels): void {
    for (const [from, to] of [
      [0, RESULT],
      [ring[1], LANES],
      [LANES + 128, MESSAGE],
      [MESSAGE + 16_384 + 128, TOKEN],
      [fresh.LANE_SCRATCH.value, PAGE],
    ] as const) {
      if (!kernels.bytes.subarray(from, to).equals(fresh.bytes.subarray(from, to))) expect.fail(`${from} to ${to}`)
    }
  }

  function ready(): Kernels {
    const kernels = load(file)
    derive(kernels, SECRET, INFO, 0)
    return kernels
  }

  function needlesOf(kernels: Kernels, n: number): Record<string, Uint8Array> {
    return {
      secret: SECRET,
      cipherKey: KEYS.cipherKey,
      macKey: KEYS.macKey,
      'inner midstate': kernels.get(KEYRING + 32, 32),
      'outer midstate': kernels.get(KEYRING + 64, 32),
      keystream: STREAM.subarray(0, n + 320),
    }
  }

  const open = (kernels: Kernels, token: string, now = NOW, timeout = 5000): number =>
    kernels.open(kernels.put(TOKEN, Buffer.from(token, 'latin1')), 1, now, timeout, Number.POSITIVE_INFINITY)

  it('finds what there is to find', () => {
    const kernels = ready()
    expect(traces(kernels, { cipherKey: KEYS.cipherKey })).not.toEqual([])
    kernels.put(SPARE + 3, SECRET.subarray(5, 13))
    expect(traces(kernels, { secret: SECRET })).toEqual([`secret + 5 at ${SPARE + 3}`])
    kernels.put(SPARE + 4, Buffer.from(SECRET.subarray(4, 12)).swap32())
    expect(traces(kernels, { secret: SECRET })).toEqual([`secret + 4 at ${SPARE + 4}`])
  })

  it.each([1, 31, 32, 48, 63, 64, 65, 200, 4096, 16_384])('derive() leaves the slot alone, from %i bytes', (n) => {
    const kernels = load(file)
    const secret = noise(n, 'long secret')
    derive(kernels, secret, INFO, 5)
    const keys = keysOf(secret, INFO)
    const prk = hmac(Buffer.alloc(32), secret)
    const t1 = hmac(prk, Buffer.concat([INFO, Buffer.from([1])]))
    const t2 = hmac(prk, Buffer.concat([t1, INFO, Buffer.from([2])]))
    const t3 = hmac(prk, Buffer.concat([t2, INFO, Buffer.from([3])]))
    const slot: [number, number] = [KEYRING + 5 * 112, KEYRING + 6 * 112]
    const needles = {
      secret,
      ...innards(Buffer.alloc(32), secret),
      ...innards(prk, Buffer.concat([t2, INFO, Buffer.from([3])])),
      prk,
      t3,
      macKey: keys.macKey,
      'macKey ipad': xored(padded(keys.macKey), 0x36),
      'macKey opad': xored(padded(keys.macKey), 0x5c),
    }
    expect(traces(kernels, needles)).toEqual([])
    expect(traces(kernels, { cipherKey: keys.cipherKey, midstates: kernels.get(slot[0] + 32, 64) }, [slot])).toEqual([])
    expect(kernels.get(MESSAGE, 16_512).equals(Buffer.alloc(16_512))).toBe(true)
    expectClean(kernels)
  })

  it.each([0, 6, 31, 64, 65, 300])('stretch() leaves its result alone, from %i bytes', (n) => {
    const kernels = load(file)
    const secret = noise(n, 'short secret')
    kernels.stretch(kernels.put(MESSAGE, secret), 3)
    const u1 = hmac(secret, Buffer.concat([Buffer.from('cookie-sessions v1'), Buffer.from([0, 0, 0, 1])]))
    const u2 = hmac(secret, u1)
    const u3 = hmac(secret, u2)
    const stretched = kernels.get(MESSAGE, 32)
    expect(traces(kernels, { secret, ...innards(secret, u2), u1, u2, u3 })).toEqual([])
    expect(traces(kernels, { stretched }, [[MESSAGE, MESSAGE + 32]])).toEqual([])
    expect(kernels.get(MESSAGE + 32, 16_480).equals(Buffer.alloc(16_480))).toBe(true)
    expectClean(kernels)
  })

  it('seal() leaves the token alone, at every length', () => {
    const kernels = ready()
    for (const n of LENGTHS) {
      const plaintext = noise(n, 'plaintext')
      kernels.put(MESSAGE + 17, NONCE.subarray(1))
      kernels.put(MESSAGE + 32, plaintext)
      const length = kernels.seal(n, CREATED_AT, ISSUED_AT)
      const token = kernels.get(TOKEN, length).toString('latin1')
      expect(token, `${n}`).toBe(tokenOf(KEYS, plaintext, { nonce: NONCE }))
      const message = Buffer.from(token, 'base64url').subarray(0, -32)
      const needles = { ...needlesOf(kernels, n), plaintext, ...innards(KEYS.macKey, message) }
      expect(traces(kernels, needles, [ring]), `${n}`).toEqual([])
      expectClean(kernels)
    }
  })

  it('open() leaves the payload alone, and wipe() not even that, at every length', () => {
    const kernels = ready()
    for (const n of LENGTHS) {
      const plaintext = noise(n, 'plaintext')
      const token = tokenOf(KEYS, plaintext, { nonce: NONCE })
      expect(open(kernels, token)).toBe(n)
      const message = Buffer.from(token, 'base64url').subarray(0, -32)
      const needles = { ...needlesOf(kernels, n), ...innards(KEYS.macKey, message) }
      expect(traces(kernels, needles, [ring]), `${n}`).toEqual([])
      expect(traces(kernels, { plaintext }, [[MESSAGE + 32, MESSAGE + 32 + n]]), `${n}`).toEqual([])
      expectClean(kernels)
      kernels.wipe(n)
      expect(traces(kernels, { ...needles, plaintext }, [ring]), `${n}`).toEqual([])
    }
  })

  it('wipe() zeroes what it is told to, and nothing before it', () => {
    const kernels = load(file)
    for (const n of LENGTHS) {
      kernels.bytes.fill(0xa5, MESSAGE, MESSAGE + 16_512)
      kernels.wipe(n)
      expect(kernels.get(MESSAGE + 32, n).equals(Buffer.alloc(n)), `${n}`).toBe(true)
      expect(kernels.get(MESSAGE, 32).equals(Buffer.alloc(32, 0xa5)), `${n}`).toBe(true)
      expect(kernels.get(MESSAGE + 32 + n + 63, 32).equals(Buffer.alloc(32, 0xa5)), `${n}`).toBe(true)
    }
  })

  it('a refusal leaves nothing: neither payload nor key stream nor the tag that would have been right', () => {
    const kernels = ready()
    for (const n of [15, 100, 1000]) {
      const plaintext = noise(n, 'plaintext')
      const good = tokenOf(KEYS, plaintext, { nonce: NONCE })
      const raw = Buffer.from(good, 'base64url')
      const forged = (at: number, value: number): string => {
        const bytes = Buffer.from(raw)
        bytes[at < 0 ? bytes.length + at : at] = value
        return bytes.toString('base64url')
      }
      const future = tokenOf(KEYS, plaintext, { nonce: NONCE, issuedAt: NOW + 60_001 })
      const disordered = tokenOf(KEYS, plaintext, { nonce: NONCE, createdAt: ISSUED_AT + 1 })
      for (const [what, status, token, timeout] of [
        ['length', -1, good.slice(0, 85), 5000],
        ['alphabet', -1, `${good.slice(0, 90)}*${good.slice(91)}`, 5000],
        ['version', -2, forged(0, 9), 5000],
        ['nonce', -1, forged(16, 9), 5000],
        ['key', -3, forged(2, (KEYS.keyId[0] ?? 0) ^ 1), 5000],
        ['tag', -4, forged(-1, (raw.at(-1) ?? 0) ^ 1), 5000],
        ['ciphertext', -4, forged(32, (raw[32] ?? 0) ^ 1), 5000],
        ['order of times', -1, disordered, 5000],
        ['future', -6, future, 5000],
        ['expired', -5, good, 1],
      ] as const) {
        expect(open(kernels, token, NOW, timeout), what).toBe(status)
        const message = Buffer.from(token, 'base64url').subarray(0, -32)
        const needles: Record<string, Uint8Array> = {
          ...needlesOf(kernels, n),
          plaintext,
          ...innards(KEYS.macKey, message),
        }
        if (status === -4) needles['right tag'] = hmac(KEYS.macKey, message)
        expect(traces(kernels, needles, [ring]), `${what} at ${n}`).toEqual([])
        expectClean(kernels)
        kernels.bytes.fill(0, MESSAGE, SPARE)
      }
    }
  })

  describe('a batch', () => {
    const lanes = (kernels: Kernels) => [0, 1, 2, 3].map((lane) => laneOf(kernels, lane))
    const nonceOf = (lane: number): Buffer => Buffer.concat([Buffer.alloc(1), noise(15, `nonce ${lane}`)])
    const plaintextOf = (lane: number, n: number): Buffer => noise(n, `plaintext ${lane}`)
    const tokenFor = (lane: number, n: number): string => tokenOf(KEYS, plaintextOf(lane, n), { nonce: nonceOf(lane) })
    const BATCHES = [
      [0, 1, 31, 32],
      [23, 24, 55, 56],
      [63, 64, 65, 100],
      [100, 100, 100, 100],
      [3936, 10, 10, 10],
      [257, 1000, 3000, 3936],
    ] as const

    /** What each lane has in hand, but for its plaintext; `right tag` of a message is a secret where it was not given. */
    function secretsOf(kernels: Kernels, tokens: readonly string[]): Record<string, Uint8Array> {
      const needles = needlesOf(kernels, 0)
      tokens.forEach((token, lane) => {
        const raw = Buffer.from(token, 'base64url')
        const message = raw.subarray(0, -32)
        needles[`keystream ${lane}`] = chacha20(KEYS.cipherKey, nonceOf(lane), Buffer.alloc(message.length + 320))
        for (const [name, bytes] of Object.entries(innards(KEYS.macKey, message))) needles[`${name} ${lane}`] = bytes
        const tag = hmac(KEYS.macKey, message)
        if (!tag.equals(raw.subarray(-32))) needles[`right tag ${lane}`] = tag
      })
      return needles
    }

    const plaintexts = (batch: readonly number[]): Record<string, Uint8Array> =>
      Object.fromEntries(batch.map((n, lane) => [`plaintext ${lane}`, plaintextOf(lane, n)]))

    function open4(kernels: Kernels, tokens: readonly string[], timeout = 5000): number[] {
      const all = lanes(kernels)
      all.forEach((lane, n) => {
        lane.stage(kernels.put(lane.text, tokens[n] as string))
      })
      kernels.open4(1, NOW, timeout, Number.POSITIVE_INFINITY)
      return all.map((lane) => lane.result)
    }

    it.each(BATCHES)('seal4() leaves the tokens alone: %i, %i, %i, %i', (...batch) => {
      const kernels = ready()
      lanes(kernels).forEach((lane, n) => {
        lane.stage(batch[n] as number, CREATED_AT)
        kernels.put(lane.message + 17, nonceOf(n).subarray(1))
        kernels.put(lane.message + 32, plaintextOf(n, batch[n] as number))
      })
      kernels.seal4(ISSUED_AT)
      const tokens = lanes(kernels).map((lane) => kernels.get(lane.text, lane.result).toString('latin1'))
      expect(tokens).toEqual(batch.map((n, lane) => tokenFor(lane, n)))
      expect(traces(kernels, { ...secretsOf(kernels, tokens), ...plaintexts(batch) }, [ring])).toEqual([])
      expectClean(kernels)
    })

    it.each(BATCHES)('open4() leaves the payloads alone, and wipe4() not even those: %i, %i, %i, %i', (...batch) => {
      const kernels = ready()
      const tokens = batch.map((n, lane) => tokenFor(lane, n))
      expect(open4(kernels, tokens)).toEqual(batch)
      const needles = secretsOf(kernels, tokens)
      expect(traces(kernels, needles, [ring])).toEqual([])
      lanes(kernels).forEach((lane, n) => {
        const length = batch[n] as number
        const area: [number, number] = [lane.message + 32, lane.message + 32 + length]
        expect(traces(kernels, { plaintext: plaintextOf(n, length) }, [area])).toEqual([])
      })
      expectClean(kernels)
      kernels.wipe4()
      expect(traces(kernels, { ...needles, ...plaintexts(batch) }, [ring])).toEqual([])
    })

    it('a refused lane leaves nothing, among lanes that open', () => {
      const kernels = ready()
      const batch = [100, 15, 333, 64]
      for (const at of [0, 1, 2, 3]) {
        const good = batch.map((n, lane) => tokenFor(lane, n))
        const raw = Buffer.from(good[at] as string, 'base64url')
        const forged = (from: number, to: number): string =>
          Buffer.from(raw.map((byte, i) => (i >= from && i < to ? byte ^ 1 : byte))).toString('base64url')
        const plaintext = plaintextOf(at, batch[at] as number)
        const disordered = tokenOf(KEYS, plaintext, { nonce: nonceOf(at), createdAt: ISSUED_AT + 1 })
        const future = tokenOf(KEYS, plaintext, { nonce: nonceOf(at), issuedAt: NOW + 60_001 })
        const old = tokenOf(KEYS, plaintext, { nonce: nonceOf(at), issuedAt: NOW - 5000, createdAt: 0 })
        for (const [status, bad] of [
          [-1, (good[at] as string).slice(0, 85)],
          [-1, `${(good[at] as string).slice(0, -1)}*`],
          [-3, forged(2, 3)],
          [-4, forged(raw.length - 32, raw.length)],
          [-4, forged(32, 33)],
          [-1, disordered],
          [-6, future],
          [-5, old],
        ] as const) {
          const tokens = good.map((token, lane) => (lane === at ? bad : token))
          expect(open4(kernels, tokens)).toEqual(batch.map((n, lane) => (lane === at ? status : n)))
          const needles = { ...secretsOf(kernels, tokens), plaintext }
          expect(traces(kernels, needles, [ring]), `${status} in lane ${at}`).toEqual([])
          expectClean(kernels)
          kernels.wipe4()
          expect(traces(kernels, plaintexts(batch), [ring])).toEqual([])
        }
      }
    })

    it('a second key of the same id, tried by itself, leaves nothing either', () => {
      const kernels = ready()
      derive(kernels, noise(40, 'other secret'), INFO, 1)
      kernels.put(KEYRING + 112 + 96, KEYS.keyId)
      const tokens = [9, 200, 64, 3936].map((n, lane) => tokenFor(lane, n))
      // The other way round: the key that made the tokens is the second.
      const slots = kernels.get(KEYRING, 2 * 112)
      kernels.put(KEYRING, slots.subarray(112))
      kernels.put(KEYRING + 112, slots.subarray(0, 112))
      lanes(kernels).forEach((lane, n) => {
        lane.stage(kernels.put(lane.text, tokens[n] as string))
      })
      kernels.open4(2, NOW, 5000, Number.POSITIVE_INFINITY)
      expect(lanes(kernels).map((lane) => [lane.result, lane.key])).toEqual([9, 200, 64, 3936].map((n) => [n, 1]))
      expect(traces(kernels, secretsOf(kernels, tokens), [ring])).toEqual([])
      expectClean(kernels)
    })
  })
})
