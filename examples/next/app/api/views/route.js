/**
 * A route handler of Next's App Router. Beside it, ../../page.js is a server component and ../../actions.js has server actions.
 *
 *     npm install && npm start      # after npm install at the top; SESSION_SECRET (default: a fresh one)
 *     curl -c jar -b jar http://127.0.0.1:3000/api/views
 */
import { withSession } from '../../session.js'

export const GET = withSession((_request, session) => {
  session.views = (session.views ?? 0) + 1
  return Response.json({ views: session.views })
})

export const DELETE = withSession((_request, session) => {
  session.destroy()
  return new Response(null, { status: 204 })
})
