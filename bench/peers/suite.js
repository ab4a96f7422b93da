/** The same work done by other packages, with what each does and does not do. */

import { inProcesses } from '../options.js'
import { callOf, jsonOf, loadCodecs, PAIR, SIZES } from '../ours.js'
import { columns, micros, percent, sizesOf, times, UserError } from '../print.js'
import { installed, installPeers } from './install.js'

export const options = {
  quick: 'three sizes and fewer rounds',
  only: "only the peers whose name matches; 'auto', which they are compared with, is always there",
  numbers: inProcesses({ rounds: 15, time: 15 }, { rounds: 6, time: 10 }),
  sizes: [SIZES, [32, 256, 3000]],
}

export async function prepare({ rounds, sizes, only }) {
  // Before anything is fetched.
  await loadCodecs()
  installPeers()
  const { check, checkFormat, contenders, noteOf } = await import('./contenders.js')
  const all = await contenders()
  checkFormat(all)
  const peers = all.filter(({ name }, i) => i === 0 || only.test(name))
  const names = peers.map(({ name }) => name)
  if (peers.length === 1) {
    throw new UserError(`--only ${only.source} matches none of ${all.map(({ name }) => name).join(', ')}`)
  }
  /** Characters of the cookie's value. */
  const lengths = new Map()
  for (const peer of peers) for (const size of sizes) lengths.set(`${peer.name} ${size}`, await check(peer, size))
  return {
    intro: [
      `Microseconds a call; medians over ${rounds} interleaved rounds. Ratio: the time of seal + open, as a multiple of auto's.`,
      'JSON text in and out, no stringify or parse, except where it says so. Async ones are awaited one after the other:',
      'that is what a request waits for, not what several at once could reach.',
    ],
    plan: PAIR.flatMap((group) => sizes.map((size) => ({ group, size }))),
    task: { names },
    fieldsOf({ name }) {
      const version = installed(name)
      return { note: noteOf(peers.find((peer) => peer.name === name)), ...(version && { version }) }
    },
    print: (rows) =>
      [...sizesOf(rows).map((size) => table(peers, rows, size, lengths)), columns(peers.map(remarkOf), 1)].join('\n\n'),
  }
}

export async function work({ names }) {
  const { contenders, inputOf } = await import('./contenders.js')
  const peers = (await contenders()).filter(({ name }) => names.includes(name))
  return async (group, size) => {
    const calls = {}
    for (const peer of peers) {
      const input = inputOf(peer, jsonOf(size))
      calls[peer.name] = callOf(peer, group, input, await peer.seal(input))
    }
    return calls
  }
}

/** Of one size: a line a peer, its figures and what it does for them. */
function table(peers, rows, size, lengths) {
  const facts = ['cookie', 'encrypts', 'authenticates', 'expiry', 'name', 'sync']
  const lines = peers.map(({ name, encrypts, authenticates, expires, isBound, isSync }) => {
    const own = PAIR.map((group) => rows.find((row) => row.group === group && row.name === name && row.size === size))
    return [
      name,
      ...own.map(({ median }) => micros(median)),
      times(own[2].ratio),
      percent(Math.max(...own.map(({ spread }) => spread))),
      String(lengths.get(`${name} ${size}`)),
      ...[encrypts, authenticates, expires, isBound ? 'bound' : '-', isSync ? 'sync' : 'async'],
    ]
  })
  return columns([[`${size} B`, ...PAIR, 'ratio', 'spread  ', ...facts], ...lines], 7)
}

const remarkOf = ({ name, remark }) => [`${name} ${installed(name) ?? ''}`, remark]
