/** The codec in hard weather: a polluted or frozen Object.prototype, other realms, calls that end in the middle. */
import vm from 'node:vm'
import { buildSync } from 'esbuild'
import { afterEach, describe, expect, it, vi } from 'vitest'
import instantiateJs from '#codec.js'
import source from '#codec.wasm'
import type { Backend, Keyring } from '../src/codec/backend.ts'
import { createCodec } from '../src/codec/codec.ts'
import type { Kernel } from '../src/codec/kernel.ts'
import { createBackend, createInstance } from '../src/codec/keyring.ts'
import { nodeBackend } from '../src/codec/node.ts'
import { createNonces } from '../src/codec/nonces.ts'
import { offload } from '../src/codec/offload.ts'
import { type CodecOptions, checkCodecOptions } from '../src/codec/options.ts'
import { checkSessionOptions, type SessionOptions } from '../src/options.ts'
import { counting, NAME, NOW, OTHER_SECRET, SECRET, setUp } from './helpers/codec.ts'
import { toBytes } from './helpers/reference.js'

const { labels, make } = await setUp()

afterEach(() => {
  vi.restoreAllMocks()
})

/** Does something while Object.prototype holds more than it should. Nothing of the test runner's may run meanwhile. */
function polluted<T>(properties: { readonly [name: string]: unknown }, action: () => T): T {
  for (const name of Object.keys(properties)) {
    Object.defineProperty(Object.prototype, name, {
      __proto__: null,
      value: properties[name],
      configurable: true,
      writable: true,
    } as object)
  }
  try {
    return action()
  } finally {
    for (const name of Object.keys(properties)) delete (Object.prototype as { [name: string]: unknown })[name]
  }
}

const EVIL = {
  ...{
    secret: 'the secret of an attacker, long enough',
    name: 'evil',
    timeout: 1,
    absoluteTimeout: 1,
    backend: 'node',
  },
  ...{ now: () => 0, random: (bytes: Uint8Array) => bytes.fill(1), rolling: true, session_key: 'evil' },
  ...{ property: 'evil', path: '/evil', scope: '/evil', domain: 'evil.example', secure: false, trustProxy: true },
  ...{ httpOnly: false, sameSite: 'none', partitioned: true, priority: 'high', persistent: false },
  ...{
    onInvalid: () => 1,
    onError: () => 1,
    maxAge: 5,
    default: 'evil',
    accepts: () => true,
    listener: {},
    gate: () => 1,
    expires: new Date(0),
    encode: () => 'evil',
  },
}

describe('Object.prototype, polluted', () => {
  const carrier = { header: () => undefined, isEncrypted: () => false }
  const shown = ({ transport, features, ...settings }: ReturnType<typeof checkSessionOptions>): unknown => ({
    ...settings,
    // The default of onInvalid knows the cookie's name, and so is another function for each.
    features: features.map(({ listener }) => Object.entries(listener ?? {}).map(String)),
    transport: [
      transport.key,
      transport.maxTokenChars,
      transport.write(carrier, 'token', 0),
      transport.write(carrier, null, 0),
    ],
    attributes: transport.attributes(false, transport.isSecure(carrier), 0),
  })

  it('gives no option of the middleware', () => {
    for (const options of [
      { secret: SECRET },
      { secret: SECRET, persistent: false, path: '/a', domain: 'example.com' },
    ]) {
      const expected = checkSessionOptions(options as SessionOptions)
      const settings = polluted(EVIL, () => checkSessionOptions(options as SessionOptions))
      expect(shown(settings)).toEqual(shown(expected))
      expect(Object.keys(settings).every((key) => Object.hasOwn(settings, key))).toBe(true)
    }
    expect(() => polluted(EVIL, () => checkSessionOptions({} as SessionOptions))).toThrow(/secret must be .* undefined/)
  })

  it('gives no option of createCodec, neither before nor after', () => {
    const options = { secret: SECRET, name: NAME }
    expect(polluted(EVIL, () => checkCodecOptions(options))).toEqual(checkCodecOptions(options))
    const codec = createCodec(options)
    const token = polluted(EVIL, () => codec.seal({ n: 1 }))
    const opened = polluted(EVIL, () => createCodec(options).open(token))
    expect(opened).toMatchObject({ ok: true, data: { n: 1 } })
    expect(codec.open(token)).toEqual(opened)
    expect(token.length).toBeGreaterThan(86)
  })

  it('fills no hole in a list of secrets', () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const secret: string[] = [SECRET]
    secret[2] = OTHER_SECRET
    const { secrets } = polluted({ 1: 'the secret of an attacker' }, () => checkCodecOptions({ secret, name: NAME }))
    expect(secrets).toHaveLength(2)
  })

  const WORDS = ['value', 'writable', 'get', 'set', 'enumerable', 'configurable', 'then', 'type', 'detail', 'code']
  const MORE = ['cause', 'length', 'ctor', 'fatal', 'stream', 'encoding', 'authTagLength', 'outputLength', 'toJSON']

  it.each(labels)('breaks no call of a codec: %s', (label) => {
    for (const word of [...WORDS, ...MORE]) {
      for (const value of [5, null, () => 5]) {
        // A toJSON() that everything inherits is JSON.stringify's own business.
        if (word === 'toJSON' && typeof value === 'function') continue
        const codec = make(label)
        const results = polluted({ [word]: value }, () => {
          const fresh = make(label)
          const token = codec.seal({ n: 'a'.repeat(300) })
          return [fresh.open(token).ok, codec.open(fresh.seal(1)).ok, fresh.open(`${token.slice(0, -2)}AA`).ok]
        })
        expect(results).toEqual([true, true, false])
      }
    }
  })

  it('breaks no start of the kernel in plain JavaScript', () => {
    for (const word of WORDS) {
      for (const value of [5, () => 5]) {
        const kernel = polluted({ [word]: value }, () => instantiateJs() as Kernel)
        expect(kernel.memory.buffer.byteLength).toBe(65_536)
      }
    }
  })

  it('breaks no warning', async () => {
    vi.resetModules()
    const { warnOnce } = await import('../src/codec/warn.ts')
    const warnings: unknown[] = []
    const listen = (warning: Error): unknown => warnings.push([warning.name, (warning as { code?: string }).code])
    process.on('warning', listen)
    polluted({ type: 5, detail: 5, ctor: 5 }, () => warnOnce('COOKIE_SESSIONS_TEST', 'a test of warnings'))
    await new Promise(setImmediate)
    process.off('warning', listen)
    expect(warnings).toEqual([['Warning', 'COOKIE_SESSIONS_TEST']])
  })
})

describe('options that are inherited', () => {
  class Config {
    name = NAME
    get secret(): string {
      return SECRET
    }
  }
  it.each<[string, () => object, string]>([
    ['from defaults', () => Object.assign(Object.create({ timeout: 5 }), { secret: SECRET, name: NAME }), 'timeout'],
    ['as getters of a class', () => new Config(), 'secret'],
    [
      'from further up',
      () => Object.assign(Object.create(Object.create({ now: 1 })), { secret: SECRET, name: NAME }),
      'now',
    ],
    ['in another realm', () => vm.runInNewContext('Object.create({ secret: 1 })'), 'secret'],
    [
      'from an object without a prototype',
      () => Object.create(Object.assign(Object.create(null), { name: 1 })),
      'name',
    ],
  ])('are refused, for they would be left out: %s', (_, options, option) => {
    expect(() => createCodec(options() as CodecOptions)).toThrow(
      new TypeError(
        `cookie-sessions: the option '${option}' is inherited, and createCodec() reads what the object itself holds: copy it into a plain object`,
      ),
    )
  })

  it('but for those that the object has itself, enumerable or not, each read once', () => {
    const read: string[] = []
    const options = Object.create({ timeout: 5 }, { timeout: { value: 7 } }) as { [name: string]: unknown }
    for (const [name, value] of Object.entries({ secret: SECRET, name: NAME })) {
      Object.defineProperty(options, name, { enumerable: true, get: () => [value, read.push(name)][0] })
    }
    expect(checkCodecOptions(options as unknown as CodecOptions)).toMatchObject({ timeout: 7, name: NAME })
    expect(read.sort()).toEqual(['name', 'secret'])
  })
})

/** The library as one script, for realms of its own. */
const scriptOf = (contents: string): string => {
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: new URL('..', import.meta.url).pathname },
    bundle: true,
    format: 'iife',
    globalName: 'library',
    target: 'es2022',
    write: false,
  })
  return (outputFiles[0] as { text: string }).text
}
const ALL = scriptOf(`export * from './src/codec/index.ts'; export { default as js } from './src/codec/js.ts'`)
const JS_ALONE = scriptOf(`export { createCodec, default as js } from './src/codec/js.ts'`)

/** What the library meets in Jest, which runs tests in a realm of their own. */
const GLOBALS = { process, Buffer, TextEncoder, TextDecoder, crypto, performance, console }

describe.each([
  ["node's globals", GLOBALS, ALL],
  ['no performance', { ...GLOBALS, performance: undefined }, ALL],
  ['next to nothing', {}, JS_ALONE],
])('another realm, with %s', (_, globals, script) => {
  const context = vm.createContext({ ...globals, SECRET, NAME, NOW, random: counting() })
  const backends = 'process' in globals ? ['auto', 'wasm', 'node', 'js'] : ['js']
  vm.runInContext(script, context)

  it.each(backends)('serves: %s', (backend) => {
    const bytes = new TextEncoder().encode(SECRET)
    // A secret, the options, data and the random source from out here.
    const options = { secret: [bytes, SECRET], name: NAME, now: () => NOW, random: counting() }
    const run = vm.runInContext(
      `(options, backend, calls) => {
        const codec = library.createCodec({ ...options, backend: backend === 'js' ? library.js : backend })
        let opened
        for (let i = 0; i < calls; i++) opened = codec.open(codec.seal({ text: 'a'.repeat(200) + i }))
        return JSON.stringify(opened)
      }`,
      context,
    ) as (options: object, backend: string, calls: number) => string
    // As many calls as it takes until 'auto' has measured.
    const calls = backend === 'auto' ? 2_700 : 3
    expect(JSON.parse(run(options, backend, calls))).toMatchObject({
      ok: true,
      data: { text: `${'a'.repeat(200)}${calls - 1}` },
    })
  })
})

describe('Object.prototype and all the others, frozen', () => {
  const context = vm.createContext({ ...GLOBALS, SECRET, NAME, NOW, random: counting() })
  vm.runInContext(
    `
      const seen = new Set()
      const harden = (value) => {
        if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
        seen.add(value)
        if (!ArrayBuffer.isView(value)) Object.freeze(value)
        harden(Object.getPrototypeOf(value))
        for (const { value: item, get, set } of Object.values(Object.getOwnPropertyDescriptors(value))) {
          for (const part of [item, get, set]) harden(part)
        }
      }
      const names = ['Object', 'Function', 'Array', 'Error', 'TypeError', 'RangeError', 'Promise', 'Map', 'Set', 'WeakMap', 'Date', 'Math',
        'JSON', 'Reflect', 'Symbol', 'String', 'Number', 'Boolean', 'BigInt', 'RegExp', 'ArrayBuffer', 'DataView', 'Uint8Array',
        'Int32Array', 'Float64Array', 'Proxy', 'WebAssembly']
      for (const name of names) harden(globalThis[name])
      for (const value of [[][Symbol.iterator](), new Map().entries(), new Set().values(), ''.matchAll(/a/g), (function* () {})()])
        harden(Object.getPrototypeOf(value))
    `,
    context,
  )
  vm.runInContext(ALL, context)

  it.each(['auto', 'wasm', 'node', 'js'])('harms no backend: %s', (backend) => {
    const results = vm.runInContext(
      `(backend) => {
        const { createCodec, js } = library
        const codec = createCodec({ secret: [SECRET, undefined], name: NAME, now: () => NOW, random, backend: backend === 'js' ? js : backend })
        const token = codec.seal(JSON.parse('{"constructor":1,"toString":2,"valueOf":3,"__proto__":4,"name":5,"message":6}'))
        const caught = (action) => {
          try {
            action()
          } catch (error) {
            return [error.name, error.code, error instanceof library.SessionError, String(error.message).slice(0, 40)]
          }
        }
        const cycle = {}
        cycle.cycle = cycle
        return JSON.stringify([
          Object.isFrozen(Object.prototype),
          codec.open(token).data,
          codec.open('x').reason,
          caught(() => codec.seal('x'.repeat(20000))),
          caught(() => codec.seal(cycle)),
          caught(() => createCodec({ sercet: 1 })),
        ])
      }`,
      context,
    )(backend) as string
    expect(results).toBe(
      JSON.stringify([
        true,
        JSON.parse('{"constructor":1,"toString":2,"valueOf":3,"__proto__":4,"name":5,"message":6}'),
        'malformed',
        ['SessionError', 'too-large', true, 'cookie-sessions: the data is more than 1'],
        ['SessionError', 'unserializable', true, 'cookie-sessions: the data cannot be writ'],
        ['TypeError', undefined, false, 'cookie-sessions: createCodec() has no op'],
      ]),
    )
  })
})

describe('a call that ends in the middle', () => {
  const reference = createCodec({
    secret: SECRET,
    name: NAME,
    backend: nodeBackend(),
    now: () => NOW,
    random: counting(1),
  })
  const other = { secret: OTHER_SECRET, name: NAME, now: () => NOW, random: counting(2) }
  /** Long enough for 'auto' to have help with it. */
  const DATA = JSON.stringify('a'.repeat(300))

  /** What every call to the kernel and every write to a memory passes. */
  let step = (): void => {}
  const methods = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array
  const { set, slice, fill } = methods

  function stepping<T extends (this: never, ...args: never[]) => unknown>(work: T): T {
    return function (this: never, ...args: never[]) {
      step()
      const result = work.apply(this, args)
      step()
      return result
    } as T
  }

  /** Does `action` up to its step number `last`, at which it throws. Returns whether it came that far. */
  function interrupted(last: number, action: () => void): boolean {
    let steps = 0
    step = () => {
      if (++steps === last) throw new Error('interrupted')
    }
    Object.assign(methods, { set: stepping(set), slice: stepping(slice), fill: stepping(fill) })
    try {
      action()
    } catch {}
    step = () => {}
    Object.assign(methods, { set, slice, fill })
    return steps >= last
  }

  function wasmKernel(): Kernel {
    const exported = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(source, 'base64'))).exports
    const wrap = (item: unknown): unknown => (typeof item === 'function' ? stepping(item as () => unknown) : item)
    return Object.fromEntries(Object.entries(exported).map(([name, item]) => [name, wrap(item)])) as unknown as Kernel
  }

  function offloaded(kernel: Kernel): Backend {
    return createBackend('auto', createInstance(kernel), offload(kernel, 0))
  }

  it.each<[string, Backend]>([
    ['wasm', createBackend('wasm', createInstance(wasmKernel()))],
    ['auto', offloaded(wasmKernel())],
  ])('leaves no other codec with its keys, wherever it ends: %s', (_, backend) => {
    const nonces = createNonces(counting())
    const keyring = backend.keyring([toBytes(SECRET)], NAME)
    const seal = (): string => keyring.seal(DATA, NOW, NOW, nonces) as string
    const token = seal()

    /** One fresh keyring for each, so that all that is made when it is first needed is made in it. */
    const actions: ((made: Keyring) => unknown)[] = [
      (made) => made.seal(DATA, NOW, NOW, nonces),
      (made) => made.open(token, NOW, 1, 1),
    ]
    const broken: string[] = []
    let steps = 0
    for (const [index, action] of actions.entries()) {
      const act = (): unknown => action(backend.keyring([toBytes(OTHER_SECRET), toBytes(SECRET)], NAME))
      seal()
      for (let last = 1; interrupted(last, act); last++, steps++) {
        if (!reference.open(seal()).ok) broken.push(`action ${index}, step ${last}`)
        if (!keyring.open(token, NOW, 1, 1).ok) broken.push(`action ${index}, step ${last}: open`)
      }
    }
    expect(broken).toEqual([])
    expect(steps).toBeGreaterThan(30)
  })

  it.each(['wasm', 'auto'] as const)('because the stack is used up: %s', (backend) => {
    const codec = createCodec({ secret: SECRET, name: NAME, backend, now: () => NOW, random: counting() })
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    /** Makes another codec with `room` frames of stack left, and returns whether that was enough. To stretch takes more than to derive. */
    function makeWith(room: number): boolean {
      let left = room
      let made = false
      function descend(): void {
        try {
          descend()
        } catch {}
        if (--left !== 0) return
        try {
          createCodec({ ...other, secret: [OTHER_SECRET, 'a weak one'], backend }).seal(DATA)
          made = true
        } catch {}
      }
      descend()
      return made
    }
    codec.seal(DATA)
    const broken: number[] = []
    let room = 1
    for (; !makeWith(room); room++) if (!reference.open(codec.seal(DATA)).ok) broken.push(room)
    expect(broken).toEqual([])
    expect(room).toBeGreaterThan(1)
  })

  it('because node:vm gives it no more time', () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const codec = createCodec({ secret: SECRET, name: NAME, backend: 'wasm', now: () => NOW, random: counting() })
    codec.seal(DATA)
    // The first takes microseconds, each of the others some 100 milliseconds.
    const secret = [OTHER_SECRET, ...Array.from({ length: 60 }, (_, i) => `weak ${i}`)]
    const act = (): unknown => createCodec({ ...other, secret, backend: 'wasm' })
    expect(() => vm.runInNewContext('act()', { act }, { timeout: 60 })).toThrow(/timed out/)
    expect(reference.open(codec.seal(DATA)).ok).toBe(true)
    expect(codec.open(reference.seal(DATA)).ok).toBe(true)
  })

  it('hands out no nonce that is partly wiped', () => {
    const nonces = createNonces((bytes) => bytes.fill(7))
    for (let last = 0; last < 15; last++) {
      const target = new Proxy(new Uint8Array(15), {
        set(_, index) {
          if (index === `${last}`) throw new Error('interrupted')
          return true
        },
      })
      expect(() => nonces.take(target, 0)).toThrow('interrupted')
      const next = new Uint8Array(15)
      nonces.take(next, 0)
      expect([...next]).toEqual(Array(15).fill(7))
    }
  })
})
