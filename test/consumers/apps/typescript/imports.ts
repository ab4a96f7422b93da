/** What a TypeScript user writes with import. Each compiler of test/consumers compiles it for each resolver that it has, and Node runs it. */
import { strict as assert } from 'node:assert'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import sessions, {
  type CodecOptions,
  createCodec,
  generateSecret,
  type Middleware,
  sessions as named,
  type Reason,
  SessionError,
  type SessionErrorCode,
  type SessionOptions,
} from 'cookie-sessions'
import createCodecByDefault, { type Codec, type Opened, type Refused } from 'cookie-sessions/codec'
import wrap, { type WithSession } from 'cookie-sessions/fetch'
import js from 'cookie-sessions/js'

declare module 'cookie-sessions' {
  interface SessionData {
    views: number
  }
}

const options: SessionOptions<IncomingMessage> = {
  secret: generateSecret(),
  absoluteTimeout: undefined,
  onInvalid(reason: Reason, req) {
    console.log(reason, req.url)
  },
}
const middleware: Middleware = sessions(options)
// @ts-expect-error there is no such option
const wrong = () => sessions({ secret: 'x'.repeat(32), maxAge: 5 })

function handle(req: IncomingMessage, res: ServerResponse): void {
  const views: number | undefined = req.session.views
  // @ts-expect-error the data has no such key
  void req.session.veiws
  req.session = { views: (views ?? 0) + 1 }
  res.end(String(req.session.views))
}

const codecOptions: CodecOptions = { secret: generateSecret(), name: 'mail', backend: js }
const codec: Codec = createCodec(codecOptions)
const opened: Opened<string> | Refused = createCodecByDefault(codecOptions).open<string>(codec.seal('it'))
let code: SessionErrorCode | undefined
try {
  codec.seal(() => {})
} catch (error) {
  const told: SessionError | undefined = error instanceof SessionError ? error : undefined
  code = told?.code
}

const withSession: WithSession = wrap({ secret: generateSecret() })
const answer = withSession((request: Request, session) => {
  session.views = request.url.length
  return new Response(String(session.views))
})

async function main(): Promise<void> {
  assert.strictEqual(named, sessions)
  assert.throws(wrong, TypeError)
  assert.strictEqual(opened.ok && opened.data, 'it')
  assert.strictEqual(code, 'unserializable')
  assert.match((await answer(new Request('http://localhost/'))).headers.get('Set-Cookie') ?? '', /^_node=AQ/)

  const server = createServer((req, res) => middleware(req, res, () => handle(req, res)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const first = await fetch(url)
  const cookie = (first.headers.get('Set-Cookie') ?? '').split(';', 1).join()
  const second = await fetch(url, { headers: { cookie, connection: 'close' } })
  assert.deepStrictEqual([await first.text(), await second.text()], ['1', '2'])
  server.close()
  server.closeAllConnections()
  console.log('works')
}

void main()
