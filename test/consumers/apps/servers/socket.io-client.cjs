/** Connects in both ways with the cookie that it is given, and prints what it is told and which cookies came. */
const { io } = require('socket.io-client')
const { WebSocket } = require('ws')

const [url, cookie] = process.argv.slice(2)
const errors = []

/** What the server tells a new connection. */
function userOver(transport, extraHeaders) {
  return new Promise((resolve, reject) => {
    const socket = io(url, { transports: [transport], extraHeaders, forceNew: true, reconnection: false })
    socket.on('connect_error', reject)
    socket.on('user', (user) => {
      socket.close()
      resolve(user)
    })
  })
}

/** The Set-Cookie lines of a handshake. */
const handshakes = {
  async polling() {
    const response = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers: { cookie } })
    return response.headers.getSetCookie()
  },
  websocket() {
    return new Promise((resolve, reject) => {
      const address = `${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`
      const socket = new WebSocket(address, { headers: { cookie } })
      socket.on('error', reject)
      socket.on('upgrade', ({ headers }) => {
        socket.terminate()
        resolve(headers['set-cookie'] ?? [])
      })
    })
  },
}

async function main() {
  const report = { errors, stranger: { user: await userOver('websocket', {}) } }
  for (const transport of ['websocket', 'polling']) {
    report[transport] = { user: await userOver(transport, { cookie }), setCookie: await handshakes[transport]() }
  }
  console.log(JSON.stringify(report))
  process.exit()
}

main()
