/** Frameworks: a server in each, which a visitor logs into, reads and logs out of; and socket.io, whose handshakes are requests. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { start } from '../runtimes/tools.js'
import { ENV, node } from './project.js'

/** @import { Context } from './project.js' */
/** @import { Consumer } from './consumers.js' */

/** @param {string} name @param {string} file @param {string[]} packages @returns {Consumer} */
const framework = (name, file, packages) => ({
  name,
  packages,
  async run(context) {
    context.copy(`servers/${file}`, file)
    await visitServer(context, file)
  },
})

/** Starts a server that prints its port. @param {Context} context @param {string[]} args Of Node. */
export async function startServer({ folder, signal }, ...args) {
  const child = start(process.execPath, args, { cwd: folder, signal, env: ENV, stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  const port = new Promise((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (chunk) => {
      printed += chunk
      const [, found] = /(?:^|:)(\d+)\D*\n/m.exec(printed) ?? []
      if (found !== undefined) resolve(found)
    })
  })
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}: ${printed}`)))
  return `http://127.0.0.1:${await Promise.race([port, ended])}`
}

/** A browser's view of a server: it keeps the one cookie, and hands it in again. @param {string} url @param {AbortSignal} signal */
export function createVisitor(url, signal) {
  let cookie = ''
  /** @param {string} path @param {object} [body] @param {string} [sent] */
  async function visit(path, body, sent = cookie) {
    const post = body && { method: 'POST', body: JSON.stringify(body) }
    const headers = { cookie: sent, ...(body && { 'content-type': 'application/json' }) }
    const response = await fetch(new URL(path, url), { ...post, headers, signal })
    const lines = response.headers.getSetCookie()
    for (const line of lines) cookie = /Max-Age=0|01 Jan 1970/.test(line) ? '' : line.split(';')[0]
    return { status: response.status, answer: await response.json(), lines, headers: response.headers }
  }
  return { visit, cookie: () => cookie }
}

/** @param {Context} context @param {string[]} args */
export async function visitServer(context, ...args) {
  const url = await startServer(context, ...args)
  const { visit, cookie } = createVisitor(url, context.signal)

  const stranger = await visit('/me')
  assert.deepEqual([stranger.status, stranger.answer, stranger.lines], [200, { user: null, views: 0 }, []])

  const login = await visit('/login', { user: 'bob' })
  assert.deepEqual([login.status, login.answer, login.lines.length], [200, { user: 'bob' }, 1])
  assert.match(login.lines[0], /^_node=AQ[\w-]+; .*HttpOnly/)

  for (const views of [1, 2, 3]) {
    const { status, answer, headers } = await visit('/me')
    assert.deepEqual([status, answer], [200, { user: 'bob', views }])
    assert.match(headers.get('vary') ?? '', /\bCookie\b/)
    assert.match(headers.get('cache-control') ?? '', /\bprivate\b/)
  }
  const good = cookie()
  const forged = await visit('/me', undefined, `${good.slice(0, -4)}AAAA`)
  assert.deepEqual(forged.answer, { user: null, views: 0 })

  const logout = await visit('/logout', {})
  assert.deepEqual([logout.status, logout.lines.length, cookie()], [200, 1, ''])
  assert.deepEqual((await visit('/me')).answer, { user: null, views: 0 })
}

/** @type {Consumer} */
const socketIo = {
  name: 'socket.io',
  packages: ['socket.io', 'socket.io-client', 'ws', 'express'],
  async run(context) {
    context.copy('servers/socket.io.cjs', 'server.cjs')
    context.copy('servers/socket.io-client.cjs', 'client.cjs')
    const url = await startServer(context, 'server.cjs')
    const { visit, cookie } = createVisitor(url, context.signal)
    await visit('/login', { user: 'bob' })
    const report = JSON.parse(await node(context, 'client.cjs', url, cookie()))
    for (const transport of ['websocket', 'polling']) {
      const { user, setCookie } = report[transport]
      assert.equal(user, 'bob', `over ${transport} the session's user is ${user}`)
      assert.equal(setCookie.length, 1, `the handshake by ${transport} brings ${setCookie.length} cookies`)
      // What the engine's middleware wrote is in that cookie.
      const after = await visit('/me', undefined, setCookie[0].split(';')[0])
      assert.deepEqual(after.answer, { user: 'bob', transport })
    }
    assert.deepEqual(report.stranger, { user: null })
    assert.deepEqual(report.errors, [])
    assert.deepEqual((await visit('/errors')).answer, [])
  },
}

export const servers = [
  framework('express4', 'express.cjs', ['express=express4']),
  framework('express5', 'express.cjs', ['express']),
  framework('fastify', 'fastify.mjs', ['fastify', '@fastify/middie']),
  framework('koa', 'koa.cjs', ['koa', 'koa-connect']),
  socketIo,
]
