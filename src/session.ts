/**
 * The session object and its life during one request: opened when first touched, changed, renewed or ended, and settled once, just
 * before the response's headers go out. Knows cookies' values, but neither headers nor node.
 */
import { type OpenedText, REFUSED, type Reason, type Refused } from './codec/backend.ts'
import { serialize, type TextCodec } from './codec/codec.ts'
import { describe } from './codec/options.ts'
import { MAX_COOKIE_BYTES } from './cookie.ts'
import { SessionError } from './errors.ts'

/**
 * What your sessions hold. Add to it once, and every `req.session` is typed:
 *
 *     declare module 'cookie-sessions' { interface SessionData { views: number } }
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is there to be added to.
export interface SessionData {}

/** Handed the error, or nothing when all went well. Called before the method returns. */
export type Callback = (error?: unknown) => void

/** The names that a session's own data cannot use. With a callback errors go there, without one they are thrown. */
export interface SessionMethods {
  /** Whether there was no valid cookie, or `regenerate` made this session. */
  readonly isNew: boolean
  /** Whether its JSON differs from what the cookie held. */
  readonly isChanged: boolean
  /** Whether it holds anything. */
  readonly isPopulated: boolean
  /** When it began, ms since the epoch. */
  readonly createdAt: number
  /** Seals now instead of just before the headers, to hear of a failure early. SessionError: any code but 'no-backend'. */
  save(callback?: Callback): void
  /**
   * A new, empty session takes this one's place: call it at login. Under Connect it is another object, and this one stays readable; with
   * `cookie-sessions/fetch` it is this object, emptied.
   */
  regenerate(callback?: Callback): void
  /**
   * Ends the session and takes the cookie away. Under Connect, `req.session` is null until it is assigned again; with
   * `cookie-sessions/fetch`, this object is emptied, and what is put into it is not kept until `regenerate`.
   */
  destroy(callback?: Callback): void
  /** Issues the session anew with this response, changed or not. */
  touch(callback?: Callback): void
  /** Forgets what was changed and reads the cookie again. */
  reload(callback?: Callback): void
}

export type Session = SessionMethods & Partial<SessionData>

/** What may be assigned to `req.session`. */
export type SessionInput = Partial<SessionData> | null | undefined

/** What becomes of the cookie: a new token, its removal (null), or nothing. */
export type Outcome = string | null | undefined

/**
 * What all sessions inherit. A class's methods are not enumerable, and the private field shows nowhere, so an app finds nothing but its
 * own data on a session. (A WeakMap instead of the field costs ten times as much for each request, most of it in garbage collection.)
 */
class SessionObject implements SessionMethods {
  readonly #life: SessionLife

  constructor(life: SessionLife) {
    this.#life = life
  }

  static lifeOf(object: object): SessionLife | undefined {
    return #life in object ? object.#life : undefined
  }

  get isNew(): boolean {
    return this.#life.isNew
  }
  get isChanged(): boolean {
    return this.#life.isChanged
  }
  get isPopulated(): boolean {
    return Object.keys(this).length > 0
  }
  get createdAt(): number {
    return this.#life.createdAt
  }
  save(callback?: Callback): void {
    answer(callback, () => this.#life.save())
  }
  regenerate(callback?: Callback): void {
    answer(callback, () => this.#life.regenerate())
  }
  destroy(callback?: Callback): void {
    answer(callback, () => this.#life.destroy())
  }
  touch(callback?: Callback): void {
    answer(callback, () => this.#life.touch())
  }
  reload(callback?: Callback): void {
    answer(callback, () => this.#life.reload())
  }
  /** How console.log shows a session: its data alone. */
  [Symbol.for('nodejs.util.inspect.custom')](
    _: number,
    options: object,
    inspect: (value: object, options: object) => string,
  ): string {
    return `Session ${inspect({ ...this }, options)}`
  }
}

// 'constructor' stays free for data; frozen, none of the others can be assigned to by mistake.
Reflect.deleteProperty(SessionObject.prototype, 'constructor')
const prototype = Object.freeze(SessionObject.prototype)
const RESERVED = Object.getOwnPropertyNames(prototype)

function answer(callback: Callback | undefined, action: () => void): void {
  try {
    action()
  } catch (error) {
    if (callback === undefined) throw error
    callback(error)
    return
  }
  callback?.()
}

/** The life that an object is the session of. */
export function lifeOf(object: unknown): SessionLife | undefined {
  return isObject(object) ? SessionObject.lifeOf(object) : undefined
}

/** One session during one request. What it is attached to gives it the cookies and hears of the refused ones. */
export abstract class SessionLife {
  readonly #codec: TextCodec
  readonly #name: string
  readonly #rolling: number
  /** undefined: not looked at yet; null: ended. */
  #session: Session | null | undefined
  #opened: OpenedText | undefined
  #createdAt = 0
  /** Whether what came with the request is over, so that the client must not keep it. */
  #isEnded = false
  #isTouched = false
  /** What save() threw last: the app knows of that, and has chosen its answer. */
  #told: string | undefined
  #isSettled = false
  /** What save() sealed. */
  #saved: { readonly json: string; readonly token: string } | undefined

  constructor(codec: TextCodec, name: string, rolling: number) {
    this.#codec = codec
    this.#name = name
    this.#rolling = rolling
  }

  /** The values of the request's cookies of this name. */
  protected abstract cookies(): string[]
  protected abstract refused(reason: Reason): void
  protected abstract headersSent(): boolean

  get isUsed(): boolean {
    return this.#session !== undefined
  }

  get isNew(): boolean {
    return this.#opened === undefined
  }

  get createdAt(): number {
    return this.#createdAt
  }

  get(): Session | null {
    if (this.#session === undefined) this.#load()
    return this.#session as Session | null
  }

  set(value: unknown): void {
    if (value === null || value === undefined) {
      this.destroy()
      return
    }
    const session = this.#adopt(value)
    if (this.#session === undefined) this.#load()
    this.#session = session
  }

  get isChanged(): boolean {
    return serialize(this.get()) !== (this.#opened?.json ?? '{}')
  }

  regenerate(): void {
    const session = this.create({})
    this.#begin()
    this.#session = session
  }

  destroy(): void {
    this.#begin()
    this.#session = null
  }

  touch(): void {
    this.get()
    this.#isTouched = true
  }

  reload(): void {
    this.#isTouched = false
    this.#load()
  }

  save(): void {
    if (this.#isSettled || this.headersSent()) throw late()
    const session = this.get()
    if (session === null) return
    this.#told = undefined
    try {
      const json = serializeSession(session)
      if (json !== this.#opened?.json) this.#saved = { json, token: this.#seal(json) }
    } catch (error) {
      if (error instanceof SessionError) this.#told = error.message
      throw error
    }
  }

  /**
   * Decides, once, what becomes of the cookie. `mayRoll` is asked before an unchanged session is issued anew for its age alone.
   * Throws a SessionError when the session cannot be saved, unless save() has thrown that very one before.
   */
  settle(mayRoll: () => boolean): Outcome {
    if (this.#isSettled) throw late()
    this.#isSettled = true
    try {
      return this.#decide(mayRoll)
    } catch (error) {
      if (error instanceof SessionError && error.message === this.#told) return undefined
      throw error
    }
  }

  #decide(mayRoll: () => boolean): Outcome {
    const session = this.#session
    if (session === undefined) return undefined
    const json = session === null ? undefined : serializeSession(session)
    const opened = this.#opened
    if (json === undefined || (opened === undefined && json === '{}')) {
      // Ended, or new and empty: nothing to keep, and what the client may still hold must go.
      return this.#isEnded && this.cookies().length > 0 ? null : undefined
    }
    if (json === opened?.json && !this.#isTouched) {
      const isDue = opened.keyIndex > 0 || this.#codec.now() - opened.issuedAt >= this.#rolling
      if (!isDue || !mayRoll()) return undefined
    }
    return this.#saved?.json === json ? this.#saved.token : this.#seal(json)
  }

  #begin(): void {
    this.#isEnded = true
    this.#opened = undefined
    this.#saved = undefined
    this.#createdAt = this.#codec.now()
  }

  #load(): void {
    this.#isEnded = false
    this.#opened = undefined
    this.#saved = undefined
    const reasons: Reason[] = []
    let data: object | undefined
    for (const token of this.cookies()) {
      data = this.#open(token, reasons)
      if (data !== undefined) break
    }
    if (data === undefined) this.#createdAt = this.#codec.now()
    this.#session = this.create(data ?? {})
    // Last, since the app's code may use the session, and end it to take the bad cookie away.
    for (const reason of reasons) this.refused(reason)
    this.#session ??= this.create({})
  }

  /** The data of a good cookie; of a bad one the reason. */
  #open(token: string, reasons: Reason[]): object | undefined {
    // More than a browser holds did not come from a browser: refused by its length.
    const isLong = this.#cookieBytes(token) > MAX_COOKIE_BYTES
    const result: OpenedText | Refused = isLong ? REFUSED.malformed : this.#codec.open(token)
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
    if (!isPlain(value)) {
      throw new TypeError(
        `cookie-sessions: a session must be a plain object, or null to end it, got ${describe(value)}`,
      )
    }
    const key = reservedKey(value)
    if (key !== undefined) throw reserved(key)
    return SessionObject.lifeOf(value) === this ? (value as Session) : this.create(value)
  }

  /** The object for a session with a copy of `data`: another one, so that who holds the one before can still read it. */
  protected create(data: object): Session {
    const session = new SessionObject(this)
    copy(data, session)
    return session
  }

  #seal(json: string): string {
    const room = MAX_COOKIE_BYTES - this.#cookieBytes('')
    const token = this.#codec.seal(json, this.#createdAt)
    if (token !== undefined && token.length <= room) return token
    const needs = token === undefined ? `more than ${json.length}` : `${token.length}`
    throw new SessionError(
      'too-large',
      `the session (${json.length} characters of JSON) takes ${needs} bytes sealed, and a cookie named '${this.#name}' holds ${room}: keep ids in it rather than what they stand for`,
    )
  }

  #cookieBytes(token: string): number {
    return this.#name.length + 1 + token.length
  }
}

/** Puts the data of one object into another. */
export function copy(data: object, into: object): void {
  const from = data as { [key: string]: unknown }
  const to = into as { [key: string]: unknown }
  for (const key of Object.keys(data)) {
    // Assigned to, '__proto__' would be the prototype; as data it is a key like any other.
    if (key !== '__proto__') to[key] = from[key]
    else Object.defineProperty(to, key, { value: from[key], writable: true, enumerable: true, configurable: true })
  }
}

function late(): SessionError {
  return new SessionError(
    'headers-sent',
    'the session cannot be saved: the headers are out. Save it before the response begins',
  )
}

/** Authentic JSON may still be no session: the codec seals any value. */
function parseSession(json: string): object | undefined {
  try {
    const data: unknown = JSON.parse(json)
    return isObject(data) && reservedKey(data) === undefined ? data : undefined
  } catch {
    return undefined
  }
}

function serializeSession(session: object): string {
  const key = reservedKey(session)
  if (key !== undefined) throw reserved(key)
  const json = serialize(session)
  if (!('toJSON' in session) || parseSession(json) !== undefined) return json
  throw new SessionError('unserializable', "the session's toJSON() makes what would be refused when it comes back")
}

function reservedKey(data: object): string | undefined {
  for (const name of RESERVED) if (Object.hasOwn(data, name)) return name
  return undefined
}

function reserved(key: string): SessionError {
  return new SessionError(
    'reserved-name',
    `'${key}' is a name of the session's own: call that value something else, or nest it in an object`,
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Of any realm: an object right below an Object.prototype, one without a prototype, or a session. */
function isPlain(value: unknown): value is object {
  if (!isObject(value)) return false
  const parent = Object.getPrototypeOf(value)
  return parent === null || parent === prototype || Object.getPrototypeOf(parent) === null
}
