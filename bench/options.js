/** A suite's command line. */
import { parseArgs } from 'node:util'
import { UserError } from './print.js'

/** Where the compiler and the allocator put things differs from process to process, which makes up to 15 % in a row. */
export const PROCESSES = 3

/** Wrong options. */
export class Misuse extends UserError {}

/** What --help prints. */
export function usage(suite, { quick, only, numbers, choices = {}, needs }) {
  const isCore = suite === 'core'
  const file = `bench/results/<date>-<node>-<cpu>${isCore ? '' : `-${suite}`}.json`
  const flags = [
    ['quick', quick],
    ['only <regex>', only],
    ...Object.entries(numbers).map(([key, [full, least, what]]) => [
      `${key} <n>`,
      `${what} (default ${full}; quick ${least})`,
    ]),
    ...Object.entries(choices).map(([key, [what]]) => [`${key} <name>`, what]),
    ['baseline <file>', 'compare the run with an earlier one, and mark what changed beyond the noise'],
    ['out <file>', `where the results go (default ${file}, unless --quick or --only)`],
  ]
  const lines = flags.map(([flag, what]) => `  --${flag.padEnd(17)}${what}`)
  return [`npm run bench${isCore ? '' : `:${suite}`} -- [options]\n`, ...lines, ...(needs ? ['', needs] : [])].join(
    '\n',
  )
}

/** The options, checked, with the suite's defaults. */
export function read(args, { numbers, choices = {}, sizes }) {
  const [boolean, string] = [{ type: 'boolean' }, { type: 'string' }]
  const named = [...Object.keys(numbers), ...Object.keys(choices)].map((key) => [key, string])
  const flags = { quick: boolean, help: boolean, only: string, baseline: string, out: string }
  const options = {}
  try {
    Object.assign(options, parseArgs({ args, options: { ...flags, ...Object.fromEntries(named) } }).values)
    options.isPartial = options.quick || options.only !== undefined
    options.only = new RegExp(options.only ?? '', 'i')
  } catch (error) {
    throw new Misuse(error instanceof SyntaxError ? `--only: ${error.message}` : error.message)
  }
  const column = options.quick ? 1 : 0
  options.sizes = sizes?.[column]
  for (const [key, defaults] of Object.entries(numbers)) {
    const value = Number(options[key] ?? defaults[column])
    const isValid = Number.isInteger(value) && value >= (key === 'pairs' ? 0 : 1)
    if (!isValid) throw new Misuse(`--${key} must be a whole number above 0, got ${options[key]}`)
    options[key] = value
  }
  for (const [key, [, ...names]] of Object.entries(choices)) {
    if (options[key] === undefined || names.includes(options[key])) continue
    throw new Misuse(`--${key} must be ${names.join(' or ')}, got ${options[key]}`)
  }
  // Rounds are spread evenly over the processes.
  if (numbers.time) options.rounds = Math.ceil(options.rounds / PROCESSES) * PROCESSES
  return options
}

/** The numbers of a suite whose rounds run in several processes. */
export const inProcesses = (full, quick) => ({
  rounds: [full.rounds, quick.rounds, `rounds of turns, in ${PROCESSES} processes`],
  time: [full.time, quick.time, 'milliseconds for each contender in a round'],
})
