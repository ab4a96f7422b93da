/** `require('cookie-sessions/codec')`: createCodec itself, and the other names on it. */
import entry = require('./index.ts')

import {
  type Backend,
  type Codec,
  type CodecOptions,
  generateSecret,
  type Opened,
  type Reason,
  type Refused,
  type Secret,
  SessionError,
  type SessionErrorCode,
} from './index.ts'

/**
 * Seals values into tokens and opens them. Throws a TypeError for options that are wrong or
 * contradict each other, and a SessionError ('no-backend') where the chosen backend cannot run.
 */
function createCodec(options: CodecOptions): Codec {
  return entry.createCodec(options)
}

Object.assign(createCodec, entry, { createCodec, default: createCodec })

declare namespace createCodec {
  export {
    type Backend,
    type Codec,
    type CodecOptions,
    createCodec,
    createCodec as default,
    generateSecret,
    type Opened,
    type Reason,
    type Refused,
    type Secret,
    SessionError,
    type SessionErrorCode,
  }
}

export = createCodec
