/** The one error class of this package. Misuse of an option is a plain `TypeError` instead. */

/**
 * What went wrong:
 * - `too-large`: the data does not fit (a token holds 16,320 bytes; a cookie 4,096 with its name)
 * - `unserializable`: JSON cannot hold the data (a cycle, a BigInt, a toJSON that throws, nothing at all)
 * - `reserved-name`: a top-level key of the session bears the name of one of its own methods or getters
 * - `headers-sent`: the response's headers are out, so the session cannot be saved any more
 * - `no-backend`: this runtime lacks what the chosen backend needs, or its self-test failed
 * - `no-random`: this runtime has no cryptographic random source and none was given
 */
export type SessionErrorCode =
  | 'too-large'
  | 'unserializable'
  | 'reserved-name'
  | 'headers-sent'
  | 'no-backend'
  | 'no-random'

/** An error with a `code` to tell it by; `cause` holds the original error where there is one. */
export class SessionError extends Error {
  override readonly name: string = 'SessionError'
  readonly code: SessionErrorCode

  constructor(code: SessionErrorCode, message: string, cause?: unknown) {
    super(`cookie-sessions: ${message}`, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
