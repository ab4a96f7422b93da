/** Connect on loopback, end to end, with each session middleware: requests a second, and the CPU time that one takes. */
import { quantile, summarise, takeTurns } from '../measure.js'
import { PROCESSES } from '../options.js'
import { BACKENDS, loadCodecs } from '../ours.js'
import { installPeers } from '../peers/install.js'
import { columns, eachGroup, percent, progress } from '../print.js'
import { machine } from '../record.js'
import { CONNECTIONS, loader } from './load.js'
import { BARE, SESSION_BYTES, withServers } from './servers.js'

export const options = {
  quick: 'a minute and a half instead of seven',
  only: `only what matches "<mode> <name>", as in --only 'rw (auto|cookie-session)'; modes are rw, r, untouched`,
  numbers: {
    rounds: [9, 2, 'rounds of turns'],
    seconds: [2, 1, 'whole seconds for each contender in a round'],
    pairs: [21, 3, 'paired rounds, a second a server, of what an untouched session costs; 0: none'],
  },
  choices: { load: ['wrk or autocannon (default: wrk where it is installed)', 'wrk', 'autocannon'] },
}

const [OURS, ...OTHER_BACKENDS] = BACKENDS
const MODES = {
  rw: 'rw: every request reads the session and changes it, and the response issues it again',
  r: 'r: every request reads the session',
  untouched: 'untouched: the middleware is there, the session is never touched',
}
const NOTES = {
  [BARE]: 'no session; the client sends a cookie all the same',
  ...Object.fromEntries(BACKENDS.map((name) => [name, 'encrypts (ChaCha20) and authenticates (HMAC-SHA256)'])),
  'cookie-session': 'signs (HMAC-SHA1), does not encrypt; enforces no expiry',
  'client-sessions': 'encrypts (AES-256-CBC) and authenticates (HMAC-SHA256)',
  'express-session': 'signs the session\u2019s id (HMAC-SHA256); the data stays in the memory of one process',
}

export async function prepare({ rounds, seconds, pairs, only, load: forced }) {
  const plan = Object.keys(MODES).map((mode) => {
    // A request that never touches the session is the same with every backend.
    const others = Object.keys(NOTES).filter((name) => mode !== 'untouched' || !OTHER_BACKENDS.includes(name))
    return { mode, names: others.filter((name) => name === BARE || only.test(`${mode} ${name}`)) }
  })
  // Before anything is fetched.
  await loadCodecs()
  installPeers()
  const { name: program, load } = loader(forced)
  const warnings = [
    'Careful: autocannon takes as much of a CPU as a server does, and may bound the rates; believe CPU / request.',
    'Its p50 and p99 are whole milliseconds.',
    'wrk is better at both: install it (on Debian and Ubuntu: apt-get install wrk).',
  ].slice(0, program === 'wrk' ? 0 : forced === undefined ? 3 : 2)
  if (machine().cores < 2) {
    warnings.push('Careful: server and load share the only core. Believe CPU / request, not the rates.')
  }
  return {
    intro: [
      `Connect on loopback, ${CONNECTIONS} connections from ${program}, a session of ${SESSION_BYTES} bytes; medians over ${rounds} interleaved rounds.`,
      ...warnings,
    ],
    plan: plan.filter(({ names }) => names.length > 1),
    async measure(plan) {
      const rows = await underLoad(plan, load, rounds, seconds)
      const untouched = rows.find(({ group, name }) => group === 'untouched' && name === OURS)
      if (untouched !== undefined && pairs > 0) Object.assign(untouched, await paired(load, pairs))
      return rows
    },
    fieldsOf: ({ name }) => ({ note: NOTES[name] }),
    print: (rows) =>
      [eachGroup(rows, table), ...rows.filter(({ cpuOverBare }) => cpuOverBare !== undefined).map(cost)].join('\n\n'),
  }
}

/** One server's turn; `cpu` is microseconds a request. */
async function turn({ name, url, cookie, ask }, mode, load, seconds) {
  const before = await ask(mode)
  const found = await load(url, cookie, seconds).catch((error) => {
    throw new Error(`${name}, ${mode}: ${error.message}`, { cause: error })
  })
  const after = await ask()
  return { ...found, cpu: (after.cpu - before.cpu) / (after.requests - before.requests) }
}

async function underLoad(plan, load, rounds, seconds) {
  const names = [...new Set([BARE, OURS, ...plan.flatMap(({ names }) => names)])]
  return withServers(names, async (servers) => {
    const bar = progress()
    const rowsOf = (seconds) =>
      plan.map(({ mode, names }) => {
        const own = servers.filter(({ name }) => names.includes(name))
        const turns = own.map((server) => [server.name, () => turn(server, mode, load, seconds)])
        return { label: mode, turns: Object.fromEntries(turns) }
      })
    await takeTurns(rowsOf(1), 1, (what) => bar.step(`warming up: ${what}`, 0))
    const found = await takeTurns(rowsOf(seconds), rounds, bar.step)
    bar.clear()
    return plan.flatMap(({ mode }, i) => figuresOf(mode, found[i]))
  })
}

function figuresOf(mode, found) {
  const each = (figure) => {
    return Object.fromEntries(Object.entries(found).map(([name, turns]) => [name, turns.map((one) => one[figure])]))
  }
  const [rates, cpu, p50, p99] = ['rate', 'cpu', 'p50', 'p99'].map((figure) => summarise(each(figure)))
  return Object.entries(rates).map(([name, figure]) => ({
    group: mode,
    name,
    unit: 'req/s',
    ...figure,
    p50: p50[name].median,
    p99: p99[name].median,
    cpu: cpu[name].median,
    // The same way round as the ratio of the rates: what part of the bare server's requests the same CPU time answers.
    cpuOfBare: 1 / cpu[name].ratio,
  }))
}

/**
 * The cost of a request that never touches its session: the CPU time of a request with the middleware, less that of one without,
 * in pairs. Two processes of one program differ by as much, so several are started. The difference between two bare servers is the
 * measure's own uncertainty.
 */
async function paired(load, count) {
  const rounds = Math.ceil(count / PROCESSES)
  const bar = progress()
  const pairs = []
  for (let process = 0; process < PROCESSES; process++) {
    await withServers([BARE, BARE, OURS], async (servers) => {
      const turns = Object.fromEntries(servers.map((server, i) => [i, () => turn(server, 'untouched', load, 1)]))
      const step = (what, part) => {
        bar.step(`in pairs, process ${process + 1} of ${PROCESSES}, ${what}`, (process + part) / PROCESSES)
      }
      const [found] = await takeTurns([{ label: 'untouched', turns }], rounds + 1, step)
      const [one, two, ours] = Object.values(found).map((own) => own.map(({ cpu }) => cpu))
      // The first round warms up. Against the mean of both bare servers, since half of the noise comes from there.
      for (let n = 1; n <= rounds; n++) pairs.push([ours[n] - (one[n] + two[n]) / 2, two[n] - one[n]])
    })
  }
  bar.clear()
  const quartiles = (i) => {
    const differences = pairs.map((pair) => pair[i])
    return [0.25, 0.5, 0.75].map((part) => quantile(differences, part))
  }
  const [[low, cpuOverBare, high], [bareLow, cpuOfBareOverItself, bareHigh]] = [quartiles(0), quartiles(1)]
  return {
    pairs: pairs.length,
    cpuOverBare,
    cpuOverBareMiddleHalf: [low, high],
    cpuOfBareOverItself,
    cpuOfBareOverItselfMiddleHalf: [bareLow, bareHigh],
  }
}

/** What paired() found, in words. */
function cost(row) {
  const signed = (us) => `${us < 0 ? '-' : '+'}${Math.abs(us).toFixed(2)}`
  const say = (median, half) => `${signed(median)} us (middle half ${half.map(signed).join(' to ')})`
  return [
    `A request that never touches its session, CPU time over bare Connect, ${row.pairs} paired rounds over ${PROCESSES} times new processes:`,
    `  ours        ${say(row.cpuOverBare, row.cpuOverBareMiddleHalf)}`,
    `  bare itself ${say(row.cpuOfBareOverItself, row.cpuOfBareOverItselfMiddleHalf)}, which is this measure's uncertainty`,
  ].join('\n')
}

/** One mode's rows: a line a server. */
function table(rows) {
  const head = ['', 'req/s', 'of bare', 'p50 ms', 'p99 ms', 'CPU us / request', 'of bare', 'spread  ', '']
  const lines = rows.map(({ name, median, ratio, p50, p99, cpu, cpuOfBare, spread, note }) => [
    name,
    Math.round(median).toLocaleString('en'),
    ...[ratio, p50, p99].map((value) => value.toFixed(2)),
    cpu.toFixed(1),
    cpuOfBare.toFixed(2),
    percent(spread),
    note,
  ])
  return `${MODES[rows[0].group]}\n${columns([head, ...lines], 8)}`
}
