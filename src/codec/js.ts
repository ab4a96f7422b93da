/**
 * The kernel in plain JavaScript, for engines that have neither WebAssembly nor node:crypto: `cookie-sessions/js`. It is made from the
 * same AssemblyScript (assembly/embed.mjs), writes and reads the same bytes, and is several times slower (bench/README.md).
 */
import instantiate from '#codec.js'
import type { Backend } from './backend.ts'
import { STRONG_SECRET_BYTES } from './format.ts'
import type { Kernel } from './kernel.ts'
import { createBackend, createInstance } from './keyring.ts'
import { type CodecOptions, checkCodecOptions, misuse } from './options.ts'
import { type Codec, codecOf, createSealer } from './sealer.ts'
import { selfTest } from './selftest.ts'

export { SessionError, type SessionErrorCode } from '../errors.ts'
export type { Backend, Reason, Refused } from './backend.ts'
export type { CodecOptions, Secret } from './options.ts'
export type { Codec, Opened } from './sealer.ts'
export { generateSecret } from './secret.ts'

let shared: Backend | undefined

/**
 * To be handed in as the option `backend`. It needs nothing of the engine but the language (ES2022), and where that has no
 * `crypto.getRandomValues`, the option `random` to seal. TypeError for a secret under 32 bytes: to stretch one takes seconds here.
 */
export const js: Backend = {
  name: 'js',
  keyring(secrets, name) {
    const weak = secrets.find((secret) => secret.length < STRONG_SECRET_BYTES)
    if (weak !== undefined) {
      throw new TypeError(
        `cookie-sessions: backend 'js' needs secrets of ${STRONG_SECRET_BYTES} bytes or more, got one of ${weak.length}: stretching it would take seconds. Make one with generateSecret()`,
      )
    }
    shared ??= createBackend('js', createInstance(instantiate() as Kernel))
    return shared.keyring(secrets, name)
  },
}

/** createCodec() on this backend alone: importing it needs neither WebAssembly nor a TextDecoder, which 'cookie-sessions/codec' does. */
export function createCodec(options: CodecOptions): Codec {
  const settings = checkCodecOptions(options)
  if (settings.backend !== 'auto' && settings.backend !== js) {
    throw misuse('backend', "left out, as 'cookie-sessions/js' has this one alone", settings.backend)
  }
  return codecOf(createSealer(settings, selfTest(js)))
}

export { js as default }
