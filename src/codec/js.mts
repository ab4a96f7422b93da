/** `import 'cookie-sessions/js'` in Node: the CommonJS build by its names, so that a process has one state. */
import js from './js.cts'

export const createCodec: typeof js.createCodec = js.createCodec
export const generateSecret: typeof js.generateSecret = js.generateSecret
export const SessionError: typeof js.SessionError = js.SessionError
export type SessionError = js.SessionError
export type * from './js.ts'
export { js, js as default }
