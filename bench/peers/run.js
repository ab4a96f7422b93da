/** `npm run bench:peers`: the same work done by other packages, and what each does and does not do. `--help` lists the options. */
import { relative } from 'node:path'
import { SIZES } from '../contenders.js'
import { isNoisy, NOISY, summarise } from '../measure.js'
import { part } from '../process.js'
import { machine, results, save } from '../record.js'
import { describe, micros, progress, times } from '../terminal.js'
import { installed, installPeers } from './install.js'
import { Misuse, pattern, readArgs, start, whole } from './options.js'
import { loadCodecs } from './ours.js'

/** @import { Peer } from './contenders.js' */
/** @import { Row } from '../record.js' */

/** Where the compiler and the allocator put things differs from process to process (../README.md). */
const PROCESSES = 3

const USAGE = `npm run bench:peers -- [options]

  --quick            three sizes and fewer rounds
  --only <regex>     only the peers whose name matches; 'auto', which they are held against, is always there
  --rounds <n>       rounds of turns, in ${PROCESSES} processes (default 15; quick 6)
  --time <ms>        for each contender in a round (default 15; quick 10)
  --out <file>       where the results go (default bench/results/<date>-<node>-<cpu>-peers.json, unless --quick or --only)
`
const FULL = { rounds: 15, time: 15, sizes: SIZES }
const QUICK = { rounds: 6, time: 10, sizes: [32, 256, 3000] }
const GROUPS = ['seal', 'open', 'seal + open']

/** @param {string[]} args */
async function main(args) {
  const values = readArgs(args, { quick: 'boolean', only: 'string', rounds: 'string', time: 'string', out: 'string' })
  if (values.help) {
    console.log(USAGE)
    return
  }
  const plan = values.quick ? QUICK : FULL
  const rounds = Math.ceil(whole('rounds', values.rounds ?? plan.rounds) / PROCESSES)
  const time = whole('time', values.time ?? plan.time)
  const only = pattern(values.only)

  // Before anything is fetched.
  await loadCodecs()
  installPeers()
  const { check, checkFormat, contenders } = await import('./contenders.js')
  const all = await contenders()
  await checkFormat(all)
  const [first, ...others] = all
  const peers = [first, ...others.filter(({ name }) => only.test(name))]
  if (peers.length === 1)
    throw new Misuse(`--only ${values.only} matches none of ${all.map(({ name }) => name).join(', ')}`)

  console.log(describe(machine()))
  console.log(
    `Microseconds a call; medians over ${rounds * PROCESSES} interleaved rounds. Ratio: the time of seal + open, as a multiple of auto's.`,
  )
  console.log(
    'JSON text in and out, no stringify or parse, except where it says so. Async ones are awaited one after the other:',
  )
  console.log('that is what a request waits for, not what several at once could reach.')
  const lengths = await checkAll(peers, plan.sizes, check)
  const rows = await measure(peers, plan.sizes, { rounds, time })
  for (const size of plan.sizes) {
    console.log(`\n${table(peers, rows, size, lengths)}`)
  }
  console.log(`\n${remarks(peers)}`)

  const run = results('peers', rows, { rounds: rounds * PROCESSES, time }, isNoisy(rows))
  if (run.noisy) {
    console.log(
      '\nThis machine is too busy to believe: more than a quarter of the figures vary by more than 15 %. Run it again.',
    )
  }
  if (values.out !== undefined || !(values.quick || values.only !== undefined)) {
    console.log(`\nWritten to ${relative('', save(run, values.out))}`)
  }
}

/**
 * Nothing is timed before it is checked.
 * @param {Peer[]} peers @param {number[]} sizes @param {(peer: Peer, size: number) => Promise<number>} check
 * @returns {Promise<Map<string, number>>} Characters of the cookie's value, by name and size.
 */
async function checkAll(peers, sizes, check) {
  const lengths = new Map()
  for (const peer of peers) {
    for (const size of sizes) lengths.set(`${peer.name} ${size}`, await check(peer, size))
  }
  return lengths
}

/**
 * The rounds, spread over several processes one after the other.
 * @param {Peer[]} peers @param {number[]} sizes @param {{ rounds: number, time: number }} settings
 * @returns {Promise<Row[]>}
 */
async function measure(peers, sizes, { rounds, time }) {
  const { noteOf } = await import('./contenders.js')
  const names = peers.map(({ name }) => name)
  const plan = GROUPS.flatMap((group) => sizes.map((size) => ({ group, size })))
  const bar = progress(PROCESSES * plan.length * (rounds + 1))
  /** @type {import('./part.js').Times[][]} */
  const parts = []
  for (let i = 0; i < PROCESSES; i++) {
    const step = (/** @type {string} */ what) => bar.step(`process ${i + 1} of ${PROCESSES}, ${what}`)
    parts.push(await part(new URL('part.js', import.meta.url), { names, plan, rounds, time }, step))
  }
  bar.clear()
  return plan.flatMap(({ group, size }, i) => {
    const times = Object.fromEntries(names.map((name) => [name, parts.flatMap((one) => one[i][name])]))
    const figures = summarise(times)
    return peers.map((peer) => {
      const version = installed(peer.name)
      return { group, name: peer.name, size, ...figures[peer.name], note: noteOf(peer), ...(version && { version }) }
    })
  })
}

/** Of one size: a line a peer, its figures and what it does for them. @param {Peer[]} peers @param {Row[]} rows @param {number} size @param {Map<string, number>} lengths */
function table(peers, rows, size, lengths) {
  const head = [
    `${size} B`,
    ...GROUPS,
    'ratio',
    'spread',
    'cookie',
    'encrypts',
    'authenticates',
    'expiry',
    'name',
    'sync',
  ]
  const lines = peers.map(({ name, encrypts, authenticates, expires, isBound, isSync }) => {
    const own = GROUPS.map((group) => rows.find((row) => row.group === group && row.name === name && row.size === size))
    const spread = Math.max(...own.map((row) => row?.spread ?? 0))
    return [
      name,
      ...own.map((row) => (row ? micros(row.median) : '-')),
      times(own[2]?.ratio ?? Number.NaN),
      `${(spread * 100).toFixed(0)} %${spread > NOISY ? '!' : ' '}`,
      String(lengths.get(`${name} ${size}`)),
      encrypts,
      authenticates,
      expires,
      isBound ? 'bound' : '-',
      isSync ? 'sync' : 'async',
    ]
  })
  return columns([head, ...lines], 1, 7)
}

/** @param {Peer[]} peers */
function remarks(peers) {
  return peers
    .filter(({ remark }) => remark)
    .map(({ name, remark }) => `${`${name}${installed(name) ? ` ${installed(name)}` : ''}`.padEnd(29)}${remark}`)
    .join('\n')
}

/** Aligned; from column `from` to before `to` to the right. @param {string[][]} lines @param {number} from @param {number} to */
function columns(lines, from, to) {
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)))
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i >= from && i < to ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

await start(main, USAGE)
