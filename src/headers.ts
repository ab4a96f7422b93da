/**
 * Calls back once, just before a response's headers go out, and can put another answer in the place of the app's.
 *
 * All of node's ways there (end, write, pipe, flushHeaders, and HTTP/2's compatibility API) lead through `response.writeHead`. `write` and
 * `end` are replaced as well: they let the headers go first, so that what happens there is known before the app's first byte is passed on.
 * HTTP/2's `stream.respond()` goes past the compatibility API, and so past this.
 */
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { FAILURE, FAILURE_HEADERS, isOfAnswer } from './caching.ts'

/** Sets a header, so that it can be taken back if node refuses the response. */
export type SetHeader = (name: string, value: OutgoingHttpHeader) => void

/** None of its methods may throw: a throw in here can end the process. */
export interface Listener {
  /** May set headers. Returns undefined, or the failure for which the app's answer must not go out. */
  onHeaders(set: SetHeader): Failure | undefined
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

interface Hook {
  readonly listeners: Listener[]
  readonly writeHead: WriteHead
  readonly write: Write
  readonly end: End
  /** What the listeners have set. */
  undo: Undo | undefined
  /** Whether all of them were called, and the app's answer goes out. */
  isDecided: boolean
  /** Whether the headers are on their way. */
  isDone: boolean
  /** Whether they are those of a failure. */
  isFailed: boolean
  /** Whether another body takes the place of the app's. */
  isReplaced: boolean
  /** Whether the app is at its last chunk. */
  isEnding: boolean
  /** Whether more than one party may answer: what comes after the first answer is then dropped, where node would throw. */
  isShared: boolean
}

const HOOK: unique symbol = Symbol('cookie-sessions')

type Hooked = ServerResponse & { [HOOK]: Hook } & Marks

/** What node notes on a response of HTTP/1 beside its headers: the length of its only chunk, and which headers not to add by itself. */
interface Marks {
  _contentLength?: number | null
  _removedContLen?: boolean
  _removedTE?: boolean
  _removedConnection?: boolean
}

/** Does nothing for a response that cannot send headers (a stand-in). */
export function beforeHeaders(response: ServerResponse, listener: Listener): void {
  if (typeof response.writeHead !== 'function') return
  const hooked = response as Hooked
  const present = hooked[HOOK]
  if (present !== undefined && !present.isDone) {
    // The session mounted last is decided first, as if its hook were around the others'.
    present.listeners.unshift(listener)
    return
  }
  const { writeHead, write, end } = response as unknown as { writeHead: WriteHead; write: Write; end: End }
  hooked[HOOK] = {
    listeners: [listener],
    writeHead,
    write,
    end,
    undo: undefined,
    isDecided: false,
    isDone: false,
    isFailed: false,
    isReplaced: false,
    isEnding: false,
    isShared: false,
  }
  response.writeHead = hookedWriteHead as ServerResponse['writeHead']
  // Its other, deprecated name (DEP0063).
  if ('writeHeader' in response) response.writeHeader = response.writeHead
  if (typeof write === 'function') response.write = hookedWrite as ServerResponse['write']
  if (typeof end === 'function') response.end = hookedEnd as ServerResponse['end']
}

/** From now on, an answer after the answer is dropped: an app's callback may have answered, or may yet, and the app does not know. */
export function shareAnswer(response: ServerResponse): void {
  const hook = (response as Partial<Hooked> | undefined)?.[HOOK]
  if (hook === undefined || hook.isShared) return
  hook.isShared = true
  for (const name of ['setHeader', 'appendHeader', 'removeHeader', 'setHeaders', 'flushHeaders'] as const) {
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
  return orRefused(this, () => {
    if (!decide(this, args)) return this
    hook.isDone = true
    if (args.length === 0) return hook.writeHead.call(this)
    return typeof second === 'string'
      ? hook.writeHead.call(this, statusCode, second)
      : hook.writeHead.call(this, statusCode)
  })
}

function hookedWrite(this: Hooked, ...args: unknown[]): boolean {
  const [chunk] = args
  const hook = this[HOOK]
  return orRefused(this, () => {
    // What node refuses, it refuses before the headers.
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) decideEarly(this)
    if (!hook.isReplaced && !isAnswered(this)) return hook.write.apply(this, args)
    callLater(args)
    return true
  })
}

function hookedEnd(this: Hooked, ...args: unknown[]): ServerResponse {
  const [first, second] = args
  const hook = this[HOOK]
  const chunk = typeof first === 'function' || !first ? '' : first
  return orRefused(this, () => {
    if (typeof chunk === 'string') decideEarly(this, () => Buffer.byteLength(chunk, second as BufferEncoding))
    else if (chunk instanceof Uint8Array) decideEarly(this, () => chunk.byteLength)
    if (isAnswered(this) || (hook.isReplaced && this.writableEnded)) {
      callLater(args)
      return this
    }
    return hook.isReplaced ? endReplaced(this, args) : hook.end.apply(this, args)
  })
}

/** A status that node refuses before it looks at anything else. (HTTP/2 looks at it last.) */
function isRefused(response: Hooked, [statusCode]: HeadArguments): boolean {
  // engine.io's stand-in is called without one.
  if (statusCode === undefined && !('statusMessage' in response)) return false
  const code = (statusCode as number) | 0
  return !('stream' in response) && (code < 100 || code > 999)
}

/** Takes back what was decided if the headers do not go out after all: something in them is wrong, or in the chunk behind them. */
function orRefused<Result>(response: Hooked, send: () => Result): Result {
  const hook = response[HOOK]
  try {
    return send()
  } catch (error) {
    if (hook.undo !== undefined && !response.headersSent) {
      hook.isDone = false
      hook.isDecided = false
      hook.undo.all()
      hook.undo = undefined
      for (const listener of hook.listeners) listener.onRefused()
    }
    throw error
  }
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
  setHeaders(response, typeof second === 'string' ? third : (third ?? second), undo)
  const failures: Failure[] = []
  for (const listener of hook.listeners) {
    const failure = listener.onHeaders((name, value) => undo.set(name, value))
    if (failure !== undefined) failures.push(failure)
    // A callback of the app's has answered.
    if (response.headersSent) return false
  }
  if (failures.length > 0) {
    fail(response, hook, failures)
    return false
  }
  if (_contentLength !== undefined) response._contentLength = _contentLength
  hook.isDecided = true
  return true
}

/** Decides before a chunk is passed on. Where other hooks are around ours, the headers go at once, since those may change the session. */
function decideEarly(response: Hooked, length?: () => number): void {
  const hook = response[HOOK]
  if (hook.isDone || hook.isFailed || response.headersSent || response.writableEnded || response.destroyed) return
  if (isRefused(response, [response.statusCode])) return
  hook.isEnding = length !== undefined
  if (response.writeHead === (hookedWriteHead as unknown)) decide(response, [])
  else {
    // node's end() notes the length of the only chunk, for the header Content-Length.
    if (length !== undefined && response._contentLength === null) response._contentLength = length()
    response.writeHead(response.statusCode)
  }
  hook.isEnding = false
}

/** Whether the response is over, and perhaps not by the party that calls now. */
function isAnswered(response: Hooked): boolean {
  return response[HOOK].isShared && response.writableEnded
}

/** A dropped chunk counts as written: whoever waits for its callback goes on, in a later turn as with node. */
function callLater(args: unknown[]): void {
  const callback = args.find((argument) => typeof argument === 'function')
  if (callback !== undefined) setImmediate(callback as () => void)
}

/** How long an app has to end a response whose answer was replaced, ms. */
const END_AFTER_MS = 100

/**
 * Answers in the app's place: the session was not saved. The answer goes out when the app ends its own, so that a pipeline finishes; if
 * the app goes on and on, it is ended here, so that the client need not wait. Nothing is thrown when the client is gone.
 */
function fail(response: Hooked, hook: Hook, failures: readonly Failure[]): void {
  hook.isFailed = true
  try {
    for (const name of response.getHeaderNames()) if (isOfAnswer(name)) response.removeHeader(name)
    response.setHeader('Cache-Control', 'no-store')
    response.statusCode = 500
    // Its own reason phrase goes with the status (HTTP/2 has none).
    if (!('stream' in response)) response.statusMessage = ''
  } catch {
    // The client is gone, or the response is.
  }
  for (const failure of failures) failure.report()
  if (hook.isDone || response.headersSent) return
  hook.isDone = true
  try {
    for (const [name, value] of FAILURE_HEADERS) response.setHeader(name, value)
    hook.writeHead.call(response, 500)
    hook.isReplaced = true
    if (hook.isEnding) return
    setTimeout(() => {
      if (!response.writableEnded) endReplaced(response)
    }, END_AFTER_MS).unref?.()
  } catch {
    // The client is gone, or the response is.
  }
}

/** In two calls, since HTTP/2's end() takes its chunk through all that is hooked around ours. */
function endReplaced(response: Hooked, args: readonly unknown[] = []): ServerResponse {
  const { write, end } = response[HOOK]
  write.call(response, FAILURE)
  return end.apply(
    response,
    args.filter((argument) => typeof argument === 'function'),
  )
}

/** What a response was before headers were set on it, to be taken back. */
class Undo {
  readonly #response: Hooked
  readonly #statusCode: number
  readonly #statusMessage: string
  readonly #marks: Marks
  readonly #before: [name: string, value: OutgoingHttpHeader | undefined][] = []

  constructor(response: Hooked) {
    this.#response = response
    this.#statusCode = response.statusCode
    this.#statusMessage = response.statusMessage
    const { _removedContLen = false, _removedTE = false, _removedConnection = false } = response
    this.#marks = { _contentLength: null, _removedContLen, _removedTE, _removedConnection }
  }

  set(name: string, value: OutgoingHttpHeader): void {
    this.#before.push([name, this.#response.getHeader(name)])
    this.#response.setHeader(name, value as string)
  }

  all(): void {
    const response = this.#response
    for (const [name, value] of this.#before.reverse()) {
      if (value === undefined) response.removeHeader(name)
      else response.setHeader(name, value as string)
    }
    response.statusCode = this.#statusCode
    if (response.statusMessage !== this.#statusMessage) response.statusMessage = this.#statusMessage
    if ('stream' in response) response.removeHeader(':status')
    else Object.assign(response, this.#marks)
  }
}

/**
 * As node's writeHead() does where headers were set before: they are set here, for the listeners to see and extend. Of an object, the last
 * spelling of a name wins, but every Set-Cookie is kept; a list (flat, or of pairs) may repeat a name, which adds up.
 */
function setHeaders(response: ServerResponse, headers: unknown, undo: Undo): void {
  if (headers === undefined || headers === null) return
  const isList = Array.isArray(headers)
  // node skips an empty name, but not when the headers of writeHead() are the only ones.
  const skipsEmpty = !('stream' in response) && response.getHeaderNames?.().length > 0
  const seen = new Set<string>()
  for (const [name, value] of isList ? pairs(headers) : Object.entries(headers as OutgoingHttpHeaders)) {
    if (name === '' && skipsEmpty) continue
    const key = String(name).toLowerCase()
    const present = seen.has(key) && (isList || key === 'set-cookie') ? response.getHeader(name) : undefined
    // Alone first: among others, node would not see what is wrong with it.
    undo.set(name, value as string)
    if (present !== undefined) undo.set(name, [present, value].flat() as string[])
    seen.add(key)
  }
}

/** The value of a header with one more. Node's own appendHeader() adds to the very list that the app passed, and may use again. */
export function append(response: ServerResponse, name: string, value: OutgoingHttpHeader): OutgoingHttpHeader {
  const present = response.getHeader(name)
  return present === undefined ? value : ([present, value].flat() as string[])
}

/** The two forms of a list. */
function pairs(headers: readonly unknown[]): (readonly [string, unknown])[] {
  if (Array.isArray(headers[0])) return headers as [string, unknown][]
  if (headers.length % 2 !== 0) {
    const error = new TypeError(`The argument 'headers' is invalid. Received ${headers.length} items`)
    throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' })
  }
  return Array.from({ length: headers.length / 2 }, (_, i) => [headers[2 * i] as string, headers[2 * i + 1]] as const)
}
