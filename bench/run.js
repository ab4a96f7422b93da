/** `npm run bench`: the wasm backend against node:crypto, JSON text in and JSON text out. See bench/README.md. */
import { randomFillSync } from 'node:crypto'
import { cpus } from 'node:os'
import { createTextCodec } from '../dist/codec/codec.js'
import { checkCodecOptions } from '../dist/codec/options.js'
import { compare } from './measure.js'

const SIZES = [32, 128, 256, 512, 1024, 2048, 3000]
const BACKENDS = ['wasm', 'node']
const NOISY = 0.15

const secret = Buffer.alloc(32, 7)
const codecs = BACKENDS.map((backend) =>
  createTextCodec(checkCodecOptions({ secret, name: '_node', backend, random: randomFillSync })),
)

/** JSON of exactly `bytes` bytes. */
const jsonOf = (bytes) => JSON.stringify({ user: 'a'.repeat(bytes - 11) })

const WORK = {
  seal: (codec, json) => () => codec.seal(json, 0),
  open: (codec, json) => {
    const token = codec.seal(json, 0)
    return () => codec.open(token)
  },
  'seal + open': (codec, json) => () => codec.open(codec.seal(json, 0)),
  'refuse (forged)': (codec, json) => {
    const token = codec.seal(json, 0)
    const at = token.length >> 1
    const forged = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
    return () => codec.open(forged)
  },
}

console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${process.platform} ${process.arch}`)
console.log('Microseconds a call, medians over interleaved rounds; "node / wasm" above 1 means that wasm is faster.\n')

let noisy = 0
let rows = 0
for (const [work, prepare] of Object.entries(WORK)) {
  console.log(`${work.padEnd(16)}${BACKENDS.map((name) => name.padStart(10)).join('')}   node / wasm   spread`)
  for (const size of SIZES) {
    const json = jsonOf(size)
    const contenders = Object.fromEntries(BACKENDS.map((name, i) => [name, prepare(codecs[i], json)]))
    const figures = await compare(contenders)
    const spread = Math.max(...BACKENDS.map((name) => figures[name].spread))
    rows++
    if (spread > NOISY) noisy++
    const times = BACKENDS.map((name) => (figures[name].median / 1000).toFixed(2).padStart(10)).join('')
    const ratio = `${figures.node.ratio.toFixed(2)}x`.padStart(14)
    console.log(`${`${size} B`.padEnd(16)}${times}${ratio}${`${(spread * 100).toFixed(0)} %`.padStart(9)}`)
  }
  console.log()
}
if (noisy > rows / 4) {
  console.log(
    `This machine is too busy to believe: ${noisy} of ${rows} rows vary by more than ${NOISY * 100} %. Run it again.`,
  )
}
