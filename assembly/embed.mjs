/**
 * What goes beside the built kernels, as part of `npm run build`:
 *
 * - codec.wasm.js: codec.wasm as base64, for every engine and bundler that cannot import a .wasm file;
 * - codec.workerd.js: codec.wasm as a module, for workers that may not compile bytes;
 * - codec.scalar.js: codec.scalar.wasm as plain JavaScript (binaryen's wasm2js), for engines without WebAssembly;
 * - types for the importers of these and of codec.wasm.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const base64 = readFileSync('build/codec.wasm', 'base64')
writeFileSync('build/codec.wasm.js', `export default '${base64}'\n`)
writeFileSync('build/codec.wasm.d.ts', 'declare const base64: string\nexport default base64\n')

// Relative: wrangler recognises a .wasm module by the path that the import names, and would not see it behind package.json's `imports`.
writeFileSync('build/codec.workerd.js', "export { default } from './codec.wasm'\n")

// WebAssembly's types stand in TypeScript's DOM library and in workers' types, but not in node's.
const module = 'typeof globalThis extends { WebAssembly: { Module: new (...args: never) => infer M } } ? M : object'
writeFileSync('build/codec.d.wasm.ts', `declare const module: ${module}\nexport default module\n`)

const wasm2js = join(dirname(createRequire(import.meta.url).resolve('binaryen')), 'bin/wasm2js')
const options = ['build/codec.scalar.wasm', '--all-features', '-O3']
const written = execFileSync(process.execPath, [wasm2js, ...options], { encoding: 'utf8' })

// wasm2js defines the memory, which never grows, by property descriptors that inherit: a polluted Object.prototype.value breaks them.
const [head, memory] = split(written, 'Object.create(Object.prototype, {')
const [, tail] = split(memory, '\n  })\n')
const script = `${head}{ buffer }\n${tail}`

// Its instance is made as the module is imported; made in a function instead, it costs the importer nothing, and each has its own.
const [functions, exported] = split(script, 'var retasmFunc = ')
const names = [...exported.matchAll(/^export var (\w+) = retasmFunc\.\1;$/gm)].map(([, name]) => name)
if (names.length !== exported.match(/^export /gm)?.length)
  throw new Error('wasm2js writes its exports otherwise than expected')
writeFileSync('build/codec.scalar.js', `export default function instantiate() {\n${functions}return asmFunc({})\n}\n`)
writeFileSync('build/codec.scalar.d.ts', 'declare const instantiate: () => unknown\nexport default instantiate\n')

function split(text, at) {
  const parts = text.split(at)
  if (parts.length !== 2) throw new Error(`wasm2js does not write '${at}' once`)
  return parts
}
