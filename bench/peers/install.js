/**
 * Installs the packages that the benchmarks compare with into this folder's own node_modules, when they are not there yet. The project
 * itself never depends on them.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))

/** Cannot be installed here: the message says why. */
export class NotInstalled extends Error {}

/** The packages and their versions, as package.json pins them. @returns {Record<string, string>} */
export const pinned = () => JSON.parse(readFileSync(`${FOLDER}package.json`, 'utf8')).dependencies

/** The version that lies in node_modules, or undefined. @param {string} name */
export function installed(name) {
  try {
    return JSON.parse(readFileSync(`${FOLDER}node_modules/${name}/package.json`, 'utf8')).version
  } catch {
    return undefined
  }
}

/** @param {(line: string) => void} [say] */
export function installPeers(say = console.log) {
  const missing = () => Object.entries(pinned()).filter(([name, version]) => installed(name) !== version)
  const before = missing()
  if (before.length === 0) return
  say(`Not there yet: ${before.map((pin) => pin.join(' ')).join(', ')}.`)
  say('Installing into bench/peers/node_modules: npm ci --no-audit --no-fund')
  // Under `npm run` the same npm, whatever stands first in PATH.
  const { npm_execpath: npm } = process.env
  const args = ['ci', '--no-audit', '--no-fund']
  const inherit = /** @type {const} */ ({ cwd: FOLDER, stdio: ['ignore', 'inherit', 'inherit'] })
  const { status, error } = /\.c?js$/.test(npm ?? '')
    ? spawnSync(process.execPath, [/** @type {string} */ (npm), ...args], inherit)
    : spawnSync('npm', args, { ...inherit, shell: process.platform === 'win32' })
  if (error !== undefined || status !== 0) {
    throw new NotInstalled(
      `npm ci failed in bench/peers (${error?.message ?? `status ${status}`}): the comparison needs these packages, and the network once`,
    )
  }
  const after = missing()
  if (after.length > 0) {
    throw new NotInstalled(`npm did not install ${after.map((pin) => pin.join(' ')).join(', ')} into bench/peers`)
  }
}
