/**
 * Times things that are to be compared. They take turns in short rounds, so that a machine which slows down slows all of them; what
 * counts is the median over the rounds and, against the first of them, the ratio round by round.
 */
import { Bench } from 'tinybench'

/** Milliseconds a sample: many calls, since the clock costs about as much as sealing a small token does. */
const SAMPLE = 0.05
const MAX_BATCH = 4096

/** A row that varies by more is doubtful; when a quarter of the rows do, the run is. */
export const NOISY = 0.15

/**
 * @param {Record<string, () => unknown>} contenders What to call, by name; the first is what the others are held against. One that
 *   returns a promise is awaited, call by call.
 * @param {{ rounds?: number, time?: number }} [options] Rounds, and milliseconds for each contender in a round.
 * @returns {Promise<Record<string, Figure>>}
 *
 * @typedef {object} Figure
 * @property {number} median Nanoseconds a call: the median over the rounds.
 * @property {number} min Nanoseconds a call: the fastest round.
 * @property {number} spread How far the middle half of the rounds lies apart, as a part of the median.
 * @property {number} ratio Median over the rounds of this one's time divided by the first one's.
 */
export async function compare(contenders, { rounds = 9, time = 15 } = {}) {
  const comparison = await prepare(contenders, time)
  for (let round = 0; round < rounds; round++) await comparison.turn()
  return summarise(comparison.times)
}

/**
 * The same, for one who has several comparisons to make and spreads the rounds of each over the whole run.
 * @param {Record<string, () => unknown>} contenders
 * @param {number} time Milliseconds for each contender in a round.
 */
export async function prepare(contenders, time) {
  const names = Object.keys(contenders)
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(names.map((name) => [name, []]))
  /** @type {Record<string, Task>} */
  const tasks = {}
  for (const name of names) tasks[name] = await warmUp(contenders[name], time)
  let round = 0
  return {
    /** One round: each has its turn. */
    async turn() {
      const bench = new Bench({ time, iterations: 3, warmup: false, throws: true })
      // Each goes first in its turn: what runs after another finds a warmer cache.
      for (let i = 0; i < names.length; i++) {
        const name = names[(i + round) % names.length]
        bench.add(name, tasks[name].run, { async: tasks[name].async })
      }
      await bench.run()
      for (const { name, result } of bench.tasks) times[name].push((result.latency.p50 * 1e6) / tasks[name].batch)
      round++
    },
    /** Nanoseconds a call by name, one a round so far. */
    times,
  }
}

/**
 * Nanoseconds by name, one a round, into figures.
 * @param {Record<string, number[]>} times
 * @returns {Record<string, Figure>}
 */
export function summarise(times) {
  const [first] = Object.values(times)
  return Object.fromEntries(
    Object.entries(times).map(([name, own]) => {
      const median = quantile(own, 0.5)
      return [
        name,
        {
          median,
          min: Math.min(...own),
          spread: (quantile(own, 0.75) - quantile(own, 0.25)) / median,
          ratio: quantile(
            own.map((value, round) => value / first[round]),
            0.5,
          ),
        },
      ]
    }),
  )
}

/** Whether so many rows vary so much that the run is not to be believed. @param {{ spread: number }[]} rows */
export function isNoisy(rows) {
  return rows.filter(({ spread }) => spread > NOISY).length > rows.length / 4
}

/** Between two values, in proportion. @param {number[]} values @param {number} part */
export function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * part
  const low = sorted[Math.floor(at)]
  return low + (sorted[Math.ceil(at)] - low) * (at % 1)
}

/**
 * Runs a contender warm, and finds out how many calls make a sample.
 * @typedef {{ run: () => unknown, async: boolean, batch: number }} Task
 * @param {() => unknown} call
 * @param {number} time
 * @returns {Promise<Task>}
 */
async function warmUp(call, time) {
  const probe = call()
  const async = typeof (/** @type {any} */ (probe)?.then) === 'function'
  await probe
  const warm = Math.min(50, 2 * time)
  // Twice: the first half is spent in code that is not yet compiled to its best.
  await callsIn(call, async, warm / 2)
  const calls = await callsIn(call, async, warm / 2)
  const batch = Math.min(MAX_BATCH, Math.max(1, Math.round((calls * SAMPLE) / (warm / 2))))
  const run = async
    ? async () => {
        for (let n = 0; n < batch; n++) await call()
      }
    : () => {
        for (let n = 0; n < batch; n++) call()
      }
  return { run, async, batch }
}

/** @param {() => unknown} call @param {boolean} async @param {number} ms */
async function callsIn(call, async, ms) {
  const end = performance.now() + ms
  let calls = 0
  do {
    calls++
    if (async) await call()
    else call()
  } while (performance.now() < end)
  return calls
}
