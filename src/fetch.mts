/** `import 'cookie-sessions/fetch'` in Node: the CommonJS build by its names, so that a process has one state. */
import sessions from './fetch.cts'

export const generateSecret: typeof sessions.generateSecret = sessions.generateSecret
export const SessionError: typeof sessions.SessionError = sessions.SessionError
export type SessionError = sessions.SessionError
export type * from './fetch.ts'
export { sessions, sessions as default }
