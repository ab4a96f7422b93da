/** The session object that apps see: their data, and methods that show up nowhere. */
import { copy, descriptor, RESERVED, reservedName } from './data.ts'
import type { SessionError } from './errors.ts'

/**
 * What your sessions hold. Add to it once, and every `req.session` is typed:
 *
 *     declare module 'cookie-sessions' { interface SessionData { views: number } }
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is there to be added to.
export interface SessionData {}

/** Called with the error, or with nothing when all went well, before the method returns. */
export type Callback = (error?: unknown) => void

/**
 * The names that a session's own data cannot use. With a callback errors go there, without one they are thrown; but what comes after the
 * response's headers, and so has no effect on the client, is reported to `onError` instead of being thrown.
 */
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
   * A new session takes this one's place, empty but for the keys named in `keep`: call it at login. Under Connect it is another object, and
   * this one stays readable; with `cookie-sessions/fetch` it is this object, emptied.
   *
   * @example
   * req.session.regenerate(['cart'])
   * req.session.user = { id: 42 }
   */
  regenerate(callback?: Callback): void
  regenerate(keep: readonly string[], callback?: Callback): void
  /**
   * Ends the session and takes the cookie away. Under Connect, `req.session` is null until it is assigned again; with
   * `cookie-sessions/fetch`, this object is emptied, and what is put into it is not kept until `regenerate`.
   */
  destroy(callback?: Callback): void
  /** Issues the session again with this response, changed or not. */
  touch(callback?: Callback): void
  /** Forgets what was changed and reads the cookie again. */
  reload(callback?: Callback): void
}

export type Session = SessionMethods & Partial<SessionData>

/** What may be assigned to `req.session`. */
export type SessionInput = Partial<SessionData> | null | undefined

/** What a session object is the face of. */
export interface SessionOwner {
  readonly isNew: boolean
  readonly isChanged: boolean
  readonly createdAt: number
  save(): void
  regenerate(keep?: readonly string[]): void
  destroy(): void
  touch(): void
  reload(): void
  /** The error for a call that can have no effect on the client any more, or undefined while it can. */
  lateError(call: string): SessionError | undefined
  report(error: unknown): void
}

/**
 * What all sessions inherit. A class's methods are not enumerable, and the private field shows nowhere, so an app finds nothing but its
 * own data on a session. (A WeakMap instead of the field costs ten times as much for each request, most of it in garbage collection.)
 */
class SessionObject implements SessionMethods {
  readonly #owner: SessionOwner

  constructor(owner: SessionOwner) {
    this.#owner = owner
  }

  static ownerOf(object: object): SessionOwner | undefined {
    return #owner in object ? object.#owner : undefined
  }

  /** A copy made with this prototype, and a Proxy, lack the private field. */
  static own(object: unknown, name: string): SessionOwner {
    if (typeof object === 'object' && object !== null && #owner in object) return object.#owner
    throw new TypeError(
      `cookie-sessions: ${name} was used on a copy or a Proxy of the session, or without it: use it on req.session itself (with cookie-sessions/fetch, on the session that you were given)`,
    )
  }

  get isNew(): boolean {
    return SessionObject.own(this, 'isNew').isNew
  }
  get isChanged(): boolean {
    return SessionObject.own(this, 'isChanged').isChanged
  }
  get isPopulated(): boolean {
    SessionObject.own(this, 'isPopulated')
    return Object.keys(this).length > 0
  }
  get createdAt(): number {
    return SessionObject.own(this, 'createdAt').createdAt
  }
  save(callback?: Callback): void {
    const owner = SessionObject.own(this, 'save()')
    answer(owner, undefined, callback, () => owner.save())
  }
  regenerate(first?: readonly string[] | Callback, second?: Callback): void {
    const owner = SessionObject.own(this, 'regenerate()')
    const [keep, callback] = typeof first === 'function' ? [undefined, first] : [first, second]
    answer(owner, 'regenerate()', callback, () => owner.regenerate(keep))
  }
  destroy(callback?: Callback): void {
    const owner = SessionObject.own(this, 'destroy()')
    answer(owner, 'destroy()', callback, () => owner.destroy())
  }
  touch(callback?: Callback): void {
    const owner = SessionObject.own(this, 'touch()')
    answer(owner, 'touch()', callback, () => owner.touch())
  }
  reload(callback?: Callback): void {
    const owner = SessionObject.own(this, 'reload()')
    answer(owner, 'reload()', callback, () => owner.reload())
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

/** `call`, if given, names what is reported when it comes too late; save() throws of itself. */
function answer(
  owner: SessionOwner,
  call: string | undefined,
  callback: Callback | undefined,
  action: () => void,
): void {
  const late = call === undefined ? undefined : owner.lateError(call)
  try {
    action()
  } catch (error) {
    if (callback === undefined) throw error
    callback(error)
    return
  }
  if (callback !== undefined) {
    if (late === undefined) callback()
    else callback(late)
  } else if (late !== undefined) owner.report(late)
}

const prototype = SessionObject.prototype
// 'constructor' stays free for data. An assignment to any of the others would be ignored in sloppy mode: setters make it an error.
Reflect.deleteProperty(prototype, 'constructor')
for (const name of RESERVED) {
  const { get, value } = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor
  const set = (): never => {
    throw reservedName(name)
  }
  Object.defineProperty(prototype, name, descriptor({ get: get ?? (() => value), set, configurable: false }))
}
Object.freeze(prototype)

/** A session object with a copy of `data`. */
export function createSession(owner: SessionOwner, data: object): Session {
  const session = new SessionObject(owner)
  copy(data, session)
  return session
}

/** The owner of a session object; undefined for anything else. */
export function ownerOf(object: object): SessionOwner | undefined {
  return SessionObject.ownerOf(object)
}

/** Whether an object is a session, or a copy or a Proxy of one. */
export function isSessionLike(object: object): boolean {
  return Object.getPrototypeOf(object) === prototype
}
