/**
 * Times sealing and opening, by size. The contenders take turns in short samples, so that a machine which slows down slows all of
 * them; what counts is the median. Between samples the page has its turn.
 */
import { createCodec, generateSecret } from 'cookie-sessions/codec'
import { backends, hasWasm } from './backends.js'
import { createWebCrypto, hasWebCrypto } from './webcrypto.js'

/** Bytes of JSON: those of `npm run bench`. */
export const SIZES = [32, 128, 256, 512, 1_024, 2_048, 3_000]

/** Milliseconds from one look at the clock to the next, about. */
const BATCH_MS = 0.5

/**
 * @param {object} options
 * @param {number} options.rounds
 * @param {number} options.sample Milliseconds, at least: browsers blur their clocks.
 * @param {(done: number, lines: Line[]) => void} options.onRound How much is done (0 to 1), and the medians so far.
 * @param {AbortSignal} options.signal
 *
 * @typedef {object} Line
 * @property {string} name
 * @property {number[]} times Microseconds to seal and open, one for each of SIZES.
 */
export async function measure({ rounds, sample, onRound, signal }) {
  const contenders = await createContenders()
  const cells = SIZES.flatMap((size) => {
    const data = { text: 'x'.repeat(size - '{"text":""}'.length) }
    return contenders.map(({ name, codec, isAsync }) => {
      const call = isAsync ? async () => codec.open(await codec.seal(data)) : () => codec.open(codec.seal(data))
      return { name, time: isAsync ? timeAsync : time, call, batch: 1, times: /** @type {number[]} */ ([]) }
    })
  })
  for (const cell of cells) {
    // Warm first: what is compiled meanwhile does not count.
    await cell.time(cell.call, 1, sample)
    cell.batch = Math.ceil(BATCH_MS / (await cell.time(cell.call, 1, sample)))
    await pause()
    if (signal.aborted) return
  }
  for (let round = 1; round <= rounds; round++) {
    for (let turn = 0; turn < cells.length; turn++) {
      // Another one begins each round: what comes after the drawing of the chart finds a colder cache.
      const cell = cells[(turn + round) % cells.length]
      cell.times.push(1_000 * (await cell.time(cell.call, cell.batch, sample)))
      await pause()
      if (signal.aborted) return
    }
    onRound(
      round / rounds,
      contenders.map(({ name }) => ({ name, times: mediansOf(name) })),
    )
  }

  function mediansOf(name) {
    return cells.filter((cell) => cell.name === name).map(({ times }) => median(times))
  }
}

async function createContenders() {
  const secret = generateSecret()
  const ours = (backend) => ({
    name: backend,
    codec: createCodec({ secret, name: 'bench', backend: backends[backend] }),
    isAsync: false,
  })
  return [
    ...(hasWasm ? [ours('wasm')] : []),
    ours('js'),
    ...(hasWebCrypto ? [{ name: 'WebCrypto', codec: await createWebCrypto(), isAsync: true }] : []),
  ]
}

/** Milliseconds a call, of as many batches as fill a sample. @param {() => unknown} call @param {number} batch @param {number} ms */
function time(call, batch, ms) {
  const start = performance.now()
  let calls = 0
  let elapsed = 0
  do {
    for (let n = 0; n < batch; n++) call()
    calls += batch
    elapsed = performance.now() - start
  } while (elapsed < ms)
  return elapsed / calls
}

/** The same, for a call that returns a promise. @param {() => Promise<unknown>} call @param {number} batch @param {number} ms */
async function timeAsync(call, batch, ms) {
  const start = performance.now()
  let calls = 0
  let elapsed = 0
  do {
    for (let n = 0; n < batch; n++) await call()
    calls += batch
    elapsed = performance.now() - start
  } while (elapsed < ms)
  return elapsed / calls
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Clicks and frames come in here. */
function pause() {
  return new Promise((resolve) => setTimeout(resolve))
}
