/** What a user gets: the packed tarball, installed into an empty folder, run and compiled there. `npm test` builds it first. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TYPES = posix.join(ROOT, 'test/types')
const manifest = JSON.parse(readFileSync(posix.join(ROOT, 'package.json'), 'utf8')) as {
  name: string
  version: string
  main: string
  types: string
  typesVersions: Conditions
  exports: { [entry: string]: Conditions }
  imports: { [name: string]: Conditions }
  dependencies: { [name: string]: string }
}

type Conditions = string | readonly string[] | { readonly [condition: string]: Conditions }

/** The files that conditions lead to. */
const targetsOf = (conditions: Conditions): string[] =>
  typeof conditions === 'string' ? [conditions] : Object.values(conditions).flatMap(targetsOf)

let folder: string
let tarball: string
let app: string
let installed: string
let packed: string[]

/** npm as it is on the PATH; on Windows it is a script that wants a shell. */
function npm(args: readonly string[], cwd: string): string {
  return execFileSync('npm', args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** A development tool of this repository. */
function tool(path: string, args: readonly string[], cwd: string): { status: number | null; output: string } {
  const run = spawnSync(process.execPath, [posix.join(ROOT, 'node_modules', path), ...args], { cwd, encoding: 'utf8' })
  return { status: run.status, output: `${run.stdout}${run.stderr}` }
}

/** The packages that these need, and connect itself. npm, which finds them in place, asks no registry then. */
function dependenciesOf(...names: string[]): string[] {
  const lock = JSON.parse(readFileSync(posix.join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: { [path: string]: { dependencies?: { [name: string]: string } } }
  }
  const found = new Set(names)
  for (const name of found) {
    const path = name === manifest.name ? '' : `node_modules/${name}`
    for (const dependency of Object.keys(lock.packages[path]?.dependencies ?? {})) found.add(dependency)
  }
  found.delete(manifest.name)
  return [...found]
}

function write(name: string, text: string): void {
  writeFileSync(posix.join(app, name), text)
}

/** Runs a script of the app to its end. */
function run(name: string, text: string): string {
  write(name, text)
  return execFileSync(process.execPath, [name], { cwd: app, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

beforeAll(() => {
  folder = mkdtempSync(posix.join(tmpdir(), 'cookie-sessions-'))
  // Without scripts: `prepare` would build again under the feet of the other tests.
  const [report] = JSON.parse(npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], ROOT)) as [
    { filename: string; files: { path: string }[] },
  ]
  tarball = posix.join(folder, report.filename)
  packed = report.files.map(({ path }) => path).sort()
  app = posix.join(folder, 'app')
  mkdirSync(app)
  write('package.json', '{ "name": "app", "private": true, "dependencies": { "connect": "*" } }\n')
  for (const name of dependenciesOf('cookie-sessions', 'connect')) {
    cpSync(posix.join(ROOT, 'node_modules', name), posix.join(app, 'node_modules', name), { recursive: true })
  }
  npm(['install', tarball, '--offline', '--no-audit', '--no-fund', '--ignore-scripts'], app)
  installed = posix.join(app, 'node_modules/cookie-sessions')
}, 60_000)

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('the tarball', () => {
  it('holds what it should', () => {
    for (const name of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'docs/format.md']) {
      expect(packed).toContain(name)
    }
  })

  it('holds the output of every source file, and no stale one', () => {
    const sources = readdirSync(posix.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    const outputs = sources.flatMap((source) => {
      const [, name = '', kind = ''] = /^(.*)\.([cm]?)ts$/.exec(source) ?? []
      if (name === '') return []
      const cjs = [`dist/cjs/${name}.${kind}js`, `dist/cjs/${name}.d.${kind}ts`]
      if (kind !== '') return cjs
      return /^cli\b/.test(name) ? [`dist/${name}.js`] : [`dist/${name}.js`, ...cjs]
    })
    const others = ['package.json', 'codec.wasm.js', 'codec.scalar.js'].map((name) => `dist/cjs/${name}`)
    expect(packed.filter((name) => name.startsWith('dist/'))).toEqual([...outputs, ...others].sort())
  })

  it('holds neither tests nor sources nor tools', () => {
    const allowed =
      /^(dist\/.*\.([cm]?js|d\.[cm]?ts)|dist\/cjs\/package\.json|build\/codec\.[\w.]+|docs\/.*|package\.json|(README|CHANGELOG|SECURITY)\.md|LICENSE)$/
    expect(packed.filter((name) => !allowed.test(name))).toEqual([])
    expect(packed.filter((name) => /kernels|debug|\.map$|\.test\./.test(name))).toEqual([])
    // Of the kernels, WebAssembly with SIMD and plain JavaScript without, and what importers need to know of them.
    expect(packed.filter((name) => name.startsWith('build/'))).toEqual([
      'build/codec.d.wasm.ts',
      'build/codec.scalar.js',
      'build/codec.wasm',
      'build/codec.wasm.js',
      'build/codec.workerd.js',
    ])
  })

  it('holds every file that package.json leads to', () => {
    const { main, types, typesVersions, exports, imports } = manifest
    const targets = targetsOf({ main, types, typesVersions, exports, imports })
    for (const target of targets) expect(packed).toContain(posix.normalize(target))
  })

  it('brings the packages it depends on, and these none of their own', () => {
    const own = Object.keys(manifest.dependencies)
    for (const name of own) expect(existsSync(posix.join(app, 'node_modules', name, 'package.json')), name).toBe(true)
    const lock = JSON.parse(readFileSync(posix.join(app, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dependencies?: object }>
    }
    for (const name of own) {
      expect(lock.packages[`node_modules/${name}`]).not.toHaveProperty('dependencies')
    }
  })

  it('passes publint', () => {
    const { status, output } = tool('publint/src/cli.js', ['--strict', tarball], folder)
    expect(status, output).toBe(0)
  })

  it('passes "are the types wrong" for every resolver: node10, node16 and bundlers', () => {
    // A .wasm file is no module that could be required.
    const attw = ['--exclude-entrypoints', 'codec.wasm']
    const { status, output } = tool('@arethetypeswrong/cli/dist/index.js', [tarball, ...attw], folder)
    expect(status, output).toBe(0)
  })
})

describe("the original's own example", () => {
  const body = `
    connect().use(sessions({secret: '123abc'})).use((req, res) => {
      if (req.url === '/read') return res.end(JSON.stringify(req.session))
      req.session = {'hello':'world'}
      res.writeHead(200, {'Content-Type':'text/plain'})
      res.end('session data updated')
    }).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`

  it.each([
    ['CommonJS', 'server.cjs', `const connect = require('connect'), sessions = require('cookie-sessions')${body}`],
    ['ESM', 'server.mjs', `import connect from 'connect'\nimport sessions from 'cookie-sessions'${body}`],
    ['ESM, by name', 'named.mjs', `import connect from 'connect'\nimport { sessions } from 'cookie-sessions'${body}`],
  ])('works in %s', async (_, name, text) => {
    write(name, text)
    const server = spawn(process.execPath, [name], { cwd: app, stdio: ['ignore', 'pipe', 'pipe'] })
    let stderr = ''
    server.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    try {
      const [port] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string]
      const url = `http://127.0.0.1:${port.trim()}`
      const first = await fetch(url)
      expect([first.status, await first.text()]).toEqual([200, 'session data updated'])
      expect(first.headers.get('content-type')).toBe('text/plain')
      const [setCookie = '', ...others] = first.headers.getSetCookie()
      expect(others).toEqual([])
      expect(setCookie).toMatch(
        /^_node=AQ[\w-]+; Max-Age=86400; Path=\/; Expires=[\w ,:]+ GMT; HttpOnly; SameSite=Lax$/,
      )
      const cookie = setCookie.slice(0, setCookie.indexOf(';'))
      expect(await (await fetch(`${url}/read`, { headers: { cookie } })).json()).toEqual({ hello: 'world' })
      expect(await (await fetch(`${url}/read`, { headers: { cookie: `${cookie}A` } })).json()).toEqual({})
      expect(await (await fetch(`${url}/read`)).json()).toEqual({})
    } finally {
      const closed = once(server, 'close')
      server.kill()
      await closed
    }
    expect(stderr.match(/Warning/g)).toHaveLength(1)
    expect(stderr).toContain('COOKIE_SESSIONS_WEAK_SECRET')
    expect(stderr).not.toContain('123abc')
  })

  it('tells with its warning a command that makes a secret', () => {
    const text = readFileSync(posix.join(installed, 'dist/codec/secret.js'), 'utf8')
    const [, command = '', argument = ''] = /npx ([\w-]+) (\w+)/.exec(text) ?? []
    const bin = posix.join(app, 'node_modules/.bin', command)
    expect(execFileSync(bin, [argument], { cwd: app, encoding: 'utf8' })).toMatch(/^[\w-]{43}\n$/)
  })
})

describe('the entries', () => {
  const check = `
    const codec = createCodec({ secret: generateSecret(), name: 'n' })
    const opened = codec.open(codec.seal({ a: 1 }))
    let code
    try { codec.seal(1n) } catch (error) { code = error instanceof SessionError && error.code }
    console.log(JSON.stringify([opened.data, code]))`
  const expected = '[{"a":1},"unserializable"]\n'

  it("require('cookie-sessions') is the middleware, with the rest on it", () => {
    const text = `const sessions = require('cookie-sessions')
      const { createCodec, generateSecret, SessionError } = sessions
      if (typeof sessions !== 'function' || sessions.sessions !== sessions) throw new Error('not the middleware')
      if (sessions({ secret: generateSecret() }).length !== 3) throw new Error('not (req, res, next)')
      ${check}`
    expect(run('require.cjs', text)).toBe(expected)
  })

  it.each([
    ['require.cjs', "const sessions = require('cookie-sessions')"],
    ['import.mjs', "import sessions from 'cookie-sessions'"],
  ])('sessions itself, mounted in place of the middleware, passes an error to next (%s)', (name, line) => {
    const text = `${line}
      const res = { writeHead() {}, setHeader() {}, end() {} }
      sessions({ method: 'GET', url: '/', headers: {} }, res, (error) => console.log(error.name, error.message))`
    expect(run(`misuse-${name}`, text)).toMatch(
      /^TypeError cookie-sessions: .*write app\.use\(sessions\(\{ secret \}\)\)\n$/,
    )
  })

  it("import 'cookie-sessions' has the same by default and by name", () => {
    const text = `import sessions, { createCodec, generateSecret, SessionError, sessions as named } from 'cookie-sessions'
      for (const [key, value] of Object.entries({ createCodec, generateSecret, SessionError, sessions: named })) {
        if (sessions[key] !== value) throw new Error(key)
      }
      if (named !== sessions) throw new Error('two of them')
      ${check}`
    expect(run('import.mjs', text)).toBe(expected)
  })

  const entries = ['', '/codec', '/fetch', '/js'].map((path) => `cookie-sessions${path}`)

  it.each(entries)("require('%s') is the default export itself, with all the names on it", (entry) => {
    const text = `import { createRequire } from 'node:module'
      import * as imported from '${entry}'
      const required = createRequire(import.meta.url)('${entry}')
      const wrong = Object.keys(imported).filter((name) => required[name] !== imported[name] || imported[name] === undefined)
      console.log(JSON.stringify([required === required.default, wrong, Object.keys(imported).sort()]))`
    const names = {
      'cookie-sessions': ['SessionError', 'createCodec', 'default', 'generateSecret', 'sessions'],
      'cookie-sessions/codec': ['SessionError', 'createCodec', 'default', 'generateSecret'],
      'cookie-sessions/fetch': ['SessionError', 'default', 'generateSecret', 'sessions'],
      'cookie-sessions/js': ['SessionError', 'createCodec', 'default', 'generateSecret', 'js'],
    }[entry]
    expect(JSON.parse(run('same.mjs', text))).toEqual([true, [], names])
  })

  it.each(entries)('%s has the same names where there is no CommonJS', (entry) => {
    const text = `import { readFileSync } from 'node:fs'
      import * as wrapper from '${entry}'
      const path = JSON.parse(readFileSync('node_modules/cookie-sessions/package.json')).exports['${entry.replace('cookie-sessions', '.')}'].default
      const module = await import('./' + 'node_modules/cookie-sessions/' + path)
      console.log(Object.keys(module).join() === Object.keys(wrapper).join(), module.default !== wrapper.default)`
    expect(run('names.mjs', text)).toBe('true true\n')
  })

  it('share one state in a process that imports and requires them: the kernel, the warnings, the class of errors', () => {
    const text = `import { createRequire } from 'node:module'
      let instances = 0
      const warnings = []
      process.emitWarning = (text, { code }) => warnings.push(code)
      WebAssembly.Instance = class extends WebAssembly.Instance {
        constructor(...args) {
          super(...args)
          instances++
        }
      }
      const require = createRequire(import.meta.url)
      const errors = new Set()
      for (const entry of ['cookie-sessions', 'cookie-sessions/codec', 'cookie-sessions/fetch']) {
        for (const module of [await import(entry), require(entry)]) {
          const options = module.default.length === 1 && entry.endsWith('/codec') ? { name: '_node' } : {}
          module.default({ secret: 'weak', backend: 'wasm', ...options })
          errors.add(module.SessionError)
        }
      }
      console.log(instances, warnings.join(), errors.size)`
    expect(run('both.mjs', text)).toBe('1 COOKIE_SESSIONS_WEAK_SECRET 1\n')
  })

  it("'cookie-sessions/codec' works by import and require", () => {
    expect(
      run('codec.mjs', `import { createCodec, generateSecret, SessionError } from 'cookie-sessions/codec'${check}`),
    ).toBe(expected)
    expect(
      run(
        'codec.cjs',
        `const { createCodec, generateSecret, SessionError } = require('cookie-sessions/codec')${check}`,
      ),
    ).toBe(expected)
  })

  it("'cookie-sessions/js' is the backend, by import and require", () => {
    const check = `
      const codec = createCodec({ secret: 'a published secret, good for tests only', name: 'n', backend: js })
      console.log(codec.backend, codec.open(codec.seal('data')).data, named === js)`
    const required =
      "const { createCodec } = require('cookie-sessions'), { default: js, js: named } = require('cookie-sessions/js')"
    const imported =
      "import { createCodec } from 'cookie-sessions/codec'\nimport js, { js as named } from 'cookie-sessions/js'"
    expect(run('js.cjs', required + check)).toBe('js data true\n')
    expect(run('js.mjs', imported + check)).toBe('js data true\n')
  })

  it("'cookie-sessions/js' has a createCodec() of its own, which works where there is neither WebAssembly nor a TextDecoder", () => {
    const text = `for (const name of ['WebAssembly', 'TextDecoder', 'TextEncoder', 'Buffer']) delete globalThis[name]
      const { createCodec, generateSecret, SessionError } = await import('./node_modules/cookie-sessions/dist/codec/js.js')
      const codec = createCodec({ secret: generateSecret(), name: 'n' })
      let message
      try { createCodec({ secret: generateSecret(), name: 'n', backend: 'wasm' }) } catch (error) { message = error.message }
      console.log(codec.backend, codec.open(codec.seal('data')).data, typeof SessionError, message)`
    expect(run('own.mjs', text)).toBe(
      `js data function cookie-sessions: backend must be left out, as 'cookie-sessions/js' has this one alone, got "wasm"\n`,
    )
  })

  it("'cookie-sessions/fetch' works by import and require, on that backend too", () => {
    const check = `
      const withSession = sessions({ secret: generateSecret(), backend: js })
      const handler = withSession((request, session) => new Response(String(session.views = (session.views ?? 0) + 1)))
      handler(new Request('http://localhost/')).then(async (first) => {
        const cookie = first.headers.get('set-cookie').split(';')[0]
        const second = await handler(new Request('http://localhost/', { headers: { cookie } }))
        console.log(await first.text(), await second.text())
      })`
    const required = `const { default: sessions, generateSecret } = require('cookie-sessions/fetch'), { js } = require('cookie-sessions/js')`
    const imported = `import sessions, { generateSecret } from 'cookie-sessions/fetch'\nimport js from 'cookie-sessions/js'`
    expect(run('fetch.cjs', required + check)).toBe('1 2\n')
    expect(run('fetch.mjs', imported + check)).toBe('1 2\n')
  })

  /** The files that come with an entry, and what they import from elsewhere. */
  function drawnInBy(entry: string): { files: string[]; outside: string[] } {
    const seen = new Map<string, string[]>()
    function visit(path: string): void {
      if (seen.has(path)) return
      const text = readFileSync(posix.join(installed, path), 'utf8')
      const statements = text.matchAll(/^(?:import|export)\s[\w\s{},*$]*?(?:\bfrom\s+)?['"]([^'"]+)['"];?$/gm)
      const imports = [...statements].map(([, from = '']) => from)
      expect(imports.length, path).toBe(text.match(/^(import\b|export\b.*\bfrom\b)/gm)?.length ?? 0)
      expect(text, path).not.toMatch(/(\bimport\(|\brequire\()(?!'cookie-sessions'\)\.generateSecret)/)
      seen.set(path, imports)
      for (const from of imports) if (from.startsWith('.')) visit(posix.join(posix.dirname(path), from))
    }
    visit(entry)
    return { files: [...seen.keys()], outside: [...seen.values()].flat().filter((from) => !from.startsWith('.')) }
  }

  it("'cookie-sessions/codec' draws in no node: module and nothing of HTTP, and not the js backend", () => {
    const { files, outside } = drawnInBy('dist/codec/index.js')
    expect(files.filter((path) => !path.startsWith('dist/codec/'))).toEqual(['dist/errors.js'])
    expect(files).not.toContain('dist/codec/js.js')
    expect(outside.sort()).toEqual(['#codec.wasm', '@assemblyscript/loader'])
  })

  it("'cookie-sessions/fetch' draws in no node: module, neither Connect's glue nor the js backend", () => {
    const { files, outside } = drawnInBy('dist/fetch.js')
    for (const name of ['connect', 'headers', 'index', 'codec/js']) expect(files).not.toContain(`dist/${name}.js`)
    expect(outside.sort()).toEqual(['#codec.wasm', '@assemblyscript/loader', 'cookie'])
  })

  it("'cookie-sessions/js' draws in neither WebAssembly nor another backend, and no node: module", () => {
    const { files, outside } = drawnInBy('dist/codec/js.js')
    expect(files.filter((path) => !path.startsWith('dist/codec/'))).toEqual(['dist/errors.js'])
    for (const name of ['wasm', 'node', 'offload', 'select', 'codec'])
      expect(files).not.toContain(`dist/codec/${name}.js`)
    expect(outside).toEqual(['#codec.js'])
    expect(manifest.imports['#codec.js']).toBe('./build/codec.scalar.js')
    expect(readFileSync(posix.join(installed, 'build/codec.scalar.js'), 'utf8')).not.toMatch(/\bimport\b|\brequire\b/)
  })

  it("'cookie-sessions/codec' works where there is no process, Buffer or require", () => {
    const text = `for (const name of ['process', 'Buffer', 'global', 'setImmediate']) delete globalThis[name]
      const { createCodec, generateSecret, SessionError } = await import('cookie-sessions/codec')${check}`
    expect(run('bare.mjs', text)).toBe(expected)
  })

  it("'cookie-sessions/codec.wasm' leads to the module that is embedded", () => {
    const path = run('wasm.mjs', "console.log(import.meta.resolve('cookie-sessions/codec.wasm'))").trim()
    const bytes = readFileSync(new URL(path))
    expect(bytes.subarray(0, 8).toString('hex')).toBe('0061736d01000000')
    expect(WebAssembly.validate(bytes)).toBe(true)
    expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([])
    const embedded = readFileSync(posix.join(installed, 'build/codec.wasm.js'), 'utf8')
    expect(/^export default '([A-Za-z0-9+/=]+)'\n$/.exec(embedded)?.[1] === bytes.toString('base64')).toBe(true)
  })

  it('are all there are', () => {
    const text = `for (const name of ['dist/index.js', 'dist/codec/wasm.js', 'src/index.ts', 'codec/node']) {
        try { import.meta.resolve('cookie-sessions/' + name); console.log(name) } catch (error) { console.log(error.code) }
      }
      console.log(import.meta.resolve('cookie-sessions/package.json').endsWith('/package.json'))`
    expect(run('entries.mjs', text)).toBe(`${'ERR_PACKAGE_PATH_NOT_EXPORTED\n'.repeat(4)}true\n`)
  })
})

describe('the types', () => {
  beforeAll(() => {
    for (const name of readdirSync(TYPES)) copyFileSync(posix.join(TYPES, name), posix.join(app, name))
    symlinkSync(posix.join(ROOT, 'node_modules/@types'), posix.join(app, 'node_modules/@types'), 'junction')
  })

  /** Compiles one file as a user would, the package's own declarations checked as well. */
  function compile(name: string, ...options: string[]): string {
    const common = ['--noEmit', '--strict', '--target', 'es2022', '--skipLibCheck', 'false']
    return tool('typescript/bin/tsc', [...common, ...options, name], app).output
  }

  it.each([
    ['an ES module', 'esm.mts', 'nodenext'],
    ['CommonJS', 'commonjs.cts', 'nodenext'],
    ['an app that declares no data', 'plain.mts', 'nodenext'],
  ])('hold in %s', (_, name, module) => {
    expect(compile(name, '--module', module, '--types', 'node')).toBe('')
  })

  it('are the same by import and by require: what one file declares of the session, the other sees', () => {
    write(
      'sees.cts',
      `import sessions = require('cookie-sessions')
      export const views = (session: sessions.Session): number | undefined => session.views\n`,
    )
    write(
      'sees.mts',
      `import type { Session } from 'cookie-sessions'
      export const views = (session: Session): number | undefined => session.views\n`,
    )
    const common = ['--module', 'nodenext', '--types', 'node']
    expect(compile('sees.cts', ...common, 'esm.mts')).toBe('')
    expect(compile('sees.mts', ...common, 'commonjs.cts')).toBe('')
    expect(compile('sees.mts', ...common)).toMatch(/error TS2339: .*'views'/)
  })

  it('hold for a bundler', () => {
    expect(compile('esm.mts', '--module', 'esnext', '--moduleResolution', 'bundler', '--types', 'node')).toBe('')
  })

  it('hold under the strictest options there are', () => {
    const strict = [
      '--exactOptionalPropertyTypes',
      '--noUncheckedIndexedAccess',
      '--noPropertyAccessFromIndexSignature',
      '--verbatimModuleSyntax',
    ]
    expect(compile('plain.mts', '--module', 'nodenext', '--types', 'node', ...strict)).toBe('')
  })

  it("of the codec hold without node's types and the DOM's", () => {
    expect(compile('codec.mts', '--module', 'nodenext', '--types', '', '--lib', 'es2022')).toBe('')
  })

  it('are checked at all: a fault in the same place is found', () => {
    write('wrong.mts', readFileSync(posix.join(TYPES, 'plain.mts'), 'utf8').replace(/\n.*@ts-expect-error.*\n/, '\n'))
    expect(compile('wrong.mts', '--module', 'nodenext', '--types', 'node')).toMatch(
      /wrong\.mts.*error TS2339: .*'views'/,
    )
  })
})
