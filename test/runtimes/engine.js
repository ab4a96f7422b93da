/** The suite for an engine without anything: a function that leaves its report behind. The engine is slow, so it seals less. */
import js, { createCodec, generateSecret, SessionError } from 'cookie-sessions/js'
import { examineAll } from './examine.js'

const library = { createCodec, generateSecret, SessionError, backends: { js } }

/** @param {() => number} heap */
globalThis.run = async (heap) => {
  globalThis.report = JSON.stringify(await examineAll(library, { heap, pairs: 500 }))
}
