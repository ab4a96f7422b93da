/** The seams: between one session in one request, what it is attached to, and how its token travels. */
import type { Reason } from './codec/backend.ts'

/** What becomes of the client's token: a new one, its removal (null), or nothing (undefined). */
export type Outcome = string | null | undefined

/** One line of a response's headers. */
export type HeaderLine = readonly [name: string, value: string]

/** What a transport may know of a request. */
export interface Carrier {
  /** The request's header of that name, in lower case; undefined where it has none. */
  header(name: string): string | undefined
  /** Whether the request came over TLS to this very server. */
  isEncrypted(): boolean
}

/** How a token travels from the client to the server and back. cookie.ts is the default one. */
export interface Transport {
  /** What carries the token, for messages: "a cookie named '_node'". */
  readonly name: string
  /** What fits, in characters. */
  readonly maxTokenChars: number
  /** The tokens that came, in the order in which they came. */
  read(carrier: Carrier): string[]
  /** The header lines that bring the client a token, or take its token away (null). `now`: ms since the epoch. */
  write(carrier: Carrier, token: string | null, now: number): readonly HeaderLine[]
}

export const HEADERS_SENT = "the response's headers have been sent. Do this before the response begins"

/** What differs between Connect and the Fetch API: one object for each sessions() call. */
export interface Platform<Req, Res> {
  /**
   * Whether the app holds the session object itself (Fetch), so that regenerate() has to empty it, and not a property of the request that
   * can be given another object (Connect).
   */
  readonly keepsObject: boolean
  header(request: Req, name: string): string | undefined
  isEncrypted(request: Req): boolean
  /** Why no session can be sent with this response, in words; undefined where it can. */
  whyNot(request: Req, response: Res): string | undefined
  /** The request for a message: "POST /checkout", without the query, which may hold secrets. */
  describe(request: Req): string
  /** Called after a callback of the app's, which may have answered the request. */
  onCallback(response: Res): void
  /** Calls back once the response is over, or, where that shows nowhere, in a later turn. */
  whenOver(request: Req, response: Res, callback: () => void): void
}

/** What happens to sessions. A listener names what it wants to hear of; nobody pays for what nobody hears. */
export interface SessionListener<Req> {
  /** A token was refused. The new session exists by then. */
  readonly refused?: (reason: Reason, request: Req) => unknown
  /** A session, or a change to one, could not be saved. */
  readonly failed?: (error: unknown, request: Req) => unknown
  /** A new session goes out for the first time. */
  readonly begun?: (facts: SessionFacts, request: Req) => unknown
  /** The session that came with the request is over: destroyed, or replaced by a new one. */
  readonly ended?: (facts: SessionFacts, request: Req) => unknown
  /** A token goes out, of a new session or an old one. */
  readonly sealed?: (facts: SessionFacts, request: Req) => unknown
}

export interface SessionFacts {
  /** When the session began, ms since the epoch. */
  readonly createdAt: number
}

/** What an optional capability plugs into each request. */
export interface Feature<Req> {
  readonly listener?: SessionListener<Req>
  /** Whether the listener is the app's, and so may answer the request. */
  readonly mayAnswer?: boolean
  /** What has to be awaited before the app runs; undefined where there is nothing to wait for. */
  readonly gate?: (request: Req) => PromiseLike<unknown> | undefined
}

/** One option: each default is said once, here. */
export interface OptionRow {
  /** What the option takes, for the error; absent where it is checked elsewhere. */
  readonly takes?: string
  readonly accepts?: (value: unknown) => boolean
  readonly default?: unknown
  /** What neighbours call it. */
  readonly aliases?: readonly string[]
}

/** A cookie's attributes, under the names that the `cookie` package and Next use. */
export interface CookieAttributes {
  path?: string
  domain?: string
  httpOnly?: boolean
  sameSite?: 'lax' | 'strict' | 'none'
  partitioned?: boolean
  priority?: 'low' | 'medium' | 'high'
  secure?: boolean
  /** Seconds. */
  maxAge?: number
  expires?: Date
}
