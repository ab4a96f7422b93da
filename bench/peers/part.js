/** One process's share of the rounds, as ../part.js does it for the core. */
import { jsonOf } from '../contenders.js'
import { prepare } from '../measure.js'
import { contenders, inputOf } from './contenders.js'

/** @import { Peer } from './contenders.js' */

/**
 * @typedef {{ names: string[], plan: { group: string, size: number }[], rounds: number, time: number }} Task
 * @typedef {Record<string, number[]>} Times Nanoseconds a call by name, one a round.
 * @typedef {{ step: string } | { times: Times[] }} Message
 */

process.once('message', async (/** @type {Task} */ { names, plan, rounds, time }) => {
  const peers = (await contenders()).filter(({ name }) => names.includes(name))
  const comparisons = []
  for (const { group, size } of plan) {
    process.send?.({ step: 'warming up' })
    comparisons.push(await prepare(await callsOf(peers, group, size), time))
  }
  for (let round = 1; round <= rounds; round++) {
    for (const [i, { group, size }] of plan.entries()) {
      process.send?.({ step: `round ${round} of ${rounds}: ${group}, ${size} B` })
      await comparisons[i].turn()
    }
  }
  process.send?.({ times: comparisons.map(({ times }) => times) }, () => process.disconnect())
})

/** @param {Peer[]} peers @param {string} group @param {number} size @returns {Promise<Record<string, () => unknown>>} */
async function callsOf(peers, group, size) {
  const calls = peers.map(async (peer) => {
    const { name, isSync, seal, open } = peer
    const input = inputOf(peer, jsonOf(size))
    const value = await seal(input)
    if (group === 'seal') return [name, () => seal(input)]
    if (group === 'open') return [name, () => open(value)]
    return [name, isSync ? () => open(seal(input)) : async () => open(await seal(input))]
  })
  return Object.fromEntries(await Promise.all(calls))
}
