/** What a TypeScript user writes with require(). Each compiler of test/consumers compiles it for each resolver that it has, and Node runs it. */
import assert = require('node:assert')
import sessions = require('cookie-sessions')
import createCodec = require('cookie-sessions/codec')
import wrap = require('cookie-sessions/fetch')
import js = require('cookie-sessions/js')

declare module 'cookie-sessions' {
  interface SessionData {
    views: number
  }
}

const middleware: sessions.Middleware = sessions({ secret: sessions.generateSecret() })
assert.strictEqual(middleware.length, 3)
// @ts-expect-error there is no such option
assert.throws(() => sessions({ secret: 'x'.repeat(32), maxAge: 5 }), TypeError)

export function viewsOf(session: sessions.Session): number | undefined {
  // @ts-expect-error the data has no such key
  void session.veiws
  return session.views
}

const options: createCodec.CodecOptions = { secret: createCodec.generateSecret(), name: 'mail', backend: js.js }
const codec: createCodec.Codec = createCodec(options)
const opened: createCodec.Opened<string> | createCodec.Refused = sessions.createCodec(options).open(codec.seal('it'))
assert.strictEqual(opened.ok && opened.data, 'it')
let code: sessions.SessionErrorCode | undefined
try {
  codec.seal(() => {})
} catch (error) {
  const told: sessions.SessionError | undefined = error instanceof sessions.SessionError ? error : undefined
  code = told?.code
}
assert.strictEqual(code, 'unserializable')

const withSession: wrap.WithSession = wrap({ secret: wrap.generateSecret() })
assert.strictEqual(typeof withSession.open, 'function')
assert.ok(sessions.default === sessions && createCodec.default === createCodec && wrap.default === wrap)
console.log('works')
