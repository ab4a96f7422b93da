/**
 * Times things that are to be compared. They take turns in short rounds, so that a machine which slows down slows all of them; what
 * counts is the median over the rounds and, against the first of them, the ratio round by round.
 */
import { Bench } from 'tinybench'

/** Calls in one sample: the clock costs about as much as a small token does. */
const BATCH = 32

/**
 * @param {Record<string, () => unknown>} contenders What to call, by name; the first is what the others are held against.
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
  const names = Object.keys(contenders)
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const bench = new Bench({ time, warmup: round === 0, warmupTime: 50, warmupIterations: 10, throws: true })
    // Each goes first in its turn: what runs after another finds a warmer cache.
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]
      const call = contenders[name]
      bench.add(name, () => {
        for (let n = 0; n < BATCH; n++) call()
      })
    }
    await bench.run()
    for (const task of bench.tasks) times[task.name].push((task.result.latency.p50 * 1e6) / BATCH)
  }
  const first = times[names[0]]
  return Object.fromEntries(
    names.map((name) => {
      const own = times[name]
      const middle = quantile(own, 0.5)
      return [
        name,
        {
          median: middle,
          min: Math.min(...own),
          spread: (quantile(own, 0.75) - quantile(own, 0.25)) / middle,
          ratio: quantile(
            own.map((value, round) => value / first[round]),
            0.5,
          ),
        },
      ]
    }),
  )
}

/** @param {number[]} values @param {number} part */
function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * part
  const low = sorted[Math.floor(at)]
  return low + (sorted[Math.ceil(at)] - low) * (at % 1)
}
