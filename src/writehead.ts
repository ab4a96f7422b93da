/** The headers that node's writeHead() takes, in all their forms, set so that they can be taken back. */
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** What node notes on a response of HTTP/1 beside its headers: the length of its only chunk, and which headers not to add by itself. */
export interface Marks {
  _contentLength?: number | null
  _removedContLen?: boolean
  _removedTE?: boolean
  _removedConnection?: boolean
}

type MarkedResponse = ServerResponse & Marks

/** Sets headers on a response, and takes them back. */
export class Undo {
  readonly #response: MarkedResponse
  readonly #statusCode: number
  readonly #statusMessage: string
  #before: [name: string, value: unknown][] | undefined

  constructor(response: MarkedResponse) {
    this.#response = response
    this.#statusCode = response.statusCode
    this.#statusMessage = response.statusMessage
  }

  /** `before` is what is there now. */
  set(name: string, value: OutgoingHttpHeader, before: unknown = this.#response.getHeader(name)): void {
    this.#response.setHeader(name, value as string)
    if (this.#before === undefined) this.#before = [[name, before]]
    else this.#before.push([name, before])
  }

  all(): void {
    const response = this.#response
    const { _removedContLen = false, _removedTE = false, _removedConnection = false } = response
    for (const [name, value] of this.#before?.reverse() ?? []) {
      if (value === undefined) response.removeHeader(name)
      else response.setHeader(name, value as string)
    }
    response.statusCode = this.#statusCode
    if (response.statusMessage !== this.#statusMessage) response.statusMessage = this.#statusMessage
    if ('stream' in response) response.removeHeader(':status')
    else Object.assign(response, { _contentLength: null, _removedContLen, _removedTE, _removedConnection })
  }
}

/**
 * As node's writeHead() does where headers were set before: they are set here, for the listeners to see and extend. Of an object, the last
 * spelling of a name wins, but every Set-Cookie is kept; a list (flat, or of pairs) may repeat a name, which adds up.
 */
export function setHeaders(response: ServerResponse, headers: unknown, undo: Undo): void {
  const isList = Array.isArray(headers)
  // node skips an empty name, but not when the headers of writeHead() are the only ones.
  const skipsEmpty = !('stream' in response) && response.getHeaderNames?.().length > 0
  const seen = new Set<string>()
  for (const [name, value] of isList ? pairs(headers) : Object.entries(headers as OutgoingHttpHeaders)) {
    if (name === '' && skipsEmpty) continue
    const key = String(name).toLowerCase()
    const present = response.getHeader(name)
    // Alone first: among others, node would not see what is wrong with it.
    undo.set(name, value as string, present)
    if (seen.has(key) && (isList || key === 'set-cookie'))
      undo.set(name, add(present, value as string), value as string)
    seen.add(key)
  }
}

/** A header's value with one more. Node's own appendHeader() adds to the very list that the app passed, and may use again. */
export function add(present: OutgoingHttpHeader | undefined, value: OutgoingHttpHeader): OutgoingHttpHeader {
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
