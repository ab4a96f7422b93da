/**
 * One session during one request: opened when first touched, changed, renewed or ended, and committed once, just before the response's
 * headers go out. Knows cookies' values, but neither headers nor what carries them.
 */

import { mayRoll } from './caching.ts'
import { type OpenedText, REFUSED, type Reason, type Refused } from './codec/backend.ts'
import type { TextCodec } from './codec/codec.ts'
import { serialize } from './codec/json.ts'
import { describe } from './codec/options.ts'
import { peekIssuedAt } from './codec/peek.ts'
import { isProduction } from './codec/warn.ts'
import { HEADERS_SENT, type Outcome, type Platform } from './contracts.ts'
import { MAX_COOKIE_BYTES } from './cookie.ts'
import {
  changedKeys,
  checkKeys,
  copy,
  empty,
  isObject,
  isPlainObject,
  parseSession,
  RESERVED,
  type Snapshot,
  serializeSession,
  snapshot,
  warnOfLosses,
} from './data.ts'
import { reportable, SessionError } from './errors.ts'
import type { SessionSettings } from './options.ts'
import { createSession, isSessionLike, ownerOf, type Session, type SessionOwner } from './session.ts'

/** What all requests of one sessions() call share. */
export interface Site<Request, Response> {
  readonly settings: SessionSettings<Request>
  readonly codec: TextCodec
  readonly platform: Platform<Request, Response>
  /** Whether checks that help only a developer are left out. */
  readonly isProduction: boolean
}

export function createSite<Request, Response>(
  settings: SessionSettings<Request>,
  codec: TextCodec,
  platform: Platform<Request, Response>,
): Site<Request, Response> {
  return { settings, codec, platform, isProduction: isProduction() }
}

/** A session object whose place another one has taken, and what it held then. */
interface Replaced {
  readonly session: object
  readonly by: string
  readonly before: Snapshot
}

export class Lifecycle<Req, Res> implements SessionOwner {
  // Private, so that nothing that walks or prints a request finds a secret.
  readonly #site: Site<Req, Res>
  readonly #request: Req
  readonly #response: Res
  /** undefined: not looked at yet; null: ended. */
  #session: Session | null | undefined
  /** The one object that the app holds, where it holds the object itself. */
  #object: Session | undefined
  #opened: OpenedText | undefined
  #createdAt = 0
  /** Later than the newest of several good cookies was issued; 0 where there are not several. */
  #minIssuedAt = 0
  /** True once the incoming session was destroyed or replaced: its cookie must then be removed or overwritten. */
  #isEnded = false
  #isTouched = false
  #isCommitted = false
  /** The last error that save() threw. The app has already seen it, so commit() must not report it again. */
  #reported: SessionError | undefined
  /** What save() sealed. */
  #saved: { readonly json: string; readonly token: string } | undefined
  #replaced: Replaced[] | undefined
  /** The data as it was committed, where changes after that are looked for. */
  #committed: Snapshot | undefined

  constructor(site: Site<Req, Res>, request: Req, response: Res) {
    this.#site = site
    this.#request = request
    this.#response = response
  }

  /** Whether this is the session of that sessions() call. */
  belongsTo(site: object): boolean {
    return this.#site === site
  }

  get property(): string {
    return this.#site.settings.property
  }

  get request(): Req {
    return this.#request
  }

  get wasAccessed(): boolean {
    return this.#session !== undefined
  }

  get isNew(): boolean {
    return this.#opened === undefined
  }

  get createdAt(): number {
    return this.#createdAt
  }

  get isChanged(): boolean {
    return serialize(this.get()) !== (this.#opened?.json ?? '{}')
  }

  get(): Session | null {
    if (this.#session === undefined) {
      this.#load()
      if (!this.#site.isProduction && this.#whyLate() !== undefined) this.#watch()
    }
    return this.#session as Session | null
  }

  set(value: unknown): void {
    const isEnd = value === null || value === undefined
    const call = `req.${this.property} = ${isEnd ? 'null' : '{...}'}`
    const late = this.lateError(call)
    if (isEnd) this.#end(call)
    else {
      const session = this.#adopt(value)
      if (this.#session === undefined) this.#load()
      else this.#retire(call, session)
      this.#session = session
    }
    if (late !== undefined) this.report(late)
  }

  regenerate(keep: readonly string[] = []): void {
    const wrong = Array.isArray(keep) ? keep.find((key) => typeof key !== 'string' || RESERVED.includes(key)) : keep
    if (!Array.isArray(keep) || wrong !== undefined || keep.includes(undefined as never)) {
      throw new TypeError(
        `cookie-sessions: regenerate() takes a list of the session's keys to keep, a callback, or both, got ${describe(wrong)}`,
      )
    }
    const kept: { [key: string]: unknown } = Object.create(null)
    if (keep.length > 0) {
      const before = (this.get() ?? {}) as { [key: string]: unknown }
      for (const key of keep) if (Object.hasOwn(before, key)) kept[key] = before[key]
    }
    this.#retire('regenerate()')
    const session = this.#create(kept)
    this.#restart()
    this.#session = session
  }

  destroy(): void {
    this.#end('destroy()')
  }

  #end(call: string): void {
    this.#retire(call)
    this.#restart()
    if (this.#object !== undefined) empty(this.#object)
    this.#session = null
  }

  touch(): void {
    this.get()
    this.#isTouched = true
  }

  reload(): void {
    this.#retire('reload()')
    this.#isTouched = false
    this.#load()
  }

  save(): void {
    const late = this.lateError('save()')
    if (late !== undefined) throw late
    const session = this.get()
    if (session === null) return
    this.#reported = undefined
    try {
      const json = serializeSession(session)
      if (json === this.#opened?.json) return
      this.#saved = { json, token: this.#sealChanged(session, json) }
    } catch (error) {
      if (error instanceof SessionError) this.#reported = error
      throw error
    }
  }

  lateError(call: string): SessionError | undefined {
    const why = this.#whyLate()
    if (why === undefined) return undefined
    const { platform } = this.#site
    return reportable('headers-sent', platform.describe(this.#request), `${call} has no effect on the client: ${why}`)
  }

  /** Why the session cannot reach the client any more, or undefined while it can. */
  #whyLate(): string | undefined {
    return this.#isCommitted ? HEADERS_SENT : this.#site.platform.whyNot(this.#request, this.#response)
  }

  /**
   * Decides, once, what becomes of the cookie with a response of this Cache-Control. Throws a SessionError when the session cannot be
   * saved, unless save() has thrown that very one before.
   */
  commit(cacheControl: string): Outcome {
    const late = this.#isCommitted ? this.lateError('commit()') : undefined
    if (late !== undefined) throw late
    this.#isCommitted = true
    try {
      const outcome = this.#decide(cacheControl)
      this.#watch()
      return outcome
    } catch (error) {
      const reported = this.#reported
      if (error instanceof SessionError && error.code === reported?.code && error.message === reported.message) {
        return undefined
      }
      throw error
    }
  }

  /** The response with the commit was refused: as if it had not happened. */
  rollback(): void {
    this.#isCommitted = false
    this.#committed = undefined
  }

  #decide(cacheControl: string): Outcome {
    const session = this.#session
    if (session === undefined) return undefined
    const json = session === null ? undefined : serializeSession(session)
    const opened = this.#opened
    if (json === undefined || (opened === undefined && json === '{}')) {
      // Ended, or new and empty: nothing to keep, and what the client may still hold must go. Of several cookies a removal reaches one, and
      // not even surely the right one: an empty session that is younger than all of them outlives the others.
      if (!this.#isEnded) return undefined
      const tokens = this.#candidates()
      if (tokens.length < 2) return tokens.length === 0 ? undefined : null
      if (this.#minIssuedAt === 0) {
        this.#openFirst(tokens, [])
        this.#restart()
      }
      return this.#seal('{}')
    }
    if (json === opened?.json && !this.#isTouched) {
      const isDue = opened.keyIndex > 0 || this.#site.codec.now() - opened.issuedAt >= this.#site.settings.rolling
      if (!isDue || !mayRoll(cacheControl)) return undefined
    }
    if (this.#saved?.json === json) return this.#saved.token
    return json === opened?.json ? this.#seal(json) : this.#sealChanged(session as Session, json)
  }

  #sealChanged(session: Session, json: string): string {
    if (!this.#site.isProduction) warnOfLosses(session)
    return this.#seal(json)
  }

  /** Remembers the data as it is, so that a change that comes too late can be told from it. */
  #watch(): void {
    if (!this.#site.isProduction && this.#session) this.#committed = snapshot(this.#session)
  }

  /** The response is out: reports what was changed in the session since its headers went. */
  end(): void {
    if (this.#committed === undefined || !this.#session) return
    const keys = changedKeys(this.#session, this.#committed)
    this.#committed = undefined
    if (keys === undefined) return
    this.report(
      reportable(
        'headers-sent',
        this.#site.platform.describe(this.#request),
        `the session's ${keys} changed after the response's headers were sent, so the change is lost: change the session before the response begins`,
      ),
    )
  }

  /** Remembers the session object that is about to be replaced, if the app may hold it. */
  #retire(by: string, next?: object): void {
    // What is lost from now on has been reported with the call that replaces it.
    this.#committed = undefined
    const session = this.#session
    if (!session || session === next) return
    const { keepsObject } = this.#site.platform
    if (keepsObject && by !== 'destroy()') return
    const before: Snapshot = keepsObject ? new Map() : snapshot(session)
    this.#replaced = [...(this.#replaced ?? []), { session, by, before }]
  }

  /** Reports what was put into session objects that nobody reads any more: once the outcome is decided, so that this cannot change it. */
  reportLost(): void {
    const replaced = this.#replaced
    if (replaced === undefined) return
    this.#replaced = undefined
    for (const { session, by, before } of replaced) {
      if (session === this.#session) continue
      const keys = changedKeys(session, before, this.#session)
      if (keys === undefined) continue
      const remedy = by === 'destroy()' ? 'begin a new session with it' : 'use the session of the request'
      this.report(
        reportable(
          'replaced',
          this.#site.platform.describe(this.#request),
          `${keys} was put into a session object after ${by} had replaced it, so it is lost: ${remedy}`,
        ),
      )
    }
  }

  #restart(): void {
    this.#isEnded = true
    this.#opened = undefined
    this.#saved = undefined
    this.#createdAt = this.#site.codec.now()
  }

  #load(): void {
    this.#isEnded = false
    this.#opened = undefined
    this.#saved = undefined
    const reasons: Reason[] = []
    const data = this.#openFirst(this.#candidates(), reasons)
    if (data === undefined) this.#createdAt = this.#site.codec.now()
    this.#session = this.#create(data ?? {})
    // Called last: onInvalid may use the session, or end it to remove the bad cookie.
    for (const reason of reasons) {
      this.#callApp(
        () => this.#site.settings.onInvalid(reason, this.#request),
        (error) => this.report(error),
      )
    }
    this.#session ??= this.#create({})
  }

  /** The tokens that came: those that claim to have been issued last come first, so that the newest of several good ones serves. */
  #candidates(): string[] {
    const { platform, settings } = this.#site
    const tokens = platform.cookies(this.#request, settings.cookie.name)
    if (tokens.length < 2) return tokens
    const claims = tokens.map((token) => ({ token, issuedAt: peekIssuedAt(token) }))
    return claims.sort((a, b) => b.issuedAt - a.issuedAt).map(({ token }) => token)
  }

  /** The data of the first good one. */
  #openFirst(tokens: readonly string[], reasons: Reason[]): object | undefined {
    for (const token of tokens) {
      const data = this.#open(token, reasons)
      if (data === undefined) continue
      // What replaces this one has to be younger, though its clock may have been ahead.
      if (tokens.length > 1) this.#minIssuedAt = (this.#opened as OpenedText).issuedAt + 1
      return data
    }
    return undefined
  }

  /** The data of a good cookie; of a bad one the reason. */
  #open(token: string, reasons: Reason[]): object | undefined {
    // More than a browser holds did not come from a browser: refused by its length.
    const isLong = this.#cookieBytes(token) > MAX_COOKIE_BYTES
    const result: OpenedText | Refused = isLong ? REFUSED.malformed : this.#site.codec.open(token)
    const data = result.ok ? parseSession(result.json) : undefined
    if (result.ok && data !== undefined) {
      this.#opened = result
      this.#createdAt = result.createdAt
      return data
    }
    reasons.push(result.ok ? 'bad-payload' : result.reason)
    return undefined
  }

  /**
   * A session with the data of the app's object: a shallow copy, for the object may be a constant that the app assigns for every client,
   * and what is then put into one's session must not reach the next.
   */
  #adopt(value: unknown): Session {
    if (isObject(value) && ownerOf(value) === this) return value as Session
    if (!isObject(value) || !(isPlainObject(value) || isSessionLike(value))) {
      throw new TypeError(
        `cookie-sessions: a session must be a plain object, or null to end it, got ${describe(value)}`,
      )
    }
    checkKeys(value)
    return this.#create(value)
  }

  #create(data: object): Session {
    if (this.#object === undefined) {
      const session = createSession(this, data)
      if (this.#site.platform.keepsObject) this.#object = session
      return session
    }
    empty(this.#object)
    copy(data, this.#object)
    return this.#object
  }

  #seal(json: string): string {
    const { codec, settings } = this.#site
    const room = MAX_COOKIE_BYTES - this.#cookieBytes('')
    const token = codec.seal(json, this.#createdAt, this.#minIssuedAt)
    if (token !== undefined && token.length <= room) return token
    const needs = token === undefined ? `more than ${json.length}` : `${token.length}`
    throw new SessionError(
      'too-large',
      `the session (${json.length} characters of JSON) takes ${needs} bytes sealed, and a cookie named '${settings.cookie.name}' holds ${room}: keep ids in it rather than what they stand for`,
    )
  }

  #cookieBytes(token: string): number {
    return this.#site.settings.cookie.name.length + 1 + token.length
  }

  /** Reports that the session could not be saved with this response. */
  reportFailure(error: unknown): void {
    if (!(error instanceof SessionError)) {
      this.report(error)
      return
    }
    const message = `the session was not saved: ${error.message.replace(/^cookie-sessions: /, '')}`
    this.report(reportable(error.code, this.#site.platform.describe(this.#request), message, error.cause))
  }

  report(error: unknown): void {
    this.#callApp(() => this.#site.settings.onError(error, this.#request), console.error)
  }

  /** Calls an app callback. It must not be able to crash the process by throwing or rejecting, because clients can trigger it at will. */
  #callApp(callback: () => unknown, failed: (error: unknown) => void): void {
    try {
      const result = callback()
      if (typeof (result as PromiseLike<unknown> | null | undefined)?.then === 'function') {
        Promise.resolve(result).catch(failed)
      }
    } catch (error) {
      failed(error)
    }
    this.#site.platform.onCallback(this.#response)
  }
}
