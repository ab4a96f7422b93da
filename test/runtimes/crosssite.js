/** A provider's answer by a cross-site POST, in a real browser: which cookies come with it, as docs/migration.md has it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import connect from 'connect'
import sessions from '../../dist/index.js'

const secret = 'a secret of thirty-two characters'

/** @param {{ browser: import('playwright-core').Browser }} given @returns {Promise<{ name: string, ok: boolean, detail?: string }[]>} */
export async function crosssite({ browser }) {
  const name = 'a cross-site POST right after: no SameSite comes, Lax does not, none does'
  const server = createServer(app()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const page = await browser.newPage()
  try {
    const { port } = server.address()
    await page.goto(`http://127.0.0.1:${port}/start`)
    // Another host is another site, though it is the same server.
    await page.goto(`http://localhost:${port}/provider?${port}`)
    await page.waitForURL(`http://127.0.0.1:${port}/callback`)
    assert.deepEqual(JSON.parse(await page.locator('body').textContent()), { plain: true, session: false, login: true })
    return [{ name, ok: true }]
  } catch (error) {
    return [{ name, ok: false, detail: error.message }]
  } finally {
    await page.close()
    server.close()
    server.closeAllConnections()
  }
}

function app() {
  const app = connect()
  app.use(sessions({ secret }))
  app.use(sessions({ secret, session_key: '_login', property: 'login', sameSite: 'none' }))
  app.use('/start', (req, res) => {
    req.session.began = true
    req.login.began = true
    // As express-session and its like send it.
    res.setHeader('Set-Cookie', 'plain=1; Path=/; HttpOnly')
    res.end('off to the provider')
  })
  app.use('/provider', (req, res) => {
    const action = `http://127.0.0.1:${new URL(req.url, 'http://x').search.slice(1)}/callback`
    res.setHeader('Content-Type', 'text/html')
    res.end(`<form method="post" action="${action}"></form><script>document.forms[0].submit()</script>`)
  })
  app.use('/callback', (req, res) => {
    const plain = (req.headers.cookie ?? '').includes('plain=1')
    res.end(JSON.stringify({ plain, session: req.session.began === true, login: req.login.began === true }))
  })
  return app
}
