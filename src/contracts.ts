/** The seams between one session in one request and what it is attached to. */

/** What becomes of the client's cookie: a new token, its removal (null), or nothing (undefined). */
export type Outcome = string | null | undefined

export const HEADERS_SENT = "the response's headers have been sent. Do this before the response begins"

/** What differs between Connect and the Fetch API: one object for each sessions() call. */
export interface Platform<Request, Response> {
  /**
   * Whether the app holds the session object itself (Fetch), so that regenerate() has to empty it, and not a property of the request that
   * can be given another object (Connect).
   */
  readonly keepsObject: boolean
  /** The values of the request's cookies called `name`, in the order in which they came. */
  cookies(request: Request, name: string): string[]
  /** Why no session can be sent with this response in words; undefined where it can. */
  whyNot(request: Request, response: Response): string | undefined
  /** The request for a message: "POST /checkout", without the query, which may hold secrets. */
  describe(request: Request): string
  /** Called after a callback of the app's, which may have answered the request. */
  onCallback(response: Response): void
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
