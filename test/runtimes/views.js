/** A session on the Fetch API's side, the same file in workerd and in Deno: it adds its visitor to the list. */
import sessions from 'cookie-sessions/fetch'

// The secret of a test, and of nothing else.
const withSession = sessions({ secret: 'a published secret, good for test vectors only' })

export default {
  fetch: withSession((request, session) => {
    const { searchParams } = new URL(request.url)
    if (searchParams.has('visitor')) session.visitors = [...(session.visitors ?? []), searchParams.get('visitor')]
    const { isNew, createdAt } = session
    return Response.json({ ...session, isNew, createdAt })
  }),
}
