/**
 * The kernel in plain JavaScript (`cookie-sessions/js`): the same as WebAssembly call by call and byte by byte, made from the same
 * sources, and at work in an engine that has nothing but the language.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Context, createContext, Script } from 'node:vm'
import { build } from 'esbuild'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import instantiate from '#codec.js'
import { createCodec } from '../src/codec/codec.ts'
import { js } from '../src/codec/js.ts'
import type { Kernel } from '../src/codec/kernel.ts'
import { generateSecret } from '../src/codec/secret.ts'
import { SessionError } from '../src/errors.ts'
import { counting, NAME, NOW, SECRET, thrownBy } from './helpers/codec.ts'
import {
  CREATED_AT,
  compile,
  exportsOf,
  ISSUED_AT,
  keysOf,
  LENGTHS,
  load,
  noise,
  readBuild,
  tokenOf,
} from './helpers/kernels.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('the kernel', () => {
  const script = instantiate() as Kernel
  const wasm: Kernel = load('codec.scalar.wasm')
  const bytes = Buffer.from(script.memory.buffer)
  const expectedBytes = Buffer.from(wasm.memory.buffer)
  const MESSAGE = wasm.MESSAGE.value
  const TOKEN = wasm.TOKEN.value

  /** Puts bytes at an address of both. */
  function put(at: number, data: Uint8Array): void {
    for (const memory of [bytes, expectedBytes]) memory.set(data, at)
  }

  /** Calls both, which must return the same and leave the same in all of their memory. */
  function call<T>(what: string, action: (kernel: Kernel) => T): T {
    const [result, expected] = [action(script), action(wasm)]
    if (!Object.is(result, expected)) expect.fail(`${what}: ${result} instead of ${expected}`)
    if (!bytes.equals(expectedBytes)) expect.fail(`${what}: another memory`)
    return result
  }

  const SECRETS = [noise(32, 'first'), noise(33, 'second')]
  const INFO = Buffer.from('cookie-sessions v1\0_node')
  const DATA = noise(16_320, 'data')

  function derive(secret: Uint8Array, info: Uint8Array, slot: number): void {
    put(MESSAGE, secret)
    put(TOKEN, info)
    call(`derive ${secret.length}, ${info.length}, ${slot}`, (kernel) =>
      kernel.derive(secret.length, info.length, slot),
    )
  }

  function seal(length: number, createdAt = CREATED_AT, issuedAt = ISSUED_AT): string {
    put(MESSAGE + 17, noise(15, 'nonce'))
    put(MESSAGE + 32, DATA.subarray(0, length))
    const chars = call(`seal ${length}, ${createdAt}, ${issuedAt}`, (kernel) =>
      kernel.seal(length, createdAt, issuedAt),
    )
    return bytes.toString('latin1', TOKEN, TOKEN + chars)
  }

  function open(token: string, now = ISSUED_AT, timeout = 1_000, absoluteTimeout = Number.POSITIVE_INFINITY): number {
    put(TOKEN, Buffer.from(token, 'latin1'))
    return call(`open ${token.slice(0, 200)}`, (kernel) => kernel.open(token.length, 2, now, timeout, absoluteTimeout))
  }

  beforeEach(() => {
    for (const [slot, secret] of SECRETS.entries()) derive(secret, INFO, slot)
  })

  it('has the same exports, at the same places', () => {
    const names = exportsOf(compile(readBuild('codec.scalar.wasm'))).map((described) => described.split(' ')[1])
    expect(Object.keys(script).sort()).toEqual(names.sort())
    for (const [name, value] of Object.entries(script)) {
      const expected = wasm[name as keyof Kernel] as { value?: number }
      if (typeof value === 'object' && 'value' in value) expect([name, value.value]).toEqual([name, expected.value])
    }
    expect(bytes.equals(expectedBytes)).toBe(true)
  })

  it('derives the same keys, of secrets and names of any length, in any slot', () => {
    for (const length of [1, 31, 32, 33, 55, 56, 63, 64, 65, 119, 120, 4_096])
      derive(noise(length, 'secret'), INFO, length % 64)
    for (const length of [20, 63, 64, 65, 128, 275]) derive(noise(32, 'secret'), noise(length, 'info'), 63)
    for (const slot of [-1, 64, 0x7fffffff]) derive(noise(32, 'secret'), INFO, slot)
  })

  it('stretches to the same bytes', () => {
    for (const length of [1, 6, 31, 32, 64, 65]) {
      for (const iterations of [1, 2, 100]) {
        put(MESSAGE, noise(length, 'weak'))
        call(`stretch ${length}, ${iterations}`, (kernel) => kernel.stretch(length, iterations))
      }
    }
  })

  it('seals the same tokens, which are those of node:crypto, and opens them, at every length', () => {
    const keys = keysOf(SECRETS[0] as Buffer, INFO)
    for (const length of LENGTHS) {
      const token = seal(length)
      if (token !== tokenOf(keys, DATA.subarray(0, length))) expect.fail(`seal ${length}`)
      put(MESSAGE, new Uint8Array(16_384))
      if (open(token) !== length) expect.fail(`open ${length}`)
      if (bytes.compare(DATA, 0, length, MESSAGE + 32, MESSAGE + 32 + length) !== 0) expect.fail(`payload ${length}`)
      call(`wipe ${length}`, (kernel) => kernel.wipe(length))
    }
  })

  it('takes times as WebAssembly does, whatever they are', () => {
    const times = [
      0,
      -0,
      0.5,
      1,
      -1,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 47,
      2 ** 48 - 1,
      2 ** 48,
      2 ** 53,
      1e308,
      -1e308,
    ]
    const token = seal(5)
    for (const first of [...times, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, ISSUED_AT]) {
      for (const second of [...times, Number.NaN, Number.POSITIVE_INFINITY]) {
        seal(5, first, second)
        open(token, first, second)
        open(token, ISSUED_AT, first, second)
      }
    }
  })

  it('refuses for the same reason, at every flipped bit and every cut, and whatever character stands anywhere', () => {
    const token = seal(20)
    expect(open(token)).toBe(20)
    const raw = Buffer.from(token, 'base64url')
    for (let bit = 0; bit < raw.length * 8; bit++) {
      const flipped = Buffer.from(raw)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(open(flipped.toString('base64url'))).toBeLessThan(0)
    }
    for (let at = 0; at < token.length; at++) {
      expect(open(token.slice(0, at))).toBeLessThan(0)
      for (let code = 0; code < 256; code += 3)
        open(token.slice(0, at) + String.fromCharCode(code) + token.slice(at + 1))
    }
  })

  it('takes any other call as WebAssembly does', () => {
    const numbers = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1e308, ISSUED_AT]
    const seed = noise(32_768, 'chaos')
    for (let i = 0; i < 1_000; i++) {
      put(TOKEN, seed.subarray(i * 16, i * 16 + 128))
      const number = (at: number): number => numbers[(seed[i + at] as number) % numbers.length] as number
      const integer = seed.readInt32LE(i * 4) >> ((seed[i] as number) & 31)
      const other = seed.readInt32LE(i * 8)
      call(`open ${i}`, (kernel) => kernel.open(integer, other, number(1), number(2), number(3)))
      call(`seal ${i}`, (kernel) => kernel.seal(integer, number(4), number(5)))
      call(`derive ${i}`, (kernel) => kernel.derive(integer, other >> 20, other >> 24))
      call(`stretch ${i}`, (kernel) => kernel.stretch(integer, 1))
      call(`wipe ${i}`, (kernel) => kernel.wipe(integer))
    }
  })
})

describe('the backend', () => {
  it('makes its instance with the first codec, and one for all', async () => {
    const instances: unknown[] = []
    vi.resetModules()
    vi.doMock('#codec.js', () => ({ default: () => instances[instances.push(instantiate()) - 1] }))
    const { js } = await import('../src/codec/js.ts')
    vi.doUnmock('#codec.js')
    expect(instances).toHaveLength(0)
    const codecs = ['one', 'two'].map((name) => createCodec({ secret: SECRET, name, backend: js }))
    expect(codecs.map((codec) => codec.open(codec.seal(codec.backend)))).toMatchObject([{ data: 'js' }, { data: 'js' }])
    expect(instances).toHaveLength(1)
  })

  describe('where the runtime has no random source', () => {
    const options = { secret: SECRET, name: NAME, now: () => NOW }
    const token = createCodec({ ...options, random: counting() }).seal({ views: 1 })

    it.each([
      ['no crypto', undefined],
      ['a crypto without getRandomValues', {}],
    ])('opens, and says what it needs to seal: %s', (_, crypto) => {
      vi.stubGlobal('crypto', crypto)
      const codec = createCodec({ ...options, backend: js })
      for (let i = 0; i < 2; i++) {
        const error = thrownBy(() => codec.seal({ views: 1 }))
        expect(error).toBeInstanceOf(SessionError)
        expect(error).toMatchObject({ code: 'no-random', message: expect.stringMatching(/hand in the option random/) })
        expect(codec.open(token)).toMatchObject({ ok: true, data: { views: 1 } })
      }
      expect(thrownBy(() => generateSecret())).toMatchObject({ name: 'SessionError', code: 'no-random' })
    })

    it('seals with the option random', () => {
      vi.stubGlobal('crypto', undefined)
      expect(createCodec({ ...options, backend: js, random: counting() }).seal({ views: 1 })).toBe(token)
    })
  })
})

/** An engine with the language's own globals, nothing of the web's or of node's, and no code from text. */
function bareEngine(): Context {
  const context = createContext({}, { codeGeneration: { strings: false, wasm: false } })
  new Script('delete globalThis.WebAssembly; delete globalThis.console').runInContext(context)
  return context
}

describe('in an engine with nothing but the language', () => {
  /** What `code`, a module, exports there. */
  async function load(code: string): Promise<{ [name: string]: unknown }> {
    const stdin = { contents: code, resolveDir: join(ROOT, 'test') }
    const options = { bundle: true, write: false, format: 'iife', globalName: 'exported', target: 'es2022' } as const
    const { outputFiles } = await build({ stdin, ...options })
    const context = bareEngine()
    new Script((outputFiles[0] as { text: string }).text).runInContext(context)
    return new Script('exported').runInContext(context) as { [name: string]: unknown }
  }

  it('is known to be one', () => {
    const names = [
      'process',
      'Buffer',
      'TextEncoder',
      'TextDecoder',
      'atob',
      'btoa',
      'crypto',
      'WebAssembly',
      'performance',
      'console',
    ]
    const found = new Script(`${JSON.stringify(names)}.filter((name) => name in globalThis)`).runInContext(bareEngine())
    expect([...(found as string[])]).toEqual([])
  })

  it('refuses every other backend', async () => {
    const { errors } = await load(`
      import { createCodec } from '../src/codec/js.ts'
      const errors = ['auto', 'wasm', 'node', { name: 'own', keyring() {} }].map((backend) => {
        try {
          return createCodec({ secret: '${SECRET}', name: 'n', backend }).backend
        } catch (thrown) {
          return thrown.name + ' ' + thrown.message
        }
      })
      export { errors }`)
    const refusal = expect.stringMatching(/^TypeError cookie-sessions: backend must be left out, .*, got /)
    expect([...(errors as string[])]).toEqual(['js', refusal, refusal, refusal])
  })

  it('opens all vectors, seals what it should, and needs the option random for that', async () => {
    const { outcomes, token, code, secretCode } = await load(`
      import js, { createCodec, generateSecret } from '../src/codec/js.ts'
      import { defaults, vectors } from './vectors/format-v1.json'
      const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16))
      const secretOf = (secret) => (typeof secret === 'string' ? secret : bytes(secret.hex))
      export const outcomes = vectors.map((vector) => {
        const { name, secrets, cookieName, timeout, absoluteTimeout, now, token, expect } = { ...defaults, ...vector }
        let opened
        try {
          const options = { secret: secrets.map(secretOf), name: cookieName, timeout, absoluteTimeout: absoluteTimeout ?? undefined }
          opened = createCodec({ ...options, now: () => now, backend: js }).open(token)
        } catch (error) {
          return name + ': ' + error.name
        }
        const { ok, reason, createdAt, issuedAt, keyIndex } = opened
        if (ok !== expect.ok || reason !== expect.reason || createdAt !== expect.createdAt) return name
        return issuedAt === expect.issuedAt && keyIndex === expect.keyIndex ? 'as it should' : name
      })
      const options = { secret: '${SECRET}', name: '${NAME}', now: () => ${NOW}, backend: js }
      export const token = createCodec({ ...options, random: ${counting.toString()}() }).seal({ views: '\\u00e9\\u20ac\\u{1f36a}' })
      export let code, secretCode
      try { createCodec(options).seal(1) } catch (error) { code = error.code }
      try { generateSecret() } catch (error) { secretCode = error.code }`)
    const others = (outcomes as string[]).filter((outcome) => outcome !== 'as it should')
    expect((outcomes as string[]).length).toBeGreaterThan(100)
    expect([...others]).toEqual(['a secret of 31 bytes is stretched: TypeError', 'a weak secret: TypeError'])
    expect([code, secretCode]).toEqual(['no-random', 'no-random'])
    const wasm = createCodec({ secret: SECRET, name: NAME, now: () => NOW, backend: 'wasm', random: counting() })
    expect(token).toBe(wasm.seal({ views: '\u00e9\u20ac\u{1f36a}' }))
  })
})

describe('build/codec.scalar.js', () => {
  const text = readFileSync(join(ROOT, 'build/codec.scalar.js'), 'utf8')

  it('imports nothing, and touches no global when it is imported', () => {
    expect(text).not.toMatch(/\b(import|require|eval|Function|globalThis|self|window|process)\b/)
    expect(text.match(/\bexport\b/g)).toHaveLength(1)
    const context = bareEngine()
    const empty = '((all) => Object.getOwnPropertyNames(all).forEach((name) => delete all[name]))(globalThis)'
    new Script(empty).runInContext(context)
    expect(Object.getOwnPropertyNames(context)).toEqual([])
    new Script(text.replace(/^export default /, '')).runInContext(context)
    expect(Object.getOwnPropertyNames(context)).toEqual(['instantiate'])
  })

  it('gives an instance of its own for each call', () => {
    const [first, second] = [instantiate() as Kernel, instantiate() as Kernel]
    expect(first.memory.buffer).not.toBe(second.memory.buffer)
    new Uint8Array(first.memory.buffer)[100] = 1
    expect(new Uint8Array(second.memory.buffer)[100]).toBe(0)
  })

  it('is what the sources make, byte for byte', () => {
    const asc = join(dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')), 'bin/asc.js')
    const folder = mkdtempSync(join(tmpdir(), 'cookie-sessions-'))
    try {
      mkdirSync(join(folder, 'build'))
      copyFileSync(join(ROOT, 'build/codec.wasm'), join(folder, 'build/codec.wasm'))
      const wasm = join(folder, 'build/codec.scalar.wasm')
      const run = (args: string[], cwd: string) => execFileSync(process.execPath, args, { cwd, stdio: 'ignore' })
      run([asc, 'assembly/index.ts', '--target', 'scalar', '--outFile', wasm], ROOT)
      run([join(ROOT, 'assembly/embed.mjs')], folder)
      expect(readFileSync(wasm).equals(readBuild('codec.scalar.wasm'))).toBe(true)
      for (const name of [
        'codec.scalar.js',
        'codec.scalar.d.ts',
        'codec.wasm.js',
        'codec.wasm.d.ts',
        'codec.workerd.js',
        'codec.d.wasm.ts',
      ]) {
        expect([name, readFileSync(join(folder, 'build', name)).equals(readBuild(name))]).toEqual([name, true])
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
