/**
 * What goes beside build/codec.wasm, as part of `npm run build`: the module's bytes as base64 in a JavaScript module, for every engine
 * and bundler that cannot import a .wasm file; and types, for the importers of either.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const base64 = readFileSync('build/codec.wasm', 'base64')
writeFileSync('build/codec.wasm.js', `export default '${base64}'\n`)
writeFileSync('build/codec.wasm.d.ts', 'declare const base64: string\nexport default base64\n')

// WebAssembly's types stand in TypeScript's DOM library and in workers' types, but not in node's.
const module = 'typeof globalThis extends { WebAssembly: { Module: new (...args: never) => infer M } } ? M : object'
writeFileSync('build/codec.d.wasm.ts', `declare const module: ${module}\nexport default module\n`)
