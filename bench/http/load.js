/** The load, from a process of its own: wrk where it is installed, else autocannon (bench/peers). */
import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))
export const CONNECTIONS = '16'

/**
 * The program's name and a function of URL, cookie and whole seconds, which resolves to requests a second and to latencies in
 * milliseconds. It rejects when a single response was not 200.
 */
export function loader(forced) {
  // wrk prints its version and fails, wherever it is.
  const hasWrk = () => spawnSync('wrk', ['-v'], { stdio: 'ignore' }).error === undefined
  return (forced ?? (hasWrk() ? 'wrk' : 'autocannon')) === 'wrk'
    ? { name: 'wrk', load: wrk }
    : { name: 'autocannon', load: autocannon }
}

async function wrk(url, cookie, seconds) {
  const args = [
    '-t',
    '1',
    '-c',
    CONNECTIONS,
    '-d',
    `${seconds}s`,
    '-s',
    path('done.lua'),
    '-H',
    `Cookie: ${cookie}`,
    url,
  ]
  const { stdout } = await run('wrk', args)
  const { requests, microseconds, p50, p99, failed } = JSON.parse(stdout.slice(stdout.lastIndexOf('{')))
  return checked({ failed, requests, seconds: microseconds / 1e6, p50: p50 / 1000, p99: p99 / 1000 })
}

async function autocannon(url, cookie, seconds) {
  const script = path('../peers/node_modules/autocannon/autocannon.js')
  const args = [script, '-c', CONNECTIONS, '-d', String(seconds), '-j', '-n', '-H', `Cookie=${cookie}`, url]
  const { stdout } = await run(process.execPath, args, { maxBuffer: 1 << 24 })
  const { requests, duration, latency, ...found } = JSON.parse(stdout.slice(stdout.indexOf('{')))
  const failed = found.errors + found.timeouts + found.non2xx
  return checked({ failed, requests: requests.total, seconds: duration, p50: latency.p50, p99: latency.p99 })
}

function checked({ failed, requests, seconds, p50, p99 }) {
  if (failed > 0) throw new Error(`${failed} of ${requests} requests failed`)
  return { rate: requests / seconds, p50, p99 }
}
