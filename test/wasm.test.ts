/**
 * The WebAssembly module on its way into the codec: handed over compiled, as workers do it, of another realm, cut short or altered.
 * One that does not serve is one SessionError when the codec is made.
 */
import { createContext, Script } from 'node:vm'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Codec, createCodec } from '../src/codec/codec.ts'
import { counting, flip, NAME, NOW, OTHER_SECRET, SECRET, thrownBy } from './helpers/codec.ts'
import { compile, readBuild } from './helpers/kernels.ts'

const BYTES = new Uint8Array(readBuild('codec.wasm'))

/** createCodec of a runtime where `#codec.wasm` is `source`, and nothing is loaded yet. */
async function runtimeWith(source: unknown): Promise<typeof createCodec> {
  vi.resetModules()
  vi.doMock('#codec.wasm', () => ({ default: source }))
  const { createCodec } = await import('../src/codec/codec.ts')
  vi.doUnmock('#codec.wasm')
  return createCodec
}

const inBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** Tokens of many lengths by two secrets, and what becomes of them and of worse ones. */
function results(create: typeof createCodec, backend: 'auto' | 'wasm' | 'node'): string {
  const options = { name: NAME, now: () => NOW, backend }
  const old: Codec = create({ ...options, secret: OTHER_SECRET, random: counting(1) })
  const codec = create({ ...options, secret: [SECRET, OTHER_SECRET], timeout: 1_000, random: counting() })
  const all = [1, 2, 3, 30, 61, 62, 63, 126, 253, 998, 3_000, 16_318].flatMap((length) => {
    const [token, older] = [codec, old].map((writer) => writer.seal('x'.repeat(length), NOW - 1)) as [string, string]
    const cut = token.length >> 1
    const bad = [token.slice(1), `${token}A`, `${token.slice(0, -1)}!`, flip(token, 40, 1), token.slice(0, cut)]
    return [token, older, ...[token, older, ...bad].map((one) => codec.open(one))]
  })
  return JSON.stringify(all)
}

const EXPECTED = results(createCodec, 'node')

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('a module that is handed over compiled', () => {
  const context = createContext({ BYTES })
  const foreign = new Script('new WebAssembly.Module(BYTES)').runInContext(context) as object

  it.each([
    ['of this realm', compile(BYTES)],
    ['of another realm', foreign],
  ])('serves, and nothing is compiled: %s', async (_, module) => {
    const create = await runtimeWith(module)
    const names = Object.getOwnPropertyNames(WebAssembly) as 'Module'[]
    vi.stubGlobal('WebAssembly', {
      ...Object.fromEntries(names.map((name) => [name, WebAssembly[name]])),
      Module: class {
        constructor() {
          throw new Error('Wasm code generation disallowed by embedder')
        }
      },
    })
    for (const backend of ['wasm', 'auto'] as const) expect(results(create, backend) === EXPECTED).toBe(true)
  })

  it('is of another realm in this test', () => {
    expect(foreign instanceof WebAssembly.Module).toBe(false)
  })
})

describe('what does not serve is a SessionError when the codec is made, and auto does without:', () => {
  const secret = SECRET
  const empty = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty string', ''],
    ['text that is not base64', '<!doctype html>'],
    ['another string in base64', 'aGVsbG8'],
    ['the address of a file', './codec.wasm'],
    ['an address', new URL('file:///codec.wasm')],
    [
      'the exports of an instance, as an import of the file may give',
      new WebAssembly.Instance(new WebAssembly.Module(BYTES)).exports,
    ],
    ['a promise', Promise.resolve(compile(BYTES))],
    ['another module', compile(Uint8Array.from(empty))],
    ['another module in base64', inBase64(Uint8Array.from(empty))],
    [
      'a module that wants imports',
      compile(Uint8Array.from([...empty, 1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 0x61, 1, 0x62, 0, 0])),
    ],
  ])('%s', async (_, source) => {
    const create = await runtimeWith(source)
    for (let i = 0; i < 2; i++) {
      const error = thrownBy(() => create({ secret, name: NAME, backend: 'wasm' }))
      expect(error).toMatchObject({ name: 'SessionError', code: 'no-backend' })
      expect(error.message).toMatch(/^cookie-sessions: backend 'wasm' /)
    }
    expect(create({ secret, name: NAME }).backend).toBe('node')
  })

  it('a file that is cut short, wherever', async () => {
    const lengths = [1, 4, 7, 8, ...Array.from({ length: 40 }, (_, i) => Math.floor(((i + 1) * BYTES.length) / 41))]
    for (const length of [...lengths, ...[30, 3, 2, 1].map((less) => BYTES.length - less)]) {
      const create = await runtimeWith(inBase64(BYTES.subarray(0, length)))
      expect(thrownBy(() => create({ secret, name: NAME, backend: 'wasm' }))).toMatchObject({
        name: 'SessionError',
        code: 'no-backend',
      })
    }
  })
})

describe('a file with one bit flipped', () => {
  /** Where its sections begin and end, by their ids (WebAssembly Core Specification, 5.5.2). */
  const sections = new Map<number, [start: number, end: number]>()
  for (let at = 8; at < BYTES.length; ) {
    const id = BYTES[at++] as number
    let size = 0
    for (let shift = 0, more = 1; more !== 0; shift += 7) {
      const byte = BYTES[at++] as number
      size |= (byte & 127) << shift
      more = byte & 128
    }
    sections.set(id, [at, at + size])
    at += size
  }

  /** What comes of it: the error that it gives, 'harmless' if it changes nothing, or 'unnoticed'. */
  async function outcome(at: number, bit: number): Promise<string> {
    const altered = BYTES.slice()
    altered[at] = (altered[at] as number) ^ (1 << bit)
    const create = await runtimeWith(inBase64(altered))
    let isMade = false
    vi.stubGlobal('probe', () => {
      create({ secret: SECRET, name: NAME, backend: 'wasm' })
      isMade = true
      return results(create, 'wasm')
    })
    try {
      // Altered code may never come to an end.
      const found: unknown = new Script('probe()').runInThisContext({ timeout: 2_000 })
      return found === EXPECTED ? 'harmless' : 'unnoticed'
    } catch (error) {
      const { name, code } = error as { name: string; code?: string }
      return isMade || code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? 'unnoticed' : `${name} ${code}`
    }
  }

  async function tally([start, end]: [number, number], step: number): Promise<{ [outcome: string]: number }> {
    const counts: { [outcome: string]: number } = {}
    for (let at = start, i = 0; at < end; at += step, i++) {
      const found = await outcome(at, i % 8)
      counts[found] = (counts[found] ?? 0) + 1
    }
    return counts
  }

  it('in a constant is refused, or changes nothing', async () => {
    const {
      harmless = 0,
      'SessionError no-backend': refused = 0,
      ...others
    } = await tally(sections.get(11) as [number, number], 5)
    expect(others).toEqual({})
    expect(refused).toBeGreaterThan(10 * harmless)
  })

  it('in the code is refused, or changes nothing, but for a few that no short test could find', async () => {
    const {
      harmless = 0,
      'SessionError no-backend': refused = 0,
      endless = 0,
      unnoticed = 0,
      ...others
    } = await tally(sections.get(10) as [number, number], 97)
    expect(others).toEqual({})
    expect(refused).toBeGreaterThan(10 * unnoticed)
  })
})
