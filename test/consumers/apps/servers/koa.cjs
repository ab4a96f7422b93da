const { text } = require('node:stream/consumers')
const Koa = require('koa')
const connect = require('koa-connect')
const sessions = require('cookie-sessions')

const app = new Koa()
app.use(connect(sessions({ secret: sessions.generateSecret() })))

app.use(async (ctx) => {
  const { session } = ctx.req
  if (ctx.path === '/login') {
    session.regenerate()
    ctx.req.session.user = JSON.parse(await text(ctx.req)).user
    ctx.body = { user: ctx.req.session.user }
  } else if (ctx.path === '/logout') {
    session.destroy()
    ctx.body = { user: null }
  } else {
    const { user = null } = session
    if (user !== null) session.views = (session.views ?? 0) + 1
    ctx.body = { user, views: session.views ?? 0 }
  }
})

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
