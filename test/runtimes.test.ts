/**
 * The conformance suite of test/runtimes/ itself: that it passes over each backend, and that it can fail. A codec with a fault, a report
 * that is not what it should be, and a runtime that cannot be tested are all told.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import type { Backend } from '../src/codec/backend.ts'
import { type Codec, createCodec } from '../src/codec/codec.ts'
import { js } from '../src/codec/js.ts'
import type { CodecOptions } from '../src/codec/options.ts'
import { generateSecret } from '../src/codec/secret.ts'
import { SessionError } from '../src/errors.ts'
import { sessions } from '../src/fetch.ts'
import { counting } from './helpers/codec.ts'

// Plain JavaScript, which tsc does not look into.
const runtimes = (file: string) => import(new URL(`./runtimes/${file}`, import.meta.url).href)
const { absence, conformance, readLetters, writeLetters } = await runtimes('conformance.js')
const { conformanceFetch } = await runtimes('conformance-fetch.js')
const { judge, markdownTable, plainTable, score, summary } = await runtimes('table.js')
vi.spyOn(process, 'emitWarning').mockReturnValue()

interface Result {
  name: string
  ok: boolean
  detail?: string
}

const vectors = JSON.parse(readFileSync(new URL('./vectors/format-v1.json', import.meta.url), 'utf8'))
const letters: string[] = writeLetters({ createCodec, backend: 'node' })
/** Over plain JavaScript, which refuses the weak secrets that take the others long. */
const subject = { createCodec, generateSecret, SessionError, vectors, letters, backend: js, pairs: 100 }
const failures = (results: Result[]): Result[] => results.filter(({ ok }) => !ok)

describe.each<[string, 'auto' | 'wasm' | 'node' | Backend]>([
  ['auto', 'auto'],
  ['wasm', 'wasm'],
  ['node', 'node'],
  ['js', js],
])('the suite over %s', (_, backend) => {
  it('passes, with every vector and every letter', () => {
    const results: Result[] = conformance({ ...subject, backend })
    expect(failures(results)).toEqual([])
    for (const { name } of vectors.vectors) {
      expect(results.some((result) => result.name.startsWith(`vector: ${name}`))).toBe(true)
    }
    expect(results.filter(({ name }) => name.startsWith('letter ')).length).toBe(letters.length)
  })

  it('finds the same where there is no random source but what is handed in', () => {
    const random = counting()
    vi.stubGlobal('crypto', undefined)
    const results = conformance({ ...subject, backend, random })
    vi.unstubAllGlobals()
    expect(failures(results)).toEqual([])
  })

  it('passes through the glue to the Fetch API', async () => {
    const results: Result[] = await conformanceFetch({ sessions, backend })
    expect(failures(results)).toEqual([])
    expect(results.length).toBeGreaterThan(9)
  })
})

/** createCodec() with a fault: what it makes goes through `change`, and its options through `adjust`. */
function faulty(
  change: (codec: Codec, options: CodecOptions) => Partial<Codec>,
  adjust: (options: CodecOptions) => CodecOptions = (options) => options,
): typeof createCodec {
  return (options) => {
    const codec = createCodec(adjust(options))
    return { ...codec, ...change(codec, options) }
  }
}

const answering = (change: (answer: ReturnType<Codec['open']>, token: string) => unknown): typeof createCodec =>
  faulty(({ open }) => ({ open: (token: string) => change(open(token), token) as never }))

describe('the suite finds a codec that', () => {
  it.each<[string, RegExp, typeof createCodec]>([
    [
      'opens what was tampered with',
      /^every bit flipped/,
      answering((answer) => (!answer.ok && answer.reason === 'bad-tag' ? { ok: true, data: {} } : answer)),
    ],
    [
      'gives another reason',
      /^every bit flipped/,
      answering((answer) =>
        !answer.ok && answer.reason === 'unsupported' ? { ok: false, reason: 'malformed' } : answer,
      ),
    ],
    [
      'opens a token with white space at its end',
      /^every cut/,
      faulty(({ open }) => ({ open: (token) => open(typeof token === 'string' ? token.trimEnd() : token) })),
    ],
    [
      'throws at a strange string',
      /^no string is too strange/,
      faulty(({ open }) => ({
        open(token) {
          decodeURIComponent(token)
          return open(token)
        },
      })),
    ],
    [
      'throws at what is no string',
      /^what is no string/,
      faulty(({ open }) => ({ open: (token) => open(token.slice(0)) })),
    ],
    [
      'reads padding',
      /^every cut/,
      faulty(({ open }) => ({ open: (token) => open(typeof token === 'string' ? token.replace(/=+$/, '') : token) })),
    ],
    [
      'keeps a token one millisecond too long',
      /^the idle timeout/,
      faulty(
        () => ({}),
        (options) => ({ ...options, timeout: (options.timeout ?? 86_400_000) + 1 }),
      ),
    ],
    [
      'has no absolute timeout',
      /^the absolute timeout/,
      faulty(
        () => ({}),
        (options) => ({ ...options, absoluteTimeout: undefined }),
      ),
    ],
    [
      'takes a token of the far future',
      /^a token of the future/,
      answering((answer) => (!answer.ok && answer.reason === 'not-yet-valid' ? { ok: true, data: 'x' } : answer)),
    ],
    [
      'does not bind its keys to the name',
      /^codecs that take turns/,
      faulty(
        () => ({}),
        (options) => ({ ...options, name: '_node' }),
      ),
    ],
    [
      'seals with the same nonce again',
      /^random numbers/,
      faulty(
        () => ({}),
        (options) => ({ ...options, random: (bytes) => bytes.fill(7) }),
      ),
    ],
    [
      'makes its own random numbers of bad ones',
      /^without a random source/,
      faulty(
        () => ({}),
        ({ random: _, ...options }) => options,
      ),
    ],
    [
      'cuts what is too large',
      /^16320 bytes of JSON fit/,
      faulty(({ seal }) => ({
        seal: (data, createdAt) => seal(typeof data === 'string' ? data.slice(0, 16_318) : data, createdAt),
      })),
    ],
    [
      'throws errors of another class',
      /^what JSON cannot hold/,
      faulty(({ seal }) => ({
        seal(data, createdAt) {
          if (data === undefined) throw new Error('cookie-sessions: no data')
          return seal(data, createdAt)
        },
      })),
    ],
    ['forgets when the session began', /^a round trip/, faulty(({ seal }) => ({ seal: (data) => seal(data) }))],
    [
      'loses which key opened',
      /^vector: rotation: the second secret$/,
      answering((answer) => ('keyIndex' in answer ? { ...answer, keyIndex: 0 } : answer)),
    ],
    [
      'loses a key called __proto__',
      /^vector: .*__proto__/,
      answering((answer) => {
        const data = answer.ok ? answer.data : undefined
        return typeof data === 'object' && data && !Array.isArray(data)
          ? { ...answer, data: Object.assign({}, data) }
          : answer
      }),
    ],
    [
      'takes any option',
      /^misuse/,
      (options) => createCodec(Object.fromEntries(Object.entries(options).filter(([key]) => key !== 'key')) as never),
    ],
    [
      'writes other bytes',
      /: sealed$/,
      faulty(
        () => ({}),
        ({ random, ...options }) => ({
          ...options,
          random: (bytes) => {
            ;(random ?? crypto.getRandomValues.bind(crypto))(bytes as never)
            bytes.reverse()
          },
        }),
      ),
    ],
  ])('%s', (_, name, createFaulty) => {
    const found = failures(conformance({ ...subject, createCodec: createFaulty }))
    expect(found.map((result) => result.name)).toContainEqual(expect.stringMatching(name))
    for (const { detail } of found) expect(detail).toMatch(/./)
  })

  it('keeps a bit of memory for each token', () => {
    let sealed = 0
    const leaking = faulty(({ seal }) => ({
      seal(data, createdAt) {
        sealed++
        return seal(data, createdAt)
      },
    }))
    const heap = () => 1_000_000 + sealed * 16
    expect(failures(conformance({ ...subject, createCodec: leaking, heap }))).toMatchObject([
      { name: 'memory does not grow', detail: expect.stringMatching(/^Error: 1600 bytes more after 100 tokens/) },
    ])
  })

  it("lets WebAssembly's memory grow", () => {
    const memories = [{ buffer: new ArrayBuffer(65_536) }, { buffer: new ArrayBuffer(131_072) }]
    expect(failures(conformance({ ...subject, memories }))).toMatchObject([
      { name: 'WebAssembly keeps to its one page of memory' },
    ])
  })

  it('stretches weak secrets in plain JavaScript, instead of refusing them', () => {
    const willing = faulty(
      () => ({}),
      (options) => ({ ...options, backend: 'node' }),
    )
    const found = failures(conformance({ ...subject, createCodec: willing }))
    expect(found.map(({ name }) => name)).toContain('vector: a weak secret: a weak secret is refused')
  })
})

describe('the suite for the Fetch API finds glue that', () => {
  type Sessions = typeof sessions
  const wrapped = (change: (response: Response) => Response | Promise<Response>): Sessions =>
    ((options) => {
      const withSession = sessions(options)
      const wrap = (handler: Parameters<typeof withSession>[0]) => {
        const handle = withSession(handler)
        return async (request: Request) => change((await handle(request)) as Response)
      }
      return Object.assign(wrap, { open: withSession.open, commit: withSession.commit })
    }) as Sessions

  it.each<[string, RegExp, Sessions]>([
    [
      'loses the cookie',
      /^it counts on/,
      wrapped(({ body, status }) => new Response(body, { status, headers: { Vary: 'Cookie' } })),
    ],
    ['sets one each time', /^what is only read/, (options) => sessions({ ...options, rolling: true })],
    [
      'answers as if it had saved',
      /^a session that cannot be saved/,
      wrapped((response) => new Response(response.body, { headers: response.headers })),
    ],
    [
      'hides why a cookie was refused',
      /^a cookie that was tampered with/,
      ({ onInvalid: _, ...options }) => sessions(options),
    ],
  ])('%s', async (_, name, faultySessions) => {
    const found = failures(await conformanceFetch({ sessions: faultySessions, backend: js }))
    expect(found.map((result) => result.name)).toContainEqual(expect.stringMatching(name))
  })
})

describe('the letters', () => {
  it('are all read, and one that is not right is told', () => {
    const reader = { createCodec, backend: 'node' }
    const [first = '', ...others] = writeLetters({ createCodec, backend: js }) as string[]
    expect(failures(readLetters(reader, [first, ...others]))).toEqual([])
    expect(failures(readLetters(reader, [`${first.slice(0, -2)}AA`, ...others]))).toHaveLength(1)
    expect(failures(readLetters(reader, [first]))).toHaveLength(others.length)
  })
})

describe('a backend that is not available', () => {
  const throwing = (error: unknown) => ({
    SessionError,
    backend: 'auto',
    createCodec() {
      throw error
    },
  })
  const helpful = "the backend in plain JavaScript runs everywhere: import js from 'cookie-sessions/js', as backend: js"

  it('has to say so with one clear error', () => {
    expect(failures(absence(throwing(new SessionError('no-backend', helpful))))).toEqual([])
  })

  it.each<[string, unknown]>([
    ['another error', new Error(`cookie-sessions: ${helpful}`)],
    ['another code', new SessionError('no-random', helpful)],
    ['no word of what helps', new SessionError('no-backend', 'there is nothing')],
  ])('is told of with %s: a failure', (_, error) => {
    expect(failures(absence(throwing(error))).length).toBeGreaterThan(0)
  })

  it('is there after all: a failure', () => {
    expect(failures(absence({ ...subject, backend: 'auto' })).length).toBeGreaterThan(0)
  })
})

describe('the table', () => {
  const app = { readLetters: () => [{ name: 'letter', ok: true }] }
  const passed = [{ name: 'one', ok: true }]
  const failed = [...passed, { name: 'two', ok: false, detail: 'why' }]

  it('counts what passed, letters included', () => {
    expect(score(judge(app, 'wasm', { serves: 'wasm', results: passed, letters: ['a'] }))).toBe('3/3')
    expect(score(judge(app, undefined, { because: 'no WebAssembly', results: passed }))).toBe('2/2')
  })

  it.each<[string, string | undefined, unknown]>([
    ['a result that failed', 'wasm', { serves: 'wasm', results: failed }],
    ['another backend that serves', 'auto', { serves: 'wasm', results: passed }],
    ['nothing where something should serve', 'wasm', { because: 'no WebAssembly', results: passed }],
    ['something where nothing should serve', undefined, { serves: 'node', results: passed }],
    ['a suite that did not end', 'wasm', { results: failed }],
    ['no report, but an error', 'wasm', new Error('it has not answered')],
    ['no report of this backend', 'wasm', undefined],
  ])('fails for %s', (_, expected, examined) => {
    expect(score(judge(app, expected, examined))).toMatch(/^FAIL \d+\/\d+$/)
  })

  it('has a line for each runtime, a column for each backend, and a note for what is not available', () => {
    const good = { ...summary(passed), serves: 'wasm' }
    const none = { ...summary(passed), because: 'no node:crypto' }
    const lines = [
      { title: 'Here', version: '1.2', cells: [good, good, none, summary(failed), none] },
      { title: 'There', version: '3', cells: [good, good, good, good, good] },
    ]
    expect(plainTable(lines).split('\n')).toEqual([
      'runtime  version  auto        wasm  node   js        fetch',
      'Here     1.2      1/1 (wasm)  1/1   - [1]  FAIL 1/2  - [1]',
      'There    3        1/1 (wasm)  1/1   1/1    1/1       1/1',
      '',
      'Not available there:',
      '[1] no node:crypto',
    ])
    expect(markdownTable(lines)).toBe(
      `| runtime | version | auto | wasm | node | js | fetch |
|---|---|---|---|---|---|---|
| Here | 1.2 | 1/1 (wasm) | 1/1 | - [1] | FAIL 1/2 | - [1] |
| There | 3 | 1/1 (wasm) | 1/1 | 1/1 | 1/1 | 1/1 |

Not available there: [1] no node:crypto.`,
    )
  })
})

describe('npm run test:runtimes', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [fileURLToPath(new URL('./runtimes/run.js', import.meta.url)), ...args], {
      encoding: 'utf8',
    })

  it('lists its options and the names of all runtimes', () => {
    const { status, stdout } = run('--help')
    expect(status).toBe(0)
    for (const word of [
      '--only',
      '--require',
      '--markdown',
      'node20',
      'chromium',
      'workerd',
      'deno',
      'bun',
      'quickjs',
    ]) {
      expect(stdout).toContain(word)
    }
  })

  it.each([
    [['--only', 'node20,netscape'], 'there is no runtime netscape; there are node20'],
    [['--require', 'netscape'], 'there is no runtime netscape'],
    [['--only', 'node20', '--require', 'deno'], '--require wants deno, which --only leaves out'],
    [['--fast'], "Unknown option '--fast'"],
  ])('refuses %j before anything is installed', (args, message) => {
    const { status, stdout, stderr } = run(...args)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain(message)
  })
})
