/**
 * `npm run build` and `npm run build:kernels`: builds what has changed since it was last built, and nothing else. A part counts as
 * built while both its inputs and its outputs are the ones that build/*.stamp holds a hash of. Deleting build/ builds all.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, posix, relative } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const require = createRequire(import.meta.url)
const packageOf = (name) => require.resolve(`${name}/package.json`)
const COMPILER = ['asconfig.json', packageOf('assemblyscript'), packageOf('binaryen')]

/** In the order in which they are made: dist/ takes what codec makes. */
const PARTS = {
  codec: {
    inputs: () => ['assembly/build.mjs', ...filesIn('assembly'), ...COMPILER],
    outputs: () => filesIn('build', /^codec\..*(?<!\.stamp)$/),
    async make() {
      await compile('index', 'release', 'scalar')
      execFileSync(process.execPath, ['assembly/embed.mjs'], { stdio: 'inherit' })
    },
  },
  dist: {
    inputs: () => [
      ...PARTS.codec.inputs(),
      ...PARTS.codec.outputs(),
      ...filesIn('src'),
      'package.json',
      'tsconfig.json',
      TYPESCRIPT,
    ],
    outputs: () => filesIn('dist'),
    make: makeDist,
  },
  kernels: {
    inputs: () => PARTS.codec.inputs(),
    outputs: () => filesIn('build', /^kernels\..*(?<!\.stamp)$/),
    make: () => compile('kernels', 'kernels', 'kernels-scalar'),
  },
}
const TYPESCRIPT = packageOf('typescript')

for (const name of process.argv.slice(2)) {
  const { inputs, outputs, make } = PARTS[name]
  mkdirSync('build', { recursive: true })
  const stamp = `build/${name}.stamp`
  const before = read(stamp)
  if (before?.equals(hash(inputs(), outputs()))) continue
  rmSync(stamp, { force: true })
  const started = performance.now()
  await make()
  writeFileSync(stamp, hash(inputs(), outputs()))
  console.log(`Built ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`)
}

/** @param {string} entry @param {string[]} targets */
async function compile(entry, ...targets) {
  const { default: asc } = await import('assemblyscript/asc')
  for (const target of targets) {
    const { error, stderr } = await asc.main([`assembly/${entry}.ts`, '--target', target])
    // Binaryen says so when its last round of optimizing made the module larger again. The size is tested.
    const messages = stderr.toString().replaceAll('Last converge was suboptimal.\n', '')
    if (messages !== '') console.error(messages)
    if (error !== null) throw error
  }
}

/**
 * dist/ in ES modules, and dist/cjs/ in CommonJS, with the types of both and, as .mjs, the entries for those who import it. A folder with
 * a package.json is out of reach of the root's `imports`, so the kernels are required by their paths.
 */
function makeDist() {
  rmSync('dist', { recursive: true, force: true })
  const tsc = join(dirname(TYPESCRIPT), 'bin/tsc')
  for (const config of ['src', 'src/tsconfig.cjs.json']) {
    execFileSync(process.execPath, [tsc, '-p', config], { stdio: 'inherit' })
  }
  const { imports } = JSON.parse(read('package.json'))
  for (const path of filesIn('dist/cjs', /\.js$/)) {
    const text = readFileSync(path, 'utf8')
    const byPath = text.replace(/(?<=\brequire\(")#[\w.]+/g, (name) => {
      const file = basename(imports[name].default ?? imports[name])
      writeFileSync(
        join('dist/cjs', file),
        readFileSync(join('build', file), 'utf8').replace(/^export default/, 'module.exports ='),
      )
      return posix.join(relative(dirname(path), 'dist/cjs'), file)
    })
    if (byPath !== text) writeFileSync(path, byPath)
  }
  writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n')
}

/** @param {string} folder @param {RegExp} [pattern] Of the names in it. @returns {string[]} */
function filesIn(folder, pattern = /(?:)/) {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}

/** @param {string[][]} lists Of files. A missing one is as good as an empty one: no build leaves it so. */
function hash(...lists) {
  const hash = createHash('sha256')
  for (const path of lists.flat().sort()) {
    const content = read(path) ?? ''
    hash.update(`${path} ${content.length}\n`).update(content)
  }
  return hash.digest()
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
