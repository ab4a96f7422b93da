/** `require('cookie-sessions')`: the middleware itself, and the other names on it. */
import type { IncomingMessage } from 'node:http'

import entry = require('./index.ts')

import {
  type Backend,
  type Callback,
  type Codec,
  type CodecOptions,
  createCodec,
  generateSecret,
  type Middleware,
  type Opened,
  type ReadonlySession,
  type Reason,
  type Refused,
  type Secret,
  type Session,
  type SessionData,
  SessionError,
  type SessionErrorCode,
  type SessionInput,
  type SessionMethods,
  type SessionOptions,
} from './index.ts'

/**
 * Middleware that keeps `req.session` in an encrypted, authenticated cookie. Throws a TypeError for options that are wrong or
 * contradict each other, and a SessionError ('no-backend') where the chosen backend cannot run.
 */
function sessions(options: SessionOptions<IncomingMessage>, ...misused: unknown[]): Middleware {
  return entry.sessions(options, ...misused)
}

Object.assign(sessions, entry, { sessions, default: sessions })

declare namespace sessions {
  export {
    type Backend,
    type Callback,
    type Codec,
    type CodecOptions,
    createCodec,
    generateSecret,
    type Middleware,
    type Opened,
    type ReadonlySession,
    type Reason,
    type Refused,
    type Secret,
    type Session,
    type SessionData,
    SessionError,
    type SessionErrorCode,
    type SessionInput,
    type SessionMethods,
    type SessionOptions,
    sessions,
    sessions as default,
  }
}

export = sessions
