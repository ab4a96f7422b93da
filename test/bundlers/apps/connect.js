/** The middleware, in a server of its own. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import sessions from 'cookie-sessions'
import { forged, secret, token } from './given.js'

export async function app() {
  let refused
  const middleware = sessions({
    secret,
    onInvalid: (reason) => {
      refused = reason
    },
  })
  const server = createServer((req, res) =>
    middleware(req, res, () => {
      req.session.views = (req.session.views ?? 0) + 1
      res.end()
    }),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const ask = (value) =>
    fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { cookie: `_node=${value}`, connection: 'close' } })
  await ask(forged)
  const response = await ask(token)
  server.close()
  return { refused, token: /^_node=([^;]+)/.exec(response.headers.get('set-cookie'))[1] }
}
