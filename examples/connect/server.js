/**
 * The example that `npm start` runs: a Connect server whose sessions live in a cookie, and a page to look into them.
 *
 *     PORT            default 8080; 0 lets the system pick one
 *     SESSION_SECRET  default: a fresh one, so that all sessions end with the server
 *     BACKEND         'auto', 'wasm' or 'node'; a cookie that one of them sealed opens with the others
 */
import { createServer } from 'node:http'
import connect from 'connect'
import sessions, { createCodec, generateSecret, SessionError } from 'cookie-sessions'
import { securityHeaders, showPage } from './page.js'

const { PORT: port = '8080', SESSION_SECRET: secret = generateSecret(), BACKEND: backend = 'auto' } = process.env
const host = '127.0.0.1'
const name = '_node'
const timeout = 10 * 60_000

const app = connect()
app.use(securityHeaders)
app.use(sameOriginOnly)
app.use(sessions({ secret, backend, session_key: name, timeout, onInvalid: noteRefusal }))
app.use(readForm)
app.use(route)

const routes = {
  'GET /': showPage,
  'GET /views': countView,
  'GET /session': showSession,
  'POST /write': write,
  'POST /login': login,
  'POST /logout': logout,
  'POST /tamper': tamper,
}

/** The paths of app.use() match as prefixes; these match whole. Connect answers 404 to what no one answers. */
function route(req, res, next) {
  const method = req.method === 'HEAD' ? 'GET' : req.method
  const handler = routes[`${method} ${req.url.split('?', 1)[0]}`]
  if (handler === undefined) return next()
  handler(req, res)
}

function countView(req, res) {
  req.session.views = (req.session.views ?? 0) + 1
  res.setHeader('Content-Type', 'text/plain; charset=utf-8')
  res.end(`${req.session.views}\n`)
}

function write(req, res) {
  const size = Number(req.form.get('size'))
  if (!Number.isInteger(size) || size < 0 || size > 20_000) return json(res, 400, { message: 'size: 0 to 20000' })
  req.session.text = 'A cookie is a short page, and this is what fills it. '.repeat(400).slice(0, size)
  try {
    // Without save(), a session that does not fit makes the response a 500. With it, the app hears of it in time.
    req.session.save()
  } catch (error) {
    if (!(error instanceof SessionError)) throw error
    req.session.reload() // forgets the change
    return json(res, 413, { code: error.code, message: error.message })
  }
  seeSession(res)
}

function login(req, res) {
  const user = req.form.get('user')?.trim()
  if (!user || user.length > 40) return json(res, 400, { message: 'user: a name of 1 to 40 characters' })
  // A real login checks a password here. Then always a new session, so that nothing planted before it lives on.
  req.session.regenerate()
  req.session.user = user
  seeSession(res)
}

function logout(req, res) {
  req.session.destroy()
  seeSession(res)
}

/** Changes one character of the cookie, as its owner could. The page's script cannot: the cookie is HttpOnly. */
function tamper(req, res) {
  const token = cookieIn(req.headers.cookie)
  if (!token) return json(res, 409, { message: 'there is no cookie to tamper with: count a view first' })
  const at = Math.min(Number(req.form.get('at')) || 0, token.length - 1)
  const forged = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
  res.setHeader('Set-Cookie', `${name}=${forged}; Max-Age=${timeout / 1000}; Path=/; HttpOnly; SameSite=Lax`)
  seeSession(res)
}

function noteRefusal(reason, req) {
  req.refused = reason
  console.log(`session refused: ${reason} (${req.method} ${req.url})`)
}

/** After a change the browser is sent to look at it, with the cookie that it now has. */
function seeSession(res) {
  res.writeHead(303, { Location: '/session' }).end()
}

// The middleware needs no codec of yours. This one lets the page show which backend seals, and when a cookie was issued.
const codec = createCodec({ secret, backend, name, timeout })

function showSession(req, res) {
  const data = req.session // opens the cookie, or has onInvalid note why not
  const { refused = null } = req
  res.writeHead(200, { 'Content-Type': 'application/json' })
  // Now the headers are made. If the session was issued again, the cookie is among them; else the browser keeps the one it sent.
  const value = cookieIn(res.getHeader('Set-Cookie')) ?? cookieIn(req.headers.cookie) ?? null
  const { createdAt, issuedAt } = codec.open(value ?? '')
  const { backend } = codec
  res.end(JSON.stringify({ data, name, value, refused, createdAt, issuedAt, timeout, backend, now: Date.now() }))
}

function cookieIn(header) {
  return String(header).match(/(?:^|; *)_node=([^;]+)/)?.[1]
}

function json(res, status, value) {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
}

/** SameSite=Lax keeps the cookie from other sites' forms; this keeps out other origins of the same site as well. */
function sameOriginOnly(req, res, next) {
  const { host, origin, 'sec-fetch-site': site } = req.headers
  const isForeign = site === undefined ? origin !== undefined && origin !== `http://${host}` : site !== 'same-origin'
  if (req.method === 'GET' || req.method === 'HEAD' || !isForeign) return next()
  json(res, 403, { message: 'only pages of this server may change the session' })
}

/** A small form into req.form. Who sends more than this page's forms hold is hung up on. */
function readForm(req, _res, next) {
  let body = ''
  req.setEncoding('utf8').on('data', (chunk) => {
    body += chunk
    if (body.length > 1_000) req.destroy()
  })
  req.on('end', () => {
    req.form = new URLSearchParams(body)
    next()
  })
}

const server = createServer(app).listen(Number(port), host, () => {
  const url = `http://${host}:${server.address().port}`
  console.log(`\n  ${url}   (backend: ${codec.backend})\n\n  curl -c jar -b jar ${url}/views\n`)
  if (!process.env.SESSION_SECRET)
    console.log('  SESSION_SECRET is not set: sessions end when this server stops (Ctrl+C).\n')
})
server.on('error', (error) => {
  const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${error.code})`
  console.error(`Port ${port} ${why}. Choose another one: PORT=${Number(port) + 1} npm start`)
  process.exitCode = 1
})
