/**
 * `npm run test:consumers`: the packed package in the projects of those who use it: test runners, compilers, package managers and
 * frameworks (consumers.js). `--help` lists the options.
 */
import { fileURLToPath } from 'node:url'
import { inParallel, readArgs, within } from '../runtimes/jobs.js'
import { installInto } from '../runtimes/tools.js'
import { CONSUMERS } from './consumers.js'
import { createWorkplace, missingPackages } from './project.js'

const NAMES = CONSUMERS.map(({ name }) => name)
const TIMEOUT_MS = 240_000

const USAGE = `npm run test:consumers -- [options]

  --only <names>      only these, separated by commas
  --require <names>   fail when one of these cannot run here, instead of saying that it is skipped

Names: ${NAMES.join(', ')}
`

async function main() {
  const { only, require, help } = readArgs(NAMES, 'consumer')
  if (help) return console.log(USAGE)
  const started = Date.now()
  installInto(fileURLToPath(new URL('.', import.meta.url)), 'what the consumers are made of (about 650 MB)')
  /** @type {Map<string, string>} */
  const skipped = new Map()
  const consumers = CONSUMERS.filter(({ name, packages }) => {
    const because = only.includes(name) ? missingPackages(packages) : undefined
    if (because !== undefined) skipped.set(name, because)
    return only.includes(name) && because === undefined
  })
  const workplace = createWorkplace()

  /** @type {string[]} */
  const failed = []
  await inParallel(
    consumers.map(({ name, packages, run }) => async () => {
      const since = Date.now()
      const project = workplace.createProject(name, packages)
      const outcome = await within(name, TIMEOUT_MS, (signal) => run({ ...project, signal }))
      const seconds = ((Date.now() - since) / 1000).toFixed(1)
      if (!(outcome instanceof Error)) return console.log(`ok    ${name} (${seconds} s)`)
      failed.push(name)
      console.log(`FAIL  ${name} (${seconds} s)\n${outcome.message.replace(/^/gm, '      ')}`)
    }),
  )

  for (const [name, because] of skipped) console.log(`SKIPPED, and so not known to work: ${name}: ${because}`)
  const lacking = require.filter((name) => skipped.has(name))
  if (lacking.length > 0) console.log(`Required, and not tested: ${lacking.join(', ')}`)
  if (failed.length > 0) console.log(`Failed: ${failed.join(', ')}`)
  console.log(`${consumers.length - failed.length} passed, ${failed.length} failed, ${skipped.size} skipped`)
  console.log(`${Math.round((Date.now() - started) / 1000)} s`)
  if (failed.length > 0 || lacking.length > 0) process.exitCode = 1
}

await main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
// Work that has been given up may still wait for something.
process.exit()
