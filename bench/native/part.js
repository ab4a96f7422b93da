/** One process's share of the rounds, as ../part.js does it for the core: C and ours take turns, and while one works the other waits. */
import { BACKENDS, jsonOf } from '../contenders.js'
import { quantile } from '../measure.js'
import { BEGAN, loadCodecs, NAME, SECRET } from '../peers/ours.js'
import { startProgram } from './program.js'

/**
 * @typedef {{ path: string, plan: { group: string, size: number }[], rounds: number, time: number }} Task
 * @typedef {Record<string, number[]>} Times Nanoseconds a call by name, one a round.
 * @typedef {{ step: string } | { times: Times[] }} Message
 */

/** What native.c calls them. @type {Record<string, string>} */
const WORK = { seal: 'seal', open: 'open', 'seal + open': 'both' }

process.once('message', async (/** @type {Task} */ { path, plan, rounds, time }) => {
  const createCodec = await loadCodecs()
  const program = startProgram(path)
  await program.ask('key', SECRET.toString('hex'), Buffer.from(NAME).toString('hex'))
  const prepared = plan.map(({ group, size }) => {
    const ours = BACKENDS.map((backend) => ({ name: backend, call: callOf(createCodec({ backend }), group, size) }))
    const turns = [
      { name: 'native', turn: async () => Number(await program.ask('time', WORK[group], size, time)) },
      ...ours.map(({ name, call }) => ({ name, turn: async () => timeOf(call, time) })),
    ]
    return {
      group,
      size,
      turns,
      times: Object.fromEntries(turns.map(({ name }) => [name, /** @type {number[]} */ ([])])),
    }
  })
  for (const { turns } of prepared) {
    process.send?.({ step: 'warming up' })
    // Twice: the first time is spent in code that is not yet compiled to its best.
    for (const { turn } of [...turns, ...turns]) await turn()
  }
  for (let round = 0; round < rounds; round++) {
    for (const { group, size, turns, times } of prepared) {
      process.send?.({ step: `round ${round + 1} of ${rounds}: ${group}, ${size} B` })
      for (let i = 0; i < turns.length; i++) {
        const { name, turn } = turns[(i + round) % turns.length]
        times[name].push(await turn())
      }
    }
  }
  program.stop()
  process.send?.({ times: prepared.map(({ times }) => times) }, () => process.disconnect())
})

/** @param {import('../peers/ours.js').TextCodec} codec @param {string} group @param {number} size */
function callOf(codec, group, size) {
  const json = jsonOf(size)
  const token = codec.seal(json, BEGAN)
  if (group === 'seal') return () => codec.seal(json, BEGAN)
  if (group === 'open') return () => codec.open(token)
  return () => codec.open(codec.seal(json, BEGAN))
}

/** As native.c does it: so many calls that a sample takes about 50 us, and the samples' median. @param {() => unknown} call @param {number} ms */
function timeOf(call, ms) {
  const begun = performance.now()
  for (let i = 0; i < 100; i++) call()
  const batch = Math.max(1, Math.floor(0.05 / ((performance.now() - begun) / 100)))
  const end = performance.now() + ms
  const samples = []
  do {
    const from = performance.now()
    for (let i = 0; i < batch; i++) call()
    samples.push(((performance.now() - from) / batch) * 1e6)
  } while (samples.length < 3 || performance.now() < end)
  return quantile(samples, 0.5)
}
