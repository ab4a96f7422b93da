/** A session's data as JSON: what is taken from the app, what goes into a token, what comes out of one, and what has changed. */
import { findLosses, isPlainObject, serialize } from './codec/json.ts'
import { warnOnce } from './codec/warn.ts'
import { SessionError } from './errors.ts'

/** The names of a session's own methods and getters (session.ts), which its data cannot use. */
export const RESERVED: readonly string[] = [
  'isNew',
  'isChanged',
  'isPopulated',
  'createdAt',
  'save',
  'regenerate',
  'destroy',
  'touch',
  'reload',
]

/** The data in a token, or undefined: authentic JSON may still be no session, since the codec seals any value. */
export function parseSession(json: string): object | undefined {
  try {
    const data: unknown = JSON.parse(json)
    return isObject(data) && reservedKey(data) === undefined ? data : undefined
  } catch {
    return undefined
  }
}

/** The JSON of a session, or a SessionError. */
export function serializeSession(session: object): string {
  checkKeys(session)
  const json = serialize(session)
  if (!('toJSON' in session) || parseSession(json) !== undefined) return json
  throw new SessionError('unserializable', "the session's toJSON() makes what would be refused when it comes back")
}

/** SessionError 'reserved-name' for data that uses one. */
export function checkKeys(data: object): void {
  const key = reservedKey(data)
  if (key !== undefined) throw reservedName(key)
}

export function reservedName(key: string): SessionError {
  return new SessionError(
    'reserved-name',
    `'${key}' is a name of the session's own: call that value something else, or nest it in an object`,
  )
}

function reservedKey(data: object): string | undefined {
  for (const name of RESERVED) if (Object.hasOwn(data, name)) return name
  return undefined
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export { isPlainObject }

/** Puts the data of one object into another. */
export function copy(data: object, into: object): void {
  const from = data as { [key: string]: unknown }
  const to = into as { [key: string]: unknown }
  for (const key of Object.keys(data)) {
    // Assigned to, '__proto__' would be the prototype, and what a frozen prototype holds would throw.
    if (key in to) define(to, key, from[key])
    else to[key] = from[key]
  }
}

function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, descriptor({ value, writable: true, enumerable: true, configurable: true }))
}

/** A property descriptor that inherits nothing: not even from an Object.prototype that somebody has polluted with a `get`. */
export function descriptor(own: PropertyDescriptor): PropertyDescriptor {
  return Object.assign(Object.create(null), own)
}

/** What can be deleted is; the rest throws: nothing planted before a login may outlive it. */
export function empty(object: object): void {
  const content = object as { [key: PropertyKey]: unknown }
  for (const key of Reflect.ownKeys(content)) delete content[key]
}

/** The JSON of each key at one moment. */
export type Snapshot = ReadonlyMap<string, string | undefined>

export function snapshot(session: object): Snapshot {
  return new Map(Object.keys(session).map((key) => [key, jsonOf(session, key)]))
}

/**
 * The keys whose JSON differs now, for a message: "'cart', 'user'"; undefined when none does. With a `successor`, what the session has
 * handed on to that one does not count, nor what was removed.
 */
export function changedKeys(session: object, before: Snapshot, successor?: object | null): string | undefined {
  const now = snapshot(session)
  const all = new Set([...now.keys(), ...before.keys()])
  const shared = new Set(Object.values(successor ?? {}).filter((value) => typeof value === 'object'))
  const isLost = (key: string): boolean =>
    successor === undefined || (now.get(key) !== undefined && !shared.has((session as { [key: string]: unknown })[key]))
  const keys = [...all].filter((key) => now.get(key) !== before.get(key) && isLost(key))
  return keys.length === 0 ? undefined : keys.map((key) => `'${key}'`).join(', ')
}

function jsonOf(object: object, key: string): string | undefined {
  try {
    return JSON.stringify((object as { [key: string]: unknown })[key])
  } catch {
    return 'not JSON'
  }
}

/** One warning for each place in the data whose value will not come back as it is; list indices count as one place. */
export function warnOfLosses(session: object): void {
  try {
    findLosses(session, (path, what) => {
      warnOnce(
        'COOKIE_SESSIONS_LOSSY_VALUE',
        `the session's ${path} is ${what}, which does not survive as JSON: it will be missing or another value in the next request`,
        `COOKIE_SESSIONS_LOSSY_VALUE ${path.replace(/\[\d+\]/g, '[]')}`,
      )
    })
  } catch {
    // Whatever is wrong with the data, serialize() is about to report it.
  }
}
