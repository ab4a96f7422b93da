/** A handler of the Fetch API. */
import sessions from 'cookie-sessions/fetch'
import { forged, secret, token } from './given.js'

export async function app() {
  let refused
  const withSession = sessions({
    secret,
    onInvalid: (reason) => {
      refused = reason
    },
  })
  const handler = withSession((_request, session) => {
    session.views = (session.views ?? 0) + 1
    return new Response()
  })
  const ask = (value) => handler(new Request('http://localhost/', { headers: { cookie: `_node=${value}` } }))
  await ask(forged)
  const response = await ask(token)
  return { refused, token: /^_node=([^;]+)/.exec(response.headers.get('set-cookie'))[1] }
}
