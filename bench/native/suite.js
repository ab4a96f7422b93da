/** The same format in C on OpenSSL (native.c): the physical limit. */

import { inProcesses } from '../options.js'
import { BACKENDS, BEGAN, callOf, derived, jsonOf, loadCodecs, PAIR, SIZES } from '../ours.js'
import { check } from './check.js'
import { build, startProgram } from './program.js'

export const options = {
  quick: 'three sizes and fewer rounds',
  only: `only the rows whose "<group> <size>" matches, as in --only 'seal . open (256|1024)$'`,
  numbers: inProcesses({ rounds: 21, time: 15 }, { rounds: 6, time: 10 }),
  sizes: [SIZES, [32, 256, 3000]],
  needs: "Needs a C compiler (CC names another than cc) and OpenSSL 3's headers.",
}

const NOTE = 'C on OpenSSL: contexts reused, midstates kept, no JavaScript strings to make'
/** native.c's words for the groups. */
const WORDS = { seal: 'seal', open: 'open', 'seal + open': 'both' }

export async function prepare({ rounds, sizes, only }) {
  // Before anything is compiled.
  const codecOf = await loadCodecs()
  const { path, remove } = build()
  try {
    const program = startProgram(path)
    const version = await program.ask('version')
    await check(program, codecOf)
    program.stop()
    return {
      intro: [
        `C on ${version}: the same bytes, checked at every length up to 300 and at each size. Microseconds a call; medians over`,
        `${rounds} interleaved rounds. Ratio: our time as a multiple of C's.`,
      ],
      plan: PAIR.flatMap((group) => sizes.map((size) => ({ group, size }))).filter(({ group, size }) =>
        only.test(`${group} ${size}`),
      ),
      task: { path },
      fieldsOf: ({ name }) => (name === 'native' ? { note: NOTE } : {}),
      end: remove,
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** The program takes its own time, the way measure.js does. While one side works, the other waits. */
export async function work({ path }) {
  const codecOf = await loadCodecs()
  const program = startProgram(path)
  await program.ask('key', derived().toString('hex'))
  return (group, size) => {
    const json = jsonOf(size)
    const ours = BACKENDS.map((backend) => {
      const codec = codecOf({ backend })
      return [backend, callOf(codec, group, json, codec.seal(json, BEGAN))]
    })
    const native = { turn: async (ms) => Number(await program.ask('time', WORDS[group], size, ms)) }
    return { native, ...Object.fromEntries(ours) }
  }
}
