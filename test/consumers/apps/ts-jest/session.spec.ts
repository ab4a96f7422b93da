/** Of a user's own tests in TypeScript, compiled to CommonJS. */

import type { IncomingMessage } from 'node:http'
import { expect, test } from '@jest/globals'
import sessions, { createCodec, generateSecret, SessionError, type SessionOptions } from 'cookie-sessions'
import js from 'cookie-sessions/js'

declare module 'cookie-sessions' {
  interface SessionData {
    views: number
  }
}

test('the default export is the middleware', () => {
  const options: SessionOptions<IncomingMessage> = { secret: generateSecret() }
  expect(sessions(options)).toHaveLength(3)
  expect(sessions.sessions).toBe(sessions)
})

test.each(['wasm', 'node', js] as const)('a token opens, by backend %#', (backend) => {
  const { open, seal } = createCodec({ secret: generateSecret(), name: 'it', backend })
  expect(open(seal({ views: 1 }))).toMatchObject({ ok: true, data: { views: 1 } })
  expect(() => seal(() => {})).toThrow(SessionError)
})
