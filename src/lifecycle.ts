/**
 * One session during one request: opened when first touched, changed, renewed or ended, and committed once, just before the response's
 * headers go out. Knows tokens, but neither what carries them nor how long they may be.
 */
import { mayRoll } from './caching.ts'
import type { OpenedText, Reason } from './codec/backend.ts'
import { serialize } from './codec/json.ts'
import { describe } from './codec/options.ts'
import { type Carrier, HEADERS_SENT, type HeaderLine, type Outcome } from './contracts.ts'
import { checkKeys, copy, empty, isObject, isPlainObject, RESERVED, serializeSession, warnOfLosses } from './data.ts'
import { reportable, SessionError, type SessionErrorCode } from './errors.ts'
import { type Incoming, openNewest } from './incoming.ts'
import { Losses } from './losses.ts'
import { createSession, isSessionLike, ownerOf, type Session, type SessionOwner } from './session.ts'
import { type Events, emit, type Site } from './site.ts'

export class Lifecycle<Req, Res> implements SessionOwner, Carrier {
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
  /** How many tokens came, and when the one that serves was issued; 0 where none does. */
  #tokens = 0
  #issuedAt = 0
  /** True once the incoming session was destroyed or replaced: its cookie must then be removed or overwritten. */
  #isEnded = false
  /** When that session began. */
  #endedAt: number | undefined
  #isTouched = false
  #isCommitted = false
  /** Why save() failed last, and with which data. The app has already seen the error, so commit() must not report it again. */
  #failed: { readonly error: SessionError; readonly json: string | undefined } | undefined
  /** What save() sealed. */
  #saved: { readonly json: string; readonly token: string } | undefined
  #losses: Losses | undefined

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

  header(name: string): string | undefined {
    return this.#site.platform.header(this.#request, name)
  }

  isEncrypted(): boolean {
    return this.#site.platform.isEncrypted(this.#request)
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
    this.#failed = undefined
    let json: string | undefined
    try {
      json = serializeSession(session)
      if (json === this.#opened?.json) return
      this.#saved = { json, token: this.#sealChanged(session, json) }
    } catch (error) {
      if (error instanceof SessionError) this.#failed = { error, json }
      throw error
    }
  }

  lateError(call: string): SessionError | undefined {
    const why = this.#whyLate()
    if (why === undefined) return undefined
    return this.#reportable('headers-sent', `${call} has no effect on the client: ${why}`)
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
      this.#announce(outcome)
      return outcome
    } catch (error) {
      if (this.#isKnown(error)) return undefined
      throw error
    }
  }

  /** Whether save() has thrown this error: the same failure, of the same data. */
  #isKnown(error: unknown): boolean {
    if (!(error instanceof SessionError) || error.code !== this.#failed?.error.code) return false
    let json: string | undefined
    try {
      json = serializeSession(this.#session as Session)
    } catch {
      // Not JSON: nor was it then, if the message is the same.
      if (error.message !== this.#failed.error.message) return false
    }
    return json === this.#failed.json
  }

  #announce(outcome: Outcome): void {
    const { begun, ended, sealed } = this.#site.events
    if (begun.length + ended.length + sealed.length === 0) return
    const facts = { createdAt: this.#createdAt }
    if (this.#isEnded && this.#endedAt !== undefined) this.#emit('ended', { createdAt: this.#endedAt })
    if (typeof outcome !== 'string') return
    if (this.#opened === undefined && this.#session !== null) this.#emit('begun', facts)
    this.#emit('sealed', facts)
  }

  /** The header lines that bring the client what commit() has decided. */
  lines(outcome: string | null): readonly HeaderLine[] {
    return this.#site.transport.write(this, outcome, this.#site.codec.now())
  }

  /** The response with the commit was refused: as if it had not happened. */
  rollback(): void {
    this.#isCommitted = false
    this.#losses?.forget()
  }

  #decide(cacheControl: string): Outcome {
    const session = this.#session
    if (session === undefined) return undefined
    const json = session === null ? undefined : serializeSession(session)
    const opened = this.#opened
    if (json === undefined || (opened === undefined && json === '{}')) {
      // Ended, or new and empty: nothing to keep, and what the client may still hold must go. Of several cookies a removal reaches one, and
      // not even surely the right one: an empty session that is younger than all of them outlives the others.
      if (session !== null && !this.#site.isProduction) warnOfLosses(session)
      if (!this.#isEnded) return undefined
      const tokens = this.#site.transport.read(this)
      if (tokens.length < 2) return tokens.length === 0 ? undefined : null
      if (this.#issuedAt === 0) this.#openNewest(tokens, [])
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
    if (this.#site.isProduction || !this.#session) return
    this.#losses ??= new Losses()
    this.#losses.watch(this.#session)
    this.#site.platform.whenOver(this.#request, this.#response, () => this.#reportLate())
  }

  /** Reports, once, what was changed in the session since the response's headers were sent. */
  #reportLate(): void {
    const late = this.#session ? this.#losses?.takeLate(this.#session) : undefined
    if (late !== undefined) this.report(this.#reportable('headers-sent', late))
  }

  /** Remembers the session object that is about to be replaced, if the app may hold it. */
  #retire(by: string, next?: object): void {
    // What is lost from now on has been reported with the call that replaces it.
    this.#losses?.forget()
    const session = this.#session
    const { keepsObject } = this.#site.platform
    if (!session || session === next || (keepsObject && by !== 'destroy()')) return
    this.#losses ??= new Losses()
    this.#losses.retire(session, by, keepsObject)
  }

  /** Reports what was put into session objects that nobody reads any more: once the outcome is decided, so that this cannot change it. */
  reportLost(): void {
    if (this.#losses === undefined) return
    for (const message of this.#losses.takeReplaced(this.#session)) this.report(this.#reportable('replaced', message))
  }

  #reportable(code: SessionErrorCode, message: string, cause?: unknown): SessionError {
    return reportable(code, this.#site.platform.describe(this.#request), message, cause)
  }

  #restart(): void {
    this.#isEnded = true
    this.#endedAt ??= this.#opened?.createdAt
    this.#opened = undefined
    this.#saved = undefined
    this.#createdAt = this.#site.codec.now()
  }

  #load(): void {
    this.#isEnded = false
    this.#opened = undefined
    this.#saved = undefined
    const reasons: Reason[] = []
    const incoming = this.#openNewest(this.#site.transport.read(this), reasons)
    this.#opened = incoming?.opened
    this.#createdAt = incoming === undefined ? this.#site.codec.now() : incoming.opened.createdAt
    this.#session = this.#create(incoming?.data ?? {})
    // Called last: onInvalid may use the session, or end it to remove the bad cookie.
    // Beside a good cookie a bad one changes nothing: whoever planted it must not be able to end the session by way of onInvalid.
    if (incoming === undefined) for (const reason of reasons) this.#emit('refused', reason)
    this.#session ??= this.#create({})
  }

  #openNewest(tokens: readonly string[], reasons: Reason[]): Incoming | undefined {
    const { codec, transport } = this.#site
    const incoming = openNewest(tokens, codec, transport.maxTokenChars, reasons)
    this.#tokens = tokens.length
    this.#issuedAt = incoming?.opened.issuedAt ?? 0
    return incoming
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
    const { codec, transport } = this.#site
    const room = transport.maxTokenChars
    // Of several tokens the newest serves, so this one has to be newer than what came, whatever clock issued that; and than one that came
    // alone, if that clock was ahead: after a change of the cookie's domain both will come.
    const isAhead = this.#tokens > 1 || this.#issuedAt > codec.now()
    const token = codec.seal(json, this.#createdAt, isAhead ? this.#issuedAt + 1 : 0)
    if (token !== undefined && token.length <= room) return token
    const needs = token === undefined ? `more than ${json.length}` : `${token.length}`
    throw new SessionError(
      'too-large',
      `the session (${json.length} characters of JSON) takes ${needs} bytes sealed, and ${transport.name} holds ${room}: keep ids in it rather than what they stand for`,
    )
  }

  /** Reports that the session could not be saved with this response. */
  reportFailure(error: unknown): void {
    if (!(error instanceof SessionError)) {
      this.report(error)
      return
    }
    const message = `the session was not saved: ${error.message.replace(/^cookie-sessions: /, '')}`
    this.report(this.#reportable(error.code, message, error.cause))
  }

  report(error: unknown): void {
    this.#emit('failed', error)
  }

  #emit(event: keyof Events<Req>, about: unknown): void {
    const failed = event === 'failed' ? console.error : (error: unknown) => this.report(error)
    emit(this.#site, event, about as never, this.#request, this.#response, failed)
  }
}
