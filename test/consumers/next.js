/** examples/next, built and served by Next: a route handler, a server component and server actions. */
import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { node } from './project.js'
import { createVisitor, startServer } from './servers.js'

/** @import { Consumer } from './consumers.js' */

const EXAMPLE = fileURLToPath(new URL('../../examples/next', import.meta.url))
const NEXT = 'node_modules/next/dist/bin/next'

/** @type {Consumer} */
export const next = {
  name: 'next',
  packages: ['next', 'react', 'react-dom'],
  async run(context) {
    cpSync(EXAMPLE, context.folder, { recursive: true, filter: (path) => !/node_modules|\.next/.test(path) })
    await node(context, NEXT, 'build', '--webpack')
    const url = await startServer(context, NEXT, 'start', '--hostname', '127.0.0.1', '--port', '0')

    const { visit } = createVisitor(url, context.signal)
    for (const views of [1, 2]) assert.deepEqual((await visit('/api/views')).answer, { views })

    let cookie = ''
    /** @param {RequestInit} [init] */
    const page = async (init) => {
      const response = await fetch(url, { ...init, headers: { cookie, origin: url }, signal: context.signal })
      const [line] = response.headers.getSetCookie()
      if (line !== undefined) cookie = /Max-Age=0/.test(line) ? '' : line.split(';')[0]
      return await response.text()
    }
    /** Submits the page's form as a browser without JavaScript does. @param {string} html @param {Record<string, string>} fields */
    const submit = (html, fields) => {
      const body = new FormData()
      for (const [, name] of html.matchAll(/<input type="hidden" name="([^"]+)"/g)) body.append(name, '')
      for (const [name, value] of Object.entries(fields)) body.append(name, value)
      return page({ method: 'POST', body })
    }
    const form = await page()
    assert.match(form, /Log in/)
    const greeting = await submit(form, { user: 'bob' })
    assert.match(greeting, /Hello, bob/)
    assert.match(cookie, /^_node=AQ/)
    assert.match(await page(), /Hello, bob/)
    await submit(greeting, {})
    assert.equal(cookie, '')
    assert.match(await page(), /Log in/)
  },
}
