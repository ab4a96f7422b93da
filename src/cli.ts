#!/usr/bin/env node
/**
 * `npx cookie-sessions`: which backend is the fastest on this machine, and a new secret. A tool: nothing else imports it.
 * The suite that this is a small part of is bench/ in the repository.
 */
import { realpathSync } from 'node:fs'
import { cpus } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { createTextCodec, type TextCodec } from './codec/codec.ts'
import { checkCodecOptions } from './codec/options.ts'
import { generateSecret } from './codec/secret.ts'
import { SessionError } from './errors.ts'

const USAGE = `Usage: npx cookie-sessions <command>

  bench    compare the backends on this machine, at several sizes of a session (20 seconds)
  secret   print a new secret: 43 characters that carry 256 bits
`

const BACKENDS = ['auto', 'wasm', 'node'] as const
const SIZES = [32, 128, 256, 512, 1024, 2048, 3000]
const SECONDS = 20
const ROUNDS = 15
/** Calls between two looks at the clock: it costs about as much as a call does. */
const BATCH = 16
/** Less than this apart is a draw. */
const DRAW = 0.03

type Write = (line: string) => void

/** Runs a command and returns the exit status. */
export function main(args: readonly string[], write: Write, writeError: Write, seconds: number = SECONDS): number {
  if (args.includes('--help') || args.includes('-h')) {
    write(USAGE)
    return 0
  }
  const [command, surplus] = args
  if (surplus !== undefined || (command !== 'bench' && command !== 'secret')) {
    const wrong = command === undefined ? 'a command is missing' : `'${args.join(' ')}' is not a command`
    writeError(`cookie-sessions: ${wrong}\n\n${USAGE}`)
    return 1
  }
  if (command === 'bench') bench(write, seconds)
  else write(generateSecret())
  return 0
}

function bench(write: Write, seconds: number): void {
  const codecs = BACKENDS.flatMap((backend) => open(backend, write))
  write(
    `Node ${process.version}, ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${process.platform} ${process.arch}`,
  )
  write(`Seal and open a session: microseconds, medians over ${ROUNDS} rounds in turns, ${seconds} seconds\n`)
  const times = measure(
    codecs.map(({ codec }) => codec),
    seconds,
  )
  write(`JSON    ${codecs.map(({ backend }) => backend.padStart(9)).join('')}   fastest`)
  for (const [i, size] of SIZES.entries()) {
    const row = times.map((bySize) => median(bySize[i] as number[]))
    const best = Math.min(...row)
    const fastest = codecs.filter((_, c) => (row[c] as number) <= best * (1 + DRAW)).map(({ backend }) => backend)
    const figures = row.map((time) => time.toFixed(2).padStart(9)).join('')
    write(`${`${size} B`.padEnd(8)}${figures}   ${fastest.join(', ')} (${(Math.max(...row) / best).toFixed(1)}x)`)
  }
  write(
    `\nWithin ${DRAW * 100} % is a draw; in brackets, how much longer the slowest takes. In a server all of them take longer.`,
  )
}

interface Contender {
  readonly backend: string
  readonly codec: TextCodec
}

/** One codec, or none where the runtime lacks what the backend needs. */
function open(backend: (typeof BACKENDS)[number], write: Write): Contender[] {
  try {
    const codec = createTextCodec(checkCodecOptions({ secret: generateSecret(), name: 'bench', backend }))
    return [{ backend, codec }]
  } catch (error) {
    if (!(error instanceof SessionError)) throw error
    write(error.message)
    return []
  }
}

/** Microseconds by codec, size and round. Each round goes through all, so that a machine that slows down slows all alike. */
function measure(codecs: readonly TextCodec[], seconds: number): number[][][] {
  const times = codecs.map(() => SIZES.map((): number[] => []))
  const turn = (seconds * 1000) / ((ROUNDS + 1) * codecs.length * SIZES.length)
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, size] of SIZES.entries()) {
      const json = JSON.stringify({ user: 'a'.repeat(size - 11) })
      for (const [c, codec] of codecs.entries()) {
        const time = timeOf(codec, json, turn)
        // The first round is for the compiler.
        if (round > 0) (times[c] as number[][])[i]?.push(time)
      }
    }
  }
  return times
}

/** Microseconds that seal + open take: the median of the batches that fit into `ms`. */
function timeOf(codec: TextCodec, json: string, ms: number): number {
  const batches: number[] = []
  const end = performance.now() + ms
  let before = performance.now()
  do {
    for (let n = 0; n < BATCH; n++) {
      const token = codec.seal(json, 0)
      if (token === undefined || !codec.open(token).ok) throw new Error('a token did not open: please report this')
    }
    const after = performance.now()
    batches.push(((after - before) * 1000) / BATCH)
    before = after
  } while (before < end)
  return median(batches)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] as number
}

// npm starts this by way of a link.
const started = process.argv[1]
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  process.exitCode = main(process.argv.slice(2), console.log, console.error)
}
