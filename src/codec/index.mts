/** `import 'cookie-sessions/codec'` in Node: the CommonJS build by its names, so that a process has one state. */
import createCodec from './index.cts'

export const generateSecret: typeof createCodec.generateSecret = createCodec.generateSecret
export const SessionError: typeof createCodec.SessionError = createCodec.SessionError
export type SessionError = createCodec.SessionError
export type * from './index.ts'
export { createCodec, createCodec as default }
