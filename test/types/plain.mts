/** Without a declaration of what sessions hold: nothing may be read or written by a key. Compiled by package.test.ts, never run. */
import sessions from 'cookie-sessions'

sessions({ secret: 'x' })

export function handler(req: import('node:http').IncomingMessage): void {
  req.session.save()
  req.session = null
  // @ts-expect-error nothing was declared
  req.session.views = 1
}
