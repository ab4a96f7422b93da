const { createServer } = require('node:http')
const express = require('express')
const { Server } = require('socket.io')
const sessions = require('cookie-sessions')

const errors = []
const middleware = sessions({
  secret: sessions.generateSecret(),
  onError: (error) => errors.push(String(error)),
})

const app = express()
app.use(middleware)
app.use(express.json())
app.post('/login', (req, res) => {
  req.session = { user: req.body.user }
  res.json({})
})
app.get('/me', (req, res) => res.json({ ...req.session }))
app.get('/errors', (_req, res) => res.json(errors))

const server = createServer(app)
const io = new Server(server)
io.engine.use(middleware)
io.engine.use((req, _res, next) => {
  // A handshake, and no later request of its connection.
  if (req._query.sid === undefined && req.session.user !== undefined) req.session.transport = req._query.transport
  next()
})
io.on('connection', (socket) => socket.emit('user', socket.request.session.user ?? null))

server.listen(0, '127.0.0.1', () => console.log(server.address().port))
