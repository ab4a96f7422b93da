/** The codec in a project without node's types and without the DOM's. Compiled by package.test.ts, never run. */
import { type Codec, createCodec, generateSecret, type Reason, SessionError } from 'cookie-sessions/codec'
import js from 'cookie-sessions/js'

const codec: Codec = createCodec({ secret: generateSecret((bytes) => bytes.fill(1)), name: 'invitation', backend: js })
const opened = codec.open<{ to: string }>(codec.seal({ to: 'you' }))
export const outcome: string | Reason = opened.ok ? opened.data.to : opened.reason
export const isOurs = (error: unknown): boolean => error instanceof SessionError && error.code === 'too-large'
