/** `require('cookie-sessions/js')`: the backend itself, with all names of the entry on it. */
import entry = require('./js.ts')

interface Entry extends entry.Backend, Omit<typeof entry, 'default'> {
  readonly default: Entry
}

const { createCodec, generateSecret, js, SessionError } = entry
const names = { createCodec, generateSecret, js, SessionError, default: js as Entry }
const backend: Entry = Object.assign(js, names)

declare namespace backend {
  export type Backend = entry.Backend
  export type Codec = entry.Codec
  export type CodecOptions = entry.CodecOptions
  export type Opened<Data = unknown> = entry.Opened<Data>
  export type Reason = entry.Reason
  export type Refused = entry.Refused
  export type Secret = entry.Secret
  export type SessionError = entry.SessionError
  export type SessionErrorCode = entry.SessionErrorCode
}

export = backend
