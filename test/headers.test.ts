/** The hook before a response's headers, on every way that leads there, against what node itself would send. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { beforeHeaders, type Failure } from '../src/headers.ts'
import { add } from '../src/writehead.ts'
import { type Answer, names, type Protocol, serve, serveApp } from './helpers/server.ts'

type WriteHead = (res: { writeHead(...args: unknown[]): ServerResponse }) => unknown

const protocols: Protocol[] = ['http', 'http2']

type SetHeader = (name: string, value: string | string[]) => void

/** Hooks the response: notes in `calls` what its listener is told of; `act` may set headers, or return a failure. */
function hook(res: ServerResponse, calls: string[], act: (set: SetHeader) => unknown = () => {}): void {
  beforeHeaders(res, {
    onHeaders(headers) {
      calls.push('headers')
      return act((name, value) => headers.set(name, value, res.getHeader(name))) as Failure | undefined
    },
    onRefused: () => void calls.push('refused'),
  })
}

/** A server whose every response bears the session cookie, and what the handler does. */
async function answer(protocol: Protocol, handler: (res: ServerResponse) => unknown): Promise<Answer> {
  const site = await serve(
    (req, res) => {
      req.session.n = 1
      handler(res)
    },
    {},
    protocol,
  )
  const result = await site.get()
  expect(site.errors).toEqual([])
  return result
}

describe.each(protocols)('the session cookie over %s', (protocol) => {
  describe('rides along with headers that go out by', () => {
    const ways: { [way: string]: (res: ServerResponse) => unknown } = {
      'end()': (res) => res.end(),
      'end(body)': (res) => res.end('body'),
      'end(body, encoding, callback)': (res) => res.end('body', 'utf8', () => {}),
      'write()': (res) => {
        res.write('bo')
        res.end('dy')
      },
      'flushHeaders()': (res) => {
        res.flushHeaders()
        res.end('body')
      },
      'end() after early hints': (res) => {
        res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
        res.end('body')
      },
      'end() after 100 Continue': (res) => {
        res.writeContinue()
        res.end('body')
      },
      'writeHead().end()': (res) => res.writeHead(200).end('body'),
      'writeHeader(), node http’s old name for it': (res) => {
        const { writeHeader = res.writeHead } = res as { writeHeader?: ServerResponse['writeHead'] }
        writeHeader.call(res, 200).end('body')
      },
      'stream.pipe(res)': (res) => Readable.from(['bo', 'dy']).pipe(res),
      setImmediate: (res) => setImmediate(() => res.end('body')),
      setTimeout: (res) => setTimeout(() => res.end('body'), 0),
      'a promise': (res) => Promise.resolve().then(() => res.end('body')),
      'a redirect': (res) => res.writeHead(302, { Location: '/' }).end(),
      'status 204': (res) => res.writeHead(204).end(),
      'status 304': (res) => res.writeHead(304).end(),
    }
    it.each(Object.entries(ways))('%s', async (_, way) => {
      expect(names(await answer(protocol, way))).toEqual(['_node=*'])
    })

    it('a HEAD request', async () => {
      const site = await serve(
        (req, res) => {
          req.session.n = 1
          res.end('body')
        },
        {},
        protocol,
      )
      const response = await site.get('/', { method: 'HEAD' })
      expect([names(response), response.body]).toEqual([['_node=*'], ''])
    })
  })

  describe('is added to the cookies of', () => {
    const forms: { [form: string]: [WriteHead, string[]] } = {
      'writeHead(code)': [(res) => res.writeHead(200), []],
      'writeHead(code, reason)': [(res) => res.writeHead(200, 'Fine'), []],
      'writeHead(code, undefined)': [(res) => res.writeHead(200, undefined), []],
      'writeHead(code, null)': [(res) => res.writeHead(200, null), []],
      'writeHead(code, {})': [(res) => res.writeHead(200, {}), []],
      'writeHead(code, [])': [(res) => res.writeHead(200, []), []],
      'writeHead(code, object)': [(res) => res.writeHead(200, { 'Set-Cookie': 'a=1' }), ['a=1']],
      'writeHead(code, object with a list)': [
        (res) => res.writeHead(200, { 'Set-Cookie': ['a=1', 'b=2'] }),
        ['a=1', 'b=2'],
      ],
      'writeHead(code, object in lower case)': [(res) => res.writeHead(200, { 'set-cookie': 'a=1' }), ['a=1']],
      'writeHead(code, object with the name in two cases)': [
        (res) => res.writeHead(200, { 'Set-Cookie': 'a=1', 'set-cookie': ['b=2', 'c=3'], 'SET-COOKIE': 'd=4' }),
        ['a=1', 'b=2', 'c=3', 'd=4'],
      ],
      'writeHead(code, reason, object)': [(res) => res.writeHead(200, 'Fine', { 'Set-Cookie': 'a=1' }), ['a=1']],
      'writeHead(code, reason, undefined)': [(res) => res.writeHead(200, 'Fine', undefined), []],
      'writeHead(code, undefined, object)': [(res) => res.writeHead(200, undefined, { 'Set-Cookie': 'a=1' }), ['a=1']],
      'writeHead(code, null, object)': [(res) => res.writeHead(200, null, { 'Set-Cookie': 'a=1' }), ['a=1']],
      'writeHead(code, flat list)': [(res) => res.writeHead(200, ['Set-Cookie', 'a=1', 'X-A', '1']), ['a=1']],
      'writeHead(code, flat list with the name twice)': [
        (res) => res.writeHead(200, ['Set-Cookie', 'a=1', 'X-A', '1', 'set-cookie', 'b=2']),
        ['a=1', 'b=2'],
      ],
      'writeHead(code, reason, flat list)': [(res) => res.writeHead(200, 'Fine', ['Set-Cookie', 'a=1']), ['a=1']],
      'writeHead(code, list of pairs)': [
        (res) =>
          res.writeHead(200, [
            ['Set-Cookie', 'a=1'],
            ['X-A', '1'],
          ]),
        ['a=1'],
      ],
      'writeHead(code, list of pairs with the name twice)': [
        (res) =>
          res.writeHead(200, [
            ['Set-Cookie', 'a=1'],
            ['set-cookie', 'b=2'],
          ]),
        ['a=1', 'b=2'],
      ],
      'writeHead(code, list of pairs with a list)': [
        (res) => res.writeHead(200, [['Set-Cookie', ['a=1', 'b=2']]]),
        ['a=1', 'b=2'],
      ],
      'writeHead(code, undefined, list of pairs)': [
        (res) => res.writeHead(200, undefined, [['Set-Cookie', 'a=1']]),
        ['a=1'],
      ],
    }
    const cases = Object.entries(forms).map(([form, [write, cookies]]) => ({ form, write, cookies }))

    it.each(cases)('$form', async ({ write, cookies }) => {
      const response = await answer(protocol, (res) => {
        write(res as never)
        res.end()
      })
      expect(names(response)).toEqual([...cookies, '_node=*'])
      expect(response.status).toBe(200)
    })

    it.each(cases)('$form, in the place of what setHeader() set', async ({ write, cookies }) => {
      const response = await answer(protocol, (res) => {
        res.setHeader('Set-Cookie', ['x=8', 'y=9'])
        write(res as never)
        res.end()
      })
      const own = cookies.length > 0 ? cookies : ['x=8', 'y=9']
      expect(names(response)).toEqual([...own, '_node=*'])
    })

    it('setHeader() with a string', async () => {
      const response = await answer(protocol, (res) => {
        res.setHeader('set-cookie', 'a=1')
        res.end()
      })
      expect(names(response)).toEqual(['a=1', '_node=*'])
    })

    it('appendHeader(), as often as it is called', async () => {
      const response = await answer(protocol, (res) => {
        for (const cookie of ['a=1', 'b=2']) res.appendHeader('Set-Cookie', cookie)
        res.end()
      })
      expect(names(response)).toEqual(['a=1', 'b=2', '_node=*'])
    })
  })

  it('never gets into a list that the app hands to several responses', async () => {
    const shared = ['a=1', 'b=2']
    const ways: { [path: string]: (res: ServerResponse) => unknown } = {
      '/set': (res) => res.setHeader('Set-Cookie', shared),
      '/head': (res) => res.writeHead(200, { 'Set-Cookie': shared }),
      '/pairs': (res) => res.writeHead(200, [['Set-Cookie', shared]] as unknown as OutgoingHttpHeaders),
      '/twice': (res) => res.writeHead(200, { 'Set-Cookie': shared, 'set-cookie': 'c=3' }),
      '/append': (res) => {
        res.setHeader('Set-Cookie', shared)
        res.appendHeader('X-A', '1')
      },
    }
    const site = await serve(
      (req, res) => {
        req.session.n = req.url
        ways[req.url ?? '']?.(res)
        res.end()
      },
      {},
      protocol,
    )
    for (const path of Object.keys(ways)) {
      const own = path === '/twice' ? ['a=1', 'b=2', 'c=3'] : ['a=1', 'b=2']
      for (const _ of 'ab') expect([path, names(await site.get(path))]).toEqual([path, [...own, '_node=*']])
      expect([path, shared]).toEqual([path, ['a=1', 'b=2']])
    }
  })
})

describe.each(protocols)('writeHead over %s', (protocol) => {
  /** What a client sees with the hook, and without it. */
  async function both(write: WriteHead, prepare: (res: ServerResponse) => void = () => {}): Promise<[Answer, Answer]> {
    const site = await serveApp((req, res) => {
      if (req.url === '/hooked') hook(res, [])
      prepare(res)
      try {
        write(res as never)
      } catch (error) {
        for (const name of res.getHeaderNames()) res.removeHeader(name)
        res.statusCode = 500
        // node has set the reason before it looks at the headers.
        if (protocol === 'http') res.statusMessage = 'Failed'
        res.end((error as Error).name)
        return
      }
      res.end('body')
    }, protocol)
    const strip = (given: Answer): Answer => {
      const { date: _, ...headers } = given.headers
      return { ...given, headers }
    }
    return [strip(await site.get('/hooked')), strip(await site.get('/plain'))]
  }

  const forms: { [form: string]: WriteHead } = {
    'a status': (res) => res.writeHead(404),
    'a reason': (res) => res.writeHead(404, 'Lost'),
    'a reason and headers': (res) => res.writeHead(404, 'Lost', { 'X-A': '1', 'X-B': ['1', '2'] }),
    'an object': (res) => res.writeHead(200, { 'X-A': '1', 'Content-Length': 4, 'Content-Type': 'text/plain' }),
    'an empty object': (res) => res.writeHead(200, {}),
    'a flat list': (res) => res.writeHead(200, ['X-A', '1', 'X-B', '2']),
    'an empty list': (res) => res.writeHead(200, []),
    numbers: (res) => res.writeHead(200, { 'X-A': 1 }),
    Location: (res) => res.writeHead(301, { Location: '/there' }),
    'a status that does not exist': (res) => res.writeHead(42),
    'no status': (res) => res.writeHead(undefined),
    'a name that is none': (res) => res.writeHead(200, { 'X A': '1' }),
    'a value with a line break': (res) => res.writeHead(200, { 'X-A': 'a\r\nb' }),
    'a value that is undefined': (res) => res.writeHead(200, { 'X-A': undefined }),
    'a flat list with an odd end': (res) => res.writeHead(200, ['X-A', '1', 'X-B']),
  }
  const known = Object.entries(forms).filter(([form]) => protocol === 'http' || form !== 'a name that is none')

  it.each(known)('sends what node sends with %s', async (_, write) => {
    const [hooked, plain] = await both(write)
    expect(hooked).toEqual(plain)
  })

  it.each(known)('sends what node sends with %s after setHeader()', async (_, write) => {
    const [hooked, plain] = await both(write, (res) => {
      res.setHeader('X-A', 'before')
      res.setHeader('X-C', 'before')
    })
    expect(hooked).toEqual(plain)
  })
})

describe.each(protocols)('beforeHeaders over %s', (protocol) => {
  /** What a client gets of a handler that hooks its response itself, and what the listeners were told. */
  async function hooked(handler: (res: ServerResponse, calls: string[]) => unknown): Promise<[Answer, string[]]> {
    const calls: string[] = []
    const faults: unknown[] = []
    const site = await serveApp((_, res) => {
      try {
        handler(res, calls)
      } catch (fault) {
        faults.push(fault)
        res.statusCode = 500
        res.end()
      }
    }, protocol)
    const answer = await site.get()
    expect(faults).toEqual([])
    return [answer, calls]
  }

  const refused = (code: string): unknown => expect.objectContaining({ code })
  const HEADERS_SENT = refused(protocol === 'http' ? 'ERR_HTTP_HEADERS_SENT' : 'ERR_HTTP2_HEADERS_SENT')

  it('calls back once, before the headers, which may be seen and changed', async () => {
    const [answer, calls] = await hooked((res, calls) => {
      const look = (set: SetHeader): void => {
        calls.push(`${res.headersSent} ${res.getHeader('X-A')}`)
        set('X-A', '2')
        set('X-B', '3')
      }
      hook(res, calls, look)
      res.writeHead(201, { 'x-a': '1' })
      res.write('bo')
      res.end('dy')
    })
    expect(answer).toMatchObject({ status: 201, body: 'body', headers: { 'x-a': '2', 'x-b': '3' } })
    expect(calls).toEqual(['headers', 'false 1'])
  })

  it.each<[string, (res: ServerResponse) => unknown]>([
    ['write()', (res) => res.write('body')],
    ['write() of bytes', (res) => res.write(Buffer.from('body'))],
    ['end()', (res) => res.end('body')],
    ['end() without a chunk', (res) => res.end()],
    ['flushHeaders()', (res) => res.flushHeaders()],
  ])('calls back before %s passes anything on', async (_, begin) => {
    const [, calls] = await hooked((res, calls) => {
      hook(res, calls, () => void calls.push(`${res.headersSent} ${res.writableEnded}`))
      begin(res)
      expect(res.headersSent).toBe(true)
      res.end()
    })
    expect(calls).toEqual(['headers', 'false false'])
  })

  it('answers in the place of the app when the listener returns a failure', async () => {
    const [answer, calls] = await hooked((res, calls) => {
      const report = (): void => void calls.push(`report ${res.statusCode} ${res.getHeader('Location')}`)
      hook(res, calls, () => ({ report }))
      res.setHeader('X-Own', 'stays')
      const head = protocol === 'http' ? [303, 'Fine', { Location: '/' }] : [303, { Location: '/' }]
      expect((res.writeHead as (...args: unknown[]) => unknown)(...head)).toBe(res)
      expect(res.write('bo')).toBe(true)
      expect(res.end('dy')).toBe(res)
    })
    expect(calls).toEqual(['headers', 'report 500 undefined'])
    expect([answer.status, answer.body]).toEqual([500, 'The session could not be saved.\n'])
    if (protocol === 'http') expect(answer.reason).toBe('Internal Server Error')
    expect(answer.headers).toMatchObject({ 'x-own': 'stays', 'cache-control': 'no-store', 'content-length': '32' })
    expect(answer.headers).not.toHaveProperty('location')
  })

  it('leaves a second writeHead for node to refuse', async () => {
    const [answer, calls] = await hooked((res, calls) => {
      hook(res, calls)
      res.writeHead(200)
      expect(() => res.writeHead(201)).toThrow(HEADERS_SENT)
      res.end()
    })
    expect([answer.status, calls]).toEqual([200, ['headers']])
  })

  it('stays silent when the headers are out already', async () => {
    const [, calls] = await hooked((res, calls) => {
      res.flushHeaders()
      hook(res, calls)
      expect(() => res.writeHead(201)).toThrow(HEADERS_SENT)
      res.end()
    })
    expect(calls).toEqual([])
  })

  it('does nothing for a response that cannot send headers', () => {
    const calls: string[] = []
    const response = { end: () => {} }
    const { end } = response
    hook(response as unknown as ServerResponse, calls)
    expect(response).toEqual({ end })
  })

  // HTTP/2 has no reason.
  const refusals: [string, unknown[], string[]][] = [
    // Over HTTP/1, node looks at it before anything else. So does the hook, and asks nobody.
    ['the status', [42], protocol === 'http' ? [] : ['headers', 'refused']],
    // Headers are set before anybody is asked.
    ['a header', [200, { 'X-A': '1', 'X-B': undefined }], ['refused']],
    ['the reason', [200, 'a\nb', { 'X-A': '1' }], ['headers', 'refused']],
  ]
  it.each(refusals.slice(0, protocol === 'http' ? 3 : 2))(
    'tells the listeners when node refuses %s, and puts everything back',
    async (_, args, told) => {
      const [answer, calls] = await hooked((res, calls) => {
        hook(res, calls, (set) => set('X-C', 'ours'))
        res.setHeader('X-A', 'before')
        expect(() => (res.writeHead as (...args: unknown[]) => unknown)(...args)).toThrow()
        expect([{ ...res.getHeaders() }, res.statusCode, res.headersSent]).toEqual([{ 'x-a': 'before' }, 200, false])
        expect(calls.splice(0)).toEqual(told)
        res.writeHead(202)
        res.end()
      })
      expect(answer).toMatchObject({ status: 202, headers: { 'x-a': 'before', 'x-c': 'ours' } })
      expect(calls).toEqual(['headers'])
    },
  )

  it('calls several listeners, the last to come first', async () => {
    const calls: string[] = []
    const [{ status, headers }] = await hooked((res) => {
      for (const name of ['first', 'last']) {
        const act = (set: SetHeader): void => {
          calls.push(`${name} ${res.getHeader('X-A')}`)
          set('X-A', name)
        }
        hook(res, [], act)
      }
      res.writeHead(201, ['X-A', '1'] as never)
      res.end()
    })
    expect([status, headers['x-a'], calls]).toEqual([201, 'first', ['last 1', 'first last']])
  })

  it('calls them all when one fails, and reports each failure', async () => {
    const [answer, calls] = await hooked((res, calls) => {
      for (const name of ['first', 'middle', 'last']) {
        const failure = { report: () => void calls.push(`report ${name}`) }
        hook(res, calls, (set) => {
          set(`X-${name}`, '1')
          return name === 'middle' ? undefined : failure
        })
      }
      res.end('body')
    })
    expect(calls).toEqual(['headers', 'headers', 'headers', 'report last', 'report first'])
    expect(answer).toMatchObject({ status: 500, headers: { 'x-first': '1', 'x-middle': '1', 'x-last': '1' } })
  })

  it.each(['before', 'after'])('works with another hook on writeHead, set %s it', async (when) => {
    const [{ cookies, headers }] = await hooked((res) => {
      const other = (): void => {
        const writeHead = res.writeHead as (...args: unknown[]) => ServerResponse
        res.writeHead = ((...args: unknown[]) => {
          res.setHeader('X-Other', 'yes')
          return writeHead.apply(res, args)
        }) as ServerResponse['writeHead']
      }
      if (when === 'before') other()
      hook(res, [], (set) => set('Set-Cookie', add(res.getHeader('Set-Cookie'), 'b=2') as string[]))
      if (when === 'after') other()
      res.writeHead(200, { 'Set-Cookie': 'a=1' })
      res.end()
    })
    expect([cookies, headers['x-other']]).toEqual([['a=1', 'b=2'], 'yes'])
  })

  it('returns the response', async () => {
    const [{ status }] = await hooked((res) => {
      hook(res, [])
      expect(res.writeHead(200)).toBe(res)
      res.end()
    })
    expect(status).toBe(200)
  })
})
