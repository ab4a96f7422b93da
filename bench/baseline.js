/**
 * Two runs held against each other, row by row: what changed beyond the noise.
 *
 * change = new time / old time. A row is marked when four such quotients all lie on the same side of 1, by more than both spreads
 * together and by more than 5 %: that of the medians, that of the minima, and each of the two divided by the machine's own drift.
 * Drift is the median of the same quotient over the kernels' rows that time node:crypto and nothing of this project.
 *
 * Why so many: a neighbour who is busy for half a run moves medians, but hardly minima; a machine that is slower today moves both, but
 * the foreign rows as well; and a drift that is itself wrong, from a run half disturbed, must not mark what did not move. 5 %: two
 * processes of the same build differ by as much in where the compiler and the allocator happened to put things.
 */
import { quantile } from './measure.js'

/** @import { Results, Row } from './record.js' */

const LEAST = 0.05
const ENOUGH = 5
const FOREIGN = new Set(['SHA-256', 'HMAC-SHA256', 'ChaCha20', 'base64url encode', 'base64url decode'])

/** @param {Pick<Row, 'group' | 'name' | 'size'>} row */
const idOf = ({ group, name, size }) => JSON.stringify([group, name, size])

/**
 * @typedef {Row & { change: number, verdict: 'faster' | 'slower' | '' }} Judged `change` is of the time a call takes: below 1 is faster.
 * @param {Pick<Results, 'machine' | 'rows'>} run
 * @param {Pick<Results, 'machine' | 'rows'>} baseline
 * @returns {{ drift: number, rows: Judged[], warnings: string[] }} The rows that are in both; drift 1 when too few tell.
 */
export function judge(run, baseline) {
  const before = new Map(baseline.rows.map((row) => [idOf(row), row]))
  const pairs = run.rows.flatMap((row) => {
    const old = before.get(idOf(row))
    return old === undefined ? [] : [{ row, old }]
  })
  const foreign = pairs.filter(({ row }) => FOREIGN.has(row.group) && row.name !== 'wasm')
  const driftOf = (/** @type {'median' | 'min'} */ of) => {
    const quotients = foreign.map((pair) => timeChange(pair, of))
    return quotients.length < ENOUGH ? 1 : quantile(quotients, 0.5)
  }
  const drift = { median: driftOf('median'), min: driftOf('min') }
  const rows = pairs.map((pair) => {
    const { row, old } = pair
    const [change, floor] = [timeChange(pair, 'median'), timeChange(pair, 'min')]
    const least = Math.log1p(Math.max(LEAST, row.spread + old.spread))
    const moved = [change, floor, change / drift.median, floor / drift.min].map(Math.log)
    return { ...row, change, verdict: verdictOf(moved, least) }
  })
  return { drift: drift.median, rows, warnings: differences(run.machine, baseline.machine) }
}

/** @param {number[]} moved @param {number} least @returns {'faster' | 'slower' | ''} */
function verdictOf(moved, least) {
  if (moved.every((one) => one < -least)) return 'faster'
  return moved.every((one) => one > least) ? 'slower' : ''
}

/** Of the time a call takes: rates are the other way round. @param {{ row: Row, old: Row }} pair @param {'median' | 'min'} of */
function timeChange({ row, old }, of) {
  return row.unit === 'req/s' ? old[of] / row[of] : row[of] / old[of]
}

/** @param {Results['machine']} now @param {Results['machine']} then */
function differences(now, then) {
  const facts = /** @type {const} */ (['node', 'cpu', 'arch', 'ia32cap'])
  return facts
    .filter((fact) => now[fact] !== then[fact])
    .map((fact) => `another ${fact}: ${now[fact]} now, ${then[fact]} in the baseline. That changes figures as well.`)
}
