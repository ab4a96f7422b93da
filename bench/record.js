/** Results as they are kept: the facts of the machine, and one JSON file a run (README.md, The shape of results). */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const RESULTS = fileURLToPath(new URL('results/', import.meta.url))

/**
 * @typedef {object} Machine
 * @property {string} node
 * @property {string} v8
 * @property {string} openssl
 * @property {string} cpu
 * @property {number} cores
 * @property {boolean | null} shaNi Whether the processor has instructions for SHA-256; null: unknown.
 * @property {string} platform
 * @property {string} arch
 * @property {string} [ia32cap] OPENSSL_ia32cap, when it is set: it hides instructions from OpenSSL.
 *
 * @typedef {object} Row
 * @property {string} group
 * @property {string} name
 * @property {number} [size]
 * @property {string} [unit]
 * @property {number} median
 * @property {number} min
 * @property {number} spread
 * @property {number} ratio
 * @property {string} [note]
 *
 * @typedef {object} Results
 * @property {1} format
 * @property {string} suite
 * @property {string} date
 * @property {string | null} commit
 * @property {Machine} machine
 * @property {{ rounds: number, time: number }} settings
 * @property {boolean} noisy
 * @property {Row[]} rows
 */

/** @returns {Machine} */
export function machine() {
  const { node, v8, openssl } = process.versions
  const processors = cpus()
  return {
    node: `v${node}`,
    v8,
    openssl,
    cpu: processors[0]?.model.trim() || 'unknown processor',
    cores: processors.length,
    shaNi: hasSha(),
    platform: process.platform,
    arch: process.arch,
    ...(process.env.OPENSSL_ia32cap !== undefined && { ia32cap: process.env.OPENSSL_ia32cap }),
  }
}

/** From Linux; x86 calls it sha_ni, ARM sha2. */
function hasSha() {
  try {
    return /^(flags|Features)\s*:.*\b(sha_ni|sha2)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'))
  } catch {
    return null
  }
}

/** The commit, with a '+' when files have changed since; null outside of git. */
export function commit() {
  const git = (/** @type {string[]} */ ...args) =>
    execFileSync('git', args, { cwd: dirname(RESULTS), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') && '+')
  } catch {
    return null
  }
}

/**
 * @param {string} suite
 * @param {Row[]} rows
 * @param {{ rounds: number, time: number }} settings
 * @param {boolean} [noisy]
 * @returns {Results}
 */
export function results(suite, rows, settings, noisy = false) {
  return {
    format: 1,
    suite,
    date: new Date().toISOString(),
    commit: commit(),
    machine: machine(),
    settings,
    noisy,
    rows,
  }
}

/** @param {Pick<Results, 'suite' | 'date' | 'machine'>} of */
export function fileName({ suite, date, machine: { node, cpu } }) {
  const slug = cpu
    .replace(/\((r|tm)\)|\b(cpu|processor|\d+-core)\b|@.*/gi, ' ')
    .trim()
    .replace(/[^a-z0-9]+/gi, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase()
  const parts = [date.slice(0, 10), node, slug || 'unknown']
  if (suite !== 'core') parts.push(suite)
  return `${parts.join('-')}.json`
}

/**
 * Writes results, and says where.
 * @param {Results} run
 * @param {string} [path] Default: bench/results/<date>-<node>-<cpu>.json; a later run of the same day takes its place.
 */
export function save(run, path = join(RESULTS, fileName(run))) {
  mkdirSync(dirname(path), { recursive: true })
  // A row a line: a diff shows what changed.
  const rows = run.rows.map((row) => `\n    ${JSON.stringify(round(row))}`).join(',')
  writeFileSync(path, `${JSON.stringify({ ...run, rows: 0 }, null, 2).replace('"rows": 0', `"rows": [${rows}\n  ]`)}\n`)
  return path
}

/** Four digits: more would be noise. @param {Row} row */
function round(row) {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key,
      typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
    ]),
  )
}

/** @param {string} path @returns {Results} */
export function load(path) {
  const run = JSON.parse(readFileSync(path, 'utf8'))
  const whole = (/** @type {Row} */ row) =>
    typeof row.group === 'string' &&
    typeof row.name === 'string' &&
    [row.median, row.min, row.spread, row.ratio].every(Number.isFinite)
  if (run.format !== 1 || !Array.isArray(run.rows) || !run.rows.every(whole)) {
    throw new Error(`${path} does not hold results of this suite (bench/README.md)`)
  }
  return run
}

/** The newest run of each suite in a folder. @param {string} [folder] @returns {Map<string, Results>} */
export function newest(folder = RESULTS) {
  if (!existsSync(folder)) return new Map()
  const runs = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => load(join(folder, name)))
    .sort((a, b) => a.date.localeCompare(b.date))
  return new Map(runs.map((run) => [run.suite, run]))
}
