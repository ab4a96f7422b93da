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
    'function inner',
    'function open',
    'function open4',
    'function openBegin',
    'function openEnd',
    'function seal',
    'function seal4',
    'function sealBegin',
    'function sealEnd',
    'function stretch',
    'function wipe',
    'function wipe4',
    'global DIGEST',
    'global IPAD',
    'global KEYRING',
    'global LANES',
    'global LANE_BYTES',
    'global LANE_CHARS',
    'global MAX_KEYS',
    'global MAX_LANE_PAYLOAD_BYTES',
    'global MESSAGE',
    'global RESULT',
    'global SLOT_BYTES',
    'global TOKEN',
    'memory memory',
  ])
})

it('codec.wasm is at most 16 KB, 6 KB gzipped', () => {
  const bytes = readBuild('codec.wasm')
  expect(bytes.length).toBeLessThanOrEqual(16 * 1024)
  expect(gzipSync(bytes).length).toBeLessThanOrEqual(6 * 1024)
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
