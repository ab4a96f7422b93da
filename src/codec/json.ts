/** JSON's rules: what it cannot hold, what it would lose without a word, and where in the data that is. */
import { SessionError } from '../errors.ts'
import { describe } from './options.ts'

/** JSON, or a SessionError 'unserializable' that names the place. */
export function serialize(data: unknown): string {
  let json: string | undefined
  try {
    json = JSON.stringify(data)
  } catch (cause) {
    throw new SessionError('unserializable', `the data cannot be written as JSON${explain(data, cause)}`, cause)
  }
  if (json === undefined) throw new SessionError('unserializable', `${describe(data)} cannot be written as JSON`)
  return json
}

/** The fault's place, or what was thrown, in words. */
function explain(data: unknown, cause: unknown): string {
  try {
    const fault = examine(data, '', [], () => {})
    if (fault !== undefined) return `: ${fault}`
  } catch {
    // Too deep, or a getter that throws: the cause has to do.
  }
  return `: ${messageOf(cause)}`
}

/** Of whatever was thrown: it may be a thing that throws when it is looked at. */
function messageOf(error: unknown): string {
  try {
    const { message } = Object(error) as { message?: unknown }
    return typeof message === 'string' ? (message.split('\n')[0] as string) : nameOf(error)
  } catch {
    return 'an error that cannot be shown'
  }
}

/** Calls back for each value that comes back from JSON as something else, or not at all. */
export function findLosses(data: object, onLoss: (path: string, what: string) => void): void {
  examine({ ...data }, '', [], onLoss)
}

/** Walks the data as JSON.stringify() does. Returns what that would throw at, if anything, in words. */
function examine(
  value: unknown,
  path: string,
  above: readonly (readonly [object, string])[],
  onLoss: (path: string, what: string) => void,
): string | undefined {
  if (typeof value === 'bigint') return `${path || 'it'} is a BigInt`
  if (
    typeof value === 'function' ||
    typeof value === 'symbol' ||
    (typeof value === 'number' && !Number.isFinite(value))
  )
    onLoss(path, nameOf(value))
  if (typeof value !== 'object' || value === null) return undefined
  const target = above.find(([object]) => object === value)
  if (target !== undefined) return `${path} refers back to ${target[1] || 'the data itself'}, a cycle`
  // node's Buffer has a toJSON(), but nothing turns that back into a Buffer.
  if (ArrayBuffer.isView(value)) {
    onLoss(path, nameOf(value))
    return undefined
  }
  const below = [...above, [value, path] as const]
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON === 'function') {
    let written: unknown
    try {
      written = toJSON.call(value, path)
    } catch (error) {
      return path === '' ? undefined : `the toJSON() of ${path} threw: ${messageOf(error)}`
    }
    // An invalid Date, say.
    if (written === null) onLoss(path, nameOf(value))
    // JSON does not call the toJSON() of what comes back.
    if (written === value) return undefined
    return examine(isObject(written) ? { ...written, toJSON: undefined } : written, path, below, onLoss)
  }
  if (!Array.isArray(value) && !isPlainObject(value)) {
    if (Object.prototype.toString.call(value) === '[object BigInt]') return `${path || 'it'} is a BigInt`
    if (/^\[object (Number|String|Boolean)\]$/.test(Object.prototype.toString.call(value))) return undefined
    onLoss(path, nameOf(value))
  }
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    const item = (value as { [key: PropertyKey]: unknown })[key]
    const at = join(path, key)
    if (item === undefined && typeof key === 'number') onLoss(at, 'undefined')
    const fault = examine(item, at, below, onLoss)
    if (fault !== undefined) return fault
  }
  return undefined
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function join(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`
  if (!/^[\w$]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

/** Of any realm: an object without a prototype, or right below an Object.prototype. */
export function isPlainObject(value: object): boolean {
  const parent = Object.getPrototypeOf(value)
  return parent === null || Object.getPrototypeOf(parent) === null
}

function nameOf(value: unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  if (typeof value !== 'object' || value === null) return String(value)
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}` : 'a class instance'
}
