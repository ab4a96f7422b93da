/** One request on either platform, for what Connect and Fetch promise alike. */
import type { IncomingMessage } from 'node:http'
import { vi } from 'vitest'
import { sessions } from '../../src/fetch.ts'
import type { SessionOptions } from '../../src/options.ts'
import { type Ask, SECRET, type TestRequest, type Visit, visit } from './server.ts'

type Session = TestRequest['session']
type Options = Ask & Partial<SessionOptions<IncomingMessage>>

/** What a test looks at after a request; `value` is what `act` returned. */
export type Seen = Pick<Visit, 'status' | 'cookies' | 'value' | 'errors' | 'invalid'>
type Visitor = (act: (session: Session) => unknown, options?: Options) => Promise<Seen>

const connect: Visitor = (act, options) => visit((req) => act(req.session), options)

/** A wrapped handler; what `act` returns goes out as JSON unless it is a response. */
export const visitFetch: Visitor = async (act, { method, headers, cookie, ...options } = {}) => {
  const errors: unknown[] = []
  const invalid: string[] = []
  let value: unknown
  const request = new Request('http://example.com/', {
    method: method ?? 'GET',
    headers: { ...(headers as { [name: string]: string }), ...(cookie && { Cookie: [cookie].flat().join('; ') }) },
  })
  const settings = {
    secret: SECRET,
    onError: (error: unknown) => errors.push(error),
    onInvalid: (reason: string) => invalid.push(reason),
    ...(options as object),
  }
  const response = await sessions(settings)(async (_, session) => {
    value = await act(session)
    return value instanceof Response ? value : Response.json(value ?? null)
  })(request)
  return { status: response.status, cookies: response.headers.getSetCookie(), value, errors, invalid }
}

export const PLATFORMS: readonly (readonly [name: string, visit: Visitor])[] = [
  ['Connect', connect],
  ['Fetch', visitFetch],
]

/** The messages that process.emitWarning() is handed under this code, from now on. */
export function warnings(code: string): string[] {
  const messages: string[] = []
  vi.spyOn(process, 'emitWarning').mockImplementation(((message: string, options?: { code?: string }) => {
    if (options?.code === code) messages.push(message)
  }) as typeof process.emitWarning)
  return messages
}
