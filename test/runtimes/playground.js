/** What is clicked in examples/browser. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { createCodec } from '../../dist/codec/index.js'
import { visit } from './visit.js'

const script = fileURLToPath(new URL('../../examples/browser/serve.js', import.meta.url))
const SECRET = 'a secret of thirty-two characters'

/**
 * @param {object} given
 * @param {import('playwright-core').Browser} given.browser
 * @returns {Promise<{ name: string, ok: boolean, detail?: string }[]>}
 */
export async function playground({ browser }) {
  const query = '?rounds=2&sample=2'
  return [
    ...(await visit(browser, { script, query, checks: CHECKS })),
    ...(await visit(browser, { script, query, flags: ['--no-wasm'], checks: CHECKS_WITHOUT_WASM })),
  ]
}

// What the page shows

/** Waits for it: what is typed may take effect a moment later. */
const says = (page, id, pattern) => page.locator(`#${id}`).filter({ hasText: pattern, visible: true }).waitFor()
const verdict = (page, pattern) => says(page, 'verdict', pattern)
const text = (page, id) => page.locator(`#${id}`).textContent()
const byte = (page, at) => page.locator('#bytes .cell').nth(at)
const character = (page, at) => page.locator('#characters .cell').nth(at)
const tokenOf = (page) => page.locator('#characters').evaluate((element) => element.textContent)
const litIn = (page, id) =>
  page.locator(`#${id} .lit`).evaluateAll((cells) => cells.map((cell) => Number(cell.dataset.at)))
const focused = (page) => page.evaluate(() => Number(document.activeElement?.dataset.at))

const CHECKS = {
  async 'seals and opens'(page) {
    await verdict(page, /^Opens\./)
    assert.equal(await text(page, 'backend'), 'wasm')
    assert.deepEqual(JSON.parse(await text(page, 'data')), JSON.parse(await page.inputValue('#json')))
    assert.equal(await text(page, 'size'), `${(await tokenOf(page)).length + '_node='.length} of 4,096 bytes`)
    assert.equal(await page.locator('#steps .passed').count(), 8)
    assert.equal(await page.locator('#no-wasm').isVisible(), false)
  },

  async 'takes the token apart'(page) {
    const raw = Buffer.from(await tokenOf(page), 'base64url')
    const hex = await page.locator('#bytes .cell').allTextContents()
    assert.equal(hex.join(''), raw.toString('hex'))
    const rows = await page
      .locator('#fields tr')
      .evaluateAll((all) =>
        all.map((row) => [row.dataset.field, ...[...row.cells].slice(1, 3).map((cell) => Number(cell.textContent))]),
      )
    const n = raw.length - 64
    const table = [
      ['version', 0, 1],
      ['flags', 1, 1],
      ['key-id', 2, 2],
      ['created-at', 4, 6],
      ['issued-at', 10, 6],
      ['nonce', 16, 16],
      ['ciphertext', 32, n],
      ['tag', 32 + n, 32],
    ]
    assert.deepEqual(rows, table)
    for (const [field, offset, size] of table) {
      const own = page.locator(`#bytes .${field}`)
      assert.equal(await own.count(), size, field)
      assert.equal(await own.first().getAttribute('data-at'), String(offset))
    }
    const issuedAt = await page.locator('#fields .issued-at td').last().textContent()
    assert.equal(Date.parse(issuedAt), raw.readUIntBE(10, 6))
  },

  async 'says which step refuses a byte that was clicked'(page) {
    const last = (await page.locator('#bytes .cell').count()) - 1
    const refusals = [
      [0, 'unsupported', 3],
      [1, 'bad-tag', 5], // bit 0 is a flag that there is
      [2, 'unknown-key', 4],
      [4, 'bad-tag', 5],
      [10, 'bad-tag', 5],
      [16, 'malformed', 3],
      [17, 'bad-tag', 5],
      [32, 'bad-tag', 5],
      [last, 'bad-tag', 5],
    ]
    for (const [at, reason, step] of refusals) {
      await byte(page, at).click()
      await verdict(page, new RegExp(`^Refused: ${reason}\\. Step ${step},`))
      assert.deepEqual(await page.locator('#bytes .changed').evaluateAll((all) => all.map((cell) => cell.dataset.at)), [
        String(at),
      ])
      assert.equal(await page.locator('#steps .passed').count(), step - 1)
      assert.equal(await text(page, 'data'), 'nothing')
      await page.click('#reset')
      await verdict(page, /^Opens\./)
    }
    assert.equal(await page.locator('.changed').count(), 0)
  },

  async 'says it of a character as well'(page) {
    await character(page, 50).click()
    await verdict(page, /^Refused: bad-tag/)
    assert.equal(await page.locator('#characters .changed').count(), 1)
    await character(page, 50).click()
    await verdict(page, /^Opens\./)
    // 124 bytes leave four bits to spare in the last character.
    const token = await tokenOf(page)
    assert.equal(token.length % 4, 2)
    await character(page, token.length - 1).click()
    await verdict(page, /^Refused: malformed\. Step 2, Decode\. The last 4 bits/)
    assert.equal(await page.locator('#bytes .changed').count(), 0)
  },

  async 'flips any bit'(page) {
    await byte(page, 1).focus()
    await page.locator('#bits button').nth(6).click()
    await verdict(page, /^Refused: unsupported\. Step 3, Header\. A flag/)
    assert.equal(await byte(page, 1).textContent(), '02')
    await page.locator('#bits button').nth(6).click()
    await verdict(page, /^Opens\./)
  },

  async 'goes by the keyboard'(page) {
    await page.locator('#how').click()
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 0)
    await page.keyboard.press('ArrowDown')
    assert.equal(await focused(page), 16)
    await page.keyboard.press('Enter')
    await verdict(page, /^Refused: malformed/)
    await page.keyboard.press('Enter')
    await verdict(page, /^Opens\./)
    await page.keyboard.press('End')
    assert.equal(await focused(page), 31)
    await page.keyboard.press('ArrowRight')
    assert.equal(await focused(page), 32)
    await page.keyboard.press('Control+End')
    assert.equal(await focused(page), (await page.locator('#bytes .cell').count()) - 1)
    await page.keyboard.press('Space')
    await verdict(page, /^Refused: bad-tag/)
    assert.equal(await page.locator('#bytes [tabindex="0"]').count(), 1)
    await page.keyboard.press('Control+Home')
    assert.equal(await focused(page), 0)
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement.parentElement.id), 'bits')
  },

  async 'shows which characters carry which bytes'(page) {
    await byte(page, 4).hover()
    assert.deepEqual([await litIn(page, 'bytes'), await litIn(page, 'characters')], [[4], [5, 6]])
    await says(page, 'inspector', /byte 4.*created-at, 1 of 6/s)
    await character(page, 1).hover()
    assert.deepEqual([await litIn(page, 'bytes'), await litIn(page, 'characters')], [[0, 1], [1]])
    await page.locator('#fields .key-id').hover()
    assert.deepEqual(
      [await litIn(page, 'bytes'), await litIn(page, 'characters')],
      [
        [2, 3],
        [2, 3, 4, 5],
      ],
    )
    await says(page, 'inspector', /key id.*bytes 2 to 3.*which of its keys to try/s)
    await byte(page, 32).hover()
    await says(page, 'about', 'hides 0x7b, {')
  },

  async 'seals as one types'(page) {
    const before = await tokenOf(page)
    await page.fill('#json', '{"snowman":"☃"}')
    await verdict(page, /^Opens\./)
    assert.deepEqual(JSON.parse(await text(page, 'data')), { snowman: '☃' })
    assert.notEqual(await tokenOf(page), before)
    await says(page, 'json-note', '17 bytes of JSON')
    await page.fill('#json', '{"snowman":')
    await says(page, 'json-note', /^Not JSON:/)
    await verdict(page, /^Opens\./)
  },

  async 'says when a cookie is full'(page) {
    await page.fill('#json', JSON.stringify('x'.repeat(3_001)))
    await says(page, 'size', /^4,096 of 4,096 bytes$/)
    await page.fill('#json', JSON.stringify('x'.repeat(3_002)))
    await says(page, 'size', /: 1 too many for a cookie$/)
    await page.fill('#json', JSON.stringify('x'.repeat(16_400)))
    await says(page, 'json-note', /16320 bytes/)
  },

  async 'changes backends'(page) {
    await page.check('[name=backend][value=js]', { force: true })
    await says(page, 'backend', /^js$/)
    await verdict(page, /^Opens\./)
    await page.locator('summary').click()
    await page.fill('#pasted', await tokenOf(page))
    await page.check('[name=backend][value=wasm]', { force: true })
    await says(page, 'backend', /^wasm$/)
    await verdict(page, /^Opens\./)
  },

  async 'opens what a server sealed'(page) {
    const token = createCodec({ secret: SECRET, name: 'sid', backend: 'node' }).seal({ from: 'node' })
    await page.locator('summary').click()
    await page.fill('#pasted', token)
    await verdict(page, /^Refused: unknown-key/)
    await page.fill('#secret', SECRET)
    await page.fill('#name', 'sid')
    await verdict(page, /^Opens\./)
    assert.deepEqual(JSON.parse(await text(page, 'data')), { from: 'node' })
    for (const [garbage, step] of [
      ['x', 1],
      [`${token}☃`.slice(1), 2],
    ]) {
      await page.fill('#pasted', garbage)
      await verdict(page, new RegExp(`^Refused: malformed\\. Step ${step},`))
      await page.locator('#no-fields').waitFor()
    }
    await page.click('#again')
    await verdict(page, /^Opens\./)
    assert.equal(await page.inputValue('#pasted'), '')
  },

  async 'takes a cookie as DevTools gives it'(page) {
    const token = createCodec({ secret: SECRET, name: 'sid', backend: 'node' }).seal({ from: 'node' })
    await page.fill('#secret', SECRET)
    await page.locator('summary').click()
    for (const pasted of [
      `sid=${token}; Path=/`,
      `Set-Cookie: sid=${token}; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax`,
      `Cookie: theme=dark; sid=${token}`,
    ]) {
      await page.fill('#name', '_node')
      await page.fill('#pasted', pasted)
      await verdict(page, /^Opens\./)
      assert.equal(await page.inputValue('#name'), 'sid')
      assert.equal(await tokenOf(page), token)
    }
  },

  async 'lets time pass'(page) {
    await page.fill('#clock', '200')
    await verdict(page, /^Refused: expired\. Step 6,/)
    await says(page, 'clock-note', '1 d 6 h ahead')
    await page.fill('#clock', '0')
    await verdict(page, /^Refused: not-yet-valid\. Step 6,/)
    await page.click('#in-step')
    await verdict(page, /^Opens\./)
    await page.fill('#timeout', '60000')
    await page.fill('#clock', '170')
    await verdict(page, /^Refused: expired/)
    await says(page, 'clock-note', '1 min ahead')
  },

  async 'says what is wrong with the fields'(page) {
    await page.fill('#secret', '123abc')
    await says(page, 'secret-note', 'still weak')
    await verdict(page, /^Opens\./)
    await page.check('[name=backend][value=js]', { force: true })
    await says(page, 'complaint', "backend 'js' needs secrets of 32 bytes")
    await verdict(page, /^Nobody reads/)
    await page.click('#generate')
    await verdict(page, /^Opens\./)
    await page.fill('#timeout', '0')
    await says(page, 'complaint', 'timeout must be')
    await page.fill('#timeout', '1000')
    await page.fill('#name', '')
    await says(page, 'complaint', 'name must be')
    await page.fill('#name', 'x')
    await page.locator('#complaint').waitFor({ state: 'hidden' })
  },

  async 'runs the benchmark'(page) {
    await runBenchmark(page, ['wasm', 'js', 'WebCrypto'])
  },

  async 'cancels the benchmark'(page) {
    await page.click('#run')
    await says(page, 'run', 'Cancel')
    await page.click('#run')
    await says(page, 'bench-note', 'Cancelled.')
    await says(page, 'run', 'Run again')
  },

  async 'fits a narrow screen'(page) {
    await page.setViewportSize({ width: 360, height: 740 })
    await runBenchmark(page, ['wasm', 'js', 'WebCrypto'])
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
    const spilt = await page.evaluate(() =>
      [...document.querySelectorAll('main *')]
        .filter(({ scrollWidth, clientWidth, tagName }) => tagName === 'SECTION' && scrollWidth > clientWidth)
        .map(({ id }) => id),
    )
    assert.deepEqual(spilt, [])
  },
}

const CHECKS_WITHOUT_WASM = {
  async 'says that js serves, and why'(page) {
    await says(page, 'no-wasm', /Content-Security-Policy/)
    await says(page, 'backend', /^js$/)
    await verdict(page, /^Opens\./)
    await byte(page, 40).click()
    await verdict(page, /^Refused: bad-tag/)
  },

  async 'says what wasm would need'(page) {
    await page.check('[name=backend][value=wasm]', { force: true })
    await says(page, 'complaint', "'wasm-unsafe-eval'")
    await page.check('[name=backend][value=auto]', { force: true })
    await verdict(page, /^Opens\./)
  },

  async 'runs the benchmark of what is there'(page) {
    await runBenchmark(page, ['js', 'WebCrypto'])
  },
}

async function runBenchmark(page, names) {
  await page.click('#run')
  await says(page, 'bench-note', /^Done\./)
  assert.deepEqual(await page.locator('#chart .label').allTextContents(), names)
  const points = await page.locator('#chart polyline').evaluateAll((all) => all.map((line) => line.points.length))
  assert.deepEqual(
    points,
    names.map(() => 7),
  )
  assert.equal(await page.locator('#figures tr').count(), 8)
  const figures = await page.locator('#figures td').allTextContents()
  assert.equal(
    figures.every((figure) => Number.parseFloat(figure) > 0),
    true,
  )
}
