/** Installs the packages that are compared with into this folder's own node_modules, unless they are there. The project has none of them. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { UserError } from '../print.js'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const read = (path) => JSON.parse(readFileSync(`${FOLDER}${path}`, 'utf8'))

/** The installed version, or undefined. */
export function installed(name) {
  try {
    return read(`node_modules/${name}/package.json`).version
  } catch {
    return undefined
  }
}

export function installPeers() {
  const pins = Object.entries(read('package.json').dependencies)
  const missing = () =>
    pins
      .filter(([name, version]) => installed(name) !== version)
      .map((pin) => pin.join(' '))
      .join(', ')
  if (missing() === '') return
  console.log(`Not there yet: ${missing()}.`)
  console.log('Installing into bench/peers/node_modules: npm ci --no-audit --no-fund')
  // The npm that runs this script, if one does, whichever is first in PATH.
  const { npm_execpath: npm } = process.env
  const args = ['ci', '--no-audit', '--no-fund']
  const settings = { cwd: FOLDER, stdio: ['ignore', 'inherit', 'inherit'] }
  const { status, error } = /\.c?js$/.test(npm ?? '')
    ? spawnSync(process.execPath, [npm, ...args], settings)
    : spawnSync('npm', args, { ...settings, shell: process.platform === 'win32' })
  if (error !== undefined || status !== 0) {
    const reason = error?.message ?? `status ${status}`
    throw new UserError(
      `npm ci failed in bench/peers (${reason}): the comparison needs these packages, and the network once`,
    )
  }
  if (missing() !== '') throw new UserError(`npm did not install ${missing()} into bench/peers`)
}
