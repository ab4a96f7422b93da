/** A part of a suite in a process of its own: what the compiler and the allocator make of the code differs from one to the next. */
import { fork } from 'node:child_process'

/**
 * Runs a module that is sent one task, tells its steps and answers with times (bench/part.js and its like).
 * @template Times
 * @param {URL} module
 * @param {import('node:child_process').Serializable} task
 * @param {(what: string) => void} step
 * @returns {Promise<Times[]>}
 */
export function part(module, task, step) {
  return new Promise((resolve, reject) => {
    const child = fork(module)
    child.on('message', (/** @type {{ step: string } | { times: Times[] }} */ message) => {
      if ('step' in message) step(message.step)
      else resolve(message.times)
    })
    child.on('error', reject)
    // After an answer this changes nothing.
    child.on('exit', () => reject(new Error('a process of the benchmark ended early')))
    child.send(task)
  })
}
