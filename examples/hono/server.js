/**
 * Hono on Node, with the two steps apart: a middleware of its own opens the session and commits it.
 *
 *     npm install && npm start      # after npm install at the top; PORT (default 8080), SESSION_SECRET (default: a fresh one)
 *     curl -c jar -b jar http://127.0.0.1:8080/
 */
import { serve } from '@hono/node-server'
import sessions, { generateSecret } from 'cookie-sessions/fetch'
import { Hono } from 'hono'

const { PORT: port = '8080', SESSION_SECRET: secret = generateSecret() } = process.env
const withSession = sessions({ secret })

const app = new Hono()

app.use(async (c, next) => {
  const session = withSession.open(c.req.raw)
  c.set('session', session)
  await next()
  // What failed saves nothing. The copy is for answers whose headers are immutable, as fetch() returns them.
  if (c.error !== undefined) return
  c.res = new Response(c.res.body, c.res)
  withSession.commit(session, c.res.headers, c.res.status)
})

app.get('/', (c) => {
  const session = c.get('session')
  session.views = (session.views ?? 0) + 1
  return c.text(`${session.views} views\n`)
})

app.post('/login', (c) => {
  const session = c.get('session')
  session.regenerate() // a new, empty session: what was planted before the login is gone
  session.user = 'alice'
  return c.redirect('/me', 303)
})

app.get('/me', (c) => c.text(`${c.get('session').user ?? 'nobody'}\n`))

app.post('/logout', (c) => {
  c.get('session').destroy()
  return c.redirect('/me', 303)
})

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(port) }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}`)
})
