/**
 * Compares two runs row by row and marks what changed beyond the noise.
 *
 * change = new time / old time. A row is marked when four such quotients all lie on the same side of 1, by more than both spreads
 * together and by more than 5 %: that of the medians, that of the minima, and each of the two divided by the machine's own drift.
 * Drift is the median of the same quotient over the kernels' rows that time node:crypto and nothing of this project.
 *
 * Why four: a neighbour that is busy for half a run moves medians, but hardly minima. A machine that is slower today moves both, but the
 * rows of node:crypto as well. A drift that is itself wrong, from a run half disturbed, must not mark what did not move. Why 5 %: two
 * processes of the same build differ by as much in where the compiler and the allocator happened to put things.
 */
import { quantile } from './measure.js'

const MIN_CHANGE = 0.05
const MIN_DRIFT_ROWS = 5
const KERNELS = new Set(['SHA-256', 'HMAC-SHA256', 'ChaCha20', 'base64url encode', 'base64url decode'])

const idOf = ({ group, name, size }) => JSON.stringify([group, name, size])

/**
 * The rows that are in both runs, each with its `change` (of the time a call takes: below 1 is faster) and its `verdict`, the `drift`
 * (1 when there are too few rows to tell), and warnings where the machines differ.
 */
export function judge(run, baseline) {
  const before = new Map(baseline.rows.map((row) => [idOf(row), row]))
  const pairs = run.rows.filter((row) => before.has(idOf(row))).map((row) => ({ row, old: before.get(idOf(row)) }))
  const foreign = pairs.filter(({ row }) => KERNELS.has(row.group) && row.name !== 'wasm')
  const driftOf = (figure) => {
    const quotients = foreign.map((pair) => timeChange(pair, figure))
    return quotients.length < MIN_DRIFT_ROWS ? 1 : quantile(quotients, 0.5)
  }
  const drift = { median: driftOf('median'), min: driftOf('min') }
  const rows = pairs.map((pair) => {
    const { row, old } = pair
    const [change, floor] = [timeChange(pair, 'median'), timeChange(pair, 'min')]
    const least = Math.log1p(Math.max(MIN_CHANGE, row.spread + old.spread))
    const moved = [change, floor, change / drift.median, floor / drift.min].map(Math.log)
    const isFaster = moved.every((one) => one < -least)
    return { ...row, change, verdict: isFaster ? 'faster' : moved.every((one) => one > least) ? 'slower' : '' }
  })
  return { drift: drift.median, rows, warnings: differences(run.machine, baseline.machine) }
}

/** Of the time a call takes: rates are the other way round. */
const timeChange = ({ row, old }, figure) =>
  row.unit === 'req/s' ? old[figure] / row[figure] : row[figure] / old[figure]

const differences = (now, then) =>
  ['node', 'cpu', 'arch', 'ia32cap']
    .filter((fact) => now[fact] !== then[fact])
    .map((fact) => `another ${fact}: ${now[fact]} now, ${then[fact]} in the baseline. That changes figures as well.`)
