/** `npm run bench:http`: Connect on loopback, end to end, with each session middleware. `--help` lists the options. */
import { relative } from 'node:path'
import { isNoisy, NOISY, quantile, summarise } from '../measure.js'
import { installPeers } from '../peers/install.js'
import { Misuse, pattern, readArgs, start, whole } from '../peers/options.js'
import { machine, results, save } from '../record.js'
import { describe, progress } from '../terminal.js'
import { BARE, contendersOf, MODES, middleware, NOTES, OURS, SESSION_BYTES } from './contenders.js'
import { CONNECTIONS, loader } from './load.js'
import { check, startServer } from './servers.js'

/** @import { Mode } from './contenders.js' */
/** @import { Loader } from './load.js' */
/** @import { Server } from './servers.js' */
/** @import { Row } from '../record.js' */

/** Two processes of one program differ by as much as what a session that is never touched costs, so its pairs are spread over several. */
const PROCESSES = 3

const USAGE = `npm run bench:http -- [options]

  --quick            a minute and a half instead of seven
  --only <regex>     only what matches "<mode> <name>", as in --only 'rw (auto|cookie-session)'; modes are rw, r, untouched
  --rounds <n>       rounds of turns (default 9; quick 2)
  --seconds <n>      for each contender in a round, whole ones (default 2; quick 1)
  --pairs <n>        rounds of the paired measure of a request that never touches the session, one second a server, in ${PROCESSES}
                     processes (default 21; quick 3; 0: none)
  --load <program>   wrk or autocannon (default: wrk where it is installed)
  --out <file>       where the results go (default bench/results/<date>-<node>-<cpu>-http.json, unless --quick or --only)
`
const FULL = { rounds: 9, seconds: 2, pairs: 21 }
const QUICK = { rounds: 2, seconds: 1, pairs: 3 }

/** @param {string[]} args */
async function main(args) {
  const options = read(args)
  if (options === undefined) {
    console.log(USAGE)
    return
  }
  const { rounds, seconds, only } = options
  const plan = MODES.map((mode) => {
    const [first, ...others] = contendersOf(mode)
    const chosen = others.filter((name) => only.test(`${mode} ${name}`))
    return { mode, names: chosen.length === 0 ? [] : [first, ...chosen] }
  }).filter(({ names }) => names.length > 0)
  if (plan.length === 0) throw new Misuse(`--only ${only.source} matches nothing`)

  // Before anything is fetched: says so when there is nothing built.
  await middleware(OURS[0])
  installPeers()
  const { name: program, load } = loader(options.load)
  console.log(describe(machine()))
  console.log(
    `Connect on loopback, ${CONNECTIONS} connections from ${program}, a session of ${SESSION_BYTES} bytes; medians over ${rounds} interleaved rounds.`,
  )
  if (program === 'autocannon') {
    console.log(
      'Careful: autocannon takes as much of a CPU as a server does, and may bound the rates; believe CPU / request.',
    )
    console.log('Its p50 and p99 are whole milliseconds.')
    if (options.load === undefined)
      console.log('wrk is better at both: install it (on Debian and Ubuntu: apt-get install wrk).')
  }
  if (machine().cores < 2)
    console.log('Careful: server and load share the only core. Believe CPU / request, not the rates.')

  const rows = await measure(plan, load, { rounds, seconds })
  for (const { mode } of plan) console.log(`\n${TITLES[mode]}\n${table(rows.filter(({ group }) => group === mode))}`)

  const untouched = rows.find(({ group, name }) => group === 'untouched' && name === OURS[0])
  if (untouched !== undefined && options.pairs > 0) {
    const pairs = await paired(load, options.pairs)
    console.log(`\n${pairs.text}`)
    Object.assign(untouched, pairs.fields)
  }

  const run = results('http', rows, { rounds, time: seconds * 1000 }, isNoisy(rows))
  if (run.noisy) {
    console.log(
      '\nThis machine is too busy to believe: more than a quarter of the rates vary by more than 15 %. Run it again.',
    )
  }
  if (options.out !== undefined || !options.partial) console.log(`\nWritten to ${relative('', save(run, options.out))}`)
}

/** @param {string[]} args */
function read(args) {
  const string = /** @type {const} */ ('string')
  const flags = { rounds: string, seconds: string, pairs: string, only: string, load: string, out: string }
  const values = readArgs(args, { quick: 'boolean', ...flags })
  if (values.help) return undefined
  const plan = values.quick ? QUICK : FULL
  if (values.load !== undefined && values.load !== 'wrk' && values.load !== 'autocannon') {
    throw new Misuse(`--load must be wrk or autocannon, got ${values.load}`)
  }
  return {
    rounds: whole('rounds', values.rounds ?? plan.rounds),
    seconds: whole('seconds', values.seconds ?? plan.seconds),
    pairs: values.pairs === '0' ? 0 : whole('pairs', values.pairs ?? plan.pairs),
    only: pattern(values.only),
    load: values.load,
    out: values.out,
    partial: values.quick || values.only !== undefined,
  }
}

/** @type {Record<Mode, string>} */
const TITLES = {
  rw: 'rw: every request reads the session and changes it, and the response issues it anew',
  r: 'r: every request reads the session',
  untouched: 'untouched: the middleware is there, the session is never touched',
}

/**
 * @typedef {{ rate: number, p50: number, p99: number, cpu: number }} Turn `cpu`: microseconds a request.
 * @param {Server} server @param {Mode} mode @param {Loader} load @param {number} seconds
 * @returns {Promise<Turn>}
 */
async function turn({ name, url, cookie, ask }, mode, load, seconds) {
  const before = await ask(mode)
  let found
  try {
    found = await load(url, cookie, seconds)
  } catch (error) {
    throw new Error(`${name}, ${mode}: ${/** @type {Error} */ (error).message}`, { cause: error })
  }
  const after = await ask()
  return { ...found, cpu: (after.cpu - before.cpu) / (after.requests - before.requests) }
}

/** Starts these, hands them to `use`, and ends them whatever happens. @template T @param {string[]} names @param {(servers: Server[]) => Promise<T>} use @returns {Promise<T>} */
async function withServers(names, use) {
  /** @type {Server[]} */
  const servers = []
  try {
    for (const name of names) {
      servers.push(await startServer(name))
    }
    // The bare server's client sends a cookie as well.
    const cookie = servers.find(({ name }) => name === OURS[0])?.cookie ?? ''
    for (const server of servers) if (server.name === BARE) server.cookie = cookie
    for (const server of servers) await check(server)
    return await use(servers)
  } finally {
    for (const server of servers) server.stop()
  }
}

/**
 * @param {{ mode: Mode, names: string[] }[]} plan @param {Loader} load @param {{ rounds: number, seconds: number }} settings
 * @returns {Promise<Row[]>}
 */
function measure(plan, load, { rounds, seconds }) {
  const names = [...new Set([BARE, OURS[0], ...plan.flatMap(({ names }) => names)])]
  const turns = plan.reduce((sum, { names }) => sum + names.length, 0)
  return withServers(names, async (servers) => {
    const of = (/** @type {string} */ name) => /** @type {Server} */ (servers.find((server) => server.name === name))
    const bar = progress(turns * (rounds + 1))
    const found = plan.map(({ names }) => Object.fromEntries(names.map((name) => [name, /** @type {Turn[]} */ ([])])))
    for (const { mode, names } of plan) {
      for (const name of names) {
        bar.step(`warming up: ${mode}, ${name}`)
        await turn(of(name), mode, load, 1)
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const [i, { mode, names }] of plan.entries()) {
        for (let n = 0; n < names.length; n++) {
          // Each goes first in its turn.
          const name = names[(n + round) % names.length]
          bar.step(`round ${round + 1} of ${rounds}: ${mode}, ${name}`)
          found[i][name].push(await turn(of(name), mode, load, seconds))
        }
      }
    }
    bar.clear()
    return plan.flatMap(({ mode }, i) => rowsOf(mode, found[i]))
  })
}

/** @param {Mode} mode @param {Record<string, Turn[]>} found @returns {Row[]} */
function rowsOf(mode, found) {
  const each = (/** @type {(turn: Turn) => number} */ what) =>
    Object.fromEntries(Object.entries(found).map(([name, turns]) => [name, turns.map(what)]))
  const [rates, cpu] = [summarise(each(({ rate }) => rate)), summarise(each((turn) => turn.cpu))]
  const [p50, p99] = [each((turn) => turn.p50), each((turn) => turn.p99)]
  return Object.entries(rates).map(([name, figure]) => ({
    group: mode,
    name,
    unit: 'req/s',
    ...figure,
    p50: quantile(p50[name], 0.5),
    p99: quantile(p99[name], 0.5),
    cpu: cpu[name].median,
    // The same way round as the ratio of the rates: what part of the bare server's requests the same CPU time answers.
    cpuOfBare: 1 / cpu[name].ratio,
    note: NOTES[name],
  }))
}

/**
 * What a request costs that never touches its session: the CPU time of a request with the middleware less that of one without,
 * measured in pairs. Beside it the same between two bare servers, which is what the measure itself is uncertain by.
 * @param {Loader} load @param {number} count
 */
async function paired(load, count) {
  const rounds = Math.ceil(count / PROCESSES)
  const bar = progress(PROCESSES * 3 * (rounds + 1))
  /** @type {number[]} */
  const ours = []
  /** @type {number[]} */
  const control = []
  for (let process = 1; process <= PROCESSES; process++) {
    await withServers([BARE, BARE, OURS[0]], async (servers) => {
      for (let round = 0; round <= rounds; round++) {
        /** @type {number[]} */
        const cpu = []
        for (let n = 0; n < servers.length; n++) {
          const i = (n + round) % servers.length
          bar.step(`untouched in pairs: process ${process} of ${PROCESSES}, round ${round} of ${rounds}`)
          cpu[i] = (await turn(servers[i], 'untouched', load, 1)).cpu
        }
        // The first warms up.
        if (round === 0) continue
        // Against the mean of both bare ones: half the noise comes from there.
        ours.push(cpu[2] - (cpu[0] + cpu[1]) / 2)
        control.push(cpu[1] - cpu[0])
      }
    })
  }
  bar.clear()
  const three = (/** @type {number[]} */ list) => [0.25, 0.5, 0.75].map((part) => quantile(list, part))
  const say = (/** @type {number[]} */ [low, median, high]) =>
    `${signed(median)} us (middle half ${signed(low)} to ${signed(high)})`
  const [own, other] = [three(ours), three(control)]
  return {
    text: [
      `A request that never touches its session, CPU time over bare Connect, ${ours.length} paired rounds over ${PROCESSES} times new processes:`,
      `  ours        ${say(own)}`,
      `  bare itself ${say(other)}, which is what this measure is uncertain by`,
    ].join('\n'),
    fields: { cpuOverBare: own[1], cpuOverBareMiddleHalf: [own[0], own[2]], cpuOfBareOverItself: other[1] },
  }
}

/** @param {number} us */
const signed = (us) => `${us < 0 ? '-' : '+'}${Math.abs(us).toFixed(2)}`

/** @param {any[]} rows Of one mode: a line a server. */
function table(rows) {
  const head = ['', 'req/s', 'of bare', 'p50 ms', 'p99 ms', 'CPU us / request', 'of bare', 'spread', '']
  const lines = rows.map(({ name, median, ratio, p50, p99, cpu, cpuOfBare, spread, note }) => [
    name,
    Math.round(median).toLocaleString('en'),
    ratio.toFixed(2),
    p50.toFixed(2),
    p99.toFixed(2),
    cpu.toFixed(1),
    cpuOfBare.toFixed(2),
    `${(spread * 100).toFixed(0)} %${spread > NOISY ? '!' : ' '}`,
    note,
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map((line) => line[i].length)))
  return [head, ...lines]
    .map((line) =>
      line
        .map((cell, i) => (i === 0 || i === 8 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

await start(main, USAGE)
