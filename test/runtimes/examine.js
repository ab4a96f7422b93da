/**
 * Examines the package inside of a runtime, over each backend, and its glue to the Fetch API. It imports nothing of it: an engine without a
 * TextDecoder can only import a part. The runners put input.js beside it, with the vectors and the letters.
 */
import { absence, conformance, writeLetters } from './conformance.js'
import { conformanceFetch } from './conformance-fetch.js'
import { letters, vectors } from './input.js'

/** @import { Result, Subject } from './conformance.js' */

/**
 * @typedef {object} Examined
 * @property {string} [serves] What the codec says that does the work.
 * @property {string} [because] Why this backend is not available here.
 * @property {Result[]} results
 * @property {string[]} [letters] Sealed here, to be opened elsewhere.
 */

/**
 * @typedef {object} Library What of the package is imported here.
 * @property {Function} createCodec
 * @property {Function} generateSecret
 * @property {Function} SessionError
 * @property {Record<string, string | object>} backends What its createCodec() takes.
 * @property {Function} [sessions] Of cookie-sessions/fetch.
 */

const BACKENDS = ['auto', 'wasm', 'node', 'js']

/** Every memory of WebAssembly that comes to be: the package has no way to ask for its own. */
const memories = []
if ('WebAssembly' in globalThis) {
  const { Instance } = WebAssembly
  WebAssembly.Instance = class extends Instance {
    constructor(...args) {
      super(...args)
      memories.push(this.exports.memory)
    }
  }
}

/** @param {Library} library @param {Pick<Subject, 'heap' | 'pairs'>} [host] @returns {Promise<Record<string, Examined>>} */
export async function examineAll({ backends, sessions, ...library }, host = {}) {
  const subject = { ...library, vectors, letters, memories, heap: heap(), ...host }
  // An engine with no random source: these need not be random, only new.
  if (typeof globalThis.crypto?.getRandomValues !== 'function') subject.random = counting()
  const report = {}
  for (const name of BACKENDS) {
    report[name] = await attempt(() => examine(name, { ...subject, backend: backends[name] }))
  }
  report.fetch = await attempt(() => examineFetch(sessions))
  return report
}

/** @param {() => Examined | Promise<Examined>} work */
async function attempt(work) {
  try {
    return await work()
  } catch (error) {
    return { results: [{ name: 'the suite itself', ok: false, detail: `${error.name}: ${error.message}` }] }
  }
}

/** @param {string} name @param {Subject} subject @returns {Examined} */
function examine(name, subject) {
  const { createCodec, backend, random } = subject
  if (backend === undefined) return { because: lacks[name]() ?? 'it is not imported', results: [] }
  let serves
  try {
    serves = createCodec({ secret: 'a secret that is long enough to be strong', name: 'any', backend, random }).backend
  } catch {
    return { because: lacks[name]() ?? 'it is at fault', results: absence(subject) }
  }
  return { serves, results: conformance(subject), letters: writeLetters(subject) }
}

/** @param {Function} [sessions] @returns {Promise<Examined>} */
async function examineFetch(sessions) {
  const because = lacks.fetch()
  if (because !== undefined) return { because, results: [] }
  return { serves: 'fetch', results: await conformanceFetch({ sessions, backend: 'auto' }) }
}

/** What a backend, or the glue to the Fetch API, needs and this runtime lacks: found without the package. */
const lacks = {
  auto: () => lacks.wasm() && lacks.node() && `${lacks.wasm()}, ${lacks.node()}`,
  wasm() {
    if (!('WebAssembly' in globalThis)) return 'no WebAssembly'
    try {
      // The shortest module there is: its magic number and version.
      new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)))
      return undefined
    } catch {
      return 'WebAssembly is forbidden'
    }
  },
  node() {
    const crypto = globalThis.process?.getBuiltinModule?.('node:crypto')
    if (crypto === undefined) return 'no node:crypto'
    return crypto.getCiphers().includes('chacha20') ? undefined : 'no ChaCha20 in its node:crypto'
  },
  js: () => undefined,
  fetch() {
    if (!('Response' in globalThis)) return 'no Fetch API'
    // A page and its workers see no cookies there (Fetch Standard, forbidden response-header names).
    const { headers } = new Response(null, { headers: { 'Set-Cookie': 'a=b' } })
    return headers.has('Set-Cookie') ? undefined : 'no cookies in its Fetch API'
  },
}

/** Bytes in use after a collection, where the engine lets itself be asked for one. */
function heap() {
  const { gc, Bun, process, performance } = globalThis
  const collect = gc ?? (Bun && (() => Bun.gc(true)))
  const used = process?.memoryUsage
    ? () => process.memoryUsage().heapUsed
    : performance?.memory && (() => performance.memory.usedJSHeapSize)
  if (!collect || !used) return undefined
  return () => {
    collect()
    return used()
  }
}

/** A linear congruential generator's high bytes. */
function counting() {
  let state = 1
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      bytes[i] = state >>> 24
    }
  }
}
