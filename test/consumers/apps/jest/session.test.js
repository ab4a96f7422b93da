/** Of a user's own tests: what they require, and a server that they ask. It runs in Jest's environment for Node and in jsdom's. */
const http = require('node:http')
const sessions = require('cookie-sessions')
const { createCodec, generateSecret, SessionError } = sessions
const wrap = require('cookie-sessions/fetch')
const codec = require('cookie-sessions/codec')
const js = require('cookie-sessions/js')

function ask(port, cookie) {
  return new Promise((resolve, reject) => {
    const headers = cookie === undefined ? {} : { cookie }
    http
      .get({ host: '127.0.0.1', port, headers, agent: false }, (res) => {
        let text = ''
        res.setEncoding('utf8').on('data', (chunk) => {
          text += chunk
        })
        res.on('end', () => resolve({ text, cookie: res.headers['set-cookie']?.[0].split(';')[0] }))
      })
      .on('error', reject)
  })
}

test('the entries are functions with the rest on them', () => {
  expect(typeof sessions).toBe('function')
  expect(sessions.default).toBe(sessions)
  expect(wrap.default).toBe(wrap)
  expect(codec.createCodec).toBe(codec)
  expect(codec.SessionError).toBe(SessionError)
  expect(js.js).toBe(js)
})

test.each(['auto', 'wasm', 'node', js])('a session lives from request to request, by backend %#', async (backend) => {
  const middleware = sessions({ secret: generateSecret(), backend })
  const server = http.createServer((req, res) =>
    middleware(req, res, () => {
      req.session.views = (req.session.views ?? 0) + 1
      res.end(String(req.session.views))
    }),
  )
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  const first = await ask(port)
  const second = await ask(port, first.cookie)
  expect([first.text, second.text]).toEqual(['1', '2'])
  await new Promise((resolve) => server.close(resolve))
})

test('bytes are bytes, of whichever realm', () => {
  const { open, seal } = createCodec({ secret: new Uint8Array(32).fill(1), name: 'it' })
  expect(open(seal({ a: [1] }))).toMatchObject({ ok: true, data: { a: [1] } })
  const random = (bytes) => {
    bytes.fill(7)
  }
  expect(generateSecret(random)).toMatch(/^[\w-]{43}$/)
})

test('errors are told by their class', () => {
  const { seal } = createCodec({ secret: generateSecret(), name: 'it' })
  expect(() => seal(() => {})).toThrow(SessionError)
  expect(() => sessions({})).toThrow(/^cookie-sessions: /)
})

test('timers that are faked are the clock', () => {
  jest.useFakeTimers({ now: 1_800_000_000_000 })
  try {
    const { open, seal } = createCodec({ secret: generateSecret(), name: 'it', timeout: 1_000 })
    const token = seal('data')
    expect(open(token)).toMatchObject({ ok: true, createdAt: 1_800_000_000_000 })
    jest.advanceTimersByTime(1_001)
    expect(open(token)).toMatchObject({ ok: false, reason: 'expired' })
  } finally {
    jest.useRealTimers()
  }
})
