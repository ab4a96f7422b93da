/** `import 'cookie-sessions'` in Node: the CommonJS build by its names, so that a process has one state. */
import sessions from './index.cts'

export const createCodec: typeof sessions.createCodec = sessions.createCodec
export const generateSecret: typeof sessions.generateSecret = sessions.generateSecret
export const SessionError: typeof sessions.SessionError = sessions.SessionError
export type SessionError = sessions.SessionError
export type * from './index.ts'
export { sessions, sessions as default }
