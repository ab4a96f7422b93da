/**
 * A session on a request and its response: what the glues to Connect and to Fetch have in common. Knows the options and what stands in
 * headers, but not the objects that bear them.
 */
import type { Reason } from './codec/backend.ts'
import type { TextCodec } from './codec/codec.ts'
import { removeCookie, setCookie } from './cookie.ts'
import type { SessionSettings } from './options.ts'
import { SessionLife } from './session.ts'

export abstract class RequestLife<Request> extends SessionLife {
  // Private, so that what prints a request does not print secrets.
  readonly #settings: SessionSettings<Request>
  readonly #request: Request

  constructor(settings: SessionSettings<Request>, codec: TextCodec, request: Request) {
    super(codec, settings.cookie.name, settings.rolling)
    this.#settings = settings
    this.#request = request
  }

  get settings(): SessionSettings<Request> {
    return this.#settings
  }

  protected get request(): Request {
    return this.#request
  }

  /** Whether the request came over TLS to this very server. */
  protected abstract isEncrypted(): boolean
  /** The header X-Forwarded-Proto. */
  protected abstract forwardedProto(): string | undefined

  protected override refused(reason: Reason): void {
    tell(
      () => this.#settings.onInvalid(reason, this.#request),
      (error) => this.report(error),
    )
  }

  protected report(error: unknown): void {
    tell(() => this.#settings.onError(error, this.#request), console.error)
  }

  /** The value of Set-Cookie: a token, or its removal (null). */
  protected setCookie(token: string | null): string {
    const { cookie } = this.#settings
    return token === null ? removeCookie(cookie, this.#isSecure()) : setCookie(cookie, token, this.#isSecure())
  }

  #isSecure(): boolean {
    const { secure, trustProxy } = this.#settings
    if (secure !== 'auto') return secure
    // Of a chain of proxies, the first entry is what the client spoke.
    return this.isEncrypted() || (trustProxy && /^\s*https\s*(,|$)/i.test(this.forwardedProto() ?? ''))
  }
}

/** Whether a response may bear a cookie for no more than a session's age. What shared caches keep, and a 304 renews, goes to others. */
export function mayRoll(status: number, cacheControl: string): boolean {
  return status !== 304 && !/\b(public|s-maxage)\b/i.test(cacheControl)
}

/** Calls the app's callback. Whether it throws or rejects, that must not end the process: clients decide when it is called. */
function tell(callback: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = callback()
    if (result instanceof Promise) result.catch(failed)
  } catch (error) {
    failed(error)
  }
}
