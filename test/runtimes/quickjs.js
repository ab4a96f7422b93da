/** Runs a bundle of engine.js in QuickJS, compiled to WebAssembly, and prints the report: `node quickjs.js <bundle>`. */
import { readFileSync } from 'node:fs'
import { getQuickJS } from 'quickjs-emscripten'

const runtime = (await getQuickJS()).newRuntime()
const context = runtime.newContext()

/** It counts references, so there is nothing to collect before. */
const heap = context.newFunction('heap', () =>
  runtime.computeMemoryUsage().consume((usage) => context.getProp(usage, 'memory_used_size')),
)
context.unwrapResult(context.evalCode(readFileSync(process.argv[2], 'utf8'), 'engine.js')).dispose()
const run = context.getProp(context.global, 'run')
context.unwrapResult(context.callFunction(run, context.undefined, heap)).dispose()
// Its promises wait for this.
context.unwrapResult(runtime.executePendingJobs())
console.log(context.getString(context.getProp(context.global, 'report')))
