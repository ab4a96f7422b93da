/** What a TypeScript user writes in CommonJS. Compiled by package.test.ts against the packed package, never run. */
import connect = require('connect')
import sessions = require('cookie-sessions')
import codecs = require('cookie-sessions/codec')
import backends = require('cookie-sessions/js')

declare module 'cookie-sessions' {
  interface SessionData {
    views: number
  }
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_ extends true>(): void => {}

connect()
  .use(sessions({ secret: sessions.generateSecret() }))
  .use((req, res) => {
    holds<Equal<typeof req.session.views, number | undefined>>()
    req.session = { views: 1 }
    req.session = null
    // @ts-expect-error the data has no such key
    req.session.veiws = 1
    res.end()
  })

const codec = sessions.createCodec({ secret: 'x', name: 'y', backend: backends.js })
const opened = codec.open(codec.seal(1))
if (!opened.ok) holds<Equal<typeof opened.reason extends string ? true : false, true>>()
const error: Error = new sessions.SessionError('too-large', 'message')
const token: string = codecs.createCodec({ secret: 'x', name: 'y' }).seal(error.message)
// @ts-expect-error options are required
sessions()
export = token
