/** Clicks through the examples' pages in the Chromium at the given path, and prints the results: `node clicks.js <path> <flags>`. */
import { chromium } from 'playwright-core'
import { crosssite } from './crosssite.js'
import { playground } from './playground.js'
import { start } from './start.js'

const [, , executablePath, ...args] = process.argv
const browser = await chromium.launch({ executablePath, args })
const results = [...(await start({ browser })), ...(await playground({ browser })), ...(await crosssite({ browser }))]
await browser.close()
console.log(JSON.stringify(results))
