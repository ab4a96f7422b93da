/**
 * `npm run test:runtimes`: the conformance suite (conformance.js) in every runtime there is, over every backend. `--help` lists the options.
 */
import { groups as browsers } from './browsers.js'
import { inParallel, readArgs, within } from './jobs.js'
import { groups as oneCookie } from './one-cookie.js'
import { groups as programs } from './programs.js'
import { COLUMNS, crash, judge, markdownTable, plainTable, score, summary } from './table.js'
import { createApp, installTools } from './tools.js'
import { groups as workerd } from './workerd.js'

/** @import { Result } from './conformance.js' */
/** @import { Column, Line, Outcome } from './table.js' */
/** @import { Examined } from './examine.js' */
/** @import { App } from './tools.js' */

/**
 * @typedef {Record<Column, Examined>} Report
 * @typedef {(context: { app: App, signal: AbortSignal }) => Promise<Report>} Run
 *
 * @typedef {object} Row Of the table.
 * @property {string} title
 * @property {Partial<Record<Column, string>>} serves What does the work, for each that is available here.
 * @property {Run} run
 *
 * @typedef {object} Group What is asked for by one name.
 * @property {string} name
 * @property {() => string | undefined} missing Why it cannot run on this machine. Installs what can be.
 * @property {() => string} version
 * @property {Row[]} rows
 * @property {Check[]} [checks]
 *
 * @typedef {object} Check What has no place in the table.
 * @property {string} title
 * @property {(context: { app: App, signal: AbortSignal }) => Promise<Result[]>} run
 */

const GROUPS = [...programs, ...workerd, ...browsers, ...oneCookie]
const NAMES = GROUPS.map(({ name }) => name)
const TIMEOUT_MS = 120_000

const USAGE = `npm run test:runtimes -- [options]

  --only <names>      only these, separated by commas
  --require <names>   fail when one of these cannot run here, instead of saying that it is skipped
  --markdown          print the table as docs/runtimes.md has it

Names: ${NAMES.join(', ')}
`

async function main() {
  const { only, require, markdown, help } = readArgs(NAMES, 'runtime', 'markdown')
  if (help) return console.log(USAGE)
  const started = Date.now()
  installTools()
  /** @type {Map<string, string>} */
  const skipped = new Map()
  const groups = GROUPS.filter(({ name, missing }) => {
    const because = only.includes(name) ? missing() : undefined
    if (because !== undefined) skipped.set(name, because)
    return only.includes(name) && because === undefined
  })
  const app = createApp()

  const rows = groups.flatMap((group) => {
    const version = group.version()
    return group.rows.map((row) => ({ ...row, version }))
  })
  const checks = groups.flatMap((group) => group.checks ?? [])
  /** @type {Line[]} */
  const lines = []
  /** @type {{ title: string, outcome: Outcome }[]} */
  const checked = []
  await inParallel([
    ...rows.map(({ title, version, serves, run }, i) => async () => {
      const since = Date.now()
      const report = await within(title, TIMEOUT_MS, (signal) => run({ app, signal }))
      const cells = COLUMNS.map((name) => judge(app, serves[name], report instanceof Error ? report : report[name]))
      lines[i] = { title, version, cells }
      progress(title, since, cells)
    }),
    ...checks.map(({ title, run }, i) => async () => {
      const since = Date.now()
      const results = await within(title, TIMEOUT_MS, (signal) => run({ app, signal }))
      const outcome = summary(results instanceof Error ? [crash(results)] : results)
      checked[i] = { title, outcome }
      progress(title, since, [outcome])
    }),
  ])

  console.log(`\n${markdown ? markdownTable(lines) : plainTable(lines)}\n`)
  for (const { title, outcome } of checked) console.log(`${title}: ${score(outcome)}`)
  for (const [name, because] of skipped) console.log(`SKIPPED: ${name}: ${because}`)
  const failed = [...lines.flatMap(({ cells }) => cells), ...checked.map(({ outcome }) => outcome)].filter(
    ({ failures }) => failures.length > 0,
  )
  const lacking = require.filter((name) => skipped.has(name))
  if (lacking.length > 0) console.log(`Required, and not tested: ${lacking.join(', ')}`)
  console.log(`${Math.round((Date.now() - started) / 1000)} s`)
  if (failed.length > 0 || lacking.length > 0) process.exitCode = 1
}

/** @param {string} title @param {number} since @param {Outcome[]} outcomes */
function progress(title, since, outcomes) {
  const failures = outcomes.flatMap((outcome) => outcome.failures)
  console.log(`${failures.length === 0 ? 'ok  ' : 'FAIL'}  ${title} (${((Date.now() - since) / 1000).toFixed(1)} s)`)
  const told = new Set(failures.slice(0, 8).map(({ name, detail }) => `      ${name}: ${detail ?? ''}`))
  for (const line of told) console.log(line)
  if (failures.length > 8) console.log(`      and ${failures.length - 8} more`)
}

await main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
// Work that has been given up may still wait for something.
process.exit()
