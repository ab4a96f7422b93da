/** `npm run bench:native`: the same format in C on OpenSSL (native.c), the physical limit. `--help` lists the options. */
import { relative } from 'node:path'
import { SIZES } from '../contenders.js'
import { isNoisy, summarise } from '../measure.js'
import { Misuse, pattern, readArgs, start, whole } from '../peers/options.js'
import { loadCodecs } from '../peers/ours.js'
import { part } from '../process.js'
import { machine, results, save } from '../record.js'
import { describe, progress, table } from '../terminal.js'
import { check } from './check.js'
import { build, startProgram } from './program.js'

/** Where the compiler and the allocator put things differs from process to process (../README.md). */
const PROCESSES = 3

const USAGE = `npm run bench:native -- [options]

  --quick            three sizes and fewer rounds
  --only <regex>     only the rows whose "<group> <size>" matches, as in --only 'seal . open (256|1024)$'
  --rounds <n>       rounds of turns, in ${PROCESSES} processes (default 21; quick 6)
  --time <ms>        for each contender in a round (default 15; quick 10)
  --out <file>       where the results go (default bench/results/<date>-<node>-<cpu>-native.json, unless --quick or --only)

Needs a C compiler (CC names another than cc) and OpenSSL 3's headers.
`
const FULL = { rounds: 21, time: 15, sizes: SIZES }
const QUICK = { rounds: 6, time: 10, sizes: [32, 256, 3000] }
const GROUPS = ['seal', 'open', 'seal + open']
/** @type {Record<string, string>} */
const NOTES = { native: 'C on OpenSSL: contexts reused, midstates kept, no JavaScript strings to make' }

/** @param {string[]} args */
async function main(args) {
  const values = readArgs(args, { quick: 'boolean', only: 'string', rounds: 'string', time: 'string', out: 'string' })
  if (values.help) {
    console.log(USAGE)
    return
  }
  const defaults = values.quick ? QUICK : FULL
  const rounds = Math.ceil(whole('rounds', values.rounds ?? defaults.rounds) / PROCESSES)
  const time = whole('time', values.time ?? defaults.time)
  const only = pattern(values.only)
  const plan = GROUPS.flatMap((group) => defaults.sizes.map((size) => ({ group, size }))).filter(({ group, size }) =>
    only.test(`${group} ${size}`),
  )
  if (plan.length === 0) throw new Misuse(`--only ${values.only} matches nothing`)

  // Before anything is compiled.
  await loadCodecs()
  const { path, remove } = build()
  try {
    const program = startProgram(path)
    const version = await program.ask('version')
    await check(program)
    program.stop()

    console.log(describe(machine()))
    console.log(
      `C on ${version}: the same bytes, checked at every length up to 300 and at each size. Microseconds a call; medians over`,
    )
    console.log(`${rounds * PROCESSES} interleaved rounds. Ratio: what ours takes of C's time.`)
    const rows = await measure(path, plan, { rounds, time })
    for (const group of new Set(plan.map(({ group }) => group))) {
      console.log(`\n${table(rows.filter((row) => row.group === group))}`)
    }

    const run = results('native', rows, { rounds: rounds * PROCESSES, time }, isNoisy(rows))
    if (run.noisy) {
      console.log(
        '\nThis machine is too busy to believe: more than a quarter of the figures vary by more than 15 %. Run it again.',
      )
    }
    if (values.out !== undefined || !(values.quick || values.only !== undefined)) {
      console.log(`\nWritten to ${relative('', save(run, values.out))}`)
    }
  } finally {
    remove()
  }
}

/**
 * The rounds, spread over several processes one after the other.
 * @param {string} path @param {{ group: string, size: number }[]} plan @param {{ rounds: number, time: number }} settings
 * @returns {Promise<import('../record.js').Row[]>}
 */
async function measure(path, plan, { rounds, time }) {
  const bar = progress(PROCESSES * plan.length * (rounds + 1))
  /** @type {import('./part.js').Times[][]} */
  const parts = []
  for (let i = 0; i < PROCESSES; i++) {
    const step = (/** @type {string} */ what) => bar.step(`process ${i + 1} of ${PROCESSES}, ${what}`)
    parts.push(await part(new URL('part.js', import.meta.url), { path, plan, rounds, time }, step))
  }
  bar.clear()
  return plan.flatMap(({ group, size }, i) => {
    const names = Object.keys(parts[0][i])
    const times = Object.fromEntries(names.map((name) => [name, parts.flatMap((one) => one[i][name])]))
    return Object.entries(summarise(times)).map(([name, figure]) => {
      const note = NOTES[name]
      return { group, name, size, ...figure, ...(note && { note }) }
    })
  })
}

await start(main, USAGE)
