/** writeHead() and all that leads to it, with the session middleware and without: what node does, our own headers apart. */
import { IncomingMessage, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Answer,
  mount,
  names,
  opened,
  type Protocol,
  type Site,
  sealed,
  sendRaw,
  serve,
  serveApp,
  type TestRequest,
} from './helpers/server.ts'

// biome-ignore lint/suspicious/noExplicitAny: half of what is passed here is wrong on purpose.
type Anything = any

const protocols: Protocol[] = ['http', 'http2']

// ---------------------------------------------------------------------------------------------------------------------------------
// The model: what writeHead() is to do where node's versions, protocols and paths differ.

/**
 * Of an object the last spelling of a name wins, Set-Cookie apart; of a list (flat, or of pairs) repeats add up. What is left is an
 * object with one spelling for each name, for which all of node's ways agree.
 */
function merged(headers: Anything, protocol: Protocol): Anything {
  if (typeof headers !== 'object' || headers === null) return undefined
  const isPairs = Array.isArray(headers[0])
  if (Array.isArray(headers) && !isPairs && headers.length % 2 === 1) return headers
  const entries: [string, Anything][] = !Array.isArray(headers)
    ? Object.entries(headers)
    : isPairs
      ? headers
      : Array.from({ length: headers.length / 2 }, (_, i) => [headers[2 * i], headers[2 * i + 1]])
  const found = new Map<string, [string, Anything]>()
  for (const [name, value] of entries) {
    if (name === '' && protocol === 'http') continue
    const key = name.toLowerCase()
    const before = found.get(key)
    // What is wrong is refused, whatever follows.
    if (before !== undefined && !isGood(before[1])) continue
    const adds = before !== undefined && (Array.isArray(headers) || key === 'set-cookie')
    found.set(key, [name, adds && isGood(value) ? [before[1], value].flat() : value])
  }
  return Object.fromEntries([...found.values()])
}

const isGood = (value: unknown): boolean => value !== undefined && !/\n/.test(String(value))

/** What a call of node's that throws leaves behind, to be put back: a refused call changes nothing. */
const MARKS = ['_removedContLen', '_removedTE', '_removedConnection', '_contentLength', '_hasBody', 'sendDate']

function keep(res: Anything): () => void {
  const headers = Object.entries({ ...res.getHeaders() })
  const spelled = new Map<string, string>(
    (res.getRawHeaderNames?.() ?? []).map((name: string) => [name.toLowerCase(), name]),
  )
  const { statusCode, statusMessage } = res
  const marks = MARKS.map((mark) => [mark, res[mark]] as const)
  return () => {
    for (const name of res.getHeaderNames()) if (!headers.some(([key]) => key === name)) res.removeHeader(name)
    for (const [name, value] of headers) if (name[0] !== ':') res.setHeader(spelled.get(name) ?? name, value)
    res.statusCode = statusCode
    if (res.statusMessage !== statusMessage) res.statusMessage = statusMessage
    for (const [mark, value] of marks) if (value !== undefined || mark in res) res[mark] = value
  }
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Calls, and what came of them.

type Call = readonly [method: string, ...args: Anything[]]

/** Runs the calls and notes what each returns or throws, and how the response then looks. */
function run(res: Anything, calls: readonly Call[], bare: boolean, protocol: Protocol): unknown[] {
  const log: unknown[] = []
  for (const [method, ...given] of calls) {
    const args = fresh(given)
    const back = bare && !res.headersSent ? keep(res) : undefined
    let outcome: unknown
    try {
      if (method === 'statusCode' || method === 'statusMessage') res[method] = args[0]
      else {
        const value = res[method](...(bare && /^writeHead/.test(method) ? model(args, protocol) : args))
        outcome = value === res ? 'itself' : value
      }
    } catch (error) {
      const { name, code } = error as NodeJS.ErrnoException
      outcome = `${name} ${code}`
      if (!res.headersSent) back?.()
      // Of an end() that fails, node keeps the length.
      if (!res.headersSent && method === 'end' && protocol === 'http') res._contentLength = null
    }
    log.push([method, outcome, state(res)])
  }
  return log
}

/** A copy, for node adds to the very lists that it is handed. */
const fresh = (args: Anything[]): Anything[] => args.map((arg) => (Array.isArray(arg) ? fresh(arg) : arg))

/** The arguments of writeHead(), with the headers where all of node's forms have them. */
function model(args: Anything[], protocol: Protocol): Anything[] {
  const [status, second, third] = args
  if (typeof second === 'string') return third === undefined ? args : [status, second, merged(third, protocol)]
  return [status, merged(third ?? second, protocol)]
}

/** What the app can see of its response, our headers apart. */
function state(res: ServerResponse): unknown {
  return {
    status: res.statusCode,
    reason: res.statusMessage,
    sent: res.headersSent,
    ended: res.writableEnded,
    headers: stripped(Object.entries({ ...res.getHeaders() }).map(([name, value]) => [name, value as Anything])),
  }
}

/** Sorted, without Date and what is ours. */
function stripped(headers: [string, unknown][]): string[] {
  const ours = /^(date|vary|cache-control|keep-alive):|^set-cookie: _node=/
  return headers
    .flatMap(([name, value]) => [value].flat().map((item) => `${name.toLowerCase()}: ${item}`))
    .filter((line) => !ours.test(line))
    .sort()
}

interface Result {
  readonly log: unknown[]
  readonly status: unknown
  readonly headers: string[]
  readonly body: string
  readonly faults: unknown[]
}

interface Pair {
  /** The same calls with us and without. */
  both(calls: readonly Call[], method?: string): Promise<{ ours: Result; node: Result; answer: Answer | undefined }>
  readonly errors: unknown[]
}

/** A server that runs calls on its response, with the middleware in front or not. */
async function serveBoth(protocol: Protocol, act: (req: TestRequest) => unknown): Promise<Pair> {
  const errors: unknown[] = []
  const session = mount({ onError: (error) => errors.push(error) })
  let calls: readonly Call[] = []
  let log: unknown[] = []
  let faults: unknown[] = []
  const site = await serveApp((req, res) => {
    if (req.url === '/next') return res.end('next')
    const bare = req.url === '/node'
    res.on('error', (error: NodeJS.ErrnoException) => faults.push(error.code))
    const go = (): void => {
      if (!bare) act(req)
      // With a header set before, node takes its slow path, which is also ours.
      res.setHeader('X-First', '1')
      log = run(res, calls, bare, protocol)
      // Whatever is wrong by then is put right.
      const rest: Call[] = [['end', 'the end']]
      if (!res.headersSent) rest.unshift(['statusCode', 200])
      if (!res.headersSent && protocol === 'http') rest.unshift(['statusMessage', undefined])
      if (!res.writableEnded) log.push(...run(res, rest, bare, protocol))
    }
    if (bare) go()
    else session(req, res, go)
    if (!res.writableEnded || !res.headersSent) res.destroy()
  }, protocol)

  async function ask(path: string, method: string): Promise<[Result, Answer | undefined]> {
    log = []
    faults = []
    const parsed =
      protocol === 'http'
        ? parse(await raw(site, path, method))
        : await site.get(path, { method }).catch(() => undefined)
    const answer = parsed as (Answer & { lines?: [string, string][] }) | undefined
    const headers = stripped(answer?.lines ?? (Object.entries(answer?.headers ?? {}) as [string, unknown][]))
    return [{ log, status: [answer?.status, answer?.reason], headers, body: answer?.body ?? '', faults }, answer]
  }

  return {
    errors,
    async both(given, method = 'GET') {
      calls = given
      const [ours, answer] = await ask('/ours', method)
      const [node] = await ask('/node', method)
      return { ours, node, answer }
    },
  }
}

/** The bytes of an answer and of the next one on the same connection: the framing shows in whether the next is found. */
function raw(site: Site, path: string, method: string): Promise<string> {
  const next = 'GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  return sendRaw(site, `${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n${next}`)
}

/** What stands before the body as an Answer, and all that follows as its body. */
function parse(text: string): Answer & { lines: [string, string][] } {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...rest] = text.slice(0, end).split('\r\n')
  const lines = rest.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 2)]
  })
  const [, status, reason = ''] = /^HTTP\/1\.1 (\d+) (.*)$/.exec(first) ?? []
  const cookies = lines.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value)
  const body = text.slice(end + 4).replace(/Date: .*\r\n/, '')
  return { status: Number(status), reason, headers: Object.fromEntries(lines), cookies, lines, body }
}

// ---------------------------------------------------------------------------------------------------------------------------------

/** Random calls. At most one thing is wrong with one call, so that there is one right error. */
function calls(protocol: Protocol): fc.Arbitrary<Call[]> {
  const isHttp1 = protocol === 'http'
  const name = fc.constantFrom(
    'X-A',
    'x-a',
    'X-B',
    'x-B',
    'Content-Type',
    'Set-Cookie',
    'set-cookie',
    'SET-COOKIE',
    ...(isHttp1 ? ['Connection', 'Content-Length'] : []),
  )
  const valueFor = (key: string): fc.Arbitrary<Anything> => {
    const plain = key.toLowerCase()
    if (plain === 'content-length') return fc.constantFrom('3', 3, '7')
    if (plain === 'content-type') return fc.constantFrom('text/html', 'text/plain')
    if (plain === 'connection') return fc.constantFrom('close', 'keep-alive')
    return fc.constantFrom('a=1', 'b=2', 'c=3', 4, ['d=5', 'e=6'], '')
  }
  const entry = name.chain((key) => valueFor(key).map((value): [string, Anything] => [key, value]))
  const wrong = fc.constantFrom<[string, Anything]>(
    ['X-A', undefined],
    ['', 'x'],
    ...(isHttp1
      ? ([
          ['X A', '1'],
          ['X-A', 'a\nb'],
          ['X-Ü', '1'],
        ] as [string, Anything][])
      : []),
  )
  const entries = fc
    .tuple(fc.array(entry, { maxLength: 4 }), fc.option(wrong, { freq: 4 }), fc.nat(4))
    .map(([list, bad, at]) => {
      const all = [...list]
      if (bad !== null) all.splice(at, 0, bad)
      return all
    })
  // HTTP/2 knows content-type once.
  const singles = (list: [string, Anything][]): [string, Anything][] => {
    return list.filter(
      ([key], i) => !/^con/i.test(key) || list.findIndex(([other]) => other.toLowerCase() === key.toLowerCase()) === i,
    )
  }
  const headers = fc.oneof(
    entries.map((list) => Object.fromEntries(list)),
    entries.map((list) => singles(list).flat(1)),
    entries.map((list) => singles(list)),
  )
  const odd = fc.constantFrom<Anything[]>(['X-A', '1', 'X-B'])
  const status = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<Anything>(200, 201, 404, 204, 304, 302) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Anything>(
        'abc',
        99,
        1000,
        '201',
        200.7,
        -1,
        undefined,
        ...(isHttp1 ? [0, null, 999] : []),
      ),
    },
  )
  const reason = fc.constantFrom<Anything>('Fine', 'Moved', '', 'bad\nreason', 'caf\u0100')
  const nothing = fc.constantFrom<Anything>(undefined, null)
  const head = fc.oneof(
    status.map((s) => [s]),
    fc.tuple(status, headers),
    fc.tuple(status, headers),
    fc.tuple(status, nothing, headers),
    fc.tuple(status, headers, fc.constant(undefined)),
    ...(isHttp1
      ? [
          fc.tuple(status, nothing),
          fc.tuple(status, nothing, nothing),
          fc.tuple(status, reason),
          fc.tuple(status, reason, headers),
          fc.tuple(status, reason, nothing),
          fc.tuple(status, fc.constantFrom<Anything>(5, true)),
        ]
      : []),
    fc.tuple(status, odd),
  )
  // Over HTTP/2, an empty chunk after others makes node 20 send bytes of nobody's.
  const chunk = fc.constantFrom<Anything>('abc', Buffer.from('ab'), null, 5, undefined, ...(isHttp1 ? [''] : []))
  const call: fc.Arbitrary<Call> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom('setHeader', 'appendHeader'), entry)
        .map(([method, [key, value]]): Call => [method, key, value]),
    },
    { weight: 1, arbitrary: wrong.map(([key, value]): Call => ['setHeader', key, value]) },
    { weight: 1, arbitrary: name.map((key): Call => ['removeHeader', key]) },
    { weight: 1, arbitrary: status.map((code): Call => ['statusCode', code]) },
    { weight: 3, arbitrary: head.map((args): Call => ['writeHead', ...args]) },
    ...(isHttp1
      ? [
          { weight: 1, arbitrary: head.map((args): Call => ['writeHeader', ...args]) },
          {
            weight: 1,
            arbitrary: fc.constantFrom('Fine', 'bad\nreason', undefined).map((text): Call => ['statusMessage', text]),
          },
        ]
      : []),
    { weight: 2, arbitrary: chunk.map((data): Call => ['write', data]) },
    { weight: 1, arbitrary: chunk.map((data): Call => ['end', data]) },
    { weight: 1, arbitrary: fc.constantFrom<Call>(['end'], ['flushHeaders']) },
  )
  // HTTP/2 knows one Content-Type, and notes an end() that fails for a second one as the end.
  const isKnown = ([method, name]: Call): boolean => isHttp1 || method !== 'appendHeader' || name !== 'Content-Type'
  const list = fc.array(call.filter(isKnown), { minLength: 1, maxLength: 7 })
  // What a client of HTTP/2 sees of a response that was written to after its end is a race.
  return isHttp1
    ? list
    : list.map((all) => all.slice(0, all.findIndex(([method]) => method === 'end') + 1 || all.length))
}

describe.each(protocols)('the same calls with us and without, over %s:', (protocol) => {
  it.each([
    ['a changed session', true],
    ['an untouched one', false],
  ])('the same outcome, our headers apart, with %s', async (_, isChanged) => {
    const pair = await serveBoth(protocol, (req) => {
      if (isChanged) req.session.n = 1
    })
    await fc.assert(
      fc.asyncProperty(calls(protocol), fc.constantFrom('GET', 'GET', 'HEAD', 'POST'), async (given, method) => {
        const { ours, node, answer } = await pair.both(given, method)
        expect(ours).toEqual(node)
        expect(pair.errors).toEqual([])
        if (!answer?.status) return
        expect(answer.cookies.filter((line) => line.startsWith('_node='))).toHaveLength(isChanged ? 1 : 0)
        if (isChanged) expect(opened(answer)).toEqual({ n: 1 })
      }),
      { seed: 8, numRuns: protocol === 'http' ? 400 : 150 },
    )
  })
})

describe.each(protocols)('writeHead() over %s', (protocol) => {
  const isHttp1 = protocol === 'http'

  /** The answer to a request whose session changed, and whose handler calls this. */
  async function answer(calls: readonly Call[]): Promise<Answer> {
    const site = await serve(
      (req, res: Anything) => {
        req.session.n = 1
        for (const [method, ...args] of calls) res[method](...args)
        res.end('ok')
      },
      {},
      protocol,
    )
    const result = await site.get()
    expect(site.errors).toEqual([])
    expect(opened(result)).toEqual({ n: 1 })
    return result
  }

  const first: Call = ['setHeader', 'X-A', '0']
  it.each<[string, Call[], object]>([
    ['an object: the last spelling wins', [['writeHead', 200, { 'x-a': '1', 'X-A': '2' }]], { 'x-a': '2' }],
    ['... over what was set before', [first, ['writeHead', 200, { 'x-a': '1', 'X-A': '2' }]], { 'x-a': '2' }],
    ['... with a reason', [['writeHead', 200, 'Fine', { 'x-a': '1', 'X-A': ['2', '3'] }]], { 'x-a': '2, 3' }],
    [
      '... and one length goes out',
      [['writeHead', 200, { 'content-length': '100', 'Content-Length': 2 }]],
      { 'content-length': '2' },
    ],
    ['a flat list: repeats add up', [['writeHead', 200, ['X-A', '1', 'x-a', '2']]], { 'x-a': '1, 2' }],
    [
      '... in the place of what was set before',
      [first, ['writeHead', 200, ['X-A', '1', 'x-a', '2']]],
      { 'x-a': '1, 2' },
    ],
    [
      'pairs: repeats add up',
      [
        [
          'writeHead',
          200,
          [
            ['X-A', '1'],
            ['x-a', '2'],
          ],
        ],
      ],
      { 'x-a': '1, 2' },
    ],
    [
      '... in the place of what was set before',
      [
        first,
        [
          'writeHead',
          200,
          [
            ['X-A', ['1', '2']],
            ['x-a', '3'],
          ],
        ],
      ],
      { 'x-a': '1, 2, 3' },
    ],
    ['undefined in between', [['writeHead', 200, undefined, { 'X-A': '1' }]], { 'x-a': '1' }],
  ])('%s', async (_, calls, headers) => {
    const { status, body, headers: sent } = await answer(calls)
    expect([status, body]).toEqual([200, 'ok'])
    expect(sent).toMatchObject(headers)
  })

  it.each<[string, Anything]>([
    ['an object', { 'Set-Cookie': 'a=1', 'set-cookie': ['b=2', 'c=3'] }],
    ['a flat list', ['Set-Cookie', 'a=1', 'set-cookie', ['b=2', 'c=3']]],
    [
      'pairs',
      [
        ['Set-Cookie', 'a=1'],
        ['set-cookie', 'b=2'],
        ['SET-COOKIE', 'c=3'],
      ],
    ],
  ])('keeps all cookies of %s, in the place of those set before', async (_, headers) => {
    const result = await answer([
      ['setHeader', 'Set-Cookie', 'x=9'],
      ['writeHead', 200, headers],
    ])
    expect(names(result)).toEqual(['a=1', 'b=2', 'c=3', '_node=*'])
  })

  it.runIf(isHttp1).each<[string, Anything]>([
    ['an object', { '': 'x', 'X-B': '1' }],
    ['a flat list', ['', 'x', 'X-B', '1']],
    [
      'pairs',
      [
        ['', 'x'],
        ['X-B', '1'],
      ],
    ],
  ])('skips an empty name after setHeader(): %s', async (_, headers) => {
    const { status, headers: sent } = await answer([first, ['writeHead', 201, headers]])
    expect([status, sent['x-a'], sent['x-b']]).toEqual([201, '0', '1'])
  })

  const cached = { 'Cache-Control': 'public', 'X-B': '1' }
  const refused: [string, Call][] = [
    ['a status above all', ['writeHead', 1000, cached]],
    ['a status below all', ['writeHead', 99, cached]],
    ['an undefined value', ['writeHead', 404, { ...cached, 'X-C': undefined }]],
    ['... in a flat list', ['writeHead', 404, ['X-B', '1', 'x-b', undefined]]],
    [
      '... in pairs',
      [
        'writeHead',
        404,
        [
          ['X-B', '1'],
          ['x-b', undefined],
        ],
      ],
    ],
    ['a list with an odd end', ['writeHead', 404, ['X-B', '1', 'X-C']]],
  ]
  const refusedByHttp1: [string, Call][] = [
    ['the status 0', ['writeHead', 0, cached]],
    ['the status abc', ['writeHead', 'abc', cached]],
    ['no status', ['writeHead', undefined, cached]],
    ['a reason with a line break', ['writeHead', 404, 'a\nb', cached]],
    ['a reason beyond Latin-1', ['writeHead', 404, 'caf\u0100', cached]],
    ['a value with a line break', ['writeHead', 404, { ...cached, 'X-C': 'a\nb' }]],
    ['a name with a space', ['writeHead', 404, { ...cached, 'X C': '1' }]],
    ['... by its other name', ['writeHeader', 404, { ...cached, 'X C': '1' }]],
    ['a Trailer with a length', ['writeHead', 200, { ...cached, Trailer: 'X-T', 'Content-Length': 2 }]],
    [
      'a length beside a name with a space',
      ['writeHead', 404, { 'Content-Length': 9, 'Transfer-Encoding': 'chunked', 'X C': '1' }],
    ],
  ]
  const refusedByHttp2: [string, Call][] = [
    ['the status 600', ['writeHead', 600, cached]],
    ['an empty name', ['writeHead', 404, { ...cached, '': '1' }]],
    ['a pseudo-header', ['writeHead', 404, { ...cached, ':path': '/' }]],
    ['an unknown pseudo-header', ['writeHead', 404, { ...cached, ':x': '/' }]],
    ['two types', ['writeHead', 404, { ...cached, 'Content-Type': ['a/b', 'c/d'] }]],
  ]
  const befores: [string, Call[]][] = [
    ['at first', []],
    [
      'after setHeader()',
      [
        ['setHeader', 'X-A', '0'],
        ['setHeader', 'Set-Cookie', ['a=1']],
        ['setHeader', 'X-b', 'before'],
      ],
    ],
  ]
  const cases = [...refused, ...(isHttp1 ? refusedByHttp1 : refusedByHttp2)].flatMap(([what, call]) =>
    befores.map(([when, before]) => ({ what, call, when, before })),
  )

  it.each(cases)('that node refuses changes nothing: $what, $when', async ({ call, before }) => {
    const codes: unknown[] = []
    const attempt = (res: Anything, [method, ...args]: Call): void => {
      try {
        res[method](...args)
        codes.push('no error')
      } catch (error) {
        codes.push((error as NodeJS.ErrnoException).code)
      }
    }
    const bare = await serveApp((_, res: Anything) => {
      for (const [method, ...args] of before) res[method](...args)
      attempt(res, [call[0], ...model(call.slice(1), protocol)])
      res.destroy()
    }, protocol)
    await bare.get().catch(() => {})
    const site = await serve(
      (req, res: Anything) => {
        req.session.n = 1
        for (const [method, ...args] of before) res[method](...args)
        const look = (): unknown => [{ ...res.getHeaders() }, res.statusCode, res.statusMessage, res.headersSent]
        const was = look()
        attempt(res, call)
        expect(look()).toEqual(was)
        req.session.n = 2
        req.session.save()
        res.end('ok')
      },
      {},
      protocol,
    )
    const result = await site.get()
    expect([result.status, result.body, site.errors]).toEqual([200, 'ok', []])
    expect(codes).toEqual([codes[0], codes[0]])
    expect(codes[0]).toMatch(/^ERR_/)
    expect(names(result)).toEqual(before.length > 0 ? ['a=1', '_node=*'] : ['_node=*'])
    expect(opened(result)).toEqual({ n: 2 })
    expect(result.headers).toMatchObject({ 'cache-control': 'private', ...(isHttp1 && { 'content-length': '2' }) })
    expect(result.headers['x-b']).toBe(before.length > 0 ? 'before' : undefined)
    if (isHttp1) expect(result.reason).toBe('OK')
  })

  it.runIf(isHttp1)('that node refuses for an empty name, where nothing was set before, changes nothing', async () => {
    const site = await serve((req, res) => {
      req.session.n = 1
      expect(() => res.writeHead(201, { '': 'x' })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_HTTP_TOKEN' }))
      expect({ ...res.getHeaders() }).toEqual({})
      res.end('ok')
    })
    const result = await site.get()
    expect([result.status, names(result), site.errors]).toEqual([200, ['_node=*'], []])
  })

  it.runIf(isHttp1)('by end() and write() under a status that node refuses changes nothing', async () => {
    const site = await serve((req, res) => {
      req.session.n = 1
      res.statusCode = 1000
      for (const attempt of [() => res.end('no'), () => res.write('no'), () => res.flushHeaders()])
        expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_HTTP_INVALID_STATUS_CODE' }))
      req.session.save()
      res.statusCode = 200
      res.end('ok')
    })
    const result = await site.get()
    expect([result.status, result.body, names(result), site.errors]).toEqual([200, 'ok', ['_node=*'], []])
  })

  it.each<[string, Call[]]>([
    ['end(body)', [['end', 'x']]],
    ['end()', [['end']]],
    ['end() twice', [['end', 'x'], ['end']]],
    [
      'end(body) twice',
      [
        ['end', 'x'],
        ['end', 'y'],
      ],
    ],
    [
      'write() after end()',
      isHttp1
        ? [
            ['end', 'x'],
            ['write', 'y'],
          ]
        : [],
    ],
    ['write(null)', [['write', null]]],
    ['write(5)', [['write', 5]]],
    ['write(undefined)', [['write', undefined]]],
    [
      'write(object)',
      [
        ['write', {}],
        ['setHeader', 'X-A', '1'],
      ],
    ],
    [
      'end(5)',
      [
        ['end', 5],
        ['setHeader', 'X-A', '1'],
      ],
    ],
    ['end(null)', [['end', null]]],
    [
      'an empty write()',
      [
        ['write', ''],
        ['setHeader', 'X-A', '1'],
      ],
    ],
    ['write(), with a wrong encoding', [['write', 'x', 'no-such-encoding']]],
    [
      'write(body, hex)',
      [
        ['write', '6869', 'hex'],
        ['end', '6869', 'hex'],
      ],
    ],
    [
      'writeHead() after write()',
      [
        ['write', 'x'],
        ['writeHead', 201],
      ],
    ],
    [
      'writeHead() twice',
      [
        ['writeHead', 200],
        ['writeHead', 201],
      ],
    ],
    ['headers after flushHeaders()', [['flushHeaders'], ['setHeader', 'X-A', '1'], ['flushHeaders']]],
    ['cork() and uncork()', isHttp1 ? [['cork'], ['write', 'x'], ['write', 'y'], ['uncork']] : []],
    [
      'a length set by hand',
      [
        ['setHeader', 'Content-Length', 7],
        ['end', 'the end'],
      ],
    ],
    [
      'a length taken away',
      isHttp1
        ? [
            ['removeHeader', 'Content-Length'],
            ['end', 'x'],
          ]
        : [],
    ],
    [
      'a Trailer',
      isHttp1
        ? [
            ['setHeader', 'Trailer', 'X-T'],
            ['addTrailers', { 'X-T': '1' }],
            ['end', 'x'],
          ]
        : [],
    ],
  ])('... and %s: as node does', async (_, given) => {
    for (const value of [1, undefined]) {
      const pair = await serveBoth(protocol, (req) => {
        if (value !== undefined) req.session.n = value
      })
      for (const method of ['GET', 'HEAD']) {
        const { ours, node } = await pair.both(given, method)
        expect(ours).toEqual(node)
      }
      expect(pair.errors).toEqual([])
    }
  })
})

describe('a response with setHeader() and writeHead() alone', () => {
  /** What engine.io hands to middleware before a WebSocket's handshake: what `writeHead()` has added, the answer to the upgrade carries. */
  class WebSocketResponse {
    readonly headers: { [name: string]: Anything } = {}
    setHeader(name: string, value: unknown): void {
      this.headers[name] = value
    }
    getHeader(name: string): unknown {
      return this.headers[name]
    }
    removeHeader(name: string): void {
      delete this.headers[name]
    }
    write(): void {}
    writeHead(): void {}
    end(): void {}
  }

  function shake(
    act: (req: TestRequest, res: WebSocketResponse) => unknown,
    options: Parameters<typeof mount>[0] = {},
    cookie?: string,
  ) {
    const errors: unknown[] = []
    const req = Object.assign(new IncomingMessage(new Socket()), {
      url: '/socket.io/?EIO=4',
      method: 'GET',
    }) as Anything
    if (cookie !== undefined) req.headers.cookie = cookie
    const res = new WebSocketResponse()
    mount({ onError: (error) => errors.push(error), ...options })(req, res as unknown as ServerResponse, (error) => {
      if (error !== undefined) throw error
      act(req, res)
    })
    ;(res as { writeHead(): void }).writeHead()
    const line: unknown = res.headers['Set-Cookie']
    return {
      errors,
      headers: res.headers,
      line,
      cookies: [line].flat().filter((value) => value !== undefined) as string[],
    }
  }
  const as = ({ cookies }: { cookies: string[] }): Answer => ({ cookies }) as unknown as Answer

  it('carries the cookie of a changed session, as the one string that engine.io prints', () => {
    const result = shake((req) => {
      req.session.n = 1
    })
    expect(typeof result.line).toBe('string')
    expect(opened(as(result))).toEqual({ n: 1 })
    expect(result.errors).toEqual([])
  })

  it("keeps the app's own cookies", () => {
    const result = shake((req, res) => {
      res.setHeader('Set-Cookie', ['io=1'])
      req.session.n = 1
    })
    expect(names(as(result))).toEqual(['io=1', '_node=*'])
  })

  it('rolls, and takes a destroyed one away', () => {
    const cookie = sealed({ user: 'ann' }, { at: Date.now() - 10_000_000 })
    const rolled = shake((req) => req.session.user, {}, cookie)
    expect([opened(as(rolled)), rolled.errors]).toEqual([{ user: 'ann' }, []])
    const ended = shake((req) => req.session.destroy(), {}, cookie)
    expect([names(as(ended)), ended.errors]).toEqual([['_node='], []])
  })

  it('adds nothing for an untouched session', () => {
    const result = shake(() => {}, {}, sealed({ user: 'ann' }))
    expect([result.headers, result.errors]).toEqual([{}, []])
  })

  it('lets save() succeed', () => {
    const result = shake((req) => {
      req.session.n = 1
      req.session.save()
    })
    expect([opened(as(result)), result.errors]).toEqual([{ n: 1 }, []])
  })

  it('tells onError of a session that cannot be saved, and throws nothing', () => {
    const result = shake((req) => {
      req.session.n = 1n
    })
    expect([result.cookies, result.errors]).toEqual([[], [expect.objectContaining({ code: 'unserializable' })]])
  })
})
