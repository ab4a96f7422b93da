/**
 * One contender of the core suite alone, so many times: for profilers and instruction counters (README.md, Looking inside).
 *
 *   node bench/once.js <group> <size> <name> <calls>        node bench/once.js 'seal + open' 256 wasm 100000
 */
import { codecWork, kernelWork } from './core/suite.js'

const [group, size, name, calls] = process.argv.slice(2)
const kernels = await kernelWork()
// Only the backend in question, so that no other is in the profile.
const work = kernels[group] ?? (await codecWork([name]))[group]
const call = work?.(Number(size))[name]
if (call === undefined || !(Number(calls) > 0)) {
  console.error('node bench/once.js <group> <size> <name> <calls>, as in: seal + open, 256, wasm, 100000')
  process.exitCode = 1
} else {
  for (let n = 0; n < Number(calls); n++) call()
}
