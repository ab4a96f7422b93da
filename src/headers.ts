/**
 * Calls back once, just before a response's headers go out. All of node's ways there (end, write, pipe, flushHeaders, and HTTP/2's
 * compatibility API) lead through `response.writeHead`, so that is the one method which is replaced.
 */
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** May change the response's headers; returns the status to send. It must not throw: a throw in here can end the process. */
export type Listener = (statusCode: number) => number

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[] | [string, OutgoingHttpHeader][]

export function beforeHeaders(response: ServerResponse, listener: Listener): void {
  const writeHead = response.writeHead as (...args: unknown[]) => ServerResponse
  let done = false

  response.writeHead = function hookedWriteHead(this: ServerResponse, ...args: unknown[]): ServerResponse {
    // A second call is the app's mistake, and node's to refuse.
    if (done || response.headersSent) return writeHead.apply(this, args)
    const [statusCode, second, third] = args as [number, unknown, unknown]
    const headers = (typeof second === 'string' ? third : (third ?? second)) as Headers | null | undefined
    // Headers handed to writeHead take the place of those set before. Set here, they are there for the listener to see and to add to,
    // and what is wrong with them throws what node would throw, at the same place.
    if (typeof headers === 'object' && headers !== null) setHeaders(response, headers)
    done = true
    const status = listener(statusCode)
    if (status === statusCode)
      return typeof second === 'string' ? writeHead.call(this, status, second) : writeHead.call(this, status)
    // Another status than the app's goes out under its own reason phrase (HTTP/2 has none).
    if (!('stream' in response)) response.statusMessage = ''
    return writeHead.call(this, status)
  } as ServerResponse['writeHead']
  // Its other, deprecated name (DEP0063).
  if ('writeHeader' in response) response.writeHeader = response.writeHead
}

/** As writeHead() does on a response without headers, and else: a name replaces what was set before, and repeated, whatever its case, adds up. */
function setHeaders(response: ServerResponse, headers: Headers): void {
  const seen = new Set<string>()
  for (const [name, value] of pairs(headers)) {
    const key = String(name).toLowerCase()
    if (seen.has(key)) appendHeader(response, name, value as string)
    else response.setHeader(name, value as string)
    seen.add(key)
  }
}

/** Adds to what stands under that name. Node's own appendHeader() adds to the very list that the app handed in, and may use again. */
export function appendHeader(response: ServerResponse, name: string, value: OutgoingHttpHeader): void {
  const present = response.getHeader(name)
  response.setHeader(name, present === undefined ? (value as string) : ([present, value].flat() as string[]))
}

/** The forms of writeHead's headers: an object, a list of pairs, a flat list. */
function pairs(headers: Headers): [string, OutgoingHttpHeader | undefined][] {
  if (!Array.isArray(headers)) return Object.entries(headers)
  if (Array.isArray(headers[0])) return headers as [string, OutgoingHttpHeader][]
  const list: [string, OutgoingHttpHeader | undefined][] = []
  for (let i = 0; i < headers.length; i += 2) list.push([headers[i] as string, headers[i + 1] as OutgoingHttpHeader])
  return list
}
