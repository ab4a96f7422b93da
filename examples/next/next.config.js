import { generateSecret } from 'cookie-sessions/fetch'

// Next loads app/session.js once for the route and once for the page: without a secret of yours, both get this one.
process.env.SESSION_SECRET ??= generateSecret()

export default {}
