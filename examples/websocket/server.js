/**
 * A WebSocket that knows who is there. The handshake has no response of Connect's, so `middleware.open(req)` reads the session.
 *
 *     npm install && node examples/websocket/server.js     # at the top; with PORT (default 8080) and SESSION_SECRET (a fresh one)
 *
 * Then, in the console of a page at http://127.0.0.1:8080/login?user=alice:
 *
 *     new WebSocket('ws://127.0.0.1:8080').onmessage = ({ data }) => console.log(data)
 *
 * The handshake is done by hand to be seen whole. With `ws`, call `wss.handleUpgrade(req, socket, head, ...)` in its place.
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import connect from 'connect'
import sessions, { generateSecret } from 'cookie-sessions'

const { PORT: port = '8080', SESSION_SECRET: secret = generateSecret() } = process.env
const middleware = sessions({ secret })

const app = connect()
app.use(middleware)
app.use('/login', (req, res) => {
  req.session.regenerate()
  // A real login checks a password here.
  req.session.user = new URL(req.url, 'http://localhost').searchParams.get('user')?.slice(0, 30) ?? 'somebody'
  res.end('logged in\n')
})

const server = createServer(app)

server.on('upgrade', (req, socket) => {
  socket.on('error', () => socket.destroy())
  // Browsers let pages of any origin open a WebSocket, with cookies: it is up to the server to ask where it comes from.
  if (req.headers.origin !== undefined && req.headers.origin !== `http://${req.headers.host}`)
    return refuse(socket, 403)
  const { user } = middleware.open(req)
  if (user === undefined) return refuse(socket, 401)
  accept(req, socket)
  greet(socket, `hello, ${user}`)
})

function refuse(socket, status) {
  socket.end(`HTTP/1.1 ${status} ${status === 401 ? 'Unauthorized' : 'Forbidden'}\r\nConnection: close\r\n\r\n`)
}

/** RFC 6455 section 4.2.2. */
function accept(req, socket) {
  const key = `${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const answer = createHash('sha1').update(key).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${answer}\r\n\r\n`,
  )
}

/** A text frame of up to 125 bytes, and the one that closes (RFC 6455 sections 5.2 and 5.5.1). */
function greet(socket, text) {
  const payload = Buffer.from(text)
  socket.write(Buffer.concat([Buffer.from([0x81, payload.length]), payload]))
  socket.end(Buffer.from([0x88, 0]))
  socket.resume()
}

server.listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
