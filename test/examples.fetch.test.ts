/** The examples of `cookie-sessions/fetch` and of `middleware.open(req)`, run as they stand against the built package. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SECRET = 'a secret of thirty-two characters'

type Handler = (request: Request, ...rest: unknown[]) => Promise<Response>

/** The examples where the package is installed, which it is not here: theirs have package.json files of their own. */
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cookie-sessions-examples-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules', 'cookie-sessions'), 'junction')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Loads one by node's own means, with the environment's secret. */
function load(path: string): Record<string, unknown> {
  const [example = ''] = path.split('/')
  const filter = (source: string) => !source.includes('node_modules')
  cpSync(join(ROOT, 'examples', example), join(folder, example), { recursive: true, filter })
  const { SESSION_SECRET } = process.env
  process.env.SESSION_SECRET = SECRET
  try {
    return createRequire(import.meta.url)(join(folder, path))
  } finally {
    if (SESSION_SECRET === undefined) Reflect.deleteProperty(process.env, 'SESSION_SECRET')
    else process.env.SESSION_SECRET = SESSION_SECRET
  }
}

/** Sends a request with the cookie that the last response set. */
function browse(): (handler: Handler, url: string, ...rest: unknown[]) => Promise<string> {
  let cookie = ''
  return async (handler, url, ...rest) => {
    const response = await handler(new Request(url, { headers: { cookie } }), ...rest)
    for (const line of response.headers.getSetCookie()) cookie = line.split(';')[0] as string
    return response.text()
  }
}

describe('the worker', () => {
  it('counts views, and forgets them on logout', async () => {
    const worker = load('worker/worker.js').default as { fetch: Handler }
    const get = browse()
    const bodies = []
    for (const path of ['/', '/', '/logout', '/']) {
      bodies.push(await get(worker.fetch, `http://example.com${path}`, { SESSION_SECRET: SECRET }, {}))
    }
    expect(bodies).toEqual(['1 views\n', '2 views\n', 'bye\n', '1 views\n'])
  })

  it('is served from the two files that its bundle makes, on a date without node:crypto', () => {
    const config = readFileSync(join(ROOT, 'examples/worker/config.capnp'), 'utf8')
    const embedded = [...config.matchAll(/embed "([^"]*)"/g)].map(([, path]) => path)
    expect(embedded).toEqual(['dist/worker.js', 'dist/codec.wasm'])
    expect(config).toContain('compatibilityDate = "2025-05-01"')
  })
})

describe("Next's route handler", () => {
  it('counts views, and forgets them on DELETE', async () => {
    const { GET, DELETE } = load('next/app/api/views/route.js') as { GET: Handler; DELETE: Handler }
    const send = browse()
    const bodies = []
    for (const method of [GET, GET, DELETE, GET]) {
      bodies.push(await send(method, 'http://example.com/api/views', { params: Promise.resolve({}) }))
    }
    expect(bodies).toEqual(['{"views":1}', '{"views":2}', '', '{"views":1}'])
  })
})

describe('the WebSocket server', () => {
  let child: ChildProcess
  let url: string
  beforeAll(async () => {
    const script = join(ROOT, 'examples/websocket/server.js')
    const env = { ...process.env, PORT: '0', SESSION_SECRET: SECRET }
    child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
    url = String(line).trim()
  })
  afterAll(async () => {
    const closed = once(child, 'close')
    child.kill()
    await closed
  })

  /** The status of a handshake, with what the socket says after it. */
  function connect(headers: http.OutgoingHttpHeaders): Promise<[number | undefined, string, unknown?]> {
    return new Promise((resolve, reject) => {
      const handshake = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' }
      const request = http.get(url, { headers: { ...handshake, ...headers } })
      request.on('error', reject)
      request.on('response', (response) => {
        response.resume()
        resolve([response.statusCode, ''])
      })
      request.on('upgrade', (response, socket, head) => {
        let bytes = head.toString('latin1')
        socket.setEncoding('latin1').on('data', (text) => {
          bytes += text
        })
        socket.on('end', () => {
          socket.end()
          resolve([response.statusCode, bytes, response.headers['sec-websocket-accept']])
        })
      })
    })
  }

  const login = async (user: string): Promise<string> => {
    const response = await fetch(`${url}/login?user=${encodeURIComponent(user)}`)
    return response.headers.getSetCookie()[0]?.split(';')[0] as string
  }

  it('greets who is logged in', async () => {
    // The key and its answer are those of RFC 6455 section 1.3.
    expect(await connect({ cookie: await login('alice') })).toEqual([
      101,
      '\x81\x0chello, alice\x88\x00',
      's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    ])
  })

  it('fits the longest name into one frame', async () => {
    const [status, bytes] = await connect({ cookie: await login('漢'.repeat(40)) })
    expect([status, bytes.slice(0, 2), bytes.length]).toEqual([101, `\x81${String.fromCharCode(97)}`, 2 + 97 + 2])
  })

  it('refuses others, bad cookies and pages of other origins', async () => {
    const cookie = await login('alice')
    expect(await connect({})).toEqual([401, ''])
    expect(await connect({ cookie: `${cookie.slice(0, -1)}!` })).toEqual([401, ''])
    expect(await connect({ cookie, origin: 'http://example.com' })).toEqual([403, ''])
    expect((await connect({ cookie, origin: url }))[0]).toBe(101)
  })
})

describe('the examples with dependencies of their own', () => {
  it.each(['hono', 'next', 'worker'])('(%s) take the package from here, and all else in exact versions', (name) => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'examples', name, 'package.json'), 'utf8'))
    const { 'cookie-sessions': own, ...others } = { ...manifest.dependencies, ...manifest.devDependencies }
    expect(own).toBe('file:../..')
    for (const version of Object.values(others)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    expect(manifest).toMatchObject({ private: true, type: 'module', scripts: { start: expect.any(String) } })
  })
})
