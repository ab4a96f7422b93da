/** `npm run bench`: the kernels and the codec, wasm against node:crypto. See README.md; `--help` lists the options. */
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { judge } from './baseline.js'
import { allWork, NotBuilt, SIZES } from './contenders.js'
import { isNoisy, summarise } from './measure.js'
import { part } from './process.js'
import { load, machine, results, save } from './record.js'
import { changes, describe, progress, table, times } from './terminal.js'

/** Where the compiler and the allocator put things differs from process to process, and makes up to 15 % in a row. */
const PROCESSES = 3

const USAGE = `npm run bench -- [options]

  --quick            20 seconds instead of two minutes: fewer sizes, fewer rounds
  --only <regex>     only the rows whose "<group> <size>" matches, as in --only 'seal|open' or --only 'SHA-256 (32|256)$'
  --rounds <n>       rounds of turns, in ${PROCESSES} processes (default 21; quick 9)
  --time <ms>        for each contender in a round (default 27; quick 12)
  --baseline <file>  hold the run against an earlier one, and mark what changed beyond the noise
  --out <file>       where the results go (default bench/results/<date>-<node>-<cpu>.json, unless --quick or --only)
`
const FULL = { rounds: 21, time: 27, sizes: SIZES }
const QUICK = { rounds: 9, time: 12, sizes: [32, 256, 1024, 3000] }

/** @param {string[]} args */
async function main(args) {
  const options = read(args)
  if (options.help) {
    console.log(USAGE)
    return
  }
  // Before two minutes have gone by, not after.
  const baseline = options.baseline === undefined ? undefined : load(options.baseline)
  const groups = Object.entries(await allWork())
    .map(([group]) => ({
      group,
      sizes: options.sizes.filter((size) => options.only.test(`${group} ${size}`)),
    }))
    .filter(({ sizes }) => sizes.length > 0)
  if (groups.length === 0) throw new Misuse(`--only ${options.only.source} matches nothing`)

  const { time } = options
  const rounds = Math.ceil(options.rounds / PROCESSES)
  console.log(describe(machine()))
  console.log(
    `Microseconds a call; medians over ${rounds * PROCESSES} interleaved rounds. Above 1x, the first column is faster.`,
  )
  const rows = await measure(groups, rounds, time)
  for (const { group } of groups) console.log(`\n${table(rows.filter((row) => row.group === group))}`)

  const run = results('core', rows, { rounds: rounds * PROCESSES, time }, isNoisy(rows))
  if (baseline !== undefined) report(run, baseline, options.baseline)
  if (run.noisy) {
    console.log(
      '\nThis machine is too busy to believe: more than a quarter of the figures vary by more than 15 %. Run it again.',
    )
  }
  if (options.out !== undefined || !options.partial) {
    console.log(`\nWritten to ${relative('', save(run, options.out))}`)
  }
}

/**
 * The rounds, spread over several processes one after the other.
 * @param {{ group: string, sizes: number[] }[]} groups
 * @param {number} rounds In each process.
 * @param {number} time
 * @returns {Promise<import('./record.js').Row[]>}
 */
async function measure(groups, rounds, time) {
  const plan = groups.flatMap(({ group, sizes }) => sizes.map((size) => ({ group, size })))
  const bar = progress(PROCESSES * plan.length * (rounds + 1))
  /** @type {import('./part.js').Times[][]} */
  const parts = []
  for (let i = 0; i < PROCESSES; i++) {
    parts.push(
      await part(new URL('part.js', import.meta.url), { plan, rounds, time }, (what) =>
        bar.step(`process ${i + 1} of ${PROCESSES}, ${what}`),
      ),
    )
  }
  bar.clear()
  return plan.flatMap(({ group, size }, i) => {
    const names = Object.keys(parts[0][i])
    const times = Object.fromEntries(names.map((name) => [name, parts.flatMap((one) => one[i][name])]))
    return Object.entries(summarise(times)).map(([name, figure]) => ({ group, name, size, ...figure }))
  })
}

/** @param {string[]} args */
function read(args) {
  const string = /** @type {const} */ ({ type: 'string' })
  const boolean = /** @type {const} */ ({ type: 'boolean', default: false })
  const flags = {
    quick: boolean,
    help: boolean,
    only: string,
    rounds: string,
    time: string,
    baseline: string,
    out: string,
  }
  let values
  try {
    values = parseArgs({ args, options: flags }).values
  } catch (error) {
    throw new Misuse(/** @type {Error} */ (error).message)
  }
  const plan = values.quick ? QUICK : FULL
  return {
    help: values.help,
    only: pattern(values.only ?? ''),
    rounds: count('rounds', values.rounds ?? plan.rounds),
    time: count('time', values.time ?? plan.time),
    sizes: plan.sizes,
    baseline: values.baseline,
    out: values.out,
    partial: values.quick || values.only !== undefined,
  }
}

class Misuse extends Error {}

/** @param {string} source */
function pattern(source) {
  try {
    return new RegExp(source, 'i')
  } catch (error) {
    throw new Misuse(`--only: ${/** @type {Error} */ (error).message}`)
  }
}

/** @param {string} name @param {string | number} value */
function count(name, value) {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new Misuse(`--${name} must be a whole number above 0, got ${value}`)
}

/** @param {import('./record.js').Results} run @param {import('./record.js').Results} baseline @param {string} path */
function report(run, baseline, path) {
  const { drift, rows, warnings } = judge(run, baseline)
  console.log(
    `\nAgainst ${path} (${baseline.date.slice(0, 10)}, commit ${baseline.commit ?? 'unknown'}): the time now as a multiple.`,
  )
  console.log(
    'Marked: medians and minima moved by more than both spreads together and by more than 5 %, with and without',
  )
  console.log(`the machine's own drift (${times(drift)}, by node:crypto alone).`)
  for (const warning of warnings) console.log(`Careful: ${warning}`)
  for (const group of new Set(rows.map((row) => row.group))) {
    console.log(`\n${changes(rows.filter((row) => row.group === group))}`)
  }
  const marked = rows.filter(({ verdict }) => verdict !== '').length
  console.log(`\n${marked} of ${rows.length} rows changed.`)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof Misuse) console.error(`${error.message}\n\n${USAGE}`)
  else if (error instanceof NotBuilt || /** @type {any} */ (error).code === 'ENOENT') console.error(error.message)
  else throw error
  process.exitCode = 1
}
