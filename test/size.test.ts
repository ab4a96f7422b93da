/**
 * What each entry costs whoever bundles it, and that it draws in what it needs and no more. When a budget is passed on purpose, it is
 * raised here, some 3 % above what is measured.
 */
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, buildSync, type Metafile, type OutputFile } from 'esbuild'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CODEC = `export * from 'cookie-sessions/codec'`
const JS = `export { default as js } from 'cookie-sessions/js'`

interface Entry {
  name: string
  /** Bytes, minified and gzipped. */
  budget: number
  /** What is imported of it. */
  code: string
  /** What it is made of: see partOf() below. */
  parts: string[]
  options?: BuildOptions
}

const ENTRIES: Entry[] = [
  {
    name: 'cookie-sessions',
    budget: 30_200,
    code: `export * from 'cookie-sessions'; export { default } from 'cookie-sessions'`,
    parts: ['codec', 'codec.wasm.js', 'connect', 'glue', 'node_modules/@assemblyscript', 'node_modules/cookie'],
    options: { platform: 'node' },
  },
  {
    name: 'cookie-sessions/fetch',
    budget: 28_700,
    code: `export * from 'cookie-sessions/fetch'; export { default } from 'cookie-sessions/fetch'`,
    parts: ['codec', 'codec.wasm.js', 'fetch', 'glue', 'node_modules/@assemblyscript', 'node_modules/cookie'],
  },
  {
    name: 'cookie-sessions/codec',
    budget: 18_600,
    code: CODEC,
    parts: ['codec', 'codec.wasm.js', 'node_modules/@assemblyscript'],
  },
  {
    name: 'cookie-sessions/codec under workerd, beside codec.wasm',
    budget: 10_700,
    code: CODEC,
    parts: ['codec', 'codec.wasm', 'node_modules/@assemblyscript'],
    options: { conditions: ['workerd'], external: ['*.wasm'] },
  },
  { name: 'cookie-sessions/js', budget: 8_000, code: JS, parts: ['codec', 'codec.scalar.js'] },
  {
    name: 'cookie-sessions/js with its createCodec',
    budget: 12_600,
    code: `export * from 'cookie-sessions/js'`,
    parts: ['codec', 'codec.scalar.js'],
  },
  {
    name: 'cookie-sessions/codec and /js',
    budget: 24_400,
    code: `${CODEC}; ${JS}`,
    parts: ['codec', 'codec.scalar.js', 'codec.wasm.js', 'node_modules/@assemblyscript'],
  },
  {
    name: 'generateSecret of cookie-sessions/codec',
    budget: 600,
    code: `export { generateSecret } from 'cookie-sessions/codec'`,
    parts: ['codec'],
  },
]

describe.each(ENTRIES)('$name', (entry) => {
  const { name, budget, parts } = entry

  it('keeps to its budget', () => {
    const size = gzipSync(bundle(entry).contents, { level: 9 }).length
    const message = `${name} is ${size.toLocaleString('en')} bytes gzipped, budget ${budget.toLocaleString('en')}`
    expect(size, message).toBeLessThanOrEqual(budget)
  })

  it('draws in what it needs, and no more', () => {
    const { inputs, imports } = bundle(entry)
    const inside = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    const paths = [...inside.map(([path]) => path), ...imports.map(({ path }) => path)]
    expect([...new Set(paths.map(partOf))].sort()).toEqual(parts)
  })
})

function bundle({ code, options }: Entry) {
  const { outputFiles, metafile } = buildSync({
    ...options,
    stdin: { contents: code, resolveDir: ROOT },
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  const [file] = outputFiles as [OutputFile]
  const [output] = Object.values(metafile.outputs) as [Metafile['outputs'][string]]
  return { contents: file.contents, inputs: output.inputs, imports: output.imports }
}

/** A file or package of a bundle's. dist/codec/ is one part, and so is what the glue to Connect and to the Fetch API have in common. */
function partOf(path: string): string {
  if (/^dist\/(codec\/|errors)/.test(path)) return 'codec'
  if (/^dist\/(connect|headers)/.test(path)) return 'connect'
  if (path === 'dist/fetch.js') return 'fetch'
  if (path.startsWith('dist/')) return 'glue'
  if (path.startsWith('node_modules/')) return path.split('/', 2).join('/')
  return path.replace(/^.*[/#]/, '')
}
