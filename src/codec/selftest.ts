/**
 * A known-answer test, run once when a backend is loaded: a truncated or altered module, or an engine that computes wrongly, is found
 * before it seals anything. Each of three tokens holds the one before, so that their lengths take the kernel's different paths and the last
 * tag depends on all of them. That finds nearly every altered bit that matters (a test counts), not all.
 */
import { SessionError } from '../errors.ts'
import type { Backend, NonceSource } from './backend.ts'
import { RANDOM_BYTES } from './format.ts'

const SECRET = 'a published secret, good for test vectors only'
const TOKENS = 3
const TIME = 1_700_000_000_000
/** The last token's last 40 characters: its tag. A test computes it from docs/format.md alone. */
const ANSWER = 'UL3QWMrKLd-F47DarFBJXfzaiBss8MvkaOeNDsgM'

/** Returns the backend, or throws a SessionError 'no-backend'. */
export function selfTest(backend: Backend): Backend {
  let cause: unknown
  try {
    if (passes(backend)) return backend
  } catch (error) {
    // Altered code may as well trap.
    cause = error
  }
  throw new SessionError(
    'no-backend',
    `backend '${backend.name}' failed its self-test: its file is damaged or the engine is at fault`,
    cause,
  )
}

function passes(backend: Backend): boolean {
  const secret = Uint8Array.from(SECRET, (character) => character.charCodeAt(0))
  const keyring = backend.keyring([secret], '_node')
  const nonces: NonceSource = {
    prepare() {},
    take(target, offset) {
      for (let i = 0; i < RANDOM_BYTES; i++) target[offset + i] = 0x10 + i
    },
  }
  let text = '1'
  for (let i = 0; i < TOKENS; i++) {
    const token = keyring.seal(text, TIME, TIME, nonces) ?? ''
    const opened = keyring.open(token, TIME, 1, 1)
    const forged = keyring.open(`${token.slice(0, -2)}AA`, TIME, 1, 1)
    if (!opened.ok || opened.json !== text || forged.ok) return false
    text = token
  }
  return text.endsWith(ANSWER)
}
