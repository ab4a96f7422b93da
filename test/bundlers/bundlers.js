/**
 * The bundlers, each set up as its own manual says and no further. `build` bundles an app's folder (main.js for pages and for node,
 * worker.js for workers) into the folder `out` and returns the file to start. What a bundler warns of is a failure.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import commonjs from '@rollup/plugin-commonjs'
import nodeResolve from '@rollup/plugin-node-resolve'
import esbuild from 'esbuild'
import { rollup } from 'rollup'
import * as vite from 'vite'
import webpack from 'webpack'

/**
 * @typedef {object} Bundler
 * @property {string} name
 * @property {'node' | 'page' | 'worker'} target Where the output runs.
 * @property {(app: string, out: string) => Promise<string>} [build] Without it, serveWithVite() serves the app's folder.
 * @property {boolean} [forbidsWasm] The page's Content-Security-Policy does.
 */

const MODULES = fileURLToPath(new URL('node_modules', import.meta.url))

/** Before it, a worker has no node:crypto and compiles no bytes: only the module that the bundler hands over can serve. */
export const COMPATIBILITY_DATE = '2025-05-01'

/** @type {Bundler[]} */
export const BUNDLERS = [
  { name: named('vite'), target: 'page', build: (app, out) => buildWithVite(app, out) },
  {
    name: `${named('vite')}, no wasm`,
    target: 'page',
    build: (app, out) => buildWithVite(app, out),
    forbidsWasm: true,
  },
  { name: `${named('vite')}, dev`, target: 'page' },
  { name: `${named('vite')}, ssr`, target: 'node', build: (app, out) => buildWithVite(app, out, 'main.js') },
  { name: named('webpack'), target: 'page', build: (app, out) => buildWithWebpack(app, out, 'web') },
  { name: named('webpack'), target: 'node', build: (app, out) => buildWithWebpack(app, out, 'node') },
  { name: named('esbuild'), target: 'page', build: (app, out) => buildWithEsbuild(app, out, 'browser') },
  { name: named('esbuild'), target: 'node', build: (app, out) => buildWithEsbuild(app, out, 'node') },
  { name: named('rollup'), target: 'page', build: (app, out) => buildWithRollup(app, out, { browser: true }) },
  {
    name: named('rollup'),
    target: 'node',
    build: (app, out) => buildWithRollup(app, out, { exportConditions: ['node'] }),
  },
  { name: named('wrangler'), target: 'worker', build: buildWithWrangler },
]

/** @param {string} name */
function named(name) {
  return `${name} ${JSON.parse(readFileSync(join(MODULES, name, 'package.json'), 'utf8')).version}`
}

/** @param {string} app @param {string} out @param {string} [ssr] Its entry. */
async function buildWithVite(app, out, ssr) {
  // By itself it leaves packages out of what it builds for node.
  const config = {
    ...viteConfig(app),
    build: { outDir: out, emptyOutDir: true, ssr },
    ssr: { noExternal: /** @type {const} */ (true) },
  }
  await vite.build(config)
  return join(out, ssr ?? 'index.html')
}

/** Vite's own server, in development. @param {string} app */
export async function serveWithVite(app) {
  const server = await vite.createServer({ ...viteConfig(app), server: { host: '127.0.0.1', port: 0 } })
  await server.listen()
  return server
}

/** @param {string} app @returns {vite.InlineConfig} */
function viteConfig(app) {
  const customLogger = vite.createLogger('silent')
  customLogger.warn = customLogger.warnOnce = (message) => {
    throw new Error(message)
  }
  return { root: app, cacheDir: join(app, '.vite'), configFile: false, logLevel: 'warn', customLogger }
}

/** @param {string} app @param {string} out @param {'web' | 'node'} target */
async function buildWithWebpack(app, out, target) {
  const filename = target === 'node' ? 'main.cjs' : 'main.js'
  const output = { path: out, filename }
  const compiler = webpack({ mode: 'production', target, context: app, entry: './main.js', output, performance: false })
  const stats = await promisify(compiler.run.bind(compiler))()
  await promisify(compiler.close.bind(compiler))()
  if (stats?.hasErrors() || stats?.hasWarnings()) throw new Error(stats.toString('errors-warnings'))
  return join(out, filename)
}

/** @param {string} app @param {string} out @param {'browser' | 'node'} platform */
async function buildWithEsbuild(app, out, platform) {
  const file = join(out, 'main.js')
  const entry = { entryPoints: [join(app, 'main.js')], outfile: file, bundle: true, minify: true }
  const { warnings } = await esbuild.build({ ...entry, format: 'esm', platform, logLevel: 'silent' })
  if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join('\n'))
  return file
}

/** @param {string} app @param {string} out @param {import('@rollup/plugin-node-resolve').RollupNodeResolveOptions} options */
async function buildWithRollup(app, out, options) {
  const onwarn = (/** @type {import('rollup').RollupLog} */ { message }) => {
    throw new Error(message)
  }
  const bundle = await rollup({ input: join(app, 'main.js'), plugins: [nodeResolve(options), commonjs()], onwarn })
  await bundle.write({ file: join(out, 'main.js') })
  return join(out, 'main.js')
}

/** @param {string} app @param {string} out */
async function buildWithWrangler(app, out) {
  const wrangler = join(MODULES, 'wrangler/bin/wrangler.js')
  const args = `deploy worker.js --dry-run --name app --compatibility-date ${COMPATIBILITY_DATE} --outdir`.split(' ')
  const env = { ...process.env, CI: 'true', NO_COLOR: '1', WRANGLER_SEND_METRICS: 'false', XDG_CONFIG_HOME: app }
  const options = { cwd: app, env, timeout: 60_000 }
  const { stderr } = await promisify(execFile)(process.execPath, [wrangler, ...args, out], options)
  if (stderr.includes('WARNING')) throw new Error(stderr)
  return join(out, 'worker.js')
}
