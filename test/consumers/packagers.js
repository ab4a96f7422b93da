/** Package managers that put packages elsewhere than npm does: what is required but not declared is not found there. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npm, output } from '../runtimes/tools.js'
import { ENV, inModules } from './project.js'
import { visitServer } from './servers.js'

/** @import { Context } from './project.js' */
/** @import { Consumer } from './consumers.js' */

/** A project without node_modules, whose one way to our package is the tarball. @param {Context} context */
function createManifest({ folder, tarball, copy, write }) {
  rmSync(join(folder, 'node_modules'), { recursive: true, force: true })
  copy('packages')
  const dependencies = { connect: '3.7.0', 'cookie-sessions': `file:${tarball}` }
  write('package.json', { name: 'app', version: '1.0.0', private: true, dependencies })
}

/** @param {Context} context @param {string} program @param {string[]} args @param {object} [env] */
const run = ({ folder, signal }, program, args, env) =>
  output(process.execPath, [inModules(program), ...args], { cwd: folder, signal, env: { ...ENV, ...env } })

/** @type {Consumer} */
const pnpm = {
  name: 'pnpm',
  packages: ['pnpm'],
  async run(context) {
    createManifest(context)
    await run(context, 'pnpm/bin/pnpm.mjs', [
      'install',
      '--ignore-scripts',
      '--store-dir',
      join(context.folder, '.store'),
    ])
    if (existsSync(join(context.folder, 'node_modules/cookie'))) throw new Error('pnpm has hoisted our dependency')
    for (const file of ['server.cjs', 'server.mjs']) await visitServer(context, file)
  },
}

/** Plug'n'Play: there is no node_modules at all. @type {Consumer} */
const yarn = {
  name: 'yarn-pnp',
  packages: ['@yarnpkg/cli-dist'],
  async run(context) {
    createManifest(context)
    const { folder } = context
    const registry = npm(['config', 'get', 'registry'], folder).trim()
    const settings = {
      YARN_NODE_LINKER: 'pnp',
      YARN_NPM_REGISTRY_SERVER: registry,
      YARN_UNSAFE_HTTP_WHITELIST: new URL(registry).hostname,
      YARN_GLOBAL_FOLDER: join(folder, '.yarn/global'),
      YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
      YARN_ENABLE_SCRIPTS: 'false',
    }
    writeFileSync(join(folder, 'yarn.lock'), '')
    await run(context, '@yarnpkg/cli-dist/bin/yarn.js', ['install'], settings)
    if (existsSync(join(folder, 'node_modules'))) throw new Error('yarn has made node_modules')
    const pnp = ['--require', './.pnp.cjs']
    await visitServer(context, ...pnp, 'server.cjs')
    await visitServer(context, ...pnp, '--loader', './.pnp.loader.mjs', '--no-warnings', 'server.mjs')
  },
}

export const packagers = [pnpm, yarn]
