/** A consumer's project: a folder with a package.json, the packed package installed, and what else the consumer is made of. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npm, output, pack } from '../runtimes/tools.js'

/**
 * @typedef {object} Project
 * @property {string} folder
 * @property {string} tarball The packed package.
 * @property {(from: string, to?: string) => void} copy One of the apps/, or a file of one, into the folder.
 * @property {(path: string, content: string | object) => void} write A file; an object as JSON.
 *
 * @typedef {Project & { signal: AbortSignal }} Context
 */

const HERE = fileURLToPath(new URL('.', import.meta.url))

/** A file of what test/consumers/package.json names. @param {string} path */
export const inModules = (path) => join(HERE, 'node_modules', path)

/** @param {string[]} packages `name`, or `name=alias` for the one that package.json has under an alias. */
export function missingPackages(packages) {
  const missing = packages.map((name) => name.split('=').pop() ?? '').filter((name) => !existsSync(inModules(name)))
  return missing.length === 0 ? undefined : `npm did not install ${missing.join(', ')} here`
}

/** Where the projects are, with the package packed and installed once. */
export function createWorkplace() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cookie-sessions-consumers-')))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  const tarball = pack(folder)
  // By its path: the registry has another module of this name.
  const installed = join(folder, 'installed')
  mkdirSync(installed)
  writeFileSync(join(installed, 'package.json'), '{ "private": true }\n')
  npm(['install', tarball, '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], installed)

  /** @param {string} name @param {string[]} packages @returns {Project} */
  function createProject(name, packages) {
    const project = join(folder, name)
    const modules = join(project, 'node_modules')
    cpSync(join(installed, 'node_modules'), modules, { recursive: true })
    for (const from of packages) {
      const [as, alias = as] = from.split('=')
      mkdirSync(dirname(join(modules, as)), { recursive: true })
      // Types find each other by their place, so these are copied. Programs find what they need beside where they really are.
      if (as.startsWith('@types/')) cpSync(inModules(alias), join(modules, as), { recursive: true })
      else symlinkSync(inModules(alias), join(modules, as), 'junction')
    }
    /** @type {Project['write']} */
    const write = (path, content) => {
      mkdirSync(dirname(join(project, path)), { recursive: true })
      writeFileSync(
        join(project, path),
        typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`,
      )
    }
    write('package.json', { name: 'app', version: '1.0.0', private: true })
    return {
      folder: project,
      tarball,
      copy: (from, to = '.') => cpSync(join(HERE, 'apps', from), join(project, to), { recursive: true }),
      write,
    }
  }

  return { createProject }
}

/** What Node prints that runs a file. @param {Context} context @param {string[]} args */
export const node = ({ folder, signal }, ...args) => output(process.execPath, args, { cwd: folder, signal, env: ENV })

/** Nothing of npm's, which this may run under, and no phoning home. */
export const ENV = Object.fromEntries([
  ...Object.entries(process.env).filter(([name]) => !/^npm_(config|package|lifecycle)_/.test(name)),
  ['CI', 'true'],
  ['NO_COLOR', '1'],
  ['NEXT_TELEMETRY_DISABLED', '1'],
  ['YARN_ENABLE_TELEMETRY', '0'],
])
