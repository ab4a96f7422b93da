/** Tables and progress for people. */
import { NOISY } from './measure.js'

/** @import { Row, Results } from './record.js' */

/** Three digits. @param {number} ns */
export function micros(ns) {
  const us = ns / 1000
  return us < 10 ? us.toFixed(us < 1 ? 3 : 2) : us.toFixed(us < 100 ? 1 : 0)
}

/** @param {number} ratio */
export const times = (ratio) => `${ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(0)}x`

/** @param {Row[]} rows Of one group. */
export const sizesOf = (rows) => [...new Set(rows.map(({ size }) => size))]

/** @param {Row[]} rows Of one group. */
export const namesOf = (rows) => [...new Set(rows.map(({ name }) => name))]

/** @param {Row[]} rows Of one group: a line a size, a column a name, what the others take of the first one's time, and the spread. */
export function table(rows) {
  const [first, ...others] = namesOf(rows)
  const names = [first, ...others]
  const widths = names.map((name) => Math.max(9, name.length + 3))
  const quotients = others.map((name) => `${name} / ${first}`.padStart(name.length + first.length + 6))
  const head = `${rows[0].group.padEnd(18)}${names.map((name, i) => name.padStart(widths[i])).join('')}${quotients.join('')}   spread`
  const lines = sizesOf(rows).map((size) => {
    const own = rows.filter((row) => row.size === size)
    const of = (/** @type {string} */ name) => own.find((row) => row.name === name)
    const figures = names.map((name, i) => (of(name) ? micros(of(name).median) : '-').padStart(widths[i]))
    const ratios = others.map((name, i) => (of(name) ? times(of(name).ratio) : '-').padStart(quotients[i].length))
    const spread = Math.max(...own.map((row) => row.spread))
    const percent = `${(spread * 100).toFixed(0)} %${spread > NOISY ? ' !' : '  '}`.padStart(11)
    return `${label(size).padEnd(18)}${figures.join('')}${ratios.join('')}${percent}`.trimEnd()
  })
  return [head, ...lines].join('\n')
}

/** @param {import('./baseline.js').Judged[]} rows Of one group: the time of now as a multiple of the baseline's. */
export function changes(rows) {
  const names = namesOf(rows)
  const head = `${rows[0].group.padEnd(18)}${names.map((name) => name.padStart(9).padEnd(17)).join('')}`.trimEnd()
  const lines = sizesOf(rows).map((size) => {
    const cells = names.map((name) => {
      const row = rows.find((one) => one.size === size && one.name === name)
      return row === undefined
        ? '-'.padStart(9).padEnd(17)
        : `${times(row.change).padStart(9)} ${row.verdict.padEnd(7)}`
    })
    return `${label(size).padEnd(18)}${cells.join('')}`.trimEnd()
  })
  return [head, ...lines].join('\n')
}

/** @param {Results['machine']} machine */
export function describe({ node, v8, openssl, cpu, cores, shaNi, platform, arch, ia32cap }) {
  const sha =
    shaNi === null ? 'SHA instructions: unknown' : shaNi ? 'with SHA instructions' : 'without SHA instructions'
  const mask = ia32cap === undefined ? '' : `, OPENSSL_ia32cap=${ia32cap}`
  return `Node ${node} (V8 ${v8}, OpenSSL ${openssl}) on ${cpu} (${cores} cores, ${sha}${mask}), ${platform} ${arch}`
}

/** @param {number | undefined} size */
const label = (size) => (size === undefined ? '' : `${size} B`)

/** One line that is written over, on a terminal only. @param {number} total @param {NodeJS.WriteStream} [stream] */
export function progress(total, stream = process.stderr) {
  const start = Date.now()
  let done = 0
  const clear = () => stream.isTTY && stream.write('\r\x1b[K')
  return {
    /** @param {string} what */
    step(what) {
      if (!stream.isTTY) return
      const filled = Math.round((done / total) * 24)
      const left = done === 0 ? '' : `, ${Math.ceil((((Date.now() - start) / done) * (total - done)) / 1000)} s left`
      clear()
      stream.write(`${'#'.repeat(filled)}${'.'.repeat(24 - filled)} ${what}${left}`)
      done++
    },
    clear,
  }
}
