/** The suite for an engine without anything: a function that leaves its report behind. The engine is slow, so it seals less. */
import { check } from './subject.js'

/** @param {() => number} heap */
globalThis.run = async (heap) => {
  globalThis.report = JSON.stringify(await check({ heap, pairs: 500 }))
}
