/** What is clicked in examples/connect, the page that `npm start` serves. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { visit } from './visit.js'

const script = fileURLToPath(new URL('../../examples/connect/server.js', import.meta.url))

/** @param {{ browser: import('playwright-core').Browser }} given */
export const start = ({ browser }) => visit(browser, { script, checks: CHECKS })

const says = (page, pattern) => page.locator('#notice').filter({ hasText: pattern }).waitFor()
const press = (page, action) => page.click(`form[action='${action}'] button`)
const token = async (page) => (await page.locator('#token').textContent()).slice('_node='.length)

/** How many pixels of what has the focus lie under the notice. */
const hidden = (page) =>
  page.evaluate(() => {
    const [own, notice] = [document.activeElement, document.getElementById('notice')].map((node) =>
      node.getBoundingClientRect(),
    )
    return Math.max(0, Math.min(own.bottom, notice.bottom) - Math.max(own.top, notice.top))
  })

const CHECKS = {
  async 'keeps what has the focus clear of the notice, on small screens'(page) {
    for (const [width, height] of [
      [375, 667],
      [320, 568],
      [375, 500],
      [667, 375],
    ]) {
      await page.setViewportSize({ width, height })
      await page.reload()
      await says(page, /No cookie yet/)
      for (const key of ['Tab', 'Shift+Tab']) {
        await page.evaluate(() => {
          document.activeElement.blur()
          window.scrollTo(0, 0)
        })
        for (let i = 0; i < 12; i++) {
          await page.keyboard.press(key)
          const focused = await page.evaluate(() => document.activeElement.textContent.trim().slice(0, 20))
          if (await page.evaluate(() => document.activeElement === document.body)) break
          assert.equal(await hidden(page), 0, `${width} x ${height}, ${key}: ${focused}`)
        }
      }
    }
  },

  async 'keeps a button clear of the answer to it'(page) {
    await page.setViewportSize({ width: 375, height: 667 })
    for (const [action, answer] of [
      ['/login', /Hello Ada/],
      ['/tamper', /Refused/],
    ]) {
      await page.focus(`form[action='${action}'] button`)
      await page.keyboard.press('Enter')
      await says(page, answer)
      assert.equal(await hidden(page), 0, action)
    }
  },

  async 'says which character was changed, and shows it'(page) {
    for (const [place, field] of [
      ['the ciphertext', 'ciphertext'],
      ['the tag', 'tag'],
      ['the header: key id', 'header'],
    ]) {
      await press(page, '/views')
      await says(page, /View 1\./) // the refused session is over
      const before = await token(page)
      await page.selectOption('#at', { label: `in ${place}` })
      await press(page, '/tamper')
      await says(page, /Refused/)
      const after = await token(page)
      const at = [...after].findIndex((character, i) => character !== before[i])
      const words = `Character ${at + 1} of ${after.length}, in the ${field}, is now ${after[at]} instead of ${before[at]}.`
      assert.ok((await page.locator('#notice').textContent()).includes(words), words)
      assert.deepEqual(await page.locator('#token mark').allTextContents(), [after[at]])
    }
  },

  async 'says what auto is, and where the playground is'(page) {
    await says(page, /No cookie yet/)
    assert.match(await page.locator('header').textContent(), /auto is the default backend: WebAssembly/)
    assert.equal(await page.locator('footer a').textContent(), 'the playground')
  },
}
