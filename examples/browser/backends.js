/** What can seal in this browser. node:crypto is not among it. */
import { createCodec, generateSecret } from 'cookie-sessions/codec'
import js from 'cookie-sessions/js'

/** Whether WebAssembly is here, allowed by the page's policy, and right: the only way to know is to make a codec. */
export const hasWasm = isMade('wasm')

/** @param {'wasm'} backend */
function isMade(backend) {
  try {
    createCodec({ secret: generateSecret(), name: 'probe', backend })
    return true
  } catch {
    return false
  }
}

/** What to hand in as the option `backend`. 'auto' never takes js by itself: nobody should have to load it who does not need it. */
export const backends = { auto: hasWasm ? 'auto' : js, wasm: 'wasm', js }
