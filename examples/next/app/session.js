/** The sessions of the route handler, the page and its actions: one secret, and so one cookie. */
import sessions, { generateSecret } from 'cookie-sessions/fetch'

export const withSession = sessions({ secret: process.env.SESSION_SECRET ?? generateSecret() })
