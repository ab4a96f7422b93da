/**
 * examples/browser without a browser: how it reads a token, held against the vectors and the package, and how it is served. Clicking
 * through it is test/runtimes/playground.js.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCodec } from '../src/codec/index.ts'

const page = (file: string) => new URL(`../examples/browser/${file}`, import.meta.url)
const { bytesOf, charactersOf, decode, flipBit, flipCharacter, spareBits } = await import(page('base64url.js').href)
const { fieldsOf } = await import(page('fields.js').href)
const { refusal, STEPS } = await import(page('steps.js').href)
const { readPasted } = await import(page('pasted.js').href)
const { aheadAt, describeClock, duration, HOME } = await import(page('clock.js').href)

const NOW = 1_700_000_000_000
const codec = createCodec({ secret: 'a secret of thirty-two characters', name: '_node', now: () => NOW })

interface Field {
  readonly id: string
  readonly offset: number
  readonly size: number
  readonly value: string
}

describe('the characters of a token', () => {
  it.each([64, 65, 66, 67])('decode as the package decodes them: %i bytes', (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 37) & 255)
    const text = Buffer.from(bytes).toString('base64url')
    expect(decode(text)).toEqual(bytes)
    expect(spareBits(text.length)).toBe((text.length * 6) % 8)
  })

  it('decode to nothing where one is a stranger', () => {
    for (const stranger of ['=', ' ', '+', '☃', '\ud83c']) expect(decode(`AAAA${stranger}AAA`)).toBeUndefined()
  })

  it('carry the bytes that change with them, and no others', () => {
    const text = codec.seal({ views: 7 })
    const bytes: Uint8Array = decode(text)
    const changed = (after: ArrayLike<unknown>, before: ArrayLike<unknown>): number[] =>
      Array.from(before, (_, i) => i).filter((i) => after[i] !== before[i])
    for (let byte = 0; byte < bytes.length; byte++) {
      const [first, last] = charactersOf(byte)
      for (let bit = 0; bit < 8; bit++) {
        const flipped = flipBit(text, byte, bit)
        expect(changed(decode(flipped), bytes)).toEqual([byte])
        expect(decode(flipped)[byte]).toBe((bytes[byte] as number) ^ (1 << bit))
        const [character] = changed(flipped, text) as [number]
        expect(character === first || character === last).toBe(true)
        expect(flipBit(flipped, byte, bit)).toBe(text)
      }
    }
    for (let character = 0; character < text.length; character++) {
      expect(changed(flipCharacter(text, character), text)).toEqual([character])
      const [first, last] = bytesOf(character)
      for (const byte of changed(decode(flipCharacter(text, character)), bytes)) {
        expect(byte === first || byte === last).toBe(true)
      }
    }
  })
})

describe('what is pasted', () => {
  const token = codec.seal({ views: 7 })
  const other = codec.seal({ other: true })

  it.each([
    ['a token', token, undefined],
    ['a token with room around it', `  ${token}\n`, undefined],
    ['a quoted token', `"${token}"`, undefined],
    ['a pair', `_node=${token}`, '_node'],
    ['a pair and its attributes', `_node=${token}; Path=/`, '_node'],
    ['a pair in quotes', `_node="${token}";$Path="/"`, '_node'],
    ['a name with a prefix', `__Host-session=${token}; Path=/; Secure`, '__Host-session'],
    ['a Set-Cookie line', `Set-Cookie: _node=${token}; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax`, '_node'],
    ['a Set-Cookie line of HTTP/2', `set-cookie:\n_node=${token}; path=/`, '_node'],
    ['a Cookie line', `Cookie: theme=dark; _node=${token}; lang=en`, '_node'],
    ['a Cookie line, with another name', `cookie: theme=dark; sid=${token}`, 'sid'],
    ['a Cookie line of several tokens', `Cookie: sid=${other}; _node=${token}`, '_node'],
    [
      'the headers of a request',
      `GET / HTTP/1.1\r\nHost: x\r\nReferer: http://x/?a=b\r\nCookie: _node=${token}\r\n`,
      '_node',
    ],
    ["a row of DevTools' table", `_node\t${token}\t127.0.0.1\t/\t2026-01-01T00:00:00.000Z\t110\t✓`, '_node'],
    ["a line of curl's jar", `#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t1700086400\t_node\t${token}`, '_node'],
  ])('may be %s', (_what, text, name) => {
    expect(readPasted(text, '_node')).toEqual({ token, ...(name !== undefined && { name }) })
  })

  it.each(['x', '', `${token}=`, `${token}==`, `=${token}`, `${token}☃`, `${token};`])(
    'is taken as it is otherwise: %j',
    (text) => {
      expect(readPasted(text, '_node')).toEqual({ token: text })
    },
  )

  it('may be a cookie that was cut off: it is refused by its name', () => {
    expect(readPasted('_node=AQ; Path=/', '_node')).toEqual({ token: 'AQ', name: '_node' })
  })
})

describe('the fields of a token', () => {
  it('cover it, and say when it was made', () => {
    const bytes: Uint8Array = decode(codec.seal({ views: 7 }, NOW - 3_600_000))
    const fields: Field[] = fieldsOf(bytes)
    expect(fields.map(({ offset }) => offset)).toEqual([0, 1, 2, 4, 10, 16, 32, bytes.length - 32])
    expect(fields.reduce((sum, { size }) => sum + size, 0)).toBe(bytes.length)
    const values = Object.fromEntries(fields.map(({ id, value }) => [id, value]))
    expect(values).toMatchObject({
      version: '1',
      flags: 'none',
      'created-at': '2023-11-14T21:13:20.000Z',
      'issued-at': '2023-11-14T22:13:20.000Z',
    })
  })

  it('can be read whatever their bytes are', () => {
    expect(fieldsOf(new Uint8Array(63))).toEqual([])
    for (const byte of [0, 255]) expect(fieldsOf(new Uint8Array(64).fill(byte))).toHaveLength(8)
  })

  it('read the example of docs/format.md', () => {
    const [, token = ''] = /```token\n(.+)\n```/.exec(readFileSync(page('../../docs/format.md'), 'utf8')) ?? []
    const values = Object.fromEntries(fieldsOf(decode(token)).map(({ id, value }: Field) => [id, value]))
    expect(values['key-id']).toBe('9c4f')
    expect(values.nonce).toContain('0x12111000')
  })
})

describe('the step that refuses', () => {
  const { vectors } = JSON.parse(readFileSync(new URL('./vectors/format-v1.json', import.meta.url), 'utf8'))
  const refused = vectors.filter(({ expect }: { expect: { reason?: string } }) => expect.reason !== undefined)

  /** docs/format.md, Reasons. */
  const steps: Record<string, number[]> = {}
  const table = readFileSync(page('../../docs/format.md'), 'utf8').split('## Reasons')[1] ?? ''
  for (const [, reason = '', list = ''] of table.matchAll(/^\| `([\w-]+)` +\|.*\| ([\d, ]+) +\|$/gm)) {
    steps[reason] = list.split(',').map(Number)
  }

  it('is one that docs/format.md names for the reason, for every vector', () => {
    expect(Object.keys(steps)).toHaveLength(7)
    expect(refused.length).toBeGreaterThan(100)
    for (const {
      name,
      token,
      expect: { reason },
    } of refused) {
      const { step, why } = refusal(token, decode(token), reason)
      expect(steps[reason], `${name}: ${reason} at step ${step}`).toContain(step)
      expect(why).toMatch(/^\S.*\.$/s)
      expect(STEPS[step - 1]).toBeDefined()
    }
  })

  const good = codec.seal({ views: 7 })
  it.each([
    ['malformed', 1, good.slice(0, 85)],
    ['malformed', 1, 'A'.repeat(89)],
    ['malformed', 1, 'A'.repeat(21_848)],
    ['malformed', 2, `${good.slice(0, -1)}=`],
    ['malformed', 3, flipBit(good, 16, 7)],
    ['unsupported', 3, flipBit(good, 0, 1)],
    ['unsupported', 3, flipBit(good, 1, 1)],
    ['unknown-key', 4, flipBit(good, 3, 0)],
    ['bad-tag', 5, flipBit(good, 1, 0)],
    ['bad-tag', 5, flipBit(good, 40, 5)],
  ])('is the first that would: %s, step %i', (reason, step, token) => {
    expect(codec.open(token)).toEqual({ ok: false, reason })
    expect(refusal(token, decode(token), reason).step).toBe(step)
  })

  it('is the second for bits that belong to no byte', () => {
    const token = codec.seal('12') // 4 bytes of JSON and 64 others leave 4 bits to spare
    const tampered = flipCharacter(token, token.length - 1)
    expect(codec.open(tampered)).toEqual({ ok: false, reason: 'malformed' })
    expect(refusal(tampered, decode(tampered), 'malformed')).toMatchObject({ step: 2 })
  })
})

describe("the reader's clock", () => {
  it.each([1, 60_000, 86_400_000])('shows all there is to see of a timeout of %i ms', (timeout) => {
    const reader = (ahead: number) =>
      createCodec({ secret: 'a secret of thirty-two characters', name: '_node', timeout, now: () => NOW + ahead })
    const token = codec.seal({})
    const openAt = (position: number) => reader(aheadAt(position, timeout)).open(token)
    expect(openAt(0)).toEqual({ ok: false, reason: 'not-yet-valid' })
    expect(openAt(30).ok).toBe(true)
    expect(aheadAt(HOME, timeout)).toBe(0)
    expect(openAt(HOME).ok).toBe(true)
    expect(openAt(170)).toEqual({ ok: false, reason: 'expired' })
    expect(openAt(200)).toEqual({ ok: false, reason: 'expired' })
  })

  it('never goes back on the way forth', () => {
    const times = Array.from({ length: 201 }, (_, position) => aheadAt(position, 86_400_000))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  it('is described in words', () => {
    expect([0, 999, 1_000, 61_000, 90_000_000, 86_400_000].map(duration)).toEqual([
      '0 ms',
      '999 ms',
      '1 s',
      '1 min 1 s',
      '1 d 1 h',
      '1 d',
    ])
    expect([0, -60_000, 60_000].map(describeClock)).toEqual(['in step', '1 min behind', '1 min ahead'])
  })
})

describe('the server', () => {
  const html = readFileSync(page('index.html'), 'utf8')
  const [, importMap = ''] = /<script type="importmap">(.*?)<\/script>/s.exec(html) ?? []
  let server: ChildProcess
  let address: string
  beforeAll(async () => {
    ;({ server, address } = await serve())
  })
  afterAll(() => end(server))

  async function serve(...flags: string[]) {
    const server = spawn(process.execPath, [fileURLToPath(page('serve.js')), ...flags], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    for await (const chunk of server.stdout) {
      output += chunk
      const [address] = /http:\S+(?=\s)/.exec(output) ?? []
      if (address !== undefined) return { server, address }
    }
    throw new Error(`it ended: ${output}`)
  }

  async function end(child: ChildProcess) {
    child.kill()
    await once(child, 'close')
  }

  it('serves the page under a policy that allows its own files and its import map, and no connections', async () => {
    const response = await fetch(address)
    expect(response.headers.get('Content-Type')).toBe('text/html; charset=utf-8')
    expect(await response.text()).toBe(html)
    const hash = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(importMap))).toString('base64')
    expect(response.headers.get('Content-Security-Policy')).toBe(
      `default-src 'none'; script-src 'self' 'sha256-${hash}' 'wasm-unsafe-eval'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    // What the policy would forbid, or fetch from elsewhere.
    expect(html.replace(/xmlns='[^']+'/g, '')).not.toMatch(/\s(style|on\w+)=|https?:/)
  })

  it('without WebAssembly, allows no more than that', async () => {
    const other = await serve('--no-wasm')
    try {
      const policy = (await fetch(other.address)).headers.get('Content-Security-Policy')
      expect(policy).toMatch(/script-src 'self' 'sha256-[^']+'; /)
    } finally {
      await end(other.server)
    }
  })

  it("serves what the import map names: the package's own exports", async () => {
    const { exports, imports } = JSON.parse(readFileSync(page('../../package.json'), 'utf8'))
    const paths: Record<string, string> = {
      'cookie-sessions/codec': exports['./codec'].default,
      'cookie-sessions/js': exports['./js'].default,
      '@assemblyscript/loader': './node_modules/@assemblyscript/loader/index.js',
      '#codec.wasm': imports['#codec.wasm'].default,
      '#codec.js': imports['#codec.js'],
    }
    const mapped: Record<string, string> = JSON.parse(importMap).imports
    expect(Object.keys(mapped)).toEqual(Object.keys(paths))
    for (const [name, path] of Object.entries(mapped)) {
      const url = new URL(path, address)
      expect(url.pathname).toBe(String(paths[name]).slice(1))
      const response = await fetch(url)
      expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'text/javascript; charset=utf-8'])
    }
  })

  it('serves the format, and leads to the page', async () => {
    expect(await (await fetch(new URL('../../docs/format.md', address))).text()).toMatch(/^# The token format/)
    expect((await fetch(new URL('/', address))).url).toBe(address)
  })

  it.each([
    '/package.json',
    '/examples/connect/server.js',
    '/dist/',
    '/dist',
    '/.git/config',
    '/src/index.ts',
    '/build/x.js',
  ])('answers 404 to %s', async (path) => {
    expect((await fetch(new URL(path, address))).status).toBe(404)
  })

  it('keeps to its folders', async () => {
    const { hostname, port } = new URL(address)
    const { request } = await import('node:http')
    for (const path of [
      '/dist/../README.md',
      '/docs/..%2fREADME.md',
      '/dist//../../examples/connect/server.js',
      '//dist/cli.js',
    ]) {
      const [response] = await once(request({ hostname, port, path }).end(), 'response')
      expect([path, response.resume().statusCode]).toEqual([path, 404])
    }
    expect((await fetch(address, { method: 'POST' })).status).toBe(404)
    expect(await (await fetch(address, { method: 'HEAD' })).text()).toBe('')
  })
})
