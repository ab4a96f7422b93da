/**
 * seal() and open() of the kernel in two halves, with somebody else's SHA-256 between them: the same tokens, the same
 * answers, nothing left behind.
 */
import { describe, expect, it } from 'vitest'
import {
  BAD_TAG,
  BUILDS,
  CREATED_AT,
  derive,
  EXPIRED,
  ISSUED_AT,
  type Keys,
  keysOf,
  LENGTHS,
  load,
  MALFORMED,
  NOT_YET_VALID,
  noise,
  sha256,
  tokenOf,
  UNKNOWN_KEY,
  UNSUPPORTED,
} from './helpers/kernels.ts'

const NOW = ISSUED_AT + 1000
const TIMEOUT = 86_400_000
const INFO = Buffer.from('cookie-sessions v1\0_node')
const SECRETS = [noise(32, 'first'), noise(32, 'second')]
const [FIRST, SECOND] = SECRETS.map((secret) => keysOf(secret, INFO)) as [Keys, Keys]
const DATA = noise(16_320, 'data')

/** macKey's first block of HMAC (RFC 2104). */
function innerPad({ macKey }: Keys): Buffer {
  return Buffer.concat([macKey, Buffer.alloc(32)]).map((byte) => byte ^ 0x36) as Buffer
}

describe.each(BUILDS)('%s build', (_, file) => {
  const kernels = load(file)
  for (const [slot, secret] of SECRETS.entries()) derive(kernels, secret, INFO, slot)
  const message = kernels.MESSAGE.value
  const digest = kernels.DIGEST.value

  function hash(length: number): void {
    kernels.put(digest, sha256(kernels.get(kernels.IPAD.value, 64 + length)))
  }

  function seal(plaintext: Uint8Array): string {
    kernels.put(message + 17, noise(15, 'nonce'))
    kernels.put(message + 32, plaintext)
    const length = kernels.sealBegin(plaintext.length, CREATED_AT, ISSUED_AT)
    expect(length).toBe(32 + plaintext.length)
    expect(kernels.innerBlock(1)).toBe(0)
    hash(length)
    return kernels.get(kernels.TOKEN.value, kernels.sealEnd(plaintext.length)).toString('latin1')
  }

  interface Times {
    now?: number
    timeout?: number
    absoluteTimeout?: number
  }

  function open(token: string, key?: number, times: Times = {}): number {
    const { now = NOW, timeout = TIMEOUT, absoluteTimeout = Number.POSITIVE_INFINITY } = times
    const length = kernels.openBegin(kernels.put(kernels.TOKEN.value, token))
    if (length < 0) return length
    const found = kernels.innerBlock(2)
    if (found < 0) return found
    hash(length)
    return kernels.openEnd(length, key ?? found, now, timeout, absoluteTimeout)
  }

  it('seals the same tokens at every length', () => {
    for (const n of LENGTHS) {
      const plaintext = DATA.subarray(0, n)
      expect(seal(plaintext) === tokenOf(FIRST, plaintext), `${n}`).toBe(true)
    }
  })

  it('opens them at every length, with the key that it finds', () => {
    for (const n of LENGTHS) {
      const plaintext = DATA.subarray(0, n)
      expect(open(tokenOf(SECOND, plaintext)), `${n}`).toBe(n)
      expect(kernels.get(message + 32, n).equals(plaintext), `${n}`).toBe(true)
      kernels.wipe(n)
    }
    const result = kernels.RESULT.value
    expect([kernels.bytes.readDoubleLE(result), kernels.bytes.readDoubleLE(result + 8)]).toEqual([
      CREATED_AT,
      ISSUED_AT,
    ])
    expect([kernels.bytes.readInt32LE(result + 16), kernels.bytes.readInt32LE(result + 20)]).toEqual([0, 1])
  })

  it('refuses in the order of docs/format.md', () => {
    const plaintext = DATA.subarray(0, 100)
    expect(open('AQ')).toBe(MALFORMED)
    expect(open(`${tokenOf(FIRST, plaintext).slice(0, -1)}*`)).toBe(MALFORMED)
    expect(open(tokenOf(FIRST, plaintext, { version: 2 }))).toBe(UNSUPPORTED)
    expect(open(tokenOf(FIRST, plaintext, { flags: 2 }))).toBe(UNSUPPORTED)
    expect(open(tokenOf(FIRST, plaintext, { nonce: noise(16, 'nonce').fill(1, 0, 1) }))).toBe(MALFORMED)
    expect(open(tokenOf(FIRST, plaintext), 64)).toBe(UNKNOWN_KEY)
    expect(open(tokenOf(FIRST, plaintext), -1)).toBe(UNKNOWN_KEY)
    expect(open(tokenOf(FIRST, plaintext), 1)).toBe(BAD_TAG)
    expect(open(tokenOf(SECOND, plaintext), 0, { now: 0 })).toBe(BAD_TAG)
    expect(open(tokenOf(FIRST, plaintext, { keyId: noise(2, 'id') }))).toBe(UNKNOWN_KEY)
    expect(open(tokenOf(FIRST, plaintext, { createdAt: ISSUED_AT + 1 }))).toBe(MALFORMED)
    expect(open(tokenOf(FIRST, plaintext), undefined, { now: ISSUED_AT - 60_001 })).toBe(NOT_YET_VALID)
    expect(open(tokenOf(FIRST, plaintext), undefined, { timeout: 1000 })).toBe(EXPIRED)
    expect(open(tokenOf(FIRST, plaintext), undefined, { absoluteTimeout: NOW - CREATED_AT })).toBe(EXPIRED)
    expect(open(tokenOf(FIRST, plaintext), undefined, { now: Number.NaN })).toBe(NOT_YET_VALID)
  })

  it('refuses a tag with any bit flipped, and any other inner digest', () => {
    const token = Buffer.from(tokenOf(FIRST, DATA.subarray(0, 40)), 'base64url')
    for (let bit = 0; bit < 256; bit++) {
      const forged = Buffer.from(token)
      const at = forged.length - 32 + (bit >> 3)
      forged[at] = (forged[at] as number) ^ (1 << (bit & 7))
      expect(open(forged.toString('base64url'))).toBe(BAD_TAG)
    }
    const length = kernels.openBegin(kernels.put(kernels.TOKEN.value, token.toString('base64url')))
    kernels.put(digest, Buffer.alloc(32))
    expect(kernels.openEnd(length, 0, NOW, TIMEOUT, TIMEOUT)).toBe(BAD_TAG)
  })

  it('takes no length that is out of range', () => {
    expect(kernels.sealBegin(-1, CREATED_AT, ISSUED_AT)).toBe(0)
    expect(kernels.sealBegin(16_321, CREATED_AT, ISSUED_AT)).toBe(0)
    expect(kernels.sealBegin(1, ISSUED_AT + 1, ISSUED_AT)).toBe(0)
    expect([kernels.sealEnd(-1), kernels.sealEnd(16_321)]).toEqual([0, 0])
    for (const length of [-1, 0, 31, 16_353, 2 ** 31 - 1]) {
      expect(kernels.openEnd(length, 0, NOW, TIMEOUT, TIMEOUT)).toBe(MALFORMED)
    }
  })

  it('gives the inner block of the slot that has the id, of those that are asked for', () => {
    for (const [keys, slot] of [
      [FIRST, 0],
      [SECOND, 1],
    ] as const) {
      kernels.openBegin(kernels.put(kernels.TOKEN.value, tokenOf(keys, DATA.subarray(0, 40))))
      expect(kernels.innerBlock(slot + 1)).toBe(slot)
      expect(kernels.get(kernels.IPAD.value, 64).equals(innerPad(keys))).toBe(true)
      expect(kernels.innerBlock(slot)).toBe(UNKNOWN_KEY)
      expect(kernels.innerBlock(2 ** 31 - 1)).toBe(slot)
    }
    kernels.put(message + 2, noise(2, 'id'))
    for (const keys of [-1, 0, 2, 64, 2 ** 31 - 1]) expect(kernels.innerBlock(keys)).toBe(UNKNOWN_KEY)
  })

  it('leaves no digest, schedule or plaintext behind', () => {
    const scratch = (): Buffer => kernels.get(kernels.SCRATCH.value, kernels.SCRATCH_BYTES.value)
    const clean = Buffer.alloc(kernels.SCRATCH_BYTES.value)
    const plaintext = DATA.subarray(0, 333)
    const token = seal(plaintext)
    expect(scratch().equals(clean)).toBe(true)
    expect(kernels.bytes.includes(plaintext.subarray(0, 16))).toBe(false)
    expect(open(token)).toBe(333)
    expect(scratch().equals(clean)).toBe(true)
    kernels.wipe(333)
    expect(kernels.bytes.includes(plaintext.subarray(0, 16))).toBe(false)
    expect(open(token, 1)).toBe(BAD_TAG)
    expect(scratch().equals(clean)).toBe(true)
    expect(kernels.bytes.includes(plaintext.subarray(0, 16))).toBe(false)
  })
})
