/** The one error class of this package. Misuse of an option is a plain `TypeError` instead. */

/**
 * What went wrong:
 * - `too-large`: the data does not fit (a token holds 16,320 bytes; a cookie 4,096 with its name)
 * - `unserializable`: JSON cannot hold the data (a cycle, a BigInt, a toJSON that throws, nothing at all)
 * - `reserved-name`: a top-level key of the session has the name of one of its own methods or getters
 * - `headers-sent`: the response's headers are out, or there is no response, so the session cannot be saved any more
 * - `replaced`: data was put into a session object after another one had taken its place
 * - `no-backend`: this runtime lacks what the chosen backend needs, or its self-test failed
 * - `no-random`: this runtime has no cryptographic random source and none was given, or the one that was given leaves bytes unfilled
 */
export type SessionErrorCode =
  | 'too-large'
  | 'unserializable'
  | 'reserved-name'
  | 'headers-sent'
  | 'replaced'
  | 'no-backend'
  | 'no-random'

/** An error identified by its `code`; `cause` holds the original error where there is one. */
export class SessionError extends Error {
  override readonly name: string = 'SessionError'
  readonly code: SessionErrorCode

  constructor(code: SessionErrorCode, message: string, cause?: unknown) {
    super(`cookie-sessions: ${message}`, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/**
 * The error that is reported for what happened while `where` ("POST /checkout") was answered. Its stack begins at the app's own line
 * if there is one: what the app's call went through before it got here (this package, node, other packages) is left out.
 */
export function reportable(code: SessionErrorCode, where: string, message: string, cause?: unknown): SessionError {
  const { stackTraceLimit } = Error
  // A framework's frames would fill the usual ten.
  if (Reflect.set(Error, 'stackTraceLimit', 50)) {
    const error = new SessionError(code, `${where}: ${message}`, cause)
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit)
    return beginAtApp(error)
  }
  return new SessionError(code, `${where}: ${message}`, cause)
}

const FRAME = '\n    at '
const USUAL_FRAMES = 10

function beginAtApp(error: SessionError): SessionError {
  const [head = '', own = '', ...frames] = (error.stack ?? '').split(FRAME)
  // The first frame is this file's: its folder is the package's code.
  const folder = /([^()\s]*[\\/])[^\\/]*$/.exec(own)?.[1] ?? '\n'
  const isForeign = (frame: string): boolean => frame.includes(folder) || /\bnode:|[\\/]node_modules[\\/]/.test(frame)
  const first = frames.findIndex((frame) => !isForeign(frame))
  if (first >= 0) error.stack = [head, ...frames.slice(first, first + USUAL_FRAMES)].join(FRAME)
  return error
}
