/**
 * One of the servers, in a process of its own: run.js starts it with the middleware's name, is told the port, and asks for its CPU time.
 *
 *   GET /          what is measured, in the mode that was given last
 *   GET /begin     begins a session of SESSION_BYTES
 *   GET /data      the session as JSON
 */
import connect from 'connect'
import { middleware, sessionData } from './contenders.js'

/** @typedef {import('./contenders.js').Mode} Mode */
/** @typedef {{ cpu: number, requests: number }} Usage Microseconds of CPU, and requests to `/`, since the process began. */

const [name] = process.argv.slice(2)
const use = await middleware(name)
const app = connect()
if (use !== undefined) app.use(use)

/** @type {Mode} */
let mode = 'untouched'
let requests = 0

app.use((/** @type {any} */ req, /** @type {any} */ res) => {
  if (req.url !== '/') {
    if (req.url === '/begin') {
      // Assigned one by one: express-session keeps an object of its own.
      if (use !== undefined) Object.assign(req.session, sessionData())
      return res.end('begun')
    }
    const { views, user } = req.session
    return res.end(JSON.stringify({ views, user }))
  }
  requests++
  if (use !== undefined && mode !== 'untouched') {
    const { session } = req
    // The load's own check: what is not 200 spoils the run.
    if (session.user === undefined) res.statusCode = 500
    if (mode === 'rw') session.views++
  }
  res.end('ok')
})

const server = app.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  process.send?.({ port })
})

process.on('message', (/** @type {{ mode?: Mode }} */ message) => {
  if (message.mode !== undefined) mode = message.mode
  const { user, system } = process.cpuUsage()
  process.send?.({ cpu: user + system, requests })
})

// Whoever started it is gone.
process.on('disconnect', () => process.exit())
