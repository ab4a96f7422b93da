/** What a run prints for people: figures, tables, the machine, progress. */
import { NOISY } from './measure.js'

/** An error that the user can do something about: printed as a sentence, without its stack. */
export class UserError extends Error {}

/** Microseconds, three digits. */
export function micros(ns) {
  const us = ns / 1000
  return us < 10 ? us.toFixed(us < 1 ? 3 : 2) : us.toFixed(us < 100 ? 1 : 0)
}

export const times = (ratio) => `${ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(0)}x`
export const percent = (spread) => `${(spread * 100).toFixed(0)} %${spread > NOISY ? ' !' : '  '}`

const distinct = (key) => (rows) => [...new Set(rows.map((row) => row[key]))]
export const groupsOf = distinct('group')
export const sizesOf = distinct('size')
export const namesOf = distinct('name')
const label = (size) => (size === undefined ? '' : `${size} B`)

/** Aligned columns of a list of lines, each a list of cells: to the right, but the first and those from `text` on to the left. */
export function columns(lines, text = Number.POSITIVE_INFINITY) {
  const widths = lines[0].map((_, i) => Math.max(i === 0 ? 16 : 6, ...lines.map((line) => line[i].length)))
  const align = (cell, i) => (i === 0 || i >= text ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))
  return lines.map((line) => line.map(align).join('  ').trimEnd()).join('\n')
}

/** One group's rows: a line a size, a column a name, the others' time as a multiple of the first one's, and the spread. */
export function table(rows) {
  const names = namesOf(rows)
  const [first, ...others] = names
  const lines = sizesOf(rows).map((size) => {
    const own = rows.filter((row) => row.size === size)
    const cell = (name, text) => {
      const row = own.find((one) => one.name === name)
      return row === undefined ? '-' : text(row)
    }
    return [
      label(size),
      ...names.map((name) => cell(name, ({ median }) => micros(median))),
      ...others.map((name) => cell(name, ({ ratio }) => times(ratio))),
      percent(Math.max(...own.map(({ spread }) => spread))),
    ]
  })
  return columns([[rows[0].group, ...names, ...others.map((name) => `${name} / ${first}`), 'spread  '], ...lines])
}

/** One group's judged rows (baseline.js): the time now as a multiple of the baseline's. */
export function changes(rows) {
  const names = namesOf(rows)
  const lines = sizesOf(rows).map((size) => [
    label(size),
    ...names.map((name) => {
      const row = rows.find((one) => one.size === size && one.name === name)
      return row === undefined ? '-' : `${times(row.change)} ${row.verdict.padEnd(6)}`
    }),
  ])
  return columns([[rows[0].group, ...names.map((name) => `${name}       `)], ...lines])
}

/** Every group of the rows, by a function that prints one. */
export const eachGroup = (rows, print) =>
  groupsOf(rows)
    .map((group) => print(rows.filter((row) => row.group === group)))
    .join('\n\n')

export function describe({ node, v8, openssl, cpu, cores, shaNi, platform, arch, ia32cap }) {
  const sha =
    shaNi === null ? 'SHA instructions: unknown' : shaNi ? 'with SHA instructions' : 'without SHA instructions'
  const mask = ia32cap === undefined ? '' : `, OPENSSL_ia32cap=${ia32cap}`
  return `Node ${node} (V8 ${v8}, OpenSSL ${openssl}) on ${cpu} (${cores} cores, ${sha}${mask}), ${platform} ${arch}`
}

/** One line on standard error that each step writes over, with the part that is done; on a terminal only. */
export function progress(stream = process.stderr) {
  const start = Date.now()
  const clear = () => stream.isTTY && stream.write('\r\x1b[K')
  return {
    step(what, part) {
      if (!stream.isTTY) return
      const filled = Math.round(part * 24)
      const left = part === 0 ? '' : `, ${Math.ceil((((Date.now() - start) / part) * (1 - part)) / 1000)} s left`
      clear()
      stream.write(`${'#'.repeat(filled)}${'.'.repeat(24 - filled)} ${what}${left}`)
    },
    clear,
  }
}
