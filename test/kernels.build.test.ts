/**
 * The built modules: what they ask for and offer, how large they are, and that the sources make the same bytes again.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { compile, exportsOf, importsOf, load, readBuild } from './helpers/kernels.ts'

describe.each(['codec.wasm', 'codec.scalar.wasm', 'kernels.wasm', 'kernels.scalar.wasm'])('%s', (file) => {
  it('imports nothing', () => {
    expect(importsOf(compile(readBuild(file)))).toEqual([])
  })

  it('has one page of memory and takes no more', () => {
    const { memory } = load(file)
    expect(memory.buffer.byteLength).toBe(65_536)
    expect(() => memory.grow(1)).toThrow(RangeError)
  })
})

it.each(['codec.wasm', 'codec.scalar.wasm'])('%s exports the ABI and nothing else', (file) => {
  expect(exportsOf(compile(readBuild(file))).sort()).toEqual([
    'function derive',
    'function innerBlock',
    'function open',
    'function openBegin',
    'function openEnd',
    'function seal',
    'function sealBegin',
    'function sealEnd',
    'function stretch',
    'function wipe',
    'global DIGEST',
    'global IPAD',
    'global KEYRING',
    'global MAX_KEYS',
    'global MESSAGE',
    'global RESULT',
    'global SLOT_BYTES',
    'global TOKEN',
    'memory memory',
  ])
})

it('codec.wasm is at most 13,000 bytes, 5,000 gzipped', () => {
  const bytes = readBuild('codec.wasm')
  expect(bytes.length).toBeLessThanOrEqual(13_000)
  expect(gzipSync(bytes).length).toBeLessThanOrEqual(5_000)
})

it('codec.wasm is what the sources make, byte for byte', () => {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const asc = join(dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')), 'bin/asc.js')
  const folder = mkdtempSync(join(tmpdir(), 'cookie-sessions-'))
  try {
    const out = join(folder, 'again.wasm')
    execFileSync(process.execPath, [asc, 'assembly/index.ts', '--target', 'release', '--outFile', out], {
      cwd: root,
      stdio: 'ignore',
    })
    expect(readFileSync(out).equals(readBuild('codec.wasm'))).toBe(true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
