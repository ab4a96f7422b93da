/** The load, from a process of its own: wrk where it is installed, autocannon (bench/peers) where it is not. */
import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
export const CONNECTIONS = 16

/**
 * @typedef {object} Load
 * @property {number} rate Requests a second.
 * @property {number} p50 Milliseconds.
 * @property {number} p99 Milliseconds.
 *
 * @typedef {(url: string, cookie: string, seconds: number) => Promise<Load>} Loader Rejects when a response was not as it should be.
 */

/** @param {string} [forced] 'wrk' or 'autocannon' @returns {{ name: string, load: Loader }} */
export function loader(forced) {
  const name = forced ?? (hasWrk() ? 'wrk' : 'autocannon')
  return { name, load: name === 'wrk' ? wrk : autocannon }
}

/** It prints its version and fails, wherever it is. */
const hasWrk = () => spawnSync('wrk', ['-v'], { stdio: 'ignore' }).error === undefined

/** @type {Loader} */
async function wrk(url, cookie, seconds) {
  const script = fileURLToPath(new URL('done.lua', import.meta.url))
  // Whole seconds are all that wrk takes.
  const duration = `${Math.max(1, Math.round(seconds))}s`
  const args = ['-t', '1', '-c', String(CONNECTIONS), '-d', duration, '-s', script, '-H', `Cookie: ${cookie}`, url]
  const { stdout } = await run('wrk', args)
  const found = JSON.parse(stdout.slice(stdout.lastIndexOf('{')))
  if (found.failed > 0) throw new Error(`${found.failed} of ${found.requests} requests failed`)
  return { rate: found.requests / (found.microseconds / 1e6), p50: found.p50 / 1000, p99: found.p99 / 1000 }
}

/** @type {Loader} */
async function autocannon(url, cookie, seconds) {
  const script = fileURLToPath(new URL('../peers/node_modules/autocannon/autocannon.js', import.meta.url))
  const args = [script, '-c', String(CONNECTIONS), '-d', String(Math.max(1, Math.round(seconds))), '-j', '-n']
  const { stdout } = await run(process.execPath, [...args, '-H', `Cookie=${cookie}`, url], { maxBuffer: 1 << 24 })
  const found = JSON.parse(stdout.slice(stdout.indexOf('{')))
  const failed = found.errors + found.timeouts + found.non2xx
  if (failed > 0) throw new Error(`${failed} of ${found.requests.total} requests failed`)
  return { rate: found.requests.total / found.duration, p50: found.latency.p50, p99: found.latency.p99 }
}
