/** What the reports come to: passed or failed, and the table of it. */

/** @import { Result } from './conformance.js' */
/** @import { Examined } from './examine.js' */
/** @import { App } from './tools.js' */

/**
 * @typedef {'auto' | 'wasm' | 'node' | 'js' | 'fetch'} Column A backend, or the glue to the Fetch API over 'auto'.
 *
 * @typedef {object} Outcome Of a cell of the table, or of a check.
 * @property {number} total
 * @property {Result[]} failures
 * @property {string} [serves]
 * @property {string} [because] Why this backend is not available here.
 *
 * @typedef {{ title: string, version: string, cells: Outcome[] }} Line
 */

/** @type {Column[]} */
export const COLUMNS = ['auto', 'wasm', 'node', 'js', 'fetch']

/**
 * @param {Pick<App, 'readLetters'>} app @param {string | undefined} expected What should serve; undefined for nothing.
 * @param {Examined | Error | undefined} examined @returns {Outcome}
 */
export function judge(app, expected, examined) {
  if (examined instanceof Error) return summary([crash(examined)])
  if (examined === undefined) return summary([crash(new Error('the report has nothing of this'))])
  const { serves, because, results, letters = [] } = examined
  const right = serves === expected
  const detail = `${serves === undefined ? `nothing serves (${because})` : `'${serves}' serves`}, not ${expected}`
  const availability = { name: 'what serves', ok: right, ...(!right && { detail }) }
  const read = letters.length > 0 ? app.readLetters(letters) : []
  return { ...summary([availability, ...results, ...read]), serves, because }
}

/** @param {Result[]} results @returns {Outcome} */
export const summary = (results) => ({ total: results.length, failures: results.filter(({ ok }) => !ok) })

/** @param {Error} error @returns {Result} */
export const crash = (error) => ({ name: 'runs', ok: false, detail: error.message })

/** @param {Outcome} outcome */
export const score = ({ total, failures }) =>
  failures.length === 0 ? `${total}/${total}` : `FAIL ${total - failures.length}/${total}`

/** The rows as text, and the notes that they refer to. @param {Line[]} lines */
function grid(lines) {
  /** @type {string[]} */
  const notes = []
  /** @param {Outcome} outcome @param {number} column */
  function text({ serves, because, ...outcome }, column) {
    if (outcome.failures.length > 0 || because === undefined) {
      return COLUMNS[column] === 'auto' && serves !== undefined ? `${score(outcome)} (${serves})` : score(outcome)
    }
    if (!notes.includes(because)) notes.push(because)
    return `- [${notes.indexOf(because) + 1}]`
  }
  const rows = lines.map(({ title, version, cells }) => [title, version, ...cells.map(text)])
  return { rows: [['runtime', 'version', ...COLUMNS], ...rows], notes: notes.map((note, i) => `[${i + 1}] ${note}`) }
}

/** @param {Line[]} lines */
export function plainTable(lines) {
  const { rows, notes } = grid(lines)
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)))
  const padded = rows.map((row) =>
    row
      .map((text, i) => text.padEnd(widths[i] + 2))
      .join('')
      .trimEnd(),
  )
  return [...padded, '', 'Not available there:', ...notes].join('\n')
}

/** @param {Line[]} lines */
export function markdownTable(lines) {
  const { rows, notes } = grid(lines)
  const [head, ...body] = rows.map((row) => `| ${row.join(' | ')} |`)
  return [head, `|${'---|'.repeat(rows[0].length)}`, ...body, '', `Not available there: ${notes.join('; ')}.`].join(
    '\n',
  )
}
