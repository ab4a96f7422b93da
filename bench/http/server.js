/**
 * One of the servers, in a process of its own. servers.js starts it with the middleware's name and the session's data, is sent the port,
 * and asks for its CPU time.
 *
 *   GET /          what is measured, in the mode that was set last
 *   GET /begin     begins a session
 *   GET /data      the session as JSON
 */
import { createRequire } from 'node:module'
import connect from 'connect'
import { sessions } from '../../dist/index.js'
import { BACKENDS } from '../ours.js'

/** 32 bytes or more; published, so good for benchmarks only. */
const SECRET = 'a published secret, good for benchmarks only'
const DAY = 86_400_000
const OPTIONS = {
  'cookie-session': { name: 'session', keys: [SECRET], maxAge: DAY },
  'client-sessions': { cookieName: 'session', secret: SECRET, duration: DAY },
  'express-session': { secret: SECRET, resave: false, saveUninitialized: false, cookie: { maxAge: DAY } },
}

const [name, data] = process.argv.slice(2)
const app = connect()
const hasSession = BACKENDS.includes(name) || Object.hasOwn(OPTIONS, name)
if (BACKENDS.includes(name)) app.use(sessions({ secret: SECRET, backend: name, timeout: DAY }))
else if (hasSession) app.use(createRequire(new URL('../peers/', import.meta.url))(name)(OPTIONS[name]))

let mode = 'untouched'
let requests = 0

app.use((req, res) => {
  if (req.url === '/begin') {
    // Assigned one by one: express-session keeps an object of its own.
    Object.assign(req.session, JSON.parse(data))
    return res.end('begun')
  }
  if (req.url === '/data') {
    const { views, user } = req.session
    return res.end(JSON.stringify({ views, user }))
  }
  requests++
  if (hasSession && mode !== 'untouched') {
    const { session } = req
    // The load's own check: a response that is not 200 spoils the run.
    if (session.user === undefined) res.statusCode = 500
    else if (mode === 'rw') session.views++
  }
  res.end('ok')
})

const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))

process.on('message', (message) => {
  mode = message.mode ?? mode
  const { user, system } = process.cpuUsage()
  process.send({ cpu: user + system, requests })
})

// Its parent has ended.
process.on('disconnect', () => process.exit())
