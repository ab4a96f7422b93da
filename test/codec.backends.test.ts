/** What stands around the backends: weak secrets, the self-test, and the choice between them. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Backend, Keyring, NonceSource } from '../src/codec/backend.ts'
import { createCodec } from '../src/codec/codec.ts'
import { RANDOM_BYTES } from '../src/codec/format.ts'
import { js } from '../src/codec/js.ts'
import { nodeBackend } from '../src/codec/node.ts'
import { selfTest } from '../src/codec/selftest.ts'
import { autoBackend, wasmBackend } from '../src/codec/wasm.ts'
import { SessionError } from '../src/errors.ts'
import { counting, NAME, NOW, refusesWeakSecrets, SECRET, setUp, thrownBy } from './helpers/codec.ts'
import { referenceOpen, referenceSeal, toBytes } from './helpers/reference.js'

const getBuiltinModule = process.getBuiltinModule
const { labels, make } = await setUp()

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe('a weak secret', () => {
  it.each(labels.filter((label) => !refusesWeakSecrets(label)))('is stretched as the document says: %s', (label) => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const token = make(label, { secret: '123abc' }).seal({ hello: 'world' })
    const reader = { secrets: ['123abc'], name: NAME, timeout: 1, now: NOW }
    expect(referenceOpen(token, reader)).toMatchObject({ ok: true, data: { hello: 'world' } })
  })

  it.each(labels.filter(refusesWeakSecrets))('is refused, for stretching it takes too long: %s', (label) => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    for (const secret of ['123abc', [SECRET, '123abc'], ['123abc', SECRET]]) {
      const error = thrownBy(() => make(label, { secret }))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/^cookie-sessions: backend 'js' needs secrets of 32 bytes or more, got one of 6: /)
      expect(error.message).toContain('generateSecret()')
      expect(error.message).not.toContain('123abc')
    }
    expect(thrownBy(() => make(label, { secret: 'x'.repeat(31) })).message).toContain('got one of 31')
    expect(make(label, { secret: 'x'.repeat(32) }).backend).toBe('js')
  })

  it.each([['emitWarning of the process'], ['the console, where there is no process']])(
    'is warned of once, through %s',
    async (via) => {
      const byConsole = via.startsWith('the console')
      const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue()
      const warn = vi.spyOn(console, 'warn').mockReturnValue()
      vi.resetModules()
      const { warnOfWeakSecret } = await import('../src/codec/secret.ts')
      if (byConsole) vi.stubGlobal('process', undefined)
      const strong = toBytes(SECRET)
      warnOfWeakSecret([strong, strong.subarray(0, 32)])
      expect(emitWarning).not.toHaveBeenCalled()
      warnOfWeakSecret([strong, new Uint8Array(31)])
      warnOfWeakSecret([new Uint8Array(6)])
      vi.unstubAllGlobals()
      expect(emitWarning).toHaveBeenCalledTimes(byConsole ? 0 : 1)
      expect(warn).toHaveBeenCalledTimes(byConsole ? 1 : 0)
      const [message, options] = [...emitWarning.mock.calls, ...warn.mock.calls][0] as [string, object?]
      expect(message).toMatch(/^cookie-sessions: a secret of 31 bytes /)
      expect(message).toContain('use 32 random bytes or more')
      expect(message).toContain('generateSecret()')
      if (!byConsole) expect(options).toEqual({ code: 'COOKIE_SESSIONS_WEAK_SECRET' })
    },
  )

  const COUNTED = Array.from({ length: 48 }, (_, i) => String.fromCharCode(33 + ((i * i * 7) % 94))).join('')

  it.each([
    ['that repeats itself', 'x'.repeat(32)],
    ['that repeats itself', 'abcabcabcabcabcabcabcabcabcabcabca'],
    ['that repeats itself', 'changeme'.repeat(4)],
    ['that repeats itself', '\u00e9'.repeat(16)],
    ['that repeats itself', new Uint8Array(32)],
    ['that repeats itself', `${COUNTED.slice(0, 31)}${COUNTED.slice(0, 31)}`],
    ['of nothing but white space', '  \t \n'.repeat(9)],
    ['of nothing but white space', ' '.repeat(40)],
    ['that is a placeholder', 'keyboard cat! Keyboard cat? KEYBOARD_CAT'],
    ['that is a placeholder', 'Please change me: my super secret key 123'],
    ['that is a placeholder', 'YOUR_SECRET_HERE_YOUR_SECRET_KEY_HERE'],
    ['that is a placeholder', 'complex_password_at_least_32_characters_long'],
    ['that is a placeholder', 'abcdefghijklmnopqrstuvwxyz0123456789'],
  ])('is one %s, as well: %j', async (weakness, secret) => {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue()
    vi.resetModules()
    const { createCodec } = await import('../src/codec/codec.ts')
    const token = createCodec({ secret, name: NAME, now: () => NOW, random: (bytes) => bytes.fill(7) }).seal(1)
    expect(emitWarning.mock.calls.map(([message]) => message)).toEqual([
      `cookie-sessions: a secret ${weakness} can be guessed from a single cookie; use 32 random bytes or more. Make one with \`npx cookie-sessions secret\`, or generateSecret()`,
    ])
    // Accepted as it is: never stretched.
    const nonce15 = new Uint8Array(15).fill(7)
    expect(token).toBe(referenceSeal(toBytes('1'), { secret, name: NAME, nonce15, createdAt: NOW, issuedAt: NOW }))
  })

  it.each([
    ['of 32 characters', COUNTED.slice(0, 32)],
    ['that ends as it began', `${COUNTED}${COUNTED.slice(0, 16)}`],
    ['of 32 bytes, repeated', COUNTED.slice(0, 32).repeat(2)],
    ['with a word of a placeholder in it', 'secretXq7-vBz03kTmW_changemeNfR8y'],
    ['of a sentence', SECRET],
    ['beyond ASCII', '\u00e4\u00f6\u00fc\u20ac\u{1f36a} changeme \u4e2d\u6587\u5b57'],
  ])('is none %s', async (_, secret) => {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue()
    vi.resetModules()
    const { warnOfWeakSecret } = await import('../src/codec/secret.ts')
    const bytes = toBytes(secret)
    expect(bytes.length).toBeGreaterThanOrEqual(32)
    warnOfWeakSecret([bytes])
    expect(emitWarning).not.toHaveBeenCalled()
  })

  it('may be warned of nowhere: a runtime without process and console', async () => {
    vi.resetModules()
    const { warnOfWeakSecret } = await import('../src/codec/secret.ts')
    vi.stubGlobal('process', undefined)
    vi.stubGlobal('console', undefined)
    warnOfWeakSecret([new Uint8Array(6)])
    vi.unstubAllGlobals()
  })

  it('is warned of once in a real process, without a word of the secret, and serves', () => {
    const script = `
      import { createCodec } from 'cookie-sessions/codec'
      for (const backend of ['wasm', 'node', 'auto']) {
        const codec = createCodec({ secret: ['hunter2', 'swordfish'], name: 'n', backend })
        console.log(codec.open(codec.seal(backend)).data)
      }`
    // The package's own name leads to dist/, which \`npm test\` builds first.
    const root = fileURLToPath(new URL('..', import.meta.url))
    const run = [
      ...process.execArgv.filter(() => false),
      '--input-type=module',
      '--eval',
      `${script}\nprocess.on('warning', (w) => console.log(w.code, w.message))`,
    ]
    const stdout = execFileSync(process.execPath, run, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.slice(0, 3)).toEqual(['wasm', 'node', 'auto'])
    expect(
      lines
        .slice(3)
        .join('\n')
        .match(/COOKIE_SESSIONS_WEAK_SECRET/g),
    ).toHaveLength(1)
    expect(stdout).toMatch(/a secret of 7 bytes/)
    expect(stdout).not.toMatch(/hunter2|swordfish/)
  })
})

describe('the self-test', () => {
  const good = nodeBackend()
  type Changes = { [method in keyof Keyring]?: (keyring: Keyring) => Keyring[method] }

  /** The node backend with a fault. */
  function faulty(changes: Changes): Backend {
    return {
      name: 'js',
      keyring(secrets, name) {
        const keyring = good.keyring(secrets, name)
        return {
          ...keyring,
          ...Object.fromEntries(Object.entries(changes).map(([key, change]) => [key, change(keyring)])),
        }
      },
    }
  }

  it.each([
    ['wasm', wasmBackend()],
    ['node', good],
    ['js', js],
    ['an object of the caller', faulty({})],
  ])('passes %s and returns it', (_, backend) => {
    expect(selfTest(backend)).toBe(backend)
  })

  const fixedNonce: NonceSource = {
    prepare: () => {},
    take: (target, offset) => target.fill(0, offset, offset + RANDOM_BYTES),
  }
  it.each<[string, Changes]>([
    ['seals nothing', { seal: () => () => undefined }],
    [
      'traps',
      {
        open: () => () => {
          throw new WebAssembly.RuntimeError('unreachable')
        },
      },
    ],
    [
      'seals other bytes',
      {
        seal:
          ({ seal }) =>
          (json, from, at) =>
            seal(json, from, at, fixedNonce),
      },
    ],
    [
      'seals other text',
      {
        seal:
          ({ seal }) =>
          (json, from, at, nonces) =>
            seal(`${json} `, from, at, nonces),
      },
    ],
    [
      'seals other times',
      {
        seal:
          ({ seal }) =>
          (json, from, at, nonces) =>
            seal(json, from - 1, at, nonces),
      },
    ],
    [
      'loses the last bit',
      {
        seal:
          ({ seal }) =>
          (...args) =>
            seal(...args)?.replace(/.$/, 'Q'),
      },
    ],
    ['opens nothing', { open: () => () => ({ ok: false, reason: 'bad-tag' }) }],
    [
      'opens to another text',
      {
        open:
          ({ open }) =>
          (...args) =>
            ({ ...open(...args), json: '{}' }) as ReturnType<Keyring['open']>,
      },
    ],
    [
      'opens what is forged',
      {
        open:
          ({ open }) =>
          (token, ...rest) => {
            const opened = open(token, ...rest)
            return opened.ok ? opened : { ok: true, json: '', createdAt: 0, issuedAt: 0, keyIndex: 0 }
          },
      },
    ],
  ])('refuses a backend that %s', (_, changes) => {
    const error = thrownBy(() => selfTest(faulty(changes)))
    expect(error).toBeInstanceOf(SessionError)
    expect(error).toMatchObject({ code: 'no-backend' })
    expect(error.message).toMatch(/^cookie-sessions: backend 'js' failed its self-test/)
    expect(thrownBy(() => createCodec({ secret: SECRET, name: NAME, backend: faulty(changes) }))).toMatchObject({
      code: 'no-backend',
    })
  })

  it('runs before a backend of the caller seals anything', () => {
    const backend = faulty({})
    const codec = createCodec({ secret: SECRET, name: NAME, backend, now: () => NOW, random: counting() })
    expect(codec.backend).toBe('js')
    expect(codec.seal({ views: 1 })).toBe(make('wasm').seal({ views: 1 }))
  })

  describe('of a backend that is chosen by its name', () => {
    const options = { secret: SECRET, name: NAME, now: () => NOW }

    /** WebAssembly whose engine seals wrongly. */
    function breakWasm(): void {
      const { Instance } = WebAssembly
      const names = Object.getOwnPropertyNames(WebAssembly) as 'Module'[]
      vi.stubGlobal('WebAssembly', {
        ...Object.fromEntries(names.map((name) => [name, WebAssembly[name]])),
        Instance: class extends Instance {
          override get exports(): WebAssembly.Exports {
            return { ...super.exports, seal: () => 95 }
          }
        },
      })
    }

    it("refuses 'wasm' of an engine that is at fault, and 'auto' takes node:crypto", async () => {
      vi.resetModules()
      const { createCodec } = await import('../src/codec/codec.ts')
      breakWasm()
      expect(thrownBy(() => createCodec({ ...options, backend: 'wasm' }))).toMatchObject({
        code: 'no-backend',
        message: expect.stringMatching(/backend 'wasm' failed its self-test/),
      })
      expect(createCodec(options).backend).toBe('node')
    })

    it("refuses 'node' where node:crypto is at fault", async () => {
      vi.resetModules()
      const { createCodec } = await import('../src/codec/codec.ts')
      const crypto = { ...getBuiltinModule('node:crypto'), hkdfSync: () => new ArrayBuffer(66) }
      vi.spyOn(process, 'getBuiltinModule').mockReturnValue(crypto as never)
      expect(thrownBy(() => createCodec({ ...options, backend: 'node' }))).toMatchObject({
        code: 'no-backend',
        message: expect.stringMatching(/backend 'node' failed its self-test/),
      })
    })

    it('runs once: the second codec pays for its own keys alone', async () => {
      vi.resetModules()
      const { createCodec } = await import('../src/codec/codec.ts')
      const hkdfSync = vi.fn(getBuiltinModule('node:crypto').hkdfSync)
      vi.spyOn(process, 'getBuiltinModule').mockReturnValue({ ...getBuiltinModule('node:crypto'), hkdfSync } as never)
      for (const calls of [2, 3, 4]) {
        createCodec({ ...options, backend: 'node' })
        expect(hkdfSync).toHaveBeenCalledTimes(calls)
      }
    })
  })
})

describe("backend 'auto'", () => {
  const noWasm = (): void => {
    vi.stubGlobal('WebAssembly', undefined)
  }
  const noCrypto = (): void => {
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never)
  }
  const noChaCha = (): void => {
    const crypto = { ...getBuiltinModule('node:crypto'), getCiphers: () => ['aes-256-gcm'] }
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue(crypto as never)
  }
  /** A Content-Security-Policy: most engines refuse to compile, WebKit to instantiate. */
  const forbid = (step: 'Module' | 'Instance'): void => {
    const names = Object.getOwnPropertyNames(WebAssembly) as 'Module'[]
    const refuse = class {
      constructor() {
        throw new EvalError('refused by the policy')
      }
    }
    const allowed = Object.fromEntries(names.map((name) => [name, WebAssembly[name]]))
    vi.stubGlobal('WebAssembly', { ...allowed, [step]: refuse })
  }

  /** createCodec of modules that have loaded nothing yet. */
  async function fresh(): Promise<typeof createCodec> {
    vi.resetModules()
    const { createCodec } = await import('../src/codec/codec.ts')
    return createCodec
  }
  const options = { secret: SECRET, name: NAME, now: () => NOW }

  it('takes WebAssembly where there is any', async () => {
    const createCodec = await fresh()
    expect(createCodec(options).backend).toBe('auto')
    expect(createCodec({ ...options, backend: 'auto' }).backend).toBe('auto')
  })

  it('takes node:crypto where there is none', async () => {
    const createCodec = await fresh()
    noWasm()
    const codec = createCodec(options)
    expect(codec.backend).toBe('node')
    expect(make('wasm').open(codec.seal('from node'))).toMatchObject({ ok: true, data: 'from node' })
  })

  it.each([
    ['compile', 'Module'],
    ['instantiate', 'Instance'],
  ] as const)('takes node:crypto where a policy forbids to %s', async (_, step) => {
    const createCodec = await fresh()
    forbid(step)
    expect(createCodec(options).backend).toBe('node')
    const error = thrownBy(() => createCodec({ ...options, backend: 'wasm' }))
    expect(error).toMatchObject({ name: 'SessionError', code: 'no-backend', cause: expect.any(EvalError) })
    expect(error.message).toMatch(/^cookie-sessions: backend 'wasm' needs WebAssembly .*wasm-unsafe-eval/)
  })

  it("is not what 'wasm' takes where there is none: that says what it needs", async () => {
    const createCodec = await fresh()
    noWasm()
    const error = thrownBy(() => createCodec({ ...options, backend: 'wasm' }))
    expect(error).toMatchObject({ name: 'SessionError', code: 'no-backend', cause: expect.any(Error) })
    expect(error.message).toMatch(/^cookie-sessions: backend 'wasm' needs WebAssembly /)
  })

  describe('where there is neither', () => {
    it.each([
      ['no WebAssembly and no node:crypto', noWasm, noCrypto],
      ['no WebAssembly and no process', noWasm, () => vi.stubGlobal('process', undefined)],
      ['no WebAssembly and no ChaCha20 (FIPS)', noWasm, noChaCha],
      ['a policy against compiling and no node:crypto', () => forbid('Module'), noCrypto],
      ['a policy against instantiating and no node:crypto', () => forbid('Instance'), noCrypto],
    ])('is one error that says what to import, and that serves: %s', async (_, ...stubs) => {
      const createCodec = await fresh()
      for (const stub of stubs) stub()
      const error = thrownBy(() => createCodec(options))
      const again = thrownBy(() => createCodec({ ...options, backend: 'auto' }))
      const token = createCodec({ ...options, backend: js, random: counting() }).seal({ views: 1 })
      vi.unstubAllGlobals()
      vi.restoreAllMocks()
      expect(error).toMatchObject({ name: 'SessionError', code: 'no-backend', cause: expect.any(Error) })
      expect(error.message).toMatch(
        /needs WebAssembly .*wasm-unsafe-eval.*import js from 'cookie-sessions\/js'.*backend: js$/,
      )
      expect(error.message.match(/cookie-sessions:/g)).toHaveLength(1)
      expect(again.message).toBe(error.message)
      expect(make('wasm').open(token)).toMatchObject({ ok: true, data: { views: 1 } })
    })
  })

  it.each<[string, string, () => void]>([
    ['without process', 'wasm', () => vi.stubGlobal('process', undefined)],
    ['without getBuiltinModule', 'wasm', () => vi.stubGlobal('process', {})],
    ['without node:crypto', 'auto', noCrypto],
    ['whose node:crypto lacks ChaCha20 (FIPS)', 'auto', noChaCha],
  ])("does without 'node' in a runtime %s, and is then '%s'", async (_, name, stub) => {
    const createCodec = await fresh()
    stub()
    const codec = createCodec(options)
    const error = thrownBy(() => createCodec({ ...options, backend: 'node' }))
    vi.unstubAllGlobals()
    expect(codec.backend).toBe(name)
    expect(error).toMatchObject({ name: 'SessionError', code: 'no-backend' })
    expect(error.message).toMatch(/^cookie-sessions: backend 'node' needs node:crypto with ChaCha20/)
  })

  const { hash: _, ...withoutHash } = getBuiltinModule('node:crypto')
  it.each<[string, unknown]>([
    ['is not there', undefined],
    ['has no one-shot hash', withoutHash],
    ['hashes wrongly', { ...getBuiltinModule('node:crypto'), hash: () => 'x'.repeat(32) }],
  ])(
    'does without an offload where node:crypto %s, which it finds out after a thousand larger tokens',
    async (_, crypto) => {
      const createCodec = await fresh()
      vi.spyOn(process, 'getBuiltinModule').mockReturnValue(crypto as never)
      const auto = createCodec({ ...options, now: () => NOW, random: counting() })
      const wasm = createCodec({ ...options, now: () => NOW, random: counting(), backend: 'wasm' })
      for (let i = 0; i < 2_800; i++) {
        const token = auto.seal('z'.repeat(300))
        expect(token).toBe(wasm.seal('z'.repeat(300)))
        expect(auto.open(token)).toMatchObject({ ok: true })
      }
      expect(auto.backend).toBe('auto')
    },
  )

  it('tries WebAssembly again for the next codec: a failure is not kept', async () => {
    const createCodec = await fresh()
    noWasm()
    expect(createCodec(options).backend).toBe('node')
    vi.unstubAllGlobals()
    expect(createCodec(options).backend).toBe('auto')
  })
})

describe("auto's offload to node:crypto", () => {
  const crypto = getBuiltinModule('node:crypto')
  const options = { secret: SECRET, name: NAME, now: () => NOW }

  /** Seals with a node:crypto whose hashes take as long as they are said to take. Returns how often it hashed which way. */
  function hashes(sizes: readonly number[], times: { readonly [algorithm: string]: number }): string[] {
    let time = 0
    const called: string[] = []
    vi.spyOn(performance, 'now').mockImplementation(() => time)
    const hash = (algorithm: string, data: Uint8Array, encoding: 'hex'): string => {
      time += times[algorithm] as number
      if (data.length < 16_384) called.push(algorithm)
      return crypto.hash(algorithm, data, encoding)
    }
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue({ ...crypto, hash } as never)
    const auto = createCodec({ ...options, backend: autoBackend(), random: counting() })
    const wasm = createCodec({ ...options, backend: 'wasm', random: counting() })
    for (let i = 0; i < 500; i++) auto.open(auto.seal('y'.repeat(400)))
    expect(called).toEqual([])
    for (let i = 0; i < 500; i++) wasm.seal('y'.repeat(400))
    for (const size of sizes) {
      const token = auto.seal('x'.repeat(size - 2))
      expect(token).toBe(wasm.seal('x'.repeat(size - 2)))
      expect(auto.open(token)).toMatchObject({ ok: true, data: 'x'.repeat(size - 2) })
    }
    return called
  }

  it('begins after a thousand larger tokens where SHA-256 is faster than SHA-512: where it is an instruction', () => {
    expect(hashes([2, 367, 368, 3_000], { sha256: 9, sha512: 14 })).toEqual(Array(4).fill('sha256'))
  })

  it.each([
    ['is slower', { sha256: 23, sha512: 14 }],
    ['takes as long, as where the clock stands still', { sha256: 0, sha512: 0 }],
  ])('never begins where it %s', (_, times) => {
    expect(hashes([2, 367, 368, 3_000, 16_320], times)).toEqual([])
  })

  it('looks for that once, and not before there have been a thousand', () => {
    const getBuiltin = vi.spyOn(process, 'getBuiltinModule')
    const codec = createCodec({ ...options, backend: autoBackend() })
    codec.open(codec.seal('x'.repeat(365)))
    expect(getBuiltin).not.toHaveBeenCalled()
    for (let i = 0; i < 500; i++) codec.open(codec.seal('x'.repeat(366)))
    expect(getBuiltin).not.toHaveBeenCalled()
    for (let i = 0; i < 10; i++) codec.open(codec.seal('x'.repeat(366)))
    expect(getBuiltin).toHaveBeenCalledTimes(1)
  })

  it('may begin at any length: the tokens are the same', () => {
    for (const minBytes of [0, 160, 161, 500, 501, 502, Infinity]) {
      const backend = autoBackend(minBytes)
      const codec = createCodec({ secret: SECRET, name: NAME, backend, now: () => NOW, random: counting() })
      expect(codec.backend).toBe('auto')
      const wasm = make('wasm')
      for (const length of [1, 150, 158, 159, 160, 300, 436, 437, 438, 498, 499, 500, 2_000]) {
        const token = codec.seal('y'.repeat(length))
        expect(token).toBe(wasm.seal('y'.repeat(length)))
        expect(codec.open(token)).toMatchObject({ ok: true, data: 'y'.repeat(length) })
      }
    }
  })
})
