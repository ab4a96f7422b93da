/** In a project that has the types of another session module as well: no line of them or of ours may be an error. */

import sessions from 'cookie-sessions'
import type { Request, Response } from 'express'

declare module 'cookie-sessions' {
  interface SessionData {
    views: number
  }
}

export const middleware = sessions({ secret: 'x'.repeat(32) })
export const handle = (req: Request, res: Response): void => middleware(req, res, () => res.end())
