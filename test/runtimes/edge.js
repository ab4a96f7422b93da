/** Runs a bundle of worker.js in edge-runtime and prints the report: `node edge.js <bundle>`. */
import { readFileSync } from 'node:fs'
import { EdgeRuntime } from 'edge-runtime'

// Its workers are scripts that listen to an event, as service workers do.
const listen = `addEventListener('fetch', (event) => event.respondWith(worker.default.fetch(event.request)))`
const runtime = new EdgeRuntime({ initialCode: `${readFileSync(process.argv[2], 'utf8')}\n${listen}` })
const response = await runtime.dispatchFetch('http://127.0.0.1/')
console.log(await response.text())
