/** assembly/build.mjs builds what has changed, and nothing else: in a copy of the repository, by what it says it built. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cookie-sessions-build-'))
  for (const name of ['assembly', 'src', 'asconfig.json', 'package.json', 'tsconfig.json']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a build makes, by name. It has nothing else to say. */
function build(...parts: string[]): string[] {
  const args = [join(folder, 'assembly/build.mjs'), ...parts]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  const lines = [...stdout.matchAll(/^Built (\w+) \(\d+\.\d s\)\n/gm)]
  expect(lines.map(([line]) => line).join('')).toBe(stdout)
  return lines.map(([, name = '']) => name)
}

it('a clone without outputs: all, without a word of the optimizer', () => {
  expect(build('codec', 'dist')).toEqual(['codec', 'dist'])
})

it('nothing, when nothing has changed', () => {
  expect(build('codec', 'dist')).toEqual([])
})

it('the kernels of the tests and the bench for those who ask', () => {
  expect(build('kernels')).toEqual(['kernels'])
  expect(build('codec', 'dist', 'kernels')).toEqual([])
})

it('dist/ alone, when a source in TypeScript has changed', () => {
  appendFileSync(join(folder, 'src/errors.ts'), '// changed\n')
  expect(build('codec', 'dist', 'kernels')).toEqual(['dist'])
})

it('what was deleted or changed by hand', () => {
  rmSync(join(folder, 'dist/cjs'), { recursive: true })
  expect(build('codec', 'dist')).toEqual(['dist'])
  writeFileSync(join(folder, 'dist/stale.js'), '')
  expect(build('codec', 'dist')).toEqual(['dist'])
  rmSync(join(folder, 'build/codec.wasm'))
  expect(build('codec', 'dist')).toEqual(['codec'])
})

it('all, when the kernel has changed', () => {
  appendFileSync(join(folder, 'assembly/layout.ts'), '// changed\n')
  expect(build('codec', 'dist', 'kernels')).toEqual(['codec', 'dist', 'kernels'])
})
