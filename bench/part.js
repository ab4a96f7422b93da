/** One process's share of the rounds: run.js starts it, tells it what to do, and hears what it took. */
import { allWork } from './contenders.js'
import { prepare } from './measure.js'

/**
 * @typedef {Record<string, number[]>} Times Nanoseconds a call by name, one a round.
 * @typedef {{ plan: { group: string, size: number }[], rounds: number, time: number }} Task
 * @typedef {{ step: string } | { times: Times[] }} Message
 */

process.once('message', async (/** @type {Task} */ { plan, rounds, time }) => {
  const work = await allWork()
  const comparisons = []
  for (const { group, size } of plan) {
    process.send?.({ step: 'warming up' })
    comparisons.push(await prepare(work[group](size), time))
  }
  // Each round goes through everything: a neighbour who is busy for ten seconds disturbs one round of all, not all rounds of one.
  for (let round = 1; round <= rounds; round++) {
    for (const [i, { group, size }] of plan.entries()) {
      process.send?.({ step: `round ${round} of ${rounds}: ${group}, ${size} B` })
      await comparisons[i].turn()
    }
  }
  process.send?.({ times: comparisons.map(({ times }) => times) }, () => process.disconnect())
})
