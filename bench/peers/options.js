/** Command lines of the three comparisons that stand in folders of their own: peers, http, native. */
import { parseArgs } from 'node:util'
import { NotBuilt } from '../contenders.js'
import { NotInstalled } from './install.js'

export class Misuse extends Error {}

/**
 * @param {string[]} args
 * @param {Record<string, 'string' | 'boolean'>} flags `help` is added.
 * @returns {Record<string, any>}
 */
export function readArgs(args, flags) {
  const options = Object.fromEntries(
    Object.entries({ ...flags, help: 'boolean' }).map(([name, type]) => [name, { type }]),
  )
  try {
    return parseArgs({ args, options: /** @type {any} */ (options) }).values
  } catch (error) {
    throw new Misuse(/** @type {Error} */ (error).message)
  }
}

/** @param {string} name @param {string | number} value */
export function whole(name, value) {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new Misuse(`--${name} must be a whole number above 0, got ${value}`)
}

/** @param {string} name @param {string | number} value */
export function positive(name, value) {
  const number = Number(value)
  if (Number.isFinite(number) && number > 0) return number
  throw new Misuse(`--${name} must be a number above 0, got ${value}`)
}

/** @param {string} [source] */
export function pattern(source = '') {
  try {
    return new RegExp(source, 'i')
  } catch (error) {
    throw new Misuse(`--only: ${/** @type {Error} */ (error).message}`)
  }
}

/**
 * Runs a script's main(). What the user can do something about is told in a sentence, anything else with its stack.
 * @param {(args: string[]) => unknown} main
 * @param {string} usage
 */
export async function start(main, usage) {
  try {
    await main(process.argv.slice(2))
  } catch (error) {
    if (error instanceof Misuse) console.error(`${error.message}\n\n${usage}`)
    else if (error instanceof NotBuilt || error instanceof NotInstalled) console.error(error.message)
    else throw error
    process.exitCode = 1
  }
}
