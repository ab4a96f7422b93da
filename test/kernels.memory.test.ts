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
  const ring: [number, number] = [KEYRING, KEYRING + 64 * 144]

  /**
   * Everything but the regions that carry something from call to call is as in a fresh instance: zero, and the
   * constants.
   */
  function expectClean(kernels: Kernels): void {
    for (const [from, to] of [
      [0, RESULT],
      [RESULT + 64, KEYRING],
      [MESSAGE + 16_384 + 128, TOKEN],
      [SPARE, PAGE],
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
    const slot: [number, number] = [KEYRING + 5 * 144, KEYRING + 6 * 144]
    const needles = {
      secret,
      ...innards(Buffer.alloc(32), secret),
      ...innards(prk, Buffer.concat([t2, INFO, Buffer.from([3])])),
      prk,
      t3,
      macKey: keys.macKey,
      'macKey opad': xored(padded(keys.macKey), 0x5c),
    }
    expect(traces(kernels, needles)).toEqual([])
    const kept = {
      cipherKey: keys.cipherKey,
      midstates: kernels.get(slot[0] + 32, 64),
      'macKey ipad': xored(keys.macKey, 0x36),
    }
    expect(traces(kernels, kept, [slot])).toEqual([])
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
})
