/** Runtimes that run the suite as a program and print its report: Node, Deno, Bun; and two that a program of Node's embeds. */
import { join } from 'node:path'
import { FOLDER, inModules, missingPackage, output, versionOf } from './tools.js'

/** @import { Group, Run } from './run.js' */

const ALL = { auto: 'auto', wasm: 'wasm', node: 'node', js: 'js', fetch: 'fetch' }

/** @param {number} major @returns {Group} */
function node(major) {
  const name = `node${major}-${process.platform}-${process.arch}`
  return {
    name: `node${major}`,
    missing: () => missingPackage(name),
    version: () => versionOf(name),
    rows: [{ title: `Node ${major}`, serves: ALL, run: program(inModules(`${name}/bin/node`), ['--expose-gc']) }],
  }
}

/** @returns {Group} */
function deno() {
  const flags = ['run', '--no-remote', '--node-modules-dir=manual', '--allow-read', '--v8-flags=--expose-gc']
  return {
    name: 'deno',
    missing: () => missingPackage('deno'),
    version: () => versionOf('deno'),
    rows: [{ title: 'Deno', serves: ALL, run: program(inModules('.bin/deno'), flags) }],
  }
}

/** @returns {Group} */
function bun() {
  // Its package npm installs with a placeholder that a script would replace.
  const cpu = process.arch === 'arm64' ? 'aarch64' : process.arch
  const name = `@oven/bun-${process.platform}-${cpu}`
  return {
    name: 'bun',
    missing: () => missingPackage(name),
    version: () => versionOf(name),
    // Bun's node:crypto can hash, so it can help; it cannot encrypt with ChaCha20.
    rows: [
      {
        title: 'Bun',
        serves: { auto: 'auto', wasm: 'wasm', js: 'js', fetch: 'fetch' },
        run: program(inModules(`${name}/bin/bun`), ['run']),
      },
    ],
  }
}

/** @param {string} command @param {string[]} flags @returns {Run} */
function program(command, flags) {
  return async ({ app, signal }) =>
    JSON.parse(await output(command, [...flags, 'program.js'], { cwd: app.folder, signal }))
}

/** @returns {Group} */
const edge = () => ({
  name: 'edge',
  missing: () => missingPackage('edge-runtime'),
  version: () => versionOf('edge-runtime'),
  rows: [
    {
      title: 'edge-runtime',
      serves: { auto: 'wasm', wasm: 'wasm', js: 'js', fetch: 'fetch' },
      run: embedded('edge.js', 'worker.js', { conditions: ['edge-light', 'worker', 'import'], globalName: 'worker' }),
    },
  ],
})

/** @returns {Group} */
const quickjs = () => ({
  name: 'quickjs',
  missing: () => missingPackage('quickjs-emscripten'),
  version: () => versionOf('quickjs-emscripten'),
  rows: [{ title: 'QuickJS', serves: { js: 'js' }, run: embedded('quickjs.js', 'engine.js', {}) }],
})

/** @param {string} host @param {string} entry @param {import('esbuild').BuildOptions} options @returns {Run} */
function embedded(host, entry, options) {
  return async ({ app, signal }) => {
    const bundle = await app.bundle(entry, app.makeFolder(host), { format: 'iife', ...options })
    return JSON.parse(await output(process.execPath, [join(FOLDER, host), bundle], { signal }))
  }
}

export const groups = [node(20), node(22), node(24), node(26), deno(), bun(), edge(), quickjs()]
