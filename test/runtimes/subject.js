/** What runs inside of most runtimes: the whole package. The runners bundle this file, or run it as it is, where that is installed. */
import { createCodec, generateSecret, SessionError } from 'cookie-sessions/codec'
import sessions from 'cookie-sessions/fetch'
import js from 'cookie-sessions/js'
import { examineAll } from './examine.js'

const library = {
  createCodec,
  generateSecret,
  SessionError,
  sessions,
  backends: { auto: 'auto', wasm: 'wasm', node: 'node', js },
}

/** @param {Parameters<typeof examineAll>[1]} [host] */
export const check = (host) => examineAll(library, host)
