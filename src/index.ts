import { createCodec } from './codec/codec.ts'
import { generateSecret } from './codec/secret.ts'
import { sessions as middleware } from './connect.ts'
import { SessionError } from './errors.ts'

export type { Backend, Reason, Refused } from './codec/backend.ts'
export type { Codec, Opened } from './codec/codec.ts'
export type { CodecOptions, Secret } from './codec/options.ts'
export type { Middleware, ReadonlySession } from './connect.ts'
export type { SessionErrorCode } from './errors.ts'
export type { SessionOptions } from './options.ts'
export type { Callback, Session, SessionData, SessionInput, SessionMethods } from './session.ts'

/** The middleware, with the other names on it: `require()` returns nothing else (index.cts). */
const sessions: typeof middleware & {
  sessions: typeof middleware
  createCodec: typeof createCodec
  generateSecret: typeof generateSecret
  SessionError: typeof SessionError
} = Object.assign(middleware, { sessions: middleware, createCodec, generateSecret, SessionError })

export { createCodec, generateSecret, SessionError, sessions, sessions as default }
