/**
 * What createCodec's calls leave behind in the memory that the backends work in: keys in their one region, and no plaintext,
 * keystream, secret or computed tag anywhere. The kernel's own calls are scanned in kernels.memory.test.ts.
 */
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Backend } from '../src/codec/backend.ts'
import { createCodec, createTextCodec } from '../src/codec/codec.ts'
import type { Kernel } from '../src/codec/kernel.ts'
import { nodeBackend } from '../src/codec/node.ts'
import { type CodecOptions, checkCodecOptions } from '../src/codec/options.ts'
import { chacha20, concat, decode, deriveKeys, encode, referenceSeal, toBytes } from './helpers/reference.js'

const SECRET = 'a published secret, good for test vectors only'
const OLD_SECRET = 'the secret of the year before, no longer used'
const NAME = '_node'
const NOW = 1_700_000_000_000
/** The least run that counts as a trace: eight bytes do not occur twice by chance. */
const RUN_BYTES = 8

type Region = readonly [from: number, to: number]

interface Subject {
  readonly backend: Backend
  readonly createCodec: typeof createCodec
  readonly createTextCodec: typeof createTextCodec
  /** The memory at work. node's is that of the codec made last. */
  memory(): Uint8Array
  /** Where keys may stand. */
  readonly keyRegions: readonly Region[]
}

/** All slots, 64 of 144 bytes (assembly/layout.ts). */
function keyRegion({ KEYRING }: Kernel): Region {
  return [KEYRING.value, KEYRING.value + 64 * 144]
}

/** A backend on a WebAssembly instance of its own, with that instance's memory. */
async function wasmSubject(name: 'wasm' | 'auto', hasBuffer = true, threshold?: number): Promise<Subject> {
  vi.resetModules()
  const { createCodec, createTextCodec } = await import('../src/codec/codec.ts')
  const { autoBackend, wasmBackend } = await import('../src/codec/wasm.ts')
  const instances: WebAssembly.Instance[] = []
  const { Instance } = WebAssembly
  WebAssembly.Instance = class extends Instance {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      super(module, imports)
      instances.push(this)
    }
  }
  if (!hasBuffer) vi.stubGlobal('Buffer', undefined)
  const backend = name === 'auto' ? autoBackend(threshold) : wasmBackend()
  vi.unstubAllGlobals()
  WebAssembly.Instance = Instance
  expect(instances).toHaveLength(1)
  const kernel = instances[0]?.exports as unknown as Kernel
  const keyring = keyRegion(kernel)
  const pad: Region = [kernel.IPAD.value, kernel.IPAD.value + 64]
  return {
    backend,
    createCodec,
    createTextCodec,
    memory: () => new Uint8Array(kernel.memory.buffer),
    // 'auto' may have node:crypto hash over the inner key block, which lies before the message.
    keyRegions: name === 'auto' ? [keyring, pad] : [keyring],
  }
}

/** The js backend on an instance of its own, with that instance's memory. */
async function jsSubject(...missing: string[]): Promise<Subject> {
  vi.resetModules()
  const kernels: Kernel[] = []
  vi.doMock('#codec.js', async (importOriginal) => {
    const { default: instantiate } = await importOriginal<{ default: () => Kernel }>()
    return { default: () => kernels[kernels.push(instantiate()) - 1] }
  })
  const { createCodec, createTextCodec } = await import('../src/codec/codec.ts')
  const { js } = await import('../src/codec/js.ts')
  vi.doUnmock('#codec.js')
  for (const name of missing) vi.stubGlobal(name, undefined)
  js.keyring([new Uint8Array(32)], NAME)
  vi.unstubAllGlobals()
  const [kernel, ...others] = kernels as [Kernel]
  expect(others).toEqual([])
  return {
    backend: js,
    createCodec,
    createTextCodec,
    memory: () => new Uint8Array(kernel.memory.buffer),
    keyRegions: [keyRegion(kernel)],
  }
}

/** The node backend, with the scratch of the keyring made last. */
function nodeSubject(): Subject {
  const node = nodeBackend()
  let scratch = new Uint8Array()
  const backend: Backend = {
    name: 'node',
    keyring(secrets, name) {
      const made: ArrayBuffer[] = []
      vi.stubGlobal(
        'ArrayBuffer',
        class extends ArrayBuffer {
          constructor(length: number) {
            super(length)
            made.push(this)
          }
        },
      )
      const keyring = node.keyring(secrets, name)
      vi.unstubAllGlobals()
      expect(made).toHaveLength(1)
      scratch = new Uint8Array(made[0] as ArrayBuffer)
      return keyring
    },
  }
  return { backend, createCodec, createTextCodec, memory: () => scratch, keyRegions: [] }
}

const SUBJECTS: { readonly [label: string]: Subject } = {
  wasm: await wasmSubject('wasm'),
  'wasm without Buffer': await wasmSubject('wasm', false),
  auto: await wasmSubject('auto'),
  // Whatever this machine finds faster
  'auto with all the help there is': await wasmSubject('auto', true, 0),
  node: nodeSubject(),
  js: await jsSubject(),
  'js without anything': await jsSubject('Buffer', 'TextEncoder', 'TextDecoder'),
}

/** Bytes as they are, and as a kernel may hold them: in words of the other byte order. */
function forms(bytes: Uint8Array): Uint8Array[] {
  const swapped = Uint8Array.from(bytes.subarray(0, bytes.length & ~3))
  for (let i = 0; i < swapped.length; i += 4) swapped.subarray(i, i + 4).reverse()
  return [bytes, swapped]
}

/** Where in the memory any run of `needle` stands, but for the regions that are left out. */
function traces(memory: Uint8Array, needle: Uint8Array, ...except: readonly Region[]): number[] {
  const haystack = Buffer.from(memory)
  for (const [from, to] of except) haystack.fill(0, from, to)
  // For a long needle it pays to know all runs beforehand.
  const places = needle.length > 256 ? placesOf(haystack) : undefined
  const found: number[] = []
  for (const form of forms(needle)) {
    for (let i = 0; i + RUN_BYTES <= form.length; i += 4) {
      const run = Buffer.from(form.subarray(i, i + RUN_BYTES))
      if (run.every((byte) => byte === 0)) throw new Error('a run of zeros cannot be looked for')
      const at = places === undefined ? haystack.indexOf(run) : (places.get(run.toString('latin1')) ?? -1)
      if (at >= 0) found.push(at)
    }
  }
  return found
}

function placesOf(haystack: Buffer): Map<string, number> {
  const places = new Map<string, number>()
  for (let at = 0; at + RUN_BYTES <= haystack.length; at++) {
    places.set(haystack.toString('latin1', at, at + RUN_BYTES), at)
  }
  return places
}

const xored = (bytes: Uint8Array, pad: number): Uint8Array => bytes.map((byte) => byte ^ pad)

/** The nonce that the codecs here draw: the same each time, so that the keystream is known. */
const NONCE15 = Uint8Array.from({ length: 15 }, (_, i) => 0xd0 + i)
function random(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = NONCE15[i % 15] as number
}

/** Text that never repeats a run. */
const textOf = (length: number): string =>
  Array.from({ length: Math.ceil(length / 8) }, (_, i) =>
    `${i.toString(36)}:'${(i * i * 7919 + i).toString(36)}`.padEnd(8, '~').slice(0, 8),
  )
    .join('')
    .slice(0, length)

afterEach(() => {
  vi.restoreAllMocks()
})

describe('the scan', () => {
  it('finds what is there, in either byte order, and not what is not', () => {
    const memory = new Uint8Array(1_000)
    const needle = toBytes('a needle of some length!')
    expect(traces(memory, needle)).toEqual([])
    memory.set(needle.subarray(8, 17), 301)
    expect(traces(memory, needle)).toEqual([301])
    expect(traces(memory, needle, [300, 320])).toEqual([])
    const long = Buffer.from(textOf(400))
    expect(traces(memory, long)).toEqual([])
    memory.set(long.subarray(200, 210), 501)
    expect(traces(memory, long)).toEqual([501])
    memory.fill(0)
    memory.set([0x65, 0x6e, 0x20, 0x61, 0x65, 0x6c, 0x64, 0x65], 4)
    expect(traces(memory, needle)).toEqual([4])
  })
})

describe.each(Object.entries(SUBJECTS))('%s', (_, subject) => {
  const { createCodec, createTextCodec, keyRegions } = subject
  let time = NOW
  const options: CodecOptions = {
    secret: [SECRET, OLD_SECRET],
    name: NAME,
    backend: subject.backend,
    now: () => time,
    random,
  }

  /** Nothing of a secret or of what is derived from it, but for keys in their region. */
  function expectKeysInPlace(secrets: readonly (string | Uint8Array)[], name = NAME): void {
    const memory = subject.memory()
    for (const secret of secrets) {
      const { ikm, prk, cipherKey, macKey, okm } = deriveKeys(secret, name)
      for (const needle of [toBytes(secret), ikm, prk, macKey, okm.slice(32)]) {
        for (const pad of [0, 0x36, 0x5c]) expect(traces(memory, xored(needle, pad), ...keyRegions)).toEqual([])
        // Not even in their region: keys stand there as midstates, and padded.
        expect(traces(memory, needle)).toEqual([])
      }
      expect(traces(memory, cipherKey, ...keyRegions)).toEqual([])
    }
    const [[from, to] = [0, 0]] = keyRegions
    for (let slot = from; slot < to; slot += 144) {
      const midstates = memory.slice(slot + 32, slot + 96)
      if (midstates.some((byte) => byte !== 0)) expect(traces(memory, midstates, ...keyRegions)).toEqual([])
    }
  }

  function expectNoTrace(plaintext: Uint8Array, ...others: Uint8Array[]): void {
    const memory = subject.memory()
    const { cipherKey } = deriveKeys(SECRET, NAME)
    const keystream = chacha20(cipherKey, concat([0], NONCE15), new Uint8Array(plaintext.length + 192))
    for (const needle of [plaintext, keystream, ...others]) expect(traces(memory, needle)).toEqual([])
    expectKeysInPlace([SECRET, OLD_SECRET])
  }

  it('holds the keys where the test believes them to be', () => {
    createCodec(options)
    const [[from, to] = [0, 0]] = keyRegions
    const region = subject.memory().slice(from, to)
    for (const secret of [SECRET, OLD_SECRET]) {
      const expected = from === to ? 0 : 1
      expect(Math.min(1, traces(region, deriveKeys(secret, NAME).cipherKey).length)).toBe(expected)
    }
  })

  it('keeps nothing of secrets of any length, nor of what is derived, outside of the key region', () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const weak = subject.backend.name === 'js' ? [] : ['123abc, a weak secret']
    const secrets = [...weak, ...[32, 33, 63, 64, 65, 119, 200, 4_096].map(textOf)]
    createCodec({ ...options, secret: secrets, name: 'a name of its own' })
    expectKeysInPlace(secrets, 'a name of its own')
    createCodec({ ...options, secret: toBytes(textOf(1_000)) })
    expectKeysInPlace([...secrets, textOf(1_000)])
  })

  it.each([2, 30, 62, 63, 64, 65, 128, 300, 1_000, 3_003, 16_319, 16_320])(
    'keeps nothing of %d bytes sealed and opened',
    (length) => {
      const codec = createCodec(options)
      const data = textOf(length - 2)
      const plaintext = toBytes(JSON.stringify(data))
      expect(plaintext).toHaveLength(length)
      const token = codec.seal(data)
      expectNoTrace(plaintext)
      expect(codec.open(token)).toMatchObject({ ok: true, data })
      expectNoTrace(plaintext)
    },
  )

  it('keeps nothing of hundreds of calls, in the middle of which auto measures', () => {
    const codec = createCodec(options)
    for (let i = 0; i < 300; i++) {
      const data = `${i} ${textOf(300)}`
      codec.open(codec.seal(data))
      if (i % 60 === 0 || (i > 124 && i < 131)) expectNoTrace(toBytes(JSON.stringify(data)))
    }
  })

  it('keeps nothing of data with U+FFFD in the pool that all Buffers share', () => {
    const codec = createCodec(options)
    // Like no other text here: the scan itself puts what it looks for into the pool.
    const data = `${Array.from({ length: 60 }, (_, i) => `${subject.backend.name} ${i * i * 31}`).join('|')}\ufffd`
    const token = codec.seal(data)
    const pools = [Buffer.from('x').buffer]
    expect(codec.open(token)).toMatchObject({ ok: true, data })
    pools.push(Buffer.from('x').buffer)
    const before = pools.map((pool) => new Uint8Array(pool.slice(0)))
    for (const pool of before) expect(traces(pool, toBytes(data))).toEqual([])
    expectNoTrace(toBytes(data))
  })

  it.each([1, 2, 3, 4, 5, 100, 10_000])('keeps nothing of data that are %d bytes too large', (excess) => {
    const codec = createCodec(options)
    codec.seal(1)
    const before = subject.memory().slice()
    const data = textOf(16_318 + excess)
    expect(() => codec.seal(data)).toThrow(expect.objectContaining({ code: 'too-large' }))
    const left = subject.memory().filter((byte, at) => byte !== before[at] && byte !== 0)
    expect([...left]).toEqual([])
    expectNoTrace(toBytes(data))
  })

  it.each(['\u00e9', '\u20ac', '\u{1f36a}'])('keeps nothing of data that end in the middle of %s', (character) => {
    const codec = createCodec(options)
    for (let more = 0; more < 8; more++) {
      codec.seal(1)
      const before = subject.memory().slice()
      const data = `${textOf(16_313 + more)}${character.repeat(9)}`
      expect(() => codec.seal(data)).toThrow(expect.objectContaining({ code: 'too-large' }))
      const left = subject.memory().filter((byte, at) => byte !== before[at] && byte !== 0)
      expect([...left]).toEqual([])
    }
  })

  it('keeps nothing of data whose nonce could not be drawn', () => {
    const failing = createCodec({
      ...options,
      random: () => {
        throw new Error('no entropy')
      },
    })
    const data = textOf(500)
    expect(() => failing.seal(data)).toThrow('no entropy')
    expectNoTrace(toBytes(data))
  })

  describe('keeps nothing after a token was refused:', () => {
    const data = textOf(700)
    const plaintext = toBytes(JSON.stringify(data))
    const base = { secret: SECRET, name: NAME, nonce15: NONCE15, createdAt: NOW, issuedAt: NOW }
    const token = referenceSeal(plaintext, base)
    const tag = (decode(token) as Uint8Array).slice(-32)

    /** The token with other bytes from `at` on. */
    function changed(at: number, ...bytes: number[]): string {
      const raw = decode(token) as Uint8Array
      raw.set(bytes, at < 0 ? raw.length + at : at)
      return encode(raw)
    }
    const withExtensions = (...block: number[]): string =>
      referenceSeal(concat([block.length], block, plaintext), { ...base, flags: 1 })

    it.each<[string, string, string, number?]>([
      ['malformed', 'too short', token.slice(0, 85)],
      ['malformed', 'too long', token.padEnd(21_847, 'A')],
      ['malformed', 'a character of no token', `${token.slice(0, -1)}!`],
      ['malformed', 'not ASCII', `${token.slice(0, -1)}\u00e9`],
      ['malformed', 'a nonce that does not begin with zero', changed(16, 1)],
      ['malformed', 'begun after it was issued', referenceSeal(plaintext, { ...base, createdAt: NOW + 1 })],
      ['unsupported', 'a version', changed(0, 2)],
      ['unsupported', 'a flag', changed(1, 2)],
      ['unsupported', 'an extension', withExtensions(0x04, 0)],
      ['unsupported', 'deflated', withExtensions(0x03, 0)],
      ['unknown-key', 'of another secret', referenceSeal(plaintext, { ...base, secret: `${SECRET}, another` })],
      ['bad-tag', 'another tag', changed(-32, ...tag.map((byte) => byte ^ 0xff))],
      ['bad-tag', 'another first byte of the ciphertext, and no tag', changed(-32, ...new Uint8Array(32).fill(9))],
      ['not-yet-valid', 'from the future', token, NOW - 60_001],
      ['expired', 'old', token, NOW + 86_400_000],
      ['expired', 'past its own expiry', withExtensions(0x02, 6, 0, 0, 0, 0, 0, 9)],
      [
        'bad-payload',
        'an extension block that ends nowhere',
        referenceSeal(concat([255], plaintext.slice(0, 200)), { ...base, flags: 1 }),
      ],
      ['bad-payload', 'a session id that is cut short', withExtensions(0x01, 3, 1, 2, 3)],
      ['bad-payload', 'not UTF-8', referenceSeal(concat(plaintext, [0xff]), base)],
      ['bad-payload', 'not JSON', referenceSeal(plaintext.slice(0, -1), base)],
    ])('%s, %s', (reason, _, refused, now = NOW) => {
      const codec = createCodec(options)
      // Something is sealed before, so that there would be something to leave.
      codec.seal(textOf(900))
      time = now
      expect(codec.open(refused)).toEqual({ ok: false, reason })
      time = NOW
      const isForged = reason === 'bad-tag'
      expectNoTrace(plaintext, ...(isForged ? [tag] : []))
    })
  })

  it('keeps of many codecs only the keys of those that stand in the region', () => {
    const secrets = Array.from({ length: 5 }, (_, i) => `${SECRET}, of codec ${i}`)
    const codecs = secrets.map((secret) =>
      createTextCodec(checkCodecOptions({ ...options, secret: [secret, `${secret} before`] })),
    )
    for (const writer of codecs) {
      const token = writer.seal(textOf(400), NOW) as string
      for (const reader of codecs) reader.open(token)
    }
    expectKeysInPlace([...secrets, ...secrets.map((secret) => `${secret} before`)])
  })
})
