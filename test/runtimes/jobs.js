/** What the runners of test/ share: which of their subjects are asked for, and work that is done side by side and comes to an end. */
import { setMaxListeners } from 'node:events'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

/**
 * The command line: --only and --require, names separated by commas, and flags.
 * @param {string[]} names @param {string} what They name. @param {string[]} flags
 */
export function readArgs(names, what, ...flags) {
  const text = /** @type {const} */ ({ type: 'string' })
  const flag = /** @type {const} */ ({ type: 'boolean', default: false })
  const options = { only: text, require: text, ...Object.fromEntries([...flags, 'help'].map((name) => [name, flag])) }
  const { values } = parseArgs({ options })
  const list = (/** @type {string | undefined} */ value) => (value === undefined ? undefined : value.split(','))
  const require = list(values.require) ?? []
  const only = list(values.only) ?? names
  const unknown = [...require, ...only].filter((name) => !names.includes(name))
  if (unknown.length > 0) throw new Error(`there is no ${what} ${unknown.join(', ')}; there are ${names.join(', ')}`)
  const left = require.filter((name) => !only.includes(name))
  if (left.length > 0) throw new Error(`--require wants ${left.join(', ')}, which --only leaves out`)
  return { ...values, only, require }
}

/** As many at a time as there are processors. @param {(() => Promise<void>)[]} jobs */
export async function inParallel(jobs) {
  const queue = [...jobs]
  const work = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await job()
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
}

/**
 * What the work comes to, or the error that it ends with. All that it has started is ended with it.
 * @template T @param {string} title @param {number} ms @param {(signal: AbortSignal) => Promise<T>} work @returns {Promise<T | Error>}
 */
export async function within(title, ms, work) {
  const controller = new AbortController()
  // One for each process that the work starts.
  setMaxListeners(0, controller.signal)
  const timer = setTimeout(() => controller.abort(), ms)
  const late = new Promise((_, reject) => {
    const error = new Error(`${title} has not answered within ${ms / 1000} s`)
    controller.signal.addEventListener('abort', () => reject(error))
  })
  try {
    return /** @type {T} */ (await Promise.race([work(controller.signal), late]))
  } catch (error) {
    return /** @type {Error} */ (error)
  } finally {
    clearTimeout(timer)
    controller.abort()
  }
}
