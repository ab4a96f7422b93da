/** README's snippets, run as they stand in the packed layout: only the port is another. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CookieJar } from 'tough-cookie'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const snippets = [...readme.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language, code]) => ({
  language,
  code: code as string,
}))

/** The snippet of that language which contains `mark`, and only that one. */
function snippet(language: string, mark: string): string {
  const found = snippets.filter((one) => one.language === language && one.code.includes(mark))
  expect(found).toHaveLength(1)
  tried.add(found[0]?.code ?? '')
  return found[0]?.code ?? ''
}
const tried = new Set<string>()

const folder = mkdtempSync(join(tmpdir(), 'cookie-sessions-readme-'))
mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true })
symlinkSync(root, join(folder, 'node_modules', 'cookie-sessions'))
for (const name of ['connect', 'express', '@types/node', '@types/connect']) {
  symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
}
// Any port becomes one that the system picks, and is told.
writeFileSync(
  join(folder, 'port.cjs'),
  `const { Server } = require('node:net')
   const { listen } = Server.prototype
   Server.prototype.listen = function () {
     return listen.call(this, 0, '127.0.0.1', () => process.send(this.address().port))
   }`,
)
const env = {
  ...process.env,
  SESSION_SECRET: 'a secret of thirty-two characters',
  OLD_SESSION_SECRET: 'its predecessor, of as many chars.',
}

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill()
})
afterAll(() => rmSync(folder, { recursive: true }))

let count = 0
function write(code: string): string {
  const file = join(folder, `snippet-${++count}.${code.includes('require(') ? 'cjs' : 'mjs'}`)
  writeFileSync(file, code)
  return file
}

/** Runs a server's snippet; returns a browser of sorts for it. */
async function serve(code: string, log: string[] = []): Promise<(path: string, init?: RequestInit) => Promise<string>> {
  const child = spawn(process.execPath, ['--require', join(folder, 'port.cjs'), write(code)], {
    env,
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  children.push(child)
  child.stderr?.on('data', (chunk) => log.push(String(chunk)))
  const port = await new Promise<number>((resolvePort, reject) => {
    child.once('message', (message) => resolvePort(message as number))
    child.once('exit', () => reject(new Error(log.join(''))))
  })
  const jar = new CookieJar()
  const request = async (path: string, init?: RequestInit): Promise<string> => {
    const url = `http://127.0.0.1:${port}${path}`
    const headers = { cookie: await jar.getCookieString(url) }
    const response = await fetch(url, { redirect: 'manual', headers, ...init })
    for (const cookie of response.headers.getSetCookie()) await jar.setCookie(cookie, url)
    const location = response.headers.get('location')
    return location === null ? response.text() : request(location)
  }
  return request
}

/** Runs a snippet to its end; returns what it printed. */
async function run(code: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [write(code)], { env, cwd: folder })
  expect(stderr).toBe('')
  return stdout
}

describe('README', () => {
  it('counts views with Connect', async () => {
    const get = await serve(snippet('js', 'connect()\n  .use(sessions('))
    expect([await get('/'), await get('/'), await get('/')]).toEqual(['1 views\n', '2 views\n', '3 views\n'])
  })

  it('logs in with Express, in CommonJS', async () => {
    const request = await serve(snippet('js', "require('express')"))
    expect(await request('/')).toBe('{"hello":"stranger"}')
    expect(await request('/login', { method: 'POST' })).toBe('{"hello":"alice"}')
    expect(await request('/')).toBe('{"hello":"alice"}')
  })

  it('shows a life of a session', async () => {
    const get = await serve(snippet('js', 'req.session.cart'))
    expect(await get('/')).toBe('hello\n')
    expect(await get('/login')).toBe('welcome\n')
    expect(await get('/')).toMatch(/^here since 20\d\d-/)
    expect(await get('/cart/a')).toBe('1 items\n')
    expect(await get('/cart/b')).toBe('2 items\n')
    expect(await get('/logout')).toBe('bye\n')
    expect(await get('/')).toBe('hello\n')
  })

  it('handles a session that has grown too large', async () => {
    const use = `
      import connect from 'connect'
      import sessions from 'cookie-sessions'
      const app = connect().use(sessions({ secret: process.env.SESSION_SECRET })).use(remember)
      app.use((req, res) => res.end(String(req.session.history.length))).listen(8080)`
    const get = await serve(snippet('js', 'error instanceof SessionError') + use)
    const long = `/${'x'.repeat(1000)}`
    expect([await get(long), await get(long), await get(long), await get('/')]).toEqual(['1', '2', '1', '2'])
  })

  it('rotates secrets', async () => {
    expect(await run(`${snippet('js', 'OLD_SESSION_SECRET')}\nconsole.log(typeof middleware)`)).toBe('function\n')
  })

  it('tells of refused cookies', async () => {
    const use = `
      import connect from 'connect'
      connect().use(middleware).use((req, res) => res.end(String(req.session.isNew))).listen(8080)`
    const log: string[] = []
    const get = await serve(snippet('js', 'onInvalid') + use, log)
    expect(await get('/x', { headers: { cookie: '_node=garbage' } })).toBe('true')
    // It comes through another pipe than the answer.
    await vi.waitFor(() => expect(log.join('')).toBe('session refused: malformed (GET /x)\n'))
  })

  it('seals and opens without HTTP', async () => {
    const output = await run(snippet('js', "codec.open('garbage')"))
    expect(output).toMatch(/ok: true,\s+data: { user: 42 },/)
    expect(output).toContain("{ ok: false, reason: 'malformed' }")
  })

  it('seals and opens lists', async () => {
    const output = await run(snippet('js', 'sealMany'))
    expect(output).toMatch(/data: { user: 1 },.*data: { user: 2 },/s)
  })

  it('seals and opens without WebAssembly', async () => {
    expect(await run(snippet('js', 'cookie-sessions/js'))).toBe('js\n')
  })

  it('answers with the Fetch API', async () => {
    const use = `
      let cookie = ''
      for (const path of ['/', '/', '/login', '/']) {
        const request = new Request('https://example.com' + path, { headers: { cookie } })
        const response = await app.fetch(request)
        cookie = response.headers.getSetCookie()[0].split(';')[0]
        console.log(response.status, (await response.text()).trim())
      }`
    const wrapped = snippet('js', 'fetch: withSession').replace('export default {', 'const app = {')
    const output = await run(wrapped + use)
    expect(output).toBe('200 stranger: 1 views\n200 stranger: 2 views\n303 \n200 alice: 1 views\n')
  })

  it('answers with the Fetch API in two steps', async () => {
    const use = `
      const handle = async (request, session) => ({ body: 'made', status: 201, headers: { seen: session.seen = 'yes' } })
      const response = await respond(new Request('https://example.com/'), handle)
      console.log(response.status, response.headers.get('seen'), /^_node=[\\w-]+; .*Secure/.test(response.headers.get('set-cookie')))`
    expect(await run(snippet('js', 'withSession.commit') + use)).toBe('201 yes true\n')
  })

  it("reads the session of a WebSocket's handshake", async () => {
    const use = `
      server.on('listening', async () => {
        const { connect: dial } = await import('node:net')
        const { port } = server.address()
        const cookie = (await fetch('http://127.0.0.1:' + port)).headers.getSetCookie()[0].split(';')[0]
        for (const header of ['', 'Cookie: ' + cookie + '\\r\\n']) {
          const socket = dial(port, '127.0.0.1').setEncoding('utf8')
          socket.write('GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n' + header + '\\r\\n')
          let answer = ''
          for await (const chunk of socket) answer += chunk
          console.log(answer.split('\\r\\n')[0], answer.split('\\r\\n').at(-1))
        }
        server.close()
      })`
    const output = await run(snippet('js', 'middleware.open').replace('listen(8080)', 'listen(0, "127.0.0.1")') + use)
    expect(output).toBe('HTTP/1.1 401 Unauthorized \nHTTP/1.1 101 Switching Protocols hello, alice\n')
  })

  it('types what sessions hold', async () => {
    writeFileSync(
      join(folder, 'types.ts'),
      `${snippet('ts', 'SessionData')}
       import type { IncomingMessage } from 'node:http'
       export function views(req: IncomingMessage): number {
         // @ts-expect-error: not a key of SessionData
         req.session.nothing
         return (req.session.views ?? 0) + (req.session.user?.roles.length ?? 0)
       }`,
    )
    const options = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--skipLibCheck',
      '--types',
      'node',
    ]
    const tsc = [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'types.ts']
    const { stdout: output } = await promisify(execFile)(process.execPath, tsc, { cwd: folder })
    expect(output).toBe('')
  })

  it('makes a secret from the command line', async () => {
    const [, ...args] = snippet('sh', 'npx').trim().split(' ').slice(1)
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, bin['cookie-sessions']), ...args])
    expect(stdout).toMatch(/^[\w-]{43}\n$/)
  })

  it('names only commands that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const named = [...readme.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:]+)/g)].map(([, name]) => name as string)
    expect(named.length).toBeGreaterThan(2)
    for (const name of named) expect(Object.keys(scripts)).toContain(name)
  })

  it('links to files that exist', () => {
    for (const [, path] of readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      expect(() => readFileSync(resolve(root, path as string)), path).not.toThrow(/ENOENT/)
    }
  })

  it('has no snippet in JavaScript or TypeScript that is not run here', () => {
    const all = snippets.filter(({ language }) => language === 'js' || language === 'ts')
    expect(all.filter(({ code }) => !tried.has(code))).toEqual([])
  })
})
