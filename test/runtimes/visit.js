/** A page, clicked through in a real browser: each check opens it again and does what a visitor would do. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {object} Visit
 * @property {string} script The server; it prints its address.
 * @property {string[]} [flags] Of the server.
 * @property {string} [query]
 * @property {Record<string, (page: Page) => Promise<void>>} checks
 *
 * @param {import('playwright-core').Browser} browser
 * @param {Visit} visit
 * @returns {Promise<{ name: string, ok: boolean, detail?: string }[]>}
 */
export async function visit(browser, { script, flags = [], query = '', checks }) {
  const server = spawn(process.execPath, [script, ...flags], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(server, 'close')
  const faults = []
  const results = []
  try {
    const url = await addressOf(server)
    for (const [name, check] of Object.entries(checks)) {
      const page = await browser.newPage()
      page.setDefaultTimeout(10_000)
      page.on('pageerror', (error) => faults.push(`${name}: ${error.message}`))
      page.on('console', (message) => message.type() === 'error' && faults.push(`${name}: ${message.text()}`))
      page.on('request', (request) => {
        const address = request.url()
        if (!address.startsWith(new URL(url).origin) && !address.startsWith('data:')) faults.push(`${name}: ${address}`)
      })
      results.push(await attempt([name, ...flags].join(' '), () => page.goto(`${url}${query}`).then(() => check(page))))
      await page.close()
    }
    results.push(
      await attempt(['no errors, and no requests to elsewhere', ...flags].join(' '), () =>
        assert.deepEqual(faults, []),
      ),
    )
  } finally {
    server.kill()
    await closed
  }
  return results
}

async function attempt(name, check) {
  try {
    await check()
    return { name, ok: true }
  } catch (error) {
    return { name, ok: false, detail: error.message }
  }
}

/** The server's output goes on being read: it may log, and a closed pipe would end it. */
function addressOf(server) {
  return new Promise((resolve, reject) => {
    let output = ''
    server.stdout.setEncoding('utf8').on('data', (chunk) => {
      output += chunk
      const [address] = /http:\S+(?=\s)/.exec(output) ?? []
      if (address !== undefined) resolve(address)
    })
    server.once('close', () => reject(new Error(`the server ended: ${output}`)))
  })
}
