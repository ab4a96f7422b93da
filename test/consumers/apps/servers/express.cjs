const express = require('express')
const sessions = require('cookie-sessions')

const app = express()
app.use(sessions({ secret: sessions.generateSecret() }))
app.use(express.json())

app.get('/me', (req, res) => {
  const { user = null } = req.session
  if (user !== null) req.session.views = (req.session.views ?? 0) + 1
  res.json({ user, views: req.session.views ?? 0 })
})

app.post('/login', (req, res) => {
  req.session.regenerate()
  req.session.user = req.body.user
  res.json({ user: req.session.user })
})

app.post('/logout', (req, res) => {
  req.session = null
  res.json({ user: null })
})

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
