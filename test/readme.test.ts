/** The snippets of README and docs/, run as they are in the packed layout: only the port is another. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CookieJar } from 'tough-cookie'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import sessions, { createCodec } from '../src/index.ts'
import { ROWS } from '../src/options.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const files = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs')).map((file) => `docs/${file}`),
]
const texts = files.map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
const textOf = (file: string): string => texts.find((one) => one.file === file)?.text ?? ''
const snippets = texts.flatMap(({ file, text }) =>
  [...text.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language, code]) => ({ file, language, code: code as string })),
)
const tried = new Set<object>()

/** The file's snippet of that language which contains `mark`, and only that one. */
function snippet(file: string, language: string, mark: string): string {
  const found = snippets.filter((one) => one.file === file && one.language === language && one.code.includes(mark))
  expect(found).toHaveLength(1)
  const [one = { code: '' }] = found
  tried.add(one)
  return one.code
}

const folder = mkdtempSync(join(tmpdir(), 'cookie-sessions-readme-'))
mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true })
symlinkSync(root, join(folder, 'node_modules', 'cookie-sessions'))
for (const name of ['connect', 'express', '@types/node', '@types/connect']) {
  symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
}
// Any port becomes one that the system picks, and reports.
writeFileSync(
  join(folder, 'port.cjs'),
  `const { Server } = require('node:net')
   const { listen } = Server.prototype
   Server.prototype.listen = function () {
     const report = process.send ? (port) => process.send(port) : (port) => console.log('port ' + port)
     return listen.call(this, 0, '127.0.0.1', () => report(this.address().port))
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
async function serve(code: string, log: string[] = []) {
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
  const origin = `http://127.0.0.1:${port}`
  const jar = new CookieJar()
  const request = async (path: string, init?: RequestInit): Promise<string> => {
    const url = origin + path
    const headers = { cookie: await jar.getCookieString(url) }
    const response = await fetch(url, { redirect: 'manual', headers, ...init })
    for (const cookie of response.headers.getSetCookie()) await jar.setCookie(cookie, url)
    const location = response.headers.get('location')
    return location === null ? response.text() : request(location)
  }
  return Object.assign(request, { origin })
}

/** Runs a snippet to its end; returns what it printed. */
async function run(code: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [write(code)], { env, cwd: folder })
  expect(stderr).toBe('')
  return stdout
}

describe('README', () => {
  const { name, version, bin, scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [first = '', ...later] = snippets.filter(({ language }) => language === 'sh').map(({ code }) => code)

  it('begins with what works: a clone, its commands, and the tarball that they make', () => {
    const lines = first
      .trim()
      .split('\n')
      .map((line) => line.replace(/\s*#.*/, ''))
    expect(lines).toEqual(['npm install && npm start', 'npm test', 'npm pack'])
    for (const script of ['start', 'test']) expect(scripts).toHaveProperty(script)
    expect(first).toContain(`${name}-${version}.tgz`)
    const above = textOf('README.md').slice(0, textOf('README.md').indexOf(first))
    expect(above).toMatch(/^# cookie-sessions\n\n> \*\*Not on the registry yet\.\*\*.*\(0\.0\.2, by another author\)/s)
    expect(later[0]).toBe(`npm install ./${name}-${version}.tgz connect\n`)
  })

  it('never has the module of 2011 installed instead', () => {
    for (const { file, language, code } of snippets) {
      if (language === 'sh') expect(code, file).not.toMatch(/npm (i|install)\b[^\n]* cookie-sessions\b/)
    }
  })

  const hasCurl = spawnSync('curl', ['--version']).status === 0

  it.skipIf(process.platform === 'win32')('has a quick start that works as it is copied', async () => {
    const own = mkdtempSync(join(folder, 'quick-'))
    // What npm install would have made.
    mkdirSync(join(own, 'node_modules', '.bin'), { recursive: true })
    symlinkSync(root, join(own, 'node_modules', 'cookie-sessions'))
    symlinkSync(join(root, 'node_modules', 'connect'), join(own, 'node_modules', 'connect'))
    writeFileSync(
      join(own, 'node_modules', '.bin', name),
      `#!/bin/sh\nexec '${process.execPath}' '${join(root, bin[name])}' "$@"\n`,
      { mode: 0o755 },
    )
    const code = snippet('README.md', 'js', 'connect().use(sessions(')
    expect(code.trim().split('\n')).toHaveLength(4)
    const [, file = ''] = /Save this as `([^`]+)`/.exec(textOf('README.md')) ?? []
    writeFileSync(join(own, 'package.json'), '{ "type": "commonjs" }') // as npm 11's init has it
    writeFileSync(join(own, file), code)

    const [command = ''] = later.filter((one) => one.includes(file))
    const child = spawn(
      'sh',
      ['-c', `exec 2>&1; ${command.replace(' node ', ` exec node --require '${join(folder, 'port.cjs')}' `)}`],
      {
        env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, SESSION_SECRET: '' },
        cwd: own,
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    children.push(child)
    const port = await new Promise<string>((resolvePort, reject) => {
      let output = ''
      child.stdout?.on('data', (chunk) => {
        output += chunk
        const [, found] = /port (\d+)/.exec(output) ?? []
        if (found !== undefined) resolvePort(found)
      })
      child.once('exit', () => reject(new Error(output)))
    })
    const [, ...asked] = (
      snippets.find(({ language, code }) => language === 'console' && code.includes('curl'))?.code ?? ''
    )
      .split('$ ')
      .map((block) => block.split('\n'))
    expect(asked).toHaveLength(2)
    if (!hasCurl) return
    for (const [line = '', answer] of asked) {
      const { stdout } = await promisify(execFile)('sh', ['-c', `${line.replace(':8080', `:${port}`)} --silent`], {
        cwd: own,
      })
      expect(stdout).toBe(`${answer}\n`)
    }
  })

  it('logs in with Express, in CommonJS', async () => {
    const request = await serve(snippet('README.md', 'js', "require('express')"))
    expect(await request('/')).toBe('{"hello":"stranger"}')
    expect(await request('/login', { method: 'POST' })).toBe('{"hello":"alice"}')
    expect(await request('/')).toBe('{"hello":"alice"}')
  })

  it('shows a life of a session', async () => {
    const get = await serve(snippet('README.md', 'js', 'req.session.cart'))
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
    const get = await serve(snippet('README.md', 'js', 'error instanceof SessionError') + use)
    const long = `/${'x'.repeat(1000)}`
    expect([await get(long), await get(long), await get(long), await get('/')]).toEqual(['1', '2', '1', '2'])
  })

  it('counts views without Connect', async () => {
    const app = snippet('README.md', 'js', 'cookie-sessions/fetch').replace('export default {', 'const app = {')
    const use = `
      const first = await app.fetch(new Request('https://example.com/'))
      const cookie = first.headers.getSetCookie()[0].split(';')[0]
      const second = await app.fetch(new Request('https://example.com/', { headers: { cookie } }))
      console.log((await first.text()) + (await second.text()))`
    expect(await run(app + use)).toBe('1 views\n2 views\n\n')
  })

  it('shows what the client gets when a session cannot be saved', async () => {
    const log: string[] = []
    const { origin } = await serve(
      `import connect from 'connect'
       import sessions from 'cookie-sessions'
       const app = connect().use(sessions({ secret: process.env.SESSION_SECRET }))
       app.use((req, res) => {
         req.session.user = { tags: ['a', 'b', 'c', 1n] }
         res.writeHead(303, { Location: '/welcome' }).end('welcome')
       })
       app.listen(8080)`,
      log,
    )
    const [, shown = ''] = /```console\n(HTTP.*?)```/s.exec(textOf('docs/sessions.md')) ?? []
    const [head = '', body] = shown.split('\n\n')
    const response = await fetch(`${origin}/checkout`, { redirect: 'manual' })
    const [status, ...lines] = head.split('\n')
    expect(`HTTP/1.1 ${response.status} ${response.statusText}`).toBe(status)
    for (const line of lines) {
      const [header = '', value] = line.split(': ')
      expect(response.headers.get(header)).toBe(value)
    }
    expect([response.headers.get('Location'), response.headers.getSetCookie()]).toEqual([null, []])
    expect(await response.text()).toBe(body)
    const words = /GET \/checkout: the session was not saved: .*user\.tags\[3\] is a BigInt\n\s+at .*snippet-\d+\.mjs:6/
    await vi.waitFor(() => expect(log.join('')).toMatch(words))
  })

  it('shows what happens to a session that was replaced', async () => {
    const log: string[] = []
    const get = await serve(snippet('docs/sessions.md', 'js', "app.use('/wrong'"), log)
    await get('/wrong')
    expect(await get('/')).toBe('nobody')
    await vi.waitFor(() => expect(log.join('')).toMatch(/GET \/wrong: 'user' .*code: 'replaced'/s))
    await get('/right')
    expect(await get('/')).toBe('bob')
  })

  it('has sessions behind a proxy that strips a prefix', async () => {
    const use = `
      import connect from 'connect'
      connect().use(middleware).use((req, res) => {
        req.session.n = 1
        res.end()
      }).listen(8080)`
    const get = await serve(
      `${snippet('docs/sessions.md', 'js', 'scope:')}${use.replace('res.end()', "setImmediate(() => res.end(String(res.getHeader('Set-Cookie'))))\nres.flushHeaders()")}`,
    )
    expect(await get('/cart', { headers: { 'x-forwarded-proto': 'https' } })).toMatch(/^_node=.*Path=\/app1;.*Secure/)
  })

  it("takes a provider's cross-site POST in a cookie of its own", async () => {
    const request = await serve(snippet('docs/migration.md', 'js', "session_key: '_login'"))
    expect(await request('/sso/callback', { method: 'POST' })).toBe('no login under way\n')
    expect(await request('/sso/start')).toBe('off to the identity provider\n')
    expect(await request('/sso/callback', { method: 'POST' })).toBe('welcome\n')
    expect(await request('/sso/callback', { method: 'POST' })).toBe('no login under way\n')
  })

  it("reads and writes Next's cookies()", async () => {
    const use = `
      const jar = new Map()
      const store = {
        getAll: (name) => [...jar].filter(([own]) => own === name).map(([name, value]) => ({ name, value })),
        set: (name, value, attributes) => void (jar.set(name, value), console.log(name, attributes.httpOnly, attributes.sameSite)),
      }
      const cookies = async () => store
      console.log(await currentUser(cookies))
      await logIn(cookies, 'alice')
      console.log(await currentUser(cookies))`
    expect(await run(snippet('docs/fetch.md', 'js', 'currentUser') + use)).toBe('undefined\n_node true lax\nalice\n')
  })

  it('requires in CommonJS', async () => {
    expect(await run(snippet('docs/runtimes.md', 'js', 'require('))).toBe('true function function\n')
  })

  it('rotates secrets', async () => {
    expect(await run(`${snippet('README.md', 'js', 'OLD_SESSION_SECRET')}\nconsole.log(typeof middleware)`)).toBe(
      'function\n',
    )
  })

  it('reports refused cookies', async () => {
    const use = `
      import connect from 'connect'
      connect().use(middleware).use((req, res) => res.end(String(req.session.isNew))).listen(8080)`
    const log: string[] = []
    const get = await serve(snippet('README.md', 'js', 'onInvalid') + use, log)
    expect(await get('/x', { headers: { cookie: '_node=garbage' } })).toBe('true')
    // It comes through another pipe than the answer.
    await vi.waitFor(() => expect(log.join('')).toBe('session refused: malformed (GET /x)\n'))
  })

  it('seals and opens without HTTP', async () => {
    const output = await run(snippet('docs/codec.md', 'js', "codec.open('garbage')"))
    expect(output).toMatch(/ok: true,\s+data: { user: 42 },/)
    expect(output).toContain("{ ok: false, reason: 'malformed' }")
  })

  it('seals and opens without WebAssembly', async () => {
    expect(await run(snippet('docs/runtimes.md', 'js', 'backend: js'))).toBe('js\n')
    expect(await run(snippet('docs/runtimes.md', 'js', "from 'cookie-sessions/js'\n\nconst codec"))).toBe(
      '{ views: 1 } js\n',
    )
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
    const wrapped = snippet('docs/fetch.md', 'js', 'fetch: withSession').replace('export default {', 'const app = {')
    const output = await run(wrapped + use)
    expect(output).toBe('200 stranger: 1 views\n200 stranger: 2 views\n303 \n200 alice: 1 views\n')
  })

  it('answers with the Fetch API in two steps', async () => {
    const use = `
      const handle = async (request, session) => ({ body: 'made', status: 201, headers: { seen: session.seen = 'yes' } })
      const response = await respond(new Request('https://example.com/'), handle)
      console.log(response.status, response.headers.get('seen'), /^_node=[\\w-]+; .*Secure/.test(response.headers.get('set-cookie')))`
    expect(await run(snippet('docs/fetch.md', 'js', 'new Headers(headers)') + use)).toBe('201 yes true\n')
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
    const output = await run(
      snippet('docs/sessions.md', 'js', 'middleware.open').replace('listen(8080)', 'listen(0, "127.0.0.1")') + use,
    )
    expect(output).toBe('HTTP/1.1 401 Unauthorized \nHTTP/1.1 101 Switching Protocols hello, alice\n')
  })

  it('types what sessions hold', async () => {
    writeFileSync(
      join(folder, 'types.ts'),
      `${snippet('README.md', 'ts', 'SessionData')}
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

  it('names only commands that exist', () => {
    for (const { file, text } of texts) {
      const named = [...text.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:]+)/g)].map(([, name]) => name as string)
      for (const name of named) expect(Object.keys(scripts), file).toContain(name)
    }
  })

  it('links to files and headings that exist', () => {
    for (const { file, text } of texts) {
      for (const [, path = '', heading] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)) {
        const target = path === '' ? join(root, file) : resolve(root, dirname(file), path)
        expect(existsSync(target), `${file}: ${path}`).toBe(true)
        if (heading !== undefined) expect(headingsOf(target), `${file}: ${path}#${heading}`).toContain(heading)
      }
    }
  })

  it('is no longer than a reader has patience for', () => {
    expect(textOf('README.md').split('\n').length).toBeLessThan(382)
  })

  it('keeps the tables that are written by programs between their markers', () => {
    expect(textOf('README.md')).toMatch(/<!-- speed:begin -->\n\n\|.*\n\n<!-- speed:end -->/s)
    expect(textOf('docs/runtimes.md')).toMatch(/<!-- runtimes:begin -->\n\n\| runtime \|.*\n\n<!-- runtimes:end -->/s)
  })

  it('has no snippet in JavaScript or TypeScript that is not run here', () => {
    const all = snippets.filter(({ file, language }) => file !== 'docs/format.md' && /^(js|ts)$/.test(language ?? ''))
    expect(all.filter((one) => !tried.has(one))).toEqual([])
  })
})

describe('CONTRIBUTING', () => {
  const text = textOf('CONTRIBUTING.md')

  it.each(['src', 'src/codec', 'assembly'])('has each file of %s on its map, in a line of its own', (folder) => {
    const table = text.slice(text.indexOf(`\n\`${folder}/\`: `)).split('\n\n')[1]
    const named = [...(table ?? '').matchAll(/^\| `([^`]+)` \| \S.* \|$/gm)].map(([, file]) => file)
    // The two of an entry in CommonJS, and its module around that, have the entry's line.
    const files = readdirSync(join(root, folder)).filter((file) => /\.(ts|mjs)$/.test(file))
    expect(named.toSorted()).toEqual(files.toSorted())
  })

  it('names a command for the tests of one file, and the file', () => {
    const command = snippet('CONTRIBUTING.md', 'sh', 'npx vitest').trim().split(' ')
    expect(command.slice(0, 7).join(' ')).toBe('npx vitest run --config test/vitest.config.ts --root .')
    for (const path of [command[4], command[7]]) expect(existsSync(join(root, path as string)), path).toBe(true)
  })

  it('leads to what exists', () => {
    for (const [, path] of text.matchAll(/`((?:test|docs|bench|examples)\/[\w./-]*)`/g)) {
      expect(existsSync(join(root, path as string)), path).toBe(true)
    }
  })
})

describe('SECURITY', () => {
  const SECRET = 'a secret of thirty-two characters'
  const LEAKED = 'its predecessor, of as many chars.'
  const NOW = 1_700_000_000_000
  const pair = (secret: string, user: string, name = '_node', time = NOW): string =>
    `_node=${createCodec({ secret, name, now: () => time }).seal({ user })}`
  /** Whose session it is, to a server with these secrets. */
  function userOf(cookie: string, ...secret: string[]): unknown {
    const middleware = sessions({ secret, now: () => NOW, onInvalid() {} })
    return Reflect.get(middleware.open({ url: '/', headers: { cookie } } as IncomingMessage), 'user')
  }

  it('a leaked secret makes sessions as long as it is in the list, and none when it was replaced', () => {
    const forged = pair(LEAKED, 'admin')
    expect([userOf(forged, SECRET, LEAKED), userOf(forged, SECRET)]).toEqual(['admin', undefined])
  })

  it("a codec with the cookie's name makes sessions, one of another name does not", () => {
    expect(userOf(pair(SECRET, 'admin', '_node'), SECRET)).toBe('admin')
    expect(userOf(pair(SECRET, 'admin', 'password-reset'), SECRET)).toBeUndefined()
  })

  it('fifteen bad cookies in front change nothing, a sixteenth does', () => {
    const behind = (count: number) => userOf(`${'_node=AQ; '.repeat(count)}${pair(SECRET, 'alice')}`, SECRET)
    expect([behind(0), behind(15), behind(16)]).toEqual(['alice', 'alice', undefined])
  })

  it('of two good ones the youngest serves, until a younger one is sealed', () => {
    const own = pair(SECRET, 'alice', '_node', NOW - 3)
    const planted = pair(SECRET, 'mallory', '_node', NOW - 2)
    const later = pair(SECRET, 'alice', '_node', NOW - 1)
    const serving = (...cookies: string[]) => userOf(cookies.join('; '), SECRET)
    expect([serving(own, planted), serving(planted, own)]).toEqual(['mallory', 'mallory'])
    expect([serving(later, planted), serving(planted, later)]).toEqual(['alice', 'alice'])
  })
})

/** As GitHub names them. */
function headingsOf(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, text]) =>
    (text as string)
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

describe("the README's table of options", () => {
  const table =
    /\n\| option \| default \| \|\n\|.*\n((?:\|.*\n)+)/.exec(
      readFileSync(new URL('../README.md', import.meta.url), 'utf8'),
    )?.[1] ?? ''
  const cells = table
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [, names = '', defaults = ''] = line.split(/ *\| */)
      const each = defaults.split(', ')
      return names.split(', ').map((name, i) => [name, names.includes(', ') ? each[i] : defaults] as const)
    })

  it('has each option of the code, in its order', () => {
    expect(cells.map(([name]) => name)).toEqual(Object.keys(ROWS).map((name) => `\`${name}\``))
  })

  it('says the defaults of the code', () => {
    for (const [name, row] of Object.entries(ROWS)) {
      const { default: value } = row
      if (value === undefined || typeof value === 'function') continue
      const shown = typeof value === 'string' ? `'${value}'` : String(value)
      expect(cells.find(([cell]) => cell === `\`${name}\``)?.[1], name).toBe(`\`${shown}\``)
    }
  })
})
