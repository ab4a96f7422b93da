/** The example that `npm start` runs, as its users meet it: a process, HTTP, a cookie jar. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CookieJar } from 'tough-cookie'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCodec } from '../src/index.ts'

const script = fileURLToPath(new URL('../examples/connect/server.js', import.meta.url))
const SECRET = 'a secret of thirty-two characters'

interface Run {
  readonly child: ChildProcess
  readonly output: () => string
  /** The exit code, once all output is in. */
  readonly ended: Promise<number | null>
}

function run(env: Record<string, string>): Run {
  const { SESSION_SECRET: _, BACKEND: __, ...inherited } = process.env
  const child = spawn(process.execPath, [script], { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
      child.emit('output')
    })
  }
  return { child, output: () => output, ended: once(child, 'close').then(([code]) => code) }
}

/** Waits for what the process prints; fails when it ends without. */
async function printed({ child, output, ended }: Run, pattern: RegExp): Promise<string> {
  for (;;) {
    const hasEnded = child.exitCode !== null
    const found = pattern.exec(output())
    if (found) return found[1] ?? found[0]
    if (hasEnded) throw new Error(`ended without ${pattern}: ${output()}`)
    await Promise.race([once(child, 'output'), ended])
  }
}

async function end({ child, ended }: Run): Promise<void> {
  child.kill()
  await ended
}

const urlPattern = /(http:\/\/127\.0\.0\.1:[1-9]\d*)\s/

/** A browser of sorts: keeps cookies, follows redirections. */
function browse(url: string, jar = new CookieJar()) {
  async function request(path: string, init: RequestInit = {}): Promise<Response> {
    const address = new URL(path, url).href
    const headers = new Headers(init.headers)
    headers.set('Cookie', await jar.getCookieString(address))
    const response = await fetch(address, { ...init, headers, redirect: 'manual' })
    for (const cookie of response.headers.getSetCookie()) await jar.setCookie(cookie, address)
    const location = response.headers.get('Location')
    return response.status === 303 && location ? request(location) : response
  }
  return {
    request,
    get: async (path: string): Promise<string> => (await request(path)).text(),
    post: (path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) =>
      request(path, { method: 'POST', body: new URLSearchParams(fields), headers }),
    session: async () => (await request('/session')).json(),
    cookie: async (): Promise<string | undefined> => (await jar.getCookies(url))[0]?.value,
  }
}

describe('the example server', () => {
  let server: Run
  let url: string
  beforeAll(async () => {
    server = run({ PORT: '0', SESSION_SECRET: SECRET })
    url = await printed(server, urlPattern)
  })
  afterAll(() => end(server))

  it('counts views, one to a line', async () => {
    const { request, get } = browse(url)
    const response = await request('/views')
    expect(response.headers.get('Content-Type')).toMatch(/^text\/plain\b/)
    expect([await response.text(), await get('/views'), await get('/views')]).toEqual(['1\n', '2\n', '3\n'])
    expect(await browse(url).get('/views')).toBe('1\n')
  })

  it('serves the page, with a policy that lets only its own style and script run', async () => {
    const response = await fetch(url)
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff')
    expect(response.headers.get('Referrer-Policy')).toBe('same-origin')
    expect(response.headers.getSetCookie()).toEqual([])
    const policy = response.headers.get('Content-Security-Policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; /)
    const html = await response.text()
    for (const tag of ['style', 'script']) {
      const [, text = ''] = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(html) ?? []
      const hash = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(text))).toString('base64')
      expect(policy).toContain(`${tag}-src 'sha256-${hash}'`)
    }
    // What the policy would forbid, or fetch from elsewhere.
    expect(html).not.toMatch(/\s(style|on\w+)=|\ssrc=|<link[^>]+href="http/)
  })

  it('names the backend in words, and leads to the playground', async () => {
    const html = await (await fetch(url)).text()
    const [, words = ''] = /const BACKENDS = {(.*?)\n}/s.exec(html) ?? []
    for (const backend of ['auto', 'wasm', 'node'])
      expect(words).toMatch(new RegExp(`^ *${backend}: '${backend} is `, 'm'))
    const [, address = ''] = /<a href="([^"]+)">the playground<\/a>/.exec(html) ?? []
    const serve = readFileSync(new URL('../examples/browser/serve.js', import.meta.url), 'utf8')
    expect(serve).toContain(`PORT: port = '${new URL(address).port}'`)
    const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    expect(html).toContain('<code>npm run playground</code>')
    expect(scripts.playground).toContain('examples/browser/serve.js')
    expect(() => readFileSync(new URL(`..${new URL(address).pathname}`, import.meta.url))).not.toThrow()
  })

  it('answers HEAD as GET, without the body', async () => {
    for (const path of ['/', '/views', '/session']) {
      const response = await fetch(url + path, { method: 'HEAD' })
      expect([response.status, await response.text()]).toEqual([200, ''])
    }
  })

  it('answers 404 to other paths and methods', async () => {
    const { request, post } = browse(url)
    for (const path of ['/nope', '/views/more', '/write', '/toString']) expect((await request(path)).status).toBe(404)
    expect((await post('/views')).status).toBe(404)
  })

  it('sends what the page shows', async () => {
    const { get, session, cookie } = browse(url)
    expect(await session()).toMatchObject({ data: {}, value: null, refused: null, backend: 'auto', timeout: 600_000 })
    const before = Date.now()
    await get('/views')
    const shown = await session()
    expect(shown).toMatchObject({ data: { views: 1 }, name: '_node', value: await cookie(), refused: null })
    const times = [before, shown.createdAt, shown.issuedAt, shown.now, Date.now()]
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  it('writes data of any size that fits', async () => {
    const { post, cookie } = browse(url)
    // 3,003 bytes of JSON fill a cookie named _node, and {"text":""} are 11 of them.
    for (const size of [0, 1, 1_000, 2_992]) {
      const response = await post('/write', { size: String(size) })
      expect(((await response.json()) as { data: { text: string } }).data.text).toHaveLength(size)
    }
    expect(`_node=${await cookie()}`).toHaveLength(4_096)
  })

  it('says too-large to more, and the session stays as it was', async () => {
    const { get, post, session, cookie } = browse(url)
    await get('/views')
    const before = await cookie()
    for (const size of ['2993', '20000']) {
      const response = await post('/write', { size })
      expect(response.status).toBe(413)
      expect(await response.json()).toEqual({ code: 'too-large', message: expect.stringContaining('cookie-sessions:') })
    }
    expect(await cookie()).toBe(before)
    expect((await session()).data).toEqual({ views: 1 })
  })

  it('refuses fields that make no sense', async () => {
    const { post } = browse(url)
    for (const size of ['-1', '1.5', 'x', '20001']) expect((await post('/write', { size })).status).toBe(400)
    for (const user of ['', '  ', 'x'.repeat(41)]) expect((await post('/login', { user })).status).toBe(400)
    expect((await post('/tamper')).status).toBe(409)
  })

  it('logs in to a new session, and out of any', async () => {
    const { get, post, session, cookie } = browse(url)
    await get('/views')
    await post('/login', { user: '<b>Ada</b> & co' })
    expect((await session()).data).toEqual({ user: '<b>Ada</b> & co' })
    await post('/logout')
    expect(await cookie()).toBeUndefined()
    expect(await session()).toMatchObject({ data: {}, value: null, refused: null })
  })

  it.each([
    ['unsupported', 0],
    ['unknown-key', 3],
    ['bad-tag', 16],
    ['bad-tag', 50],
    ['bad-tag', 70],
  ])('refuses a cookie that was tampered with: %s (character %i)', async (reason, at) => {
    const { get, post, session, cookie } = browse(url)
    await get('/views')
    const before = (await cookie()) ?? ''
    const response = await post('/tamper', { at: String(at) })
    expect(await response.json()).toMatchObject({ data: {}, refused: reason })
    const after = (await cookie()) ?? ''
    expect([...after].flatMap((char, i) => (char === before[i] ? [] : [i]))).toEqual([at])
    expect(await get('/views')).toBe('1\n')
    expect(await session()).toMatchObject({ data: { views: 1 }, refused: null })
    await printed(server, new RegExp(`session refused: ${reason} \\(GET /session\\)`))
  })

  /** A cookie that the server sealed that long ago. */
  async function aged(ms: number): Promise<CookieJar> {
    const now = () => Date.now() - ms
    const jar = new CookieJar()
    const token = createCodec({ secret: SECRET, name: '_node', now }).seal({ views: 7 })
    await jar.setCookie(`_node=${token}; Path=/`, url)
    return jar
  }

  it('shows the cookie that it issues again, when the old one has aged', async () => {
    const { session, cookie } = browse(url, await aged(120_000))
    const old = await cookie()
    const shown = await session()
    expect(shown).toMatchObject({ data: { views: 7 }, value: await cookie(), refused: null })
    expect(shown.value).not.toBe(old)
    expect(shown.issuedAt - shown.createdAt).toBeGreaterThanOrEqual(120_000)
  })

  it('refuses a cookie after ten minutes', async () => {
    expect(await browse(url, await aged(590_000)).session()).toMatchObject({ data: { views: 7 }, refused: null })
    expect(await browse(url, await aged(600_000)).session()).toMatchObject({ data: {}, refused: 'expired' })
  })

  it('changes nothing for pages of other origins', async () => {
    const { post, cookie } = browse(url)
    const foreign: Record<string, string>[] = [
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site', Origin: url },
      { Origin: 'http://127.0.0.1:1' },
      { Origin: 'null' },
    ]
    for (const headers of foreign) expect((await post('/login', { user: 'Eve' }, headers)).status).toBe(403)
    expect(await cookie()).toBeUndefined()
    expect((await post('/login', { user: 'Ada' }, { Origin: url })).status).toBe(200)
  })

  it('hangs up on a form that is too long, and lives on', async () => {
    const { post, get } = browse(url)
    await expect(post('/login', { user: 'x'.repeat(100_000) })).rejects.toThrow()
    expect(await get('/views')).toBe('1\n')
  })

  it('says that the port is taken, and ends', async () => {
    const { port } = new URL(url)
    const second = run({ PORT: port })
    try {
      expect(await second.ended).toBe(1)
      expect(second.output()).toBe(`Port ${port} is taken. Choose another one: PORT=${Number(port) + 1} npm start\n`)
    } finally {
      await end(second)
    }
  })

  it('opens with one backend what another sealed, the secret being the same', async () => {
    const jar = new CookieJar()
    await browse(url, jar).get('/views')
    const other = run({ PORT: '0', SESSION_SECRET: SECRET, BACKEND: 'node' })
    try {
      const { get, session } = browse(await printed(other, urlPattern), jar)
      expect(await get('/views')).toBe('2\n')
      expect((await session()).backend).toBe('node')
      expect(other.output()).not.toContain('SESSION_SECRET')
    } finally {
      await end(other)
    }
  })

  it('makes a secret of its own when it is given none, and says so', async () => {
    const jar = new CookieJar()
    await browse(url, jar).get('/views')
    const other = run({ PORT: '0' })
    try {
      const { session } = browse(await printed(other, urlPattern), jar)
      expect((await session()).refused).toBe('unknown-key')
      expect(other.output()).toContain('SESSION_SECRET is not set')
    } finally {
      await end(other)
    }
  })
})
