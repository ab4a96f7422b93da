/**
 * `npm run bench:report`: draws bench/charts/*.svg from the newest results of each suite, and the speed table in README.md between
 * its markers. Needs vega and vega-lite; measures nothing.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { caption, charts } from './charts.js'
import { micros, sizesOf, times } from './print.js'
import { newest, RESULTS } from './record.js'

const CHARTS = fileURLToPath(new URL('charts/', import.meta.url))
const README = fileURLToPath(new URL('../README.md', import.meta.url))
const BEGIN = '<!-- speed:begin -->'
const END = '<!-- speed:end -->'

/** An SVG of a Vega-Lite specification. */
export async function draw(spec) {
  const { compile } = await import('vega-lite')
  const { parse, resetSVGDefIds, View } = await import('vega')
  resetSVGDefIds() // else a picture depends on those that were drawn before it
  const view = new View(parse(compile(spec).spec), { renderer: 'none' })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

/** README.md's table, of a run of the core suite. */
export function speedTable(run) {
  const rows = run.rows.filter(({ group }) => group === 'seal + open')
  const lines = sizesOf(rows).map((size) => {
    const own = ['auto', 'wasm', 'node'].map((name) => rows.find((row) => row.size === size && row.name === name))
    const gain = own[2] === undefined ? '-' : times(own[2].ratio)
    return `| ${size.toLocaleString('en')} | ${own.map((row) => (row ? micros(row.median) : '-')).join(' | ')} | ${gain} |`
  })
  return [
    '| bytes of JSON | `auto`, µs | `wasm`, µs | `node`, µs | node / auto |',
    '|---:|---:|---:|---:|---:|',
    ...lines,
    '',
    `Seal + open, medians. ${caption(run)}.`,
  ].join('\n')
}

/** `text` with another table between the markers; undefined when they are missing. */
export function replaceTable(text, table) {
  const from = text.indexOf(BEGIN)
  const to = text.indexOf(END)
  return from < 0 || to < from ? undefined : `${text.slice(0, from + BEGIN.length)}\n\n${table}\n\n${text.slice(to)}`
}

async function main() {
  const runs = newest(RESULTS)
  if (runs.size === 0) {
    console.error('bench/results holds no results: run npm run bench first')
    process.exitCode = 1
    return
  }
  mkdirSync(CHARTS, { recursive: true })
  for (const run of runs.values()) {
    if (run.noisy)
      console.log(`Careful: the newest results of '${run.suite}' come from a machine that was too busy to believe.`)
    for (const [name, spec] of Object.entries(charts(run))) {
      writeFileSync(join(CHARTS, `${name}.svg`), `${await draw(spec)}\n`)
      console.log(`Drawn: bench/charts/${name}.svg (${caption(run)})`)
    }
  }
  const core = runs.get('core')
  if (core === undefined) return
  const table = speedTable(core)
  const readme = replaceTable(readFileSync(README, 'utf8'), table)
  if (readme === undefined) {
    console.log(`\nREADME.md lacks ${BEGIN} and ${END}; between them would go:\n\n${table}`)
  } else {
    writeFileSync(README, readme)
    console.log('Written: the table in README.md')
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main()
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    console.error('vega and vega-lite are missing: run npm install first')
    process.exitCode = 1
  }
}
