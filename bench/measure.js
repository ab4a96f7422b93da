/**
 * Times things that are to be compared. They take turns in short rounds, so that a machine that slows down slows all of them. A row's
 * figure is the median over the rounds and, against the row's first contender, the median of the ratios round by round.
 */

import { setImmediate } from 'node:timers/promises'

/** Milliseconds a sample: many calls, since reading the clock costs about as much as sealing a small token. */
const SAMPLE = 0.05
const MAX_BATCH = 4096
const WARM_UP_BATCH = 16

/** A row that varies by more is doubtful; when a quarter of the rows do, the run is. */
export const NOISY = 0.15

/**
 * `rows` is a list of `{ label, turns }`, `turns` an object of functions by name. Every round goes through all rows: a neighbour that is
 * busy for ten seconds disturbs one round of each row instead of all rounds of one. `step`
 * is called with what comes next and with the part that is done. Resolves to what each turn gave: by row and name, one entry a round.
 */
export async function takeTurns(rows, rounds, step = () => {}) {
  const found = rows.map(({ turns }) => Object.fromEntries(Object.keys(turns).map((name) => [name, []])))
  const total = rounds * rows.reduce((sum, { turns }) => sum + Object.keys(turns).length, 0)
  let done = 0
  for (let round = 0; round < rounds; round++) {
    for (const [i, { label, turns }] of rows.entries()) {
      const names = Object.keys(turns)
      for (let n = 0; n < names.length; n++) {
        // Each goes first in some round: whatever runs second finds a warmer cache.
        const name = names[(n + round) % names.length]
        step(`round ${round + 1} of ${rounds}: ${label}, ${name}`, done++ / total)
        // Node's own tasks, which free what a turn left behind, run between turns.
        await setImmediate()
        found[i][name].push(await turns[name]())
      }
    }
  }
  return found
}

/** Warms calls up and makes turns of them: functions that resolve to nanoseconds a call. A contender that has a `turn` brings its own. */
export async function turnsOf(contenders, ms) {
  const turns = {}
  for (const [name, contender] of Object.entries(contenders)) {
    turns[name] = contender.turn === undefined ? await timed(contender, ms) : () => contender.turn(ms)
  }
  return turns
}

/** A call that returns a promise is awaited, call by call. */
async function timed(call, ms) {
  const probe = call()
  const isAsync = typeof probe?.then === 'function'
  await probe
  const run = isAsync
    ? async (batch) => {
        for (let n = 0; n < batch; n++) await call()
      }
    : (batch) => {
        for (let n = 0; n < batch; n++) call()
      }
  const warm = Math.min(25, ms)
  // Twice: the first time is spent in code that is not yet fully optimised.
  await sample(run, WARM_UP_BATCH, warm)
  const batch = Math.round((SAMPLE * 1e6) / (await sample(run, WARM_UP_BATCH, warm)))
  return () => sample(run, Math.min(MAX_BATCH, Math.max(1, batch)), ms)
}

/** Nanoseconds a call: the median of the samples that fit into `ms`, at least three. */
async function sample(run, batch, ms) {
  const samples = []
  const end = performance.now() + ms
  do {
    const start = performance.now()
    const running = run(batch)
    if (running !== undefined) await running
    samples.push(((performance.now() - start) * 1e6) / batch)
  } while (samples.length < 3 || performance.now() < end)
  return quantile(samples, 0.5)
}

/** Figures by name of one group of contenders, in the order given. `time`: milliseconds for each of them in a round. */
export async function compare(contenders, { rounds = 9, time = 15 } = {}) {
  const [times] = await takeTurns([{ turns: await turnsOf(contenders, time) }], rounds)
  return summarise(times)
}

/** `times` has a list by name, one entry a round. `min` is the least; `spread`, how far apart the quartiles are as a part of the median. */
export function summarise(times) {
  const [first] = Object.values(times)
  const figures = Object.entries(times).map(([name, own]) => {
    const median = quantile(own, 0.5)
    const spread = (quantile(own, 0.75) - quantile(own, 0.25)) / median
    const ratios = own.map((value, round) => value / first[round])
    return [name, { median, min: Math.min(...own), spread, ratio: quantile(ratios, 0.5) }]
  })
  return Object.fromEntries(figures)
}

/** Whether so many rows vary so much that the run is not to be believed. */
export const isNoisy = (rows) => rows.filter(({ spread }) => spread > NOISY).length > rows.length / 4

/** Interpolates linearly between two values. */
export function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * part
  const low = sorted[Math.floor(at)]
  return low + (sorted[Math.ceil(at)] - low) * (at % 1)
}
