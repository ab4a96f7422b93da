/** A server component: it can read the session, and Next lets it set no cookie. */
import { cookies } from 'next/headers'
import { login, logout } from './actions.js'
import { withSession } from './session.js'

export default async function Page() {
  const { user } = withSession.open(await cookies())
  return user === undefined ? (
    <form action={login}>
      <input name="user" required />
      <button type="submit">Log in</button>
    </form>
  ) : (
    <form action={logout}>
      <p>{`Hello, ${user}`}</p>
      <button type="submit">Log out</button>
    </form>
  )
}
