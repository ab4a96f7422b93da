/**
 * What `cookie-sessions/fetch` is called with, told by its shape, since a framework or a test environment may bring a Request of its own; and
 * words for what it should not be called with.
 */
import { describe } from './codec/options.ts'
import type { CookieAttributes } from './contracts.ts'

/** What reads and writes cookies in the place of a request and a response: Next's `await cookies()`. */
export interface CookieStore {
  getAll(name: string): readonly { readonly value: string }[]
  set(name: string, value: string, attributes: CookieAttributes): unknown
}

type Loose = { readonly [name: string]: unknown } | null | undefined

const isFunction = (value: unknown): boolean => typeof value === 'function'

export function isRequest(value: unknown): value is Request {
  const { headers, url, method } = Object(value) as { [name: string]: unknown }
  return isFunction((headers as Loose)?.get) && typeof url === 'string' && typeof method === 'string'
}

export function isResponse(value: unknown): value is Response {
  const { headers, status } = Object(value) as { [name: string]: unknown }
  return isFunction((headers as Loose)?.get) && typeof status === 'number'
}

function isHeaders(value: unknown): value is Headers {
  const { get, set, append } = Object(value) as { [name: string]: unknown }
  return isFunction(get) && isFunction(set) && isFunction(append)
}

export function isStore(value: unknown): value is CookieStore {
  const { getAll, set, append } = Object(value) as { [name: string]: unknown }
  return isFunction(getAll) && isFunction(set) && append === undefined
}

export function checkSource(source: unknown): void {
  if (isRequest(source) || isStore(source)) return
  const { headers, then } = Object(source) as { [name: string]: unknown }
  const hint = isFunction(then)
    ? 'a promise: await it first'
    : isResponse(source)
      ? "a Response: pass the request that it answers; commit() takes the response's headers"
      : isHeaders(source)
        ? 'headers: pass the request that they belong to'
        : typeof headers === 'object' && headers !== null
          ? "node's request: for Connect, Express and node:http, import sessions from 'cookie-sessions'"
          : describe(source)
  throw new TypeError(
    `cookie-sessions: sessions are opened from a Request, or from Next's await cookies(), got ${hint}`,
  )
}

export function checkTarget(target: unknown): void {
  if (isHeaders(target) || isStore(target)) return
  const hint = isResponse(target)
    ? 'a Response: pass response.headers'
    : isFunction((target as Loose)?.then)
      ? 'a promise: await it first'
      : describe(target)
  throw new TypeError(
    `cookie-sessions: commit() takes the headers of the response, or Next's await cookies(), got ${hint}`,
  )
}

export function notAHandler(value: unknown): TypeError {
  const { headers, url } = Object(value) as { [name: string]: unknown }
  if (typeof url === 'string' && headers !== undefined) {
    return new TypeError(
      "cookie-sessions: withSession() takes a handler (request, session) => response, got a request: for Connect, Express and node:http, import sessions from 'cookie-sessions'",
    )
  }
  return new TypeError(
    `cookie-sessions: withSession() takes a handler (request, session) => response, got ${describe(value)}`,
  )
}
