/**
 * A bare worker. `npm start` bundles it and serves it with workerd, the runtime of Cloudflare's workers, without node:crypto.
 *
 *     npm install && npm start      # after npm install at the top; SESSION_SECRET (default: a fresh one)
 *     curl -c jar -b jar http://127.0.0.1:8787/
 */
import sessions, { generateSecret } from 'cookie-sessions/fetch'

function views(request, session) {
  if (new URL(request.url).pathname === '/logout') {
    session.destroy()
    return new Response('bye\n')
  }
  session.views = (session.views ?? 0) + 1
  return new Response(`${session.views} views\n`)
}

// Made by the first request: before it, a worker has neither its secrets nor random bytes.
let handler

export default {
  fetch(request, env, ctx) {
    handler ??= sessions({ secret: env.SESSION_SECRET ?? generateSecret() })(views)
    return handler(request, env, ctx)
  },
}
