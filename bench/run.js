/** `node bench/run.js <suite>`: runs a suite, prints its tables and records its results. README.md; `--help` lists the options. */
import { fork } from 'node:child_process'
import { relative } from 'node:path'
import { judge } from './baseline.js'
import { isNoisy, summarise } from './measure.js'
import { Misuse, PROCESSES, read, usage } from './options.js'
import { changes, describe, eachGroup, progress, table, times, UserError } from './print.js'
import { load, machine, results, save } from './record.js'

const SUITES = ['core', 'peers', 'http', 'native']

/**
 * A suite is a module that exports
 *
 *   options           its command line: what --quick and --only do; by name, `numbers` with their defaults, full and quick, and what
 *                     they are, and `choices` with what they are and the names to choose from; `sizes`, full and quick; what it `needs`
 *   prepare(options)  checks what is to be timed and resolves to `{ intro, plan, task, fieldsOf, print, measure, end }`: the lines before
 *                     the tables; the list of `{ group, size }`; what its processes have to know; what a row says beside its figures;
 *                     how rows are printed; how they are measured, if not in processes; what to do in the end. All but `plan` are optional
 *   work(task)        in a process of its own: resolves to a function of group and size that gives contenders, by name
 */
async function main([name, ...args]) {
  if (!SUITES.includes(name)) throw new UserError(`node bench/run.js <${SUITES.join(' | ')}> [options]`)
  const suite = await import(`./${name}/suite.js`)
  const options = read(args, suite.options)
  if (options.help) return console.log(usage(name, suite.options))
  // Before minutes have passed, not after.
  const baseline = options.baseline && load(options.baseline)
  const { intro = [], plan, task, fieldsOf = () => ({}), print = byGroup, measure, end } = await suite.prepare(options)
  try {
    if (plan.length === 0) throw new Misuse(`--only ${options.only.source} matches nothing`)
    console.log([describe(machine()), ...intro].join('\n'))
    const figures = await (measure?.(plan) ?? inProcesses({ suite: name, task, plan, ...options }))
    const rows = figures.map((row) => ({ ...row, ...fieldsOf(row) }))
    console.log(`\n${print(rows)}`)
    const { rounds, time = options.seconds * 1000 } = options
    const run = results(name, rows, { rounds, time }, isNoisy(rows))
    if (baseline) console.log(`\n${comparison(run, baseline, options.baseline)}`)
    if (run.noisy) {
      console.log(
        '\nThis machine is too busy to believe: over a quarter of the figures vary by more than 15 %. Run it again.',
      )
    }
    if (options.out || !options.isPartial) console.log(`\nWritten to ${relative('', save(run, options.out))}`)
  } finally {
    end?.()
  }
}

/** The rounds, spread over several processes one after the other. */
async function inProcesses({ suite, task, plan, rounds, time }) {
  const bar = progress()
  const parts = []
  for (let i = 0; i < PROCESSES; i++) {
    const step = (what, part) => bar.step(`process ${i + 1} of ${PROCESSES}, ${what}`, (i + part) / PROCESSES)
    parts.push(await inProcess({ suite, task, plan, rounds: rounds / PROCESSES, time }, step))
  }
  bar.clear()
  return plan.flatMap(({ group, size }, i) => {
    const names = Object.keys(parts[0][i])
    const figures = summarise(Object.fromEntries(names.map((name) => [name, parts.flatMap((part) => part[i][name])])))
    return names.map((name) => ({ group, name, size, ...figures[name] }))
  })
}

function inProcess(task, step) {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('part.js', import.meta.url))
    child.on('message', (message) => (message.step ? step(...message.step) : resolve(message.times)))
    child.on('error', reject)
    // After an answer this changes nothing.
    child.on('exit', () => reject(new Error('a process of the benchmark ended early')))
    child.send(task)
  })
}

const byGroup = (rows) => eachGroup(rows, table)

function comparison(run, baseline, path) {
  const { drift, rows, warnings } = judge(run, baseline)
  const from = `${baseline.date.slice(0, 10)}, commit ${baseline.commit ?? 'unknown'}`
  const marked = rows.filter(({ verdict }) => verdict !== '').length
  return [
    `Against ${path} (${from}): the time now as a multiple.`,
    'Marked: medians and minima moved by more than both spreads together and by more than 5 %, with and without',
    `the machine's own drift (${times(drift)}, by node:crypto alone).`,
    ...warnings.map((warning) => `Careful: ${warning}`),
    `\n${eachGroup(rows, changes)}`,
    `\n${marked} of ${rows.length} rows changed.`,
  ].join('\n')
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UserError) && error.code !== 'ENOENT') throw error
  console.error(error instanceof Misuse ? `${error.message}\n\n--help lists the options` : error.message)
  process.exitCode = 1
}
