/** `require('cookie-sessions/fetch')`: sessions() itself, and the other names on it. */
import entry = require('./fetch.ts')

import {
  type Backend,
  type Callback,
  type CookieAttributes,
  type CookieStore,
  generateSecret,
  type Reason,
  type Secret,
  type Session,
  type SessionData,
  SessionError,
  type SessionErrorCode,
  type SessionMethods,
  type SessionOptions,
  type WithSession,
} from './fetch.ts'

/**
 * Sessions in an encrypted, authenticated cookie. Throws a TypeError for options that are wrong or
 * contradict each other, and a SessionError ('no-backend') where the chosen backend cannot run.
 */
function sessions(options: SessionOptions<Request>): WithSession {
  return entry.sessions(options)
}

Object.assign(sessions, entry, { sessions, default: sessions })

declare namespace sessions {
  export {
    type Backend,
    type Callback,
    type CookieAttributes,
    type CookieStore,
    generateSecret,
    type Reason,
    type Secret,
    type Session,
    type SessionData,
    SessionError,
    type SessionErrorCode,
    type SessionMethods,
    type SessionOptions,
    sessions,
    sessions as default,
    type WithSession,
  }
}

export = sessions
