/**
 * Calls back once, just before a response's headers go out, and can put another answer in the place of the app's.
 *
 * All of node's ways there (end, write, pipe, flushHeaders, and HTTP/2's compatibility API) lead through `response.writeHead`. `write` and
 * `end` are replaced as well: they let the headers go first, so that what happens there is known before the app's first byte is passed on.
 * HTTP/2's `stream.respond()` goes past the compatibility API, and so past this.
 */
import type { ServerResponse } from 'node:http'
import { FAILURE, FAILURE_HEADERS, isOfAnswer } from './caching.ts'
import { later } from './turn.ts'
import { type Marks, setHeaders, Undo } from './writehead.ts'

/** None of its methods may throw: a throw in here can end the process. */
export interface Listener {
  /** May set headers, by `headers`. Returns undefined, or the failure for which the app's answer must not go out. */
  onHeaders(headers: Undo): Failure | undefined
  /** node has refused the headers (a bad status, a bad header): the response is as it was before the call. */
  onRefused(): void
}

export interface Failure {
  /** Called once the response is a 500 without the app's headers. May answer the request itself. */
  report(): void
}

type HeadArguments = [statusCode?: number, reasonOrHeaders?: unknown, headers?: unknown]
type WriteHead = (...args: HeadArguments) => ServerResponse
type Write = (...args: unknown[]) => boolean
type End = (...args: unknown[]) => ServerResponse

/** One response's state. */
class Hook {
  /** The session mounted last comes first, as if its hook were around the others'. */
  listeners: Listener | readonly Listener[]
  readonly writeHead: WriteHead
  readonly write: Write
  readonly end: End
  /** What the listeners have set. */
  undo: Undo | undefined = undefined
  /** Whether all of them were called, and the app's answer goes out. */
  isDecided = false
  /** Whether the headers are on their way. */
  isDone = false
  /** Whether they are those of a failure. */
  isFailed = false
  /** Whether another body takes the place of the app's. */
  isReplaced = false
  /** Whether the app is at its last chunk. */
  isEnding = false
  /** Whether end() was called. (What wraps a response may put the real end off, so that `writableEnded` comes later.) */
  isEnded = false
  /** Whether more than one party may answer: what comes after the first answer is then dropped, where node would throw. */
  isShared = false

  constructor(response: { writeHead: WriteHead; write: Write; end: End }, listener: Listener) {
    this.listeners = listener
    this.writeHead = response.writeHead
    this.write = response.write
    this.end = response.end
  }
}

const HOOK: unique symbol = Symbol('cookie-sessions')

type Hooked = ServerResponse & { [HOOK]: Hook } & Marks

/** Does nothing for a response that cannot send headers (a stand-in). */
export function beforeHeaders(response: ServerResponse, listener: Listener): void {
  if (typeof response.writeHead !== 'function') return
  const hooked = response as Hooked
  const present = hooked[HOOK]
  if (present !== undefined) {
    present.listeners = [listener, ...listenersOf(present)]
    return
  }
  hooked[HOOK] = new Hook(response as unknown as Hook, listener)
  response.writeHead = hookedWriteHead as ServerResponse['writeHead']
  // Its other, deprecated name (DEP0063).
  if ('writeHeader' in response) response.writeHeader = response.writeHead
  if (typeof response.write === 'function') response.write = hookedWrite as ServerResponse['write']
  if (typeof response.end === 'function') response.end = hookedEnd as ServerResponse['end']
}

const listenersOf = ({ listeners }: Hook): readonly Listener[] =>
  Array.isArray(listeners) ? listeners : [listeners as Listener]

/** From now on, an answer after the answer is dropped: an app's callback may have answered, or may yet, and the app does not know. */
export function shareAnswer(response: ServerResponse): void {
  const hook = (response as Partial<Hooked> | undefined)?.[HOOK]
  if (hook === undefined || hook.isShared) return
  hook.isShared = true
  for (const name of ['setHeader', 'appendHeader', 'removeHeader', 'setHeaders'] as const) {
    const method = response[name] as ((...args: unknown[]) => unknown) | undefined
    if (typeof method !== 'function') continue
    const lenient = function (this: ServerResponse, ...args: unknown[]): unknown {
      return this.headersSent ? this : method.apply(this, args)
    }
    response[name] = lenient as never
  }
}

function hookedWriteHead(this: Hooked, ...args: HeadArguments): ServerResponse {
  const hook = this[HOOK]
  if (hook.isDone || this.headersSent) {
    // A second call is the app's mistake, and node's to refuse.
    return hook.isShared && this.headersSent ? this : hook.writeHead.apply(this, args)
  }
  const [statusCode, second] = args
  if (hook.isFailed) {
    // onError answers by itself: in its own words, but never with success.
    hook.isDone = true
    return typeof statusCode === 'number' && statusCode >= 400
      ? hook.writeHead.apply(this, args)
      : hook.writeHead.call(this, 500)
  }
  if (isRefused(this, args)) return hook.writeHead.apply(this, args)
  try {
    if (!decide(this, args)) return this
    hook.isDone = true
    if (args.length === 0) return hook.writeHead.call(this)
    return typeof second === 'string'
      ? hook.writeHead.call(this, statusCode, second)
      : hook.writeHead.call(this, statusCode)
  } catch (error) {
    takeBack(this)
    throw error
  }
}

function hookedWrite(this: Hooked, ...args: unknown[]): boolean {
  const [chunk] = args
  const hook = this[HOOK]
  try {
    // What node refuses, it refuses before the headers.
    if (isChunk(chunk)) decideEarly(this)
    if (!hook.isReplaced && !isAnswered(this)) return hook.write.apply(this, args)
  } catch (error) {
    takeBack(this)
    throw error
  }
  callLater(args)
  return true
}

function hookedEnd(this: Hooked, ...args: unknown[]): ServerResponse {
  const hook = this[HOOK]
  const chunk = typeof args[0] === 'function' || !args[0] ? '' : args[0]
  try {
    if (isChunk(chunk)) decideEarly(this, chunk, args[1])
    if (!hook.isReplaced && !isAnswered(this)) {
      try {
        return hook.end.apply(this, args)
      } finally {
        // Not before: HTTP/2's end() passes its chunk to write().
        hook.isEnded = true
      }
    }
    if (!hook.isEnded) endReplaced(this)
  } catch (error) {
    takeBack(this)
    throw error
  }
  callLater(args)
  return this
}

/** What node writes: text, or a Uint8Array of any realm (Jest's tests run in another one than node's Buffers). */
function isChunk(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || (ArrayBuffer.isView(value) && tagOf(value) === 'Uint8Array')
}

const tagOf = (value: ArrayBufferView): unknown => (value as Partial<Uint8Array>)[Symbol.toStringTag]

/** A status that node refuses before it looks at anything else. (HTTP/2 looks at it last.) */
function isRefused(response: Hooked, [statusCode]: HeadArguments): boolean {
  // engine.io's stand-in is called without one.
  if (statusCode === undefined && !('statusMessage' in response)) return false
  const code = (statusCode as number) | 0
  return !('stream' in response) && (code < 100 || code > 999)
}

/** The headers do not go out after all: something in them is wrong, or in the chunk behind them. */
function takeBack(response: Hooked): void {
  const hook = response[HOOK]
  if (hook.undo === undefined || response.headersSent) return
  hook.isDone = false
  hook.isDecided = false
  hook.undo.all()
  hook.undo = undefined
  for (const listener of listenersOf(hook)) listener.onRefused()
}

/** Calls the listeners, unless they were. Returns whether the app's answer goes out. */
function decide(response: Hooked, [, second, third]: HeadArguments): boolean {
  const hook = response[HOOK]
  if (hook.isDecided) return true
  const undo = new Undo(response)
  hook.undo = undo
  // The length of the chunk that waits, which is not that of what a callback of the app's may answer.
  const { _contentLength } = response
  if (_contentLength !== undefined) response._contentLength = null
  const headers = typeof second === 'string' ? third : (third ?? second)
  // A string for headers: HTTP/1 takes its characters for them, HTTP/2 does not.
  const isGiven = 'stream' in response ? typeof headers === 'object' : headers !== undefined
  if (isGiven && headers !== null) setHeaders(response, headers, undo)
  let failures: Failure[] | undefined
  for (const listener of listenersOf(hook)) {
    const failure = listener.onHeaders(undo)
    if (failure !== undefined) failures = [...(failures ?? []), failure]
    // A callback of the app's has answered.
    if (response.headersSent) return false
  }
  if (failures !== undefined) {
    if (response.headersSent !== undefined) {
      fail(response, hook, failures)
      return false
    }
    // engine.io's stand-in cannot answer otherwise: a handshake goes on.
    for (const failure of failures) failure.report()
  }
  if (_contentLength !== undefined) response._contentLength = _contentLength
  hook.isDecided = true
  return true
}

/** Decides before a chunk is passed on. Where other hooks are around ours, the headers go at once, since those may change the session. */
function decideEarly(response: Hooked, last?: string | Uint8Array, encoding?: unknown): void {
  const hook = response[HOOK]
  if (hook.isDone || hook.isFailed || response.headersSent || response.writableEnded || response.destroyed) return
  if (isRefused(response, [response.statusCode])) return
  hook.isEnding = last !== undefined
  if (response.writeHead === (hookedWriteHead as unknown)) decide(response, NO_ARGUMENTS)
  else {
    // node's end() notes the length of the only chunk, for the header Content-Length.
    if (last !== undefined && response._contentLength === null) {
      response._contentLength =
        typeof last === 'string' ? Buffer.byteLength(last, encoding as BufferEncoding) : last.byteLength
    }
    response.writeHead(response.statusCode)
  }
  hook.isEnding = false
}

const NO_ARGUMENTS: HeadArguments = []

/** Whether the response is over, and perhaps not by the party that calls now. */
function isAnswered(response: Hooked): boolean {
  const hook = response[HOOK]
  return hook.isShared && hook.isEnded
}

/** A dropped chunk counts as written: whoever waits for its callback goes on, in a later turn as with node. */
function callLater(args: unknown[]): void {
  const callback = args.find((argument) => typeof argument === 'function')
  if (callback !== undefined) later(callback as () => void)
}

/** How long an app has to end a response whose answer was replaced, ms. */
const END_AFTER_MS = 100

/**
 * Answers in the app's place: the session was not saved. The answer goes out when the app ends its own, so that a pipeline finishes; if
 * the app goes on and on, it is ended here, so that the client need not wait. Nothing is thrown when the client is gone.
 */
function fail(response: Hooked, hook: Hook, failures: readonly Failure[]): void {
  hook.isFailed = true
  attempt(() => {
    response.statusCode = 500
    // Its own reason phrase goes with the status (HTTP/2 has none).
    if (!('stream' in response)) response.statusMessage = ''
    for (const name of response.getHeaderNames()) if (isOfAnswer(name)) response.removeHeader(name)
    response.setHeader('Cache-Control', 'no-store')
  })
  for (const failure of failures) failure.report()
  if (hook.isDone || response.headersSent) return
  hook.isDone = true
  attempt(() => {
    for (const [name, value] of FAILURE_HEADERS) response.setHeader(name, value)
  })
  attempt(() => {
    hook.writeHead.call(response, 500)
    hook.isReplaced = true
    if (hook.isEnding) return
    setTimeout(() => {
      if (!hook.isEnded) endReplaced(response)
    }, END_AFTER_MS).unref?.()
  })
}

/** The client may be gone, and its response with it. */
function attempt(step: () => void): void {
  try {
    step()
  } catch {}
}

/**
 * In two calls, since HTTP/2's end() takes its chunk through all that is hooked around ours; and without a callback, since what wraps end()
 * may not know that form.
 */
function endReplaced(response: Hooked): void {
  const hook = response[HOOK]
  hook.isEnded = true
  hook.write.call(response, FAILURE)
  hook.end.call(response)
}
