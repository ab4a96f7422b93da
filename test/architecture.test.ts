/** The rules that keep the source readable and portable, held against its text: who may import whom, and who may reach the outside. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as formatModule from '../src/codec/format.ts'
import { RESERVED } from '../src/data.ts'
import { createSession, type SessionOwner } from '../src/session.ts'

const { encodedLength, ...format } = formatModule
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(posix.join(ROOT, path), 'utf8')

/** Source files below `folder`, as paths from the root. */
const filesIn = (folder: string): string[] =>
  readdirSync(posix.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => posix.join(folder, name))
    .sort()

interface Code {
  /** Without comments, and with each string's text replaced by its number. A template leaves the expressions in it. */
  readonly code: string
  readonly strings: string[]
}

function mask(source: string, strings: string[] = []): Code {
  const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g
  const code = source.replace(token, (text) => {
    if (text.startsWith('/')) return ' '
    const number = strings.push(text.slice(1, -1)) - 1
    const expressions = text.startsWith('`') ? [...text.matchAll(/\$\{([^}]*)\}/g)] : []
    return [`'${number}'`, ...expressions.map(([, inner = '']) => `(${mask(inner, strings).code})`)].join(' + ')
  })
  return { code, strings }
}

/** The code alone: no comments, no text of strings. */
const strip = (source: string): string => mask(source).code

interface Import {
  readonly from: string
  readonly typeOnly: boolean
}

/** Imports and re-exports of a file. `import { type A, type B }` loads the module, so it does not count as type-only. */
function importsOf(source: string): Import[] {
  const { code, strings } = mask(source)
  const statements = code.matchAll(/^(?:import|export)\b(\s+type\b)?[^';]*?\bfrom\s*'(\d+)'/gm)
  const bare = code.matchAll(/^import\s*'(\d+)'/gm)
  const dynamic = code.matchAll(/\b(?:import|require)\s*\(\s*'(\d+)'/g)
  const at = (number?: string): string => strings[Number(number)] as string
  return [
    ...[...statements].map(([, type, number]) => ({ from: at(number), typeOnly: type !== undefined })),
    ...[...bare, ...dynamic].map(([, number]) => ({ from: at(number), typeOnly: false })),
  ]
}

/** Commands of their own, which may reach outside: nothing imports them. */
const TOOLS = ['src/cli.ts']

const sources = filesIn('src').map((path) => ({ path, text: read(path), imports: importsOf(read(path)) }))
const paths = sources.map(({ path }) => path)

/** A relative import as a path from the root; others as they are. */
const resolve = (path: string, from: string): string =>
  from.startsWith('.') ? posix.join(posix.dirname(path), from) : from

/** All imports: [importer, imported, whether of types only]. */
const edges = sources.flatMap(({ path, imports }) =>
  imports.map(({ from, typeOnly }) => [path, resolve(path, from), typeOnly] as const),
)

/** The files whose code (comments and strings aside) matches, tools aside. */
const filesWith = (pattern: RegExp): string[] =>
  sources.filter(({ path, text }) => !TOOLS.includes(path) && pattern.test(strip(text))).map(({ path }) => path)

describe('the reading of imports', () => {
  it('sees every form', () => {
    const text = `
import a from './a.ts'
import type { B } from './b.ts'
import { type C, c } from './c.ts'
import {
  d, // from './comment.ts'
  e,
} from "./d.ts"
import './e.ts'
export * from './f.ts'
export { type G } from './g.ts'
export type { H } from './h.ts'
// import './no.ts'
/* import './no.ts' */
const text = "import './no.ts'"
const lazy = () => import('./i.ts')
const old = require('./j.ts')
const told = \`require('./no.ts') and \${require('./k.ts')}\``
    expect(
      importsOf(text)
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ from }) => from.slice(2, 3))
        .sort()
        .join(''),
    ).toBe('acdefgijk')
    expect(
      importsOf(text)
        .filter(({ typeOnly }) => typeOnly)
        .map(({ from }) => from),
    ).toEqual(['./b.ts', './h.ts'])
  })

  it('sees as many as there are words "from" and files to read', () => {
    expect(paths.length).toBeGreaterThan(15)
    for (const { path, text, imports } of sources) {
      const count = strip(text).match(/\bfrom '\d+'$/gm)?.length ?? 0
      expect([path, imports.length]).toEqual([path, count])
    }
  })
})

describe('imports in src/', () => {
  it('lead to files that exist, with their extension, or to packages', () => {
    for (const [path, to] of edges) {
      if (to.startsWith('src/')) expect(paths, path).toContain(to)
      else expect(to, path).toMatch(/^(node:[\w/]+|#codec\.wasm|#codec\.js|@assemblyscript\/loader|cookie)$/)
    }
  })

  it('never leave src/, least of all to assembly/', () => {
    expect(edges.filter(([, to]) => /(^|\/)(assembly|test|bench|build|dist|examples)\//.test(to))).toEqual([])
    expect(edges.filter(([, to]) => to.startsWith('..'))).toEqual([])
  })

  it('never lead to a tool', () => {
    expect(edges.filter(([, to]) => TOOLS.includes(to))).toEqual([])
  })

  it('never lead to an index.ts', () => {
    expect(edges.filter(([, to]) => /(^|\/)index(\.ts)?$/.test(to))).toEqual([])
  })

  it('lead to a platform from the entries alone', () => {
    const platforms = ['src/connect.ts', 'src/fetch.ts']
    const importers = edges.filter(([, to]) => platforms.includes(to)).map(([path]) => path)
    expect([...new Set(importers)]).toEqual(['src/index.ts'])
  })

  it('never run in a circle, types included', () => {
    const state = new Map<string, 'open' | 'done'>()
    const circles: string[][] = []
    function visit(path: string, trail: string[]): void {
      if (state.get(path) === 'done') return
      if (state.get(path) === 'open') {
        circles.push([...trail.slice(trail.indexOf(path)), path])
        return
      }
      state.set(path, 'open')
      for (const [from, to] of edges) if (from === path && paths.includes(to)) visit(to, [...trail, path])
      state.set(path, 'done')
    }
    for (const path of paths) visit(path, [])
    expect(circles).toEqual([])
  })

  it('of an index.ts are its whole content: names, and no logic', () => {
    for (const { path, text } of sources.filter(({ path }) => path.endsWith('/index.ts'))) {
      expect(strip(text), path).not.toMatch(/\b(function|class|if|for|while|switch|return|await|=>)\b|=>/)
    }
  })
})

describe('src/codec/', () => {
  const codec = sources.filter(({ path }) => path.startsWith('src/codec/'))

  it('stands on nothing above it but errors.ts', () => {
    const above = edges.filter(([path, to]) => path.startsWith('src/codec/') && !to.startsWith('src/codec/'))
    const allowed = ['src/errors.ts', '#codec.wasm', '#codec.js', '@assemblyscript/loader']
    expect(above.filter(([, to, typeOnly]) => !allowed.includes(to) && !(typeOnly && to === 'node:crypto'))).toEqual([])
  })

  it('knows nothing of HTTP', () => {
    for (const { path, text } of codec) {
      const { code, strings } = mask(text)
      expect(`${code}\n${strings.join('\n')}`, path).not.toMatch(
        /\b(https?|headers?sent|set-cookie|request|response|middleware|IncomingMessage|ServerResponse)\b/i,
      )
    }
  })

  it('reaches the kernel from wasm.ts and js.ts alone', () => {
    expect(edges.filter(([, to]) => to === '#codec.wasm').map(([path]) => path)).toEqual(['src/codec/wasm.ts'])
    expect(edges.filter(([, to]) => to === '#codec.js').map(([path]) => path)).toEqual(['src/codec/js.ts'])
  })

  it('has the loader in wasm.ts alone, which js.ts never reaches', () => {
    expect(edges.filter(([, to]) => to === '@assemblyscript/loader').map(([path]) => path)).toEqual([
      'src/codec/wasm.ts',
    ])
    const reached = new Set(['src/codec/js.ts'])
    for (const path of reached) {
      for (const [from, to, typeOnly] of edges) if (from === path && !typeOnly) reached.add(to)
    }
    expect(reached).not.toContain('src/codec/wasm.ts')
    expect(reached).toContain('src/codec/sealer.ts')
  })

  it('has the backend in plain JavaScript for those who ask alone: nothing imports js.ts', () => {
    expect(edges.filter(([, to]) => to === 'src/codec/js.ts')).toEqual([])
  })
})

describe('what reaches outside stands in one place:', () => {
  it('node: modules in connect.ts, and elsewhere their types alone', () => {
    const node = edges.filter(([, to]) => to.startsWith('node:') || ['http', 'http2', 'crypto', 'stream'].includes(to))
    const allowed = node.filter(
      ([path, to, typeOnly]) =>
        path === 'src/connect.ts' ||
        (typeOnly && (path === 'src/headers.ts' || path === 'src/writehead.ts')) ||
        (typeOnly && path.startsWith('src/codec/') && to === 'node:crypto'),
    )
    expect(node.filter(([path]) => !TOOLS.includes(path))).toEqual(allowed)
    expect(allowed.length).toBeGreaterThan(0)
  })

  it('the package cookie in cookie.ts', () => {
    expect(edges.filter(([, to]) => to === 'cookie').map(([path]) => path)).toEqual(['src/cookie.ts'])
  })

  it('Request, Response and Headers in fetch.ts, which reaches neither Connect nor node', () => {
    expect(filesWith(/\bnew (Request|Response|Headers)\b|\b(Request|Response|Headers)\.\w/)).toEqual(['src/fetch.ts'])
    const reached = new Set(['src/fetch.ts'])
    for (const path of reached) {
      for (const [from, to, typeOnly] of edges) if (from === path && !typeOnly) reached.add(to)
    }
    const below = [...reached].filter((path) => path.startsWith('src/') && !path.startsWith('src/codec/'))
    expect(below.sort()).toEqual(
      [
        ...['caching', 'contracts', 'cookie', 'data', 'errors', 'fetch', 'incoming', 'lifecycle', 'losses'],
        ...['options', 'session', 'shapes', 'site', 'turn'],
      ].map((name) => `src/${name}.ts`),
    )
    expect([...reached].filter((path) => !path.startsWith('src/')).sort()).toEqual([
      '#codec.wasm',
      '@assemblyscript/loader',
      'cookie',
    ])
  })

  it('WebAssembly in codec/wasm.ts', () => {
    expect(filesWith(/\bWebAssembly\b/).filter((path) => path !== 'src/codec/wasm.ts')).toEqual([])
    const named = sources.filter(({ text }) => mask(text).strings.includes('WebAssembly'))
    expect(named).toEqual([])
  })

  it('the stopwatch in codec/offload.ts', () => {
    expect(filesWith(/\bperformance\b|\bhrtime\b/)).toEqual(['src/codec/offload.ts'])
  })

  it('the clock in codec/options.ts', () => {
    expect(filesWith(/\bDate\s*\.\s*now\b|\bnew Date\(\)|\bDate\(\)/)).toEqual(['src/codec/options.ts'])
  })

  it('the random source in codec/secret.ts', () => {
    expect(
      filesWith(/\bgetRandomValues\b|\brandomBytes\b|\brandomFill(Sync)?\b|\brandomUUID\b|\bMath\s*\.\s*random\b/),
    ).toEqual(['src/codec/secret.ts'])
  })

  it('built-in modules, reached at run time, in codec/crypto.ts', () => {
    expect(filesWith(/\bgetBuiltinModule\b|\bcreateRequire\b/)).toEqual(['src/codec/crypto.ts'])
  })

  it('the environment in codec/warn.ts', () => {
    expect(filesWith(/\bprocess\s*\??\.\s*env\b|\bNODE_ENV\b/)).toEqual(['src/codec/warn.ts'])
  })

  it("timers where a response's end is awaited: what is left of a replaced answer, and changes that come too late", () => {
    const calls = (path: string): string[] =>
      [...strip(read(path)).matchAll(/\b(setTimeout|setImmediate)\b/g)].map(([name]) => name)
    expect(filesWith(/\b(setTimeout|setImmediate)\b/)).toEqual(['src/headers.ts', 'src/turn.ts'])
    expect(calls('src/headers.ts')).toEqual(['setTimeout'])
    // Nothing in here keeps a process alive.
    expect(strip(read('src/headers.ts'))).toMatch(/setTimeout\([^;]*?\)\.unref\?\.\(\)/)
  })

  it('nothing of other timers, files or the network', () => {
    expect(filesWith(/\b(setInterval|queueMicrotask|nextTick|fetch|XMLHttpRequest)\s*\(/)).toEqual([])
  })

  it('no code made from text, and no prototype of others changed', () => {
    expect(filesWith(/\beval\s*\(|\bnew Function\b/)).toEqual([])
    expect(filesWith(/\b(Object|Array|String|Buffer|IncomingMessage|ServerResponse)\.prototype\.\w+\s*=[^=]/)).toEqual(
      [],
    )
  })
})

describe('what a request goes through', () => {
  const ROOMS = ['caching', 'contracts', 'cookie', 'data', 'incoming', 'lifecycle', 'losses', 'session', 'site']

  it.each(ROOMS)('%s.ts knows no platform', (name) => {
    const imported = edges.filter(([path]) => path === `src/${name}.ts`).map(([, to]) => to)
    expect(imported.filter((to) => !to.startsWith('src/'))).toEqual(name === 'cookie' ? ['cookie'] : [])
    expect(imported.filter((to) => /^src\/(connect|fetch|headers|index|shapes|writehead)\.ts$/.test(to))).toEqual([])
    expect(strip(read(`src/${name}.ts`))).not.toMatch(/\b(IncomingMessage|ServerResponse|Buffer)\b|\bprocess\s*\??\./)
  })

  it('caching.ts and contracts.ts are at the bottom: they import nothing but types of the codec', () => {
    const below = edges.filter(([path]) => path === 'src/caching.ts' || path === 'src/contracts.ts')
    expect(below.filter(([, to, typeOnly]) => !typeOnly || !to.startsWith('src/codec/'))).toEqual([])
  })

  it("reserves the names of the session's prototype, neither more nor fewer", () => {
    const prototype = Object.getPrototypeOf(createSession({} as SessionOwner, {}))
    expect(Object.getOwnPropertyNames(prototype).sort()).toEqual([...RESERVED].sort())
    // And below it nothing but what all objects have.
    expect(Object.getPrototypeOf(prototype)).toBe(Object.prototype)
  })
})

describe('the entries', () => {
  it.each(['index', 'fetch', 'codec/index', 'codec/js'])('have all the names of %s.ts in CommonJS as well', (entry) => {
    const module = strip(read(`src/${entry}.ts`))
    const lists = [...module.matchAll(/^export (?:type )?{([^}]*)}/gm)].flatMap(([, list = '']) => list.split(','))
    const names = [
      ...lists.map((item) => item.trim().split(' ').at(-1)),
      ...[...module.matchAll(/^export (?:\w+ )*?(?:const|class|function|interface|type) (\w+)/gm)].map(
        ([, name]) => name,
      ),
    ]
    const required = strip(read(`src/${entry}.cts`))
    expect(names.length).toBeGreaterThan(1)
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(required))).toEqual([])
  })
})

describe('the modules', () => {
  it('load in one go, so that require() can: no await outside of a function', () => {
    // Nothing is asynchronous but the handlers of the Fetch API.
    expect(filesWith(/\bawait\b/)).toEqual(['src/fetch.ts'])
    const code = strip(read('src/fetch.ts'))
    for (const { index } of code.matchAll(/\bawait\b/g)) {
      const before = code.slice(0, index)
      expect((before.match(/{/g)?.length ?? 0) - (before.match(/}/g)?.length ?? 0)).toBeGreaterThan(0)
      expect(before).toMatch(/\basync \([^)]*\) => {[^}]*$/)
    }
  })

  it('have no default but the public one, and no enums, namespaces or parameter properties', () => {
    for (const { path, text } of sources) {
      // What others have declared as a namespace can only be named as one.
      const code = strip(text).replace(/^declare global {\n {2}namespace Express {/m, '')
      if (!path.endsWith('/index.ts')) expect(code, path).not.toMatch(/^export default\b/m)
      expect(code, path).not.toMatch(/^\s*(export )?(const )?(enum|namespace)\s+\w/m)
      expect(code, path).not.toMatch(/constructor\([^)]*\b(private|public|protected|readonly)\b/)
    }
  })

  it('begin with what they are for', () => {
    for (const { path, text } of sources.filter(({ path }) => !path.endsWith('/index.ts'))) {
      expect(text.replace(/^#!.*\n/, '').startsWith('/**'), path).toBe(true)
    }
  })
})

describe('src/codec/format.ts agrees with the kernel', () => {
  /** `export const NAME: type = number`, with names of earlier ones allowed. */
  const layout = new Map<string, number>()
  for (const [, name = '', value = ''] of strip(read('assembly/layout.ts')).matchAll(
    /^export const (\w+): \w+ = ([\w.]+)/gm,
  )) {
    layout.set(name, Number(value))
  }
  const keyring = read('src/codec/keyring.ts')
  const seal = strip(read('assembly/seal.ts'))

  it('whose layout can be read', () => {
    expect(layout.size).toBeGreaterThan(30)
    for (const [name, value] of layout) expect(value, name).not.toBeNaN()
  })

  it.each<[keyof typeof format, string, number?]>([
    ['VERSION', 'VERSION'],
    ['FLAG_EXTENSIONS', 'KNOWN_FLAGS'],
    ['HEADER_BYTES', 'HEADER_BYTES'],
    ['KEY_ID_OFFSET', 'KEY_ID'],
    ['CREATED_AT_OFFSET', 'CREATED_AT'],
    ['ISSUED_AT_OFFSET', 'ISSUED_AT'],
    ['NONCE_OFFSET', 'NONCE'],
    ['RANDOM_OFFSET', 'NONCE', 1],
    ['TAG_BYTES', 'TAG_BYTES'],
    ['KEY_BYTES', 'SLOT_MIDSTATES'],
    ['MAX_PLAINTEXT_BYTES', 'MAX_PAYLOAD_BYTES'],
    ['MIN_TOKEN_CHARS', 'MIN_TOKEN_CHARS'],
    ['MAX_TOKEN_CHARS', 'MAX_TOKEN_CHARS'],
    ['MAX_SKEW_MS', 'MAX_SKEW_MS'],
    ['MAX_TIME_MS', 'MAX_TIME_MS'],
    ['MAX_KEYS', 'MAX_KEYS'],
  ])('%s is %s', (name, inLayout, plus = 0) => {
    expect(layout.has(inLayout)).toBe(true)
    expect(format[name]).toBe((layout.get(inLayout) as number) + plus)
  })

  it('under every name that both have', () => {
    for (const [name, value] of layout) {
      if (name in format && name !== 'MAX_SECRET_BYTES') expect(format[name as keyof typeof format], name).toBe(value)
    }
  })

  it('in what the kernel has room for', () => {
    const { CONTEXT, MAX_NAME_BYTES, MAX_SECRET_BYTES, MAX_PLAINTEXT_BYTES, HEADER_BYTES, TAG_BYTES } = format
    expect(MAX_SECRET_BYTES).toBeLessThanOrEqual(layout.get('MAX_SECRET_BYTES') as number)
    expect(CONTEXT.length + 1 + MAX_NAME_BYTES).toBe(layout.get('MAX_INFO_BYTES'))
    expect(HEADER_BYTES + MAX_PLAINTEXT_BYTES + TAG_BYTES).toBeLessThanOrEqual(
      (layout.get('CHAIN') as number) - (layout.get('MESSAGE') as number),
    )
    expect(encodedLength(HEADER_BYTES + MAX_PLAINTEXT_BYTES + TAG_BYTES)).toBe(layout.get('MAX_TOKEN_CHARS'))
    expect(encodedLength(HEADER_BYTES + TAG_BYTES)).toBe(layout.get('MIN_TOKEN_CHARS'))
  })

  it('in the sums that the format is made of', () => {
    expect(format.NONCE_OFFSET + format.NONCE_BYTES).toBe(format.HEADER_BYTES)
    expect(format.RANDOM_OFFSET + format.RANDOM_BYTES).toBe(format.HEADER_BYTES)
    expect(2 * format.KEY_BYTES + format.KEY_ID_BYTES).toBe(format.DERIVED_BYTES)
    expect(format.KEY_ID_OFFSET + format.KEY_ID_BYTES).toBe(format.CREATED_AT_OFFSET)
    expect(format.CREATED_AT_OFFSET + 6).toBe(format.ISSUED_AT_OFFSET)
    expect(format.MAX_PLAINTEXT_BYTES).toBe(255 * 64)
    expect(format.MAX_TIME_MS).toBe(2 ** 48 - 1)
  })

  it('in the context: the salt that the kernel stretches with', () => {
    const [, bytes = ''] = /const SALT: usize = memory\.data<u8>\(\[([^\]]*)\]/.exec(read('assembly/kdf.ts')) ?? []
    expect(String.fromCharCode(...(bytes.match(/0x[\da-f]{2}/g) ?? []).map(Number))).toBe(format.CONTEXT)
  })

  it('as keyring.ts has it: RESULT and the statuses', () => {
    expect(layout.get('RESULT_CREATED_AT')).toBe(0)
    expect(layout.get('RESULT_ISSUED_AT')).toBe(8)
    expect(layout.get('RESULT_FLAGS')).toBe(16)
    expect(layout.get('RESULT_KEY')).toBe(20)

    const reasons = [
      ...(/const REASONS: readonly Reason\[\] = \[([^\]]*)\]/.exec(keyring)?.[1]?.matchAll(/'([\w-]+)'/g) ?? []),
    ].map(([, reason]) => reason)
    const statuses = [...seal.matchAll(/^export const (\w+): i32 = -(\d)/gm)]
    expect(statuses).toHaveLength(6)
    for (const [, name = '', status] of statuses) {
      expect(reasons[Number(status)]).toBe(name.toLowerCase().replaceAll('_', '-'))
    }
  })
})

describe('package.json', () => {
  const manifest = JSON.parse(read('package.json')) as {
    dependencies: Record<string, string>
    devDependencies: Record<string, string>
    [field: string]: unknown
  }

  it('depends on two packages at run time, in ranges that npm can share; its tools are pinned, and none is a nightly', () => {
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['@assemblyscript/loader', 'cookie'])
    for (const version of Object.values(manifest.dependencies)) expect(version).toMatch(/^\^\d+\.\d+\.\d+$/)
    for (const version of Object.values(manifest.devDependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version?: string }> }
    expect(Object.keys(packages).filter((path) => packages[path]?.version?.includes('nightly'))).toEqual([])
    for (const field of ['peerDependencies', 'optionalDependencies', 'bundledDependencies', 'bundleDependencies']) {
      expect(manifest).not.toHaveProperty(field)
    }
  })

  it('runs nothing on the machine of who installs it', () => {
    const scripts = manifest.scripts as Record<string, string>
    for (const name of ['preinstall', 'install', 'postinstall']) expect(scripts).not.toHaveProperty(name)
  })
})

describe("the project's text files", () => {
  // What git holds or would hold: outputs and node_modules are ignored.
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  const present = (path: string): string | undefined => {
    try {
      return read(path)
    } catch {
      return undefined
    }
  }
  const files = listed
    .split('\0')
    .filter((path) => path !== '' && !path.endsWith('.wasm'))
    .map((path) => [path, present(path)] as const)
    .filter(([, text]) => text !== undefined && !text.includes('\0')) as [string, string][]
  const isLock = (path: string): boolean => /(^|\/)package-lock\.json$/.test(path)

  it('are found', () => {
    expect(files.length).toBeGreaterThan(40)
  })

  it('name no path of one machine', () => {
    // Written apart, so that this file does not name them itself.
    const roots = ['home', 'Users', 'root', 'work', 'private/tmp', 'mnt'].map((name) => `/${name}/`)
    const pattern = new RegExp(`(^|[\\s'"\`(=:])(${roots.join('|')}|[A-Z]:\\\\)`, 'm')
    expect(files.filter(([, text]) => pattern.test(text)).map(([path]) => path)).toEqual([])
  })

  it('name no registry: where packages come from is the setting of who installs', () => {
    const pattern = /\b(registry|nexus|artifactory|verdaccio|npm)\.[\w-]+\.\w+|_authToken|127\.0\.0\.1:4873/
    const found = files
      .filter(([path, text]) => pattern.test(isLock(path) ? text.replaceAll('https://registry.npmjs.org/', '') : text))
      .map(([path]) => path)
    expect(found.filter((path) => path !== 'test/architecture.test.ts')).toEqual([])
  })

  it('have no tabs to indent with, no trailing blanks, no CR, and end with one newline', () => {
    for (const [path, text] of files.filter(([path]) => /\.(ts|js|mjs|md|json)$/.test(path) && !isLock(path))) {
      expect([path, /\t|[ ]$|\r/m.test(text), /[^\n]\n$/.test(text)]).toEqual([path, false, true])
    }
  })
})
