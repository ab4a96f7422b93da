/** Results as they are kept: one JSON file a run, with the facts of the machine (README.md, The shape of results). */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const RESULTS = fileURLToPath(new URL('results/', import.meta.url))

export function machine() {
  const { node, v8, openssl } = process.versions
  const processors = cpus()
  const { OPENSSL_ia32cap: ia32cap } = process.env
  return {
    node: `v${node}`,
    v8,
    openssl,
    cpu: processors[0]?.model.trim() || 'unknown processor',
    cores: processors.length,
    shaNi: hasSha(),
    platform: process.platform,
    arch: process.arch,
    ...(ia32cap !== undefined && { ia32cap }),
  }
}

/** Whether the processor has instructions for SHA-256, as Linux reports it (x86: sha_ni, ARM: sha2); null: unknown. */
function hasSha() {
  try {
    return /^(flags|Features)\s*:.*\b(sha_ni|sha2)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'))
  } catch {
    return null
  }
}

/** The commit, with a '+' when files have changed since; null outside of git. */
export function commit() {
  const git = (...args) =>
    execFileSync('git', args, { cwd: dirname(RESULTS), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') && '+')
  } catch {
    return null
  }
}

export function results(suite, rows, settings, noisy = false) {
  const date = new Date().toISOString()
  return { format: 1, suite, date, commit: commit(), machine: machine(), settings, noisy, rows }
}

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

/** Writes results and returns where. The default is a file in results/, which replaces that of an earlier run on the same day. */
export function save(run, path = join(RESULTS, fileName(run))) {
  mkdirSync(dirname(path), { recursive: true })
  // A row a line, so that a diff shows what changed.
  const rows = run.rows.map((row) => `\n    ${JSON.stringify(row, rounded)}`).join(',')
  writeFileSync(path, `${JSON.stringify({ ...run, rows: 0 }, null, 2).replace('"rows": 0', `"rows": [${rows}\n  ]`)}\n`)
  return path
}

/** Four digits: more would be noise. */
const rounded = (_, value) =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value

export function load(path) {
  const run = JSON.parse(readFileSync(path, 'utf8'))
  const isRow = ({ group, name, median, min, spread, ratio }) =>
    typeof group === 'string' && typeof name === 'string' && [median, min, spread, ratio].every(Number.isFinite)
  if (run.format !== 1 || !Array.isArray(run.rows) || !run.rows.every(isRow)) {
    throw new Error(`${path} does not hold results of this suite (bench/README.md)`)
  }
  return run
}

/** The newest run of each suite in a folder, by the suite's name. */
export function newest(folder = RESULTS) {
  if (!existsSync(folder)) return new Map()
  const runs = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => load(join(folder, name)))
    .sort((a, b) => a.date.localeCompare(b.date))
  return new Map(runs.map((run) => [run.suite, run]))
}
