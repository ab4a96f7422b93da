/** The servers that are compared: Connect with one session middleware each, and what the app does with the session. */
import { createRequire } from 'node:module'
import { BACKENDS, NotBuilt } from '../contenders.js'

/** 32 bytes or more; published, and good for nothing else. */
const SECRET = 'a published secret, good for benchmarks only'
/** The JSON of the session is this long. */
export const SESSION_BYTES = 256
const DAY = 86_400_000

/**
 * What the app does with each request: read and change the session, so that it is issued anew; read it only; nothing.
 * @typedef {'rw' | 'r' | 'untouched'} Mode
 */
export const MODES = /** @type {Mode[]} */ (['rw', 'r', 'untouched'])
export const BARE = 'bare'
export const OURS = BACKENDS

/** What stands beside a figure. @type {Record<string, string>} */
export const NOTES = {
  bare: 'no session; the client sends a cookie all the same',
  ...Object.fromEntries(OURS.map((name) => [name, 'encrypts (ChaCha20) and authenticates (HMAC-SHA256)'])),
  'cookie-session': 'signs (HMAC-SHA1), does not encrypt; enforces no expiry',
  'client-sessions': 'encrypts (AES-256-CBC) and authenticates (HMAC-SHA256)',
  'express-session': 'signs the session\u2019s id (HMAC-SHA256); the data stays in the memory of one process',
}

/** A request that never touches the session is the same with every backend. @param {Mode} mode */
export const contendersOf = (mode) =>
  Object.keys(NOTES).filter((name) => mode !== 'untouched' || !OURS.slice(1).includes(name))

/** @param {string} name @returns {Promise<((req: any, res: any, next: any) => void) | undefined>} */
export async function middleware(name) {
  const require = createRequire(new URL('../peers/', import.meta.url))
  switch (name) {
    case BARE:
      return undefined
    case 'cookie-session':
      return require(name)({ name: 'session', keys: [SECRET], maxAge: DAY })
    case 'client-sessions':
      return require(name)({ cookieName: 'session', secret: SECRET, duration: DAY })
    case 'express-session':
      return require(name)({ secret: SECRET, resave: false, saveUninitialized: false, cookie: { maxAge: DAY } })
    default:
      return (await built()).sessions({ secret: SECRET, backend: /** @type {any} */ (name), timeout: DAY })
  }
}

async function built() {
  try {
    return await import('../../dist/index.js')
  } catch (error) {
    if (/** @type {any} */ (error).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new NotBuilt('dist/ is missing: run npm run build first')
  }
}

/** Data whose JSON is SESSION_BYTES long, with a count of a fixed length that can go up. */
export function sessionData() {
  const data = { views: 100_000_000, user: '' }
  data.user = 'a'.repeat(SESSION_BYTES - JSON.stringify(data).length)
  return data
}
