'use server'

/** Server actions: they read the session and save it, by way of Next's cookies(). */
import { cookies } from 'next/headers'
import { withSession } from './session.js'

export async function login(form) {
  const store = await cookies()
  const session = withSession.open(store)
  session.regenerate()
  session.user = form.get('user')
  withSession.commit(session, store)
}

export async function logout() {
  const store = await cookies()
  const session = withSession.open(store)
  session.destroy()
  withSession.commit(session, store)
}
