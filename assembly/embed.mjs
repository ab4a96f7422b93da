/**
 * Writes build/codec.wasm.js beside build/codec.wasm: the module's bytes as base64 in a JavaScript module, for every engine and
 * bundler that cannot import a .wasm file. Part of `npm run build`.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const base64 = readFileSync('build/codec.wasm', 'base64')
writeFileSync('build/codec.wasm.js', `export default '${base64}'\n`)
writeFileSync('build/codec.wasm.d.ts', 'declare const base64: string\nexport default base64\n')
