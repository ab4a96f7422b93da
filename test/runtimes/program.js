/** The suite as a program, for Node, Deno and Bun: it prints its report. */
import { check } from './subject.js'

console.log(JSON.stringify(await check()))
