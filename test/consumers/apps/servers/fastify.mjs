import middie from '@fastify/middie'
import sessions, { generateSecret } from 'cookie-sessions'
import Fastify from 'fastify'

const app = Fastify()
await app.register(middie)
app.use(sessions({ secret: generateSecret() }))

app.get('/me', async ({ raw }) => {
  const { user = null } = raw.session
  if (user !== null) raw.session.views = (raw.session.views ?? 0) + 1
  return { user, views: raw.session.views ?? 0 }
})

app.post('/login', async ({ raw, body }) => {
  raw.session.regenerate()
  raw.session.user = body.user
  return { user: raw.session.user }
})

app.post('/logout', async ({ raw }) => {
  raw.session.destroy()
  return { user: null }
})

await app.listen({ port: 0, host: '127.0.0.1' })
console.log(app.server.address().port)
