/** What a TypeScript user writes in an ES module. Compiled by package.test.ts against the packed package, never run. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import connect from 'connect'
import sessions, {
  sessions as byName,
  createCodec,
  generateSecret,
  type Middleware,
  type Reason,
  type Session,
  SessionError,
  type SessionErrorCode,
  type SessionOptions,
} from 'cookie-sessions'
import createCodecByDefault, { type Codec, type CodecOptions, type Opened, type Refused } from 'cookie-sessions/codec'
import js from 'cookie-sessions/js'

declare module 'cookie-sessions' {
  interface SessionData {
    views: number
    user: { id: string; roles: string[] }
  }
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_ extends true>(): void => {}

const app = connect()
app.use(sessions({ secret: 'x' }))
app.use(byName({ secret: ['x', new Uint8Array(32)], timeout: 1_000, rolling: true, sameSite: 'none' }))
app.use(sessions.sessions({ secret: generateSecret(), backend: 'wasm', persistent: false }))
app.use(sessions({ secret: generateSecret(), backend: js }))

app.use((req, res) => {
  holds<Equal<typeof req.session.views, number | undefined>>()
  holds<Equal<typeof req.session.isNew, boolean>>()
  holds<Equal<typeof req.session.isChanged, boolean>>()
  holds<Equal<typeof req.session.isPopulated, boolean>>()
  holds<Equal<typeof req.session.createdAt, number>>()
  holds<Equal<typeof req.session, Session>>()

  req.session.views = (req.session.views ?? 0) + 1
  req.session.user = { id: '7', roles: [] }
  req.session.user?.roles.push('admin')
  delete req.session.views

  req.session = { views: 1 }
  req.session = {}
  req.session = null
  req.session = undefined
  // @ts-expect-error TS2739 and the like: the data has no such key
  req.session = { veiws: 1 }
  // @ts-expect-error a number is wanted
  req.session = { views: '1' }
  // @ts-expect-error the data has no such key
  req.session.veiws = 1
  // @ts-expect-error no index signature lets anything pass
  req.session[String(req.url)]
  // @ts-expect-error a number is wanted
  req.session.views = '1'
  // @ts-expect-error the state is read-only
  req.session.isNew = true
  // @ts-expect-error and so is its beginning
  req.session.createdAt = 0

  holds<Equal<ReturnType<typeof req.session.save>, void>>()
  req.session.save()
  req.session.save((error) => {
    holds<Equal<typeof error, unknown>>()
  })
  req.session.regenerate()
  req.session.destroy(() => res.end())
  req.session.touch()
  req.session.reload()
  // @ts-expect-error there is no such method
  req.session.resave()
})

export function read({ session }: IncomingMessage): void {
  const { views, user } = session
  holds<Equal<typeof views, number | undefined>>()
  holds<Equal<typeof user, { id: string; roles: string[] } | undefined>>()
}

const options: SessionOptions<IncomingMessage> = {
  secret: 'x',
  session_key: '_node',
  absoluteTimeout: undefined,
  onInvalid(reason, req) {
    holds<Equal<typeof reason, Reason>>()
    holds<Equal<typeof req, IncomingMessage>>()
  },
  onError(error, req) {
    holds<Equal<typeof error, unknown>>()
    holds<Equal<typeof req.url, string | undefined>>()
  },
  now: Date.now,
  random: (bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
}
const middleware: Middleware = sessions(options)
holds<Equal<Parameters<typeof middleware>, [IncomingMessage, ServerResponse, (error?: unknown) => void]>>()
// A rotation drops the old secret by taking its variable away, but there is always a first.
sessions({ secret: ['x', process.env.OLD_SESSION_SECRET], scope: '/', absoluteTimeout: Infinity })
// @ts-expect-error the first secret may not be missing
sessions({ secret: [process.env.SESSION_SECRET, 'x'] })
// @ts-expect-error a secret is required
sessions({})
// @ts-expect-error options are required
sessions()
// @ts-expect-error no such option
sessions({ secret: 'x', maxAge: 5 })
// @ts-expect-error milliseconds are a number
sessions({ secret: 'x', timeout: '1 day' })
// @ts-expect-error no such backend
sessions({ secret: 'x', backend: 'fast' })
// @ts-expect-error no such policy
sessions({ secret: 'x', sameSite: true })

const codecOptions: CodecOptions = { secret: ['x'], name: 'mail' }
const codec: Codec = createCodec(codecOptions)
createCodecByDefault(codecOptions).seal({ any: ['value', null] }, Date.now())
// @ts-expect-error a name is required
createCodec({ secret: 'x' })
// @ts-expect-error the middleware alone has a path
createCodec({ secret: 'x', name: 'y', path: '/' })

holds<Equal<typeof codec.backend, 'wasm' | 'node' | 'js' | 'auto'>>()
const opened = codec.open<{ to: string }>('token')
holds<Equal<typeof opened, Opened<{ to: string }> | Refused>>()
if (opened.ok) {
  holds<Equal<typeof opened.data, { to: string }>>()
  holds<Equal<typeof opened.keyIndex, number>>()
} else {
  holds<Equal<typeof opened.reason, Reason>>()
  // @ts-expect-error a refused token has no data
  opened.data
}
const unknown = codec.open('token')
if (unknown.ok) holds<Equal<typeof unknown.data, unknown>>()
// @ts-expect-error a token is a string
codec.open(5)

try {
  codec.seal(1n)
} catch (error) {
  if (error instanceof SessionError) {
    holds<Equal<typeof error.code, SessionErrorCode>>()
    holds<Equal<Extract<typeof error.code, 'too-large' | 'no-backend'>, 'too-large' | 'no-backend'>>()
  }
}
