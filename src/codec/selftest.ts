/**
 * A known-answer test, run once when a backend is loaded: a truncated or altered module, or an engine that computes wrongly, is found
 * before it seals anything. The text is long enough to reach every code path of the kernel; the tag depends on all of it.
 */
import { SessionError } from '../errors.ts'
import type { Backend, NonceSource } from './backend.ts'
import { RANDOM_BYTES } from './format.ts'

const SECRET = 'a published secret, good for test vectors only'
const JSON_TEXT = JSON.stringify('cookie-sessions '.repeat(30))
const TIME = 1_700_000_000_000
/** The token's last 40 characters: its tag. A test computes it from docs/format.md alone. */
const ANSWER = 'liYhfYe12z42Nh64dBCMZ1hekwGpqzN0oUL8ttnP'

/** Returns the backend, or throws a SessionError 'no-backend'. */
export function selfTest(backend: Backend): Backend {
  const secret = Uint8Array.from(SECRET, (character) => character.charCodeAt(0))
  const keyring = backend.keyring([secret], '_node')
  const nonces: NonceSource = {
    prepare() {},
    take(target, offset) {
      for (let i = 0; i < RANDOM_BYTES; i++) target[offset + i] = 0x10 + i
    },
  }
  const token = keyring.seal(JSON_TEXT, TIME, TIME, nonces) ?? ''
  const opened = keyring.open(token, TIME, 1, 1)
  const forged = keyring.open(`${token.slice(0, -2)}AA`, TIME, 1, 1)
  const passed = token.endsWith(ANSWER) && opened.ok && opened.json === JSON_TEXT && !forged.ok
  if (passed) return backend
  throw new SessionError(
    'no-backend',
    `backend '${backend.name}' failed its self-test: its file is damaged or the engine is at fault`,
  )
}
