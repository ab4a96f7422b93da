/** Clicks through the playground in the Chromium at the given path, and prints the results: `node clicks.js <path> <flags>`. */
import { chromium } from 'playwright-core'
import { playground } from './playground.js'

const [, , executablePath, ...args] = process.argv
const browser = await chromium.launch({ executablePath, args })
const results = await playground({ browser })
await browser.close()
console.log(JSON.stringify(results))
