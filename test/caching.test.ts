/** What a session does to a response that caches may keep: who rolls, and what is said to them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
// @ts-expect-error: Express brings no types.
import express from 'express'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { sessions as fetchSessions } from '../src/fetch.ts'
import {
  type Answer,
  Browser,
  createClock,
  mount,
  names,
  OLD_SECRET,
  opened,
  type Protocol,
  SECRET,
  START,
  sealed,
  serveApp,
  type TestRequest,
} from './helpers/server.ts'

// biome-ignore lint/suspicious/noExplicitAny: what an app keeps in its sessions is not typed here.
type Anything = any

const folder = mkdtempSync(join(tmpdir(), 'cookie-sessions-'))
const page = join(folder, 'page.txt')
writeFileSync(page, 'a page')
afterAll(() => rmSync(folder, { recursive: true }))

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What an app does with its session, by name. */
const ACTS: { [act: string]: (place: { session: Anything }) => unknown } = {
  nothing: () => {},
  read: ({ session }) => session.user,
  change: ({ session }) => {
    session.views = 1
  },
  touch: ({ session }) => session.touch(),
  destroy: ({ session }) => session.destroy(),
}
type Act = 'nothing' | 'read' | 'change' | 'touch' | 'destroy'

interface Case {
  /** One line of the header, or several; undefined: the app sets none. */
  readonly control?: string | string[] | undefined
  readonly status?: number
  readonly act?: Act
  /** The cookie's age. */
  readonly age?: number
  readonly rolling?: boolean | undefined
  readonly secret?: string
}

interface Seen {
  /** `set`, `removed` or nothing. */
  readonly cookie: string | undefined
  readonly control: string | undefined
  readonly vary: string | undefined
}

const kindOf = (cookies: string[]): string | undefined => {
  const [kind, more] = names({ cookies } as unknown as Answer)
  expect(more).toBeUndefined()
  return kind === undefined ? undefined : kind === '_node=' ? 'removed' : 'set'
}

/** Opens a server, if it needs one, until the end of the test. */
type Platform = () => Promise<(given: Case) => Promise<Seen>>

const settings = ({ rolling, age = 0 }: Case) => ({
  secret: [SECRET, OLD_SECRET],
  now: () => START + age,
  ...(rolling !== undefined && { rolling }),
})
const cookieFor = ({ secret = SECRET }: Case): string => sealed({ user: 'ann' }, { at: START, secret })

/** The middleware, before a handler that answers in one of node's ways. */
function connectBy(
  respond: (res: ServerResponse, control: string | string[] | undefined, status: number) => unknown,
  protocol: Protocol = 'http',
): Platform {
  return async () => {
    let given: Case = {}
    const site = await serveApp((req, res) => {
      const { control, status = 200, act = 'read' } = given
      mount(settings(given))(req, res, () => {
        ACTS[act]?.(req)
        respond(res, control, status)
      })
    }, protocol)
    return async (next) => {
      given = next
      const { cookies, headers } = await site.get('/', { cookie: cookieFor(given) })
      return { cookie: kindOf(cookies), control: headers['cache-control'], vary: headers.vary }
    }
  }
}

const setHeader = (res: ServerResponse, control: string | string[] | undefined, status: number): void => {
  res.statusCode = status
  if (control !== undefined) res.setHeader('Cache-Control', control)
  res.end()
}

const byFetch = (isCommit: boolean): Platform => {
  return async () => async (given) => {
    const { control, status = 200, act = 'read' } = given
    const withSession = fetchSessions(settings(given))
    const headers = new Headers()
    for (const line of [control ?? []].flat()) headers.append('Cache-Control', line)
    const request = new Request('http://example.com/', { headers: { Cookie: cookieFor(given) } })
    let sent = headers
    if (isCommit) {
      const session = withSession.open(request)
      ACTS[act]?.({ session })
      withSession.commit(session, headers)
    } else {
      const handler = withSession((_, session) => {
        ACTS[act]?.({ session })
        return new Response(null, { status, headers })
      })
      sent = (await handler(request)).headers
    }
    const control_ = sent.get('Cache-Control') ?? undefined
    return { cookie: kindOf(sent.getSetCookie()), control: control_, vary: sent.get('Vary') ?? undefined }
  }
}

const list = (control: string | string[] | undefined): Anything =>
  [control ?? []].flat().flatMap((line) => ['cache-control', line])
const platforms: { [name: string]: Platform } = {
  'http, by setHeader()': connectBy(setHeader),
  'http, by an object': connectBy((res, control, status) =>
    res.writeHead(status, control === undefined ? {} : { 'CACHE-CONTROL': control }).end(),
  ),
  'http, by a flat list': connectBy((res, control, status) => res.writeHead(status, list(control)).end()),
  'http, by pairs': connectBy((res, control, status) =>
    res.writeHead(status, [control ?? []].flat().map((line) => ['Cache-Control', line]) as Anything).end(),
  ),
  'http, by write()': connectBy((res, control, status) => {
    res.statusCode = status
    if (control !== undefined) res.setHeader('Cache-Control', control)
    res.write('')
    res.end()
  }),
  http2: connectBy(setHeader, 'http2'),
  fetch: byFetch(false),
  'fetch, by commit()': byFetch(true),
}

describe.each(Object.entries(platforms))('Cache-Control (%s)', (platform, open) => {
  // `sent` with a cookie; without one, what goes out is `bare`, if that is another.
  type Row = [control: string | string[] | undefined, rolls: boolean, sent?: string, bare?: string]
  const rows: Row[] = [
    [undefined, true, 'private'],
    ['private', true],
    ['no-store', true],
    ['no-cache', true, 'no-cache, private', 'no-cache'],
    ['no-cache="Set-Cookie"', true, 'no-cache="Set-Cookie", private'],
    ['max-age=600, private="X-User"', true, 'max-age=600, private="X-User", private'],
    ['private, max-age=600', true],
    ['max-age=600,PRIVATE', true],
    ['no-cache, no-store, must-revalidate', true],
    ['max-age=600', true, 'max-age=600, private'],
    ['max-age=0', true, 'max-age=0, private'],
    ['must-revalidate', true, 'must-revalidate, private'],
    ['immutable, x-private=1', true, 'immutable, x-private=1, private'],
    ['max-age=600, ext="private"', true, 'max-age=600, ext="private", private'],
    ['max-age=600, ext="a, no-store, b"', true, 'max-age=600, ext="a, no-store, b", private'],
    [['max-age=600', 'must-revalidate'], true, 'max-age=600, must-revalidate, private'],
    [['max-age=600', 'private'], true, 'max-age=600, private'],
    ['ext="\\",private,\\""', true, 'ext="\\",private,\\"", private'],
    ['public', false],
    ['Public', false],
    ['max-age=600, PUBLIC', false],
    ['max-age=600,public', false],
    ['max-age=600\t,\tpublic', false],
    ['public, max-age=600', false],
    ['public,max-age=0', false],
    ['Public, max-age=0', false],
    ['max-age=0, public', false],
    ['public, max-age=0, immutable', false],
    [['max-age=600', 'public'], false, 'max-age=600, public'],
    ['s-maxage=600', false],
    ['S-MaxAge=600', false],
    ['max-age=5,s-maxage="600"', false],
    [['max-age=5', 's-maxage=600'], false, 'max-age=5, s-maxage=600'],
    ['private, s-maxage=600', false],
    ['ext="a", public', false],
    ['ext="a\\", b", public', false],
    ['public=1', false],
  ]
  const isWhole = platform === 'http, by setHeader()' || platform === 'fetch'
  const forms = rows.filter((_, i) => isWhole || i % 5 === 0 || Array.isArray(rows[i]?.[0]))
  const cases = forms.map(([control, rolls, sent = control, bare = sent]) => ({ control, rolls, sent, bare }))

  it.each(cases)('$control: rolls, on a 200 and a 304: $rolls', async ({ control, rolls, sent, bare }) => {
    const answer = await open()
    const age = DAY / 2
    const cookie = rolls ? 'set' : undefined
    for (const status of [200, 304]) {
      const seen = (kind: string | undefined) => {
        return { cookie: kind, control: kind === undefined ? bare : sent, vary: 'Cookie' }
      }
      expect(await answer({ control, status, age })).toEqual(seen(cookie))
      expect(await answer({ control, status, rolling: true })).toEqual(seen(cookie))
      expect(await answer({ control, status, secret: OLD_SECRET })).toEqual(seen(cookie))
      // Touched, without a cookie to go out.
      expect(await answer({ control, status, age, rolling: false })).toEqual(seen(undefined))
      expect(await answer({ control, status })).toEqual(seen(undefined))
      // A cookie that goes out in any case.
      expect(await answer({ control, status, act: 'change' })).toEqual(seen('set'))
      expect(await answer({ control, status, act: 'touch' })).toEqual(seen('set'))
      expect(await answer({ control, status, act: 'destroy' })).toEqual(seen('removed'))
    }
  })

  it('public, max-age=0, which send sets unasked, becomes private when a cookie goes out', async () => {
    const answer = await open()
    const control = 'public, max-age=0'
    const stays = { cookie: undefined, control, vary: 'Cookie' }
    const becomes = { cookie: 'set', control: 'private, max-age=0', vary: 'Cookie' }
    for (const status of [200, 304]) {
      expect(await answer({ control, status })).toEqual(stays)
      expect(await answer({ control, status, age: DAY / 2, rolling: false })).toEqual(stays)
      expect(await answer({ control, status, age: DAY / 2 })).toEqual(becomes)
      expect(await answer({ control, status, rolling: true })).toEqual(becomes)
      expect(await answer({ control, status, secret: OLD_SECRET })).toEqual(becomes)
      expect(await answer({ control, status, act: 'change' })).toEqual(becomes)
      expect(await answer({ control, status, act: 'destroy' })).toEqual({ ...becomes, cookie: 'removed' })
    }
  })
})

describe.each(Object.entries(platforms).filter(([name]) => name.startsWith('http')))(
  'An untouched session (%s)',
  (_, open) => {
    it.each([undefined, 'public', 'max-age=600', 'public, max-age=0', 'private'])(
      'leaves %s as it is',
      async (control) => {
        const answer = await open()
        for (const status of [200, 304]) {
          const seen = await answer({ control, status, act: 'nothing', age: DAY / 2 })
          expect(seen).toEqual({ cookie: undefined, control, vary: undefined })
        }
      },
    )

    it.each<[string | undefined, string | undefined, string]>([
      [undefined, 'set', 'private'],
      ['max-age=600', 'set', 'max-age=600, private'],
      ['public, max-age=0', 'set', 'private, max-age=0'],
      ['private', 'set', 'private'],
      ['public', undefined, 'public'],
      ['s-maxage=600', undefined, 's-maxage=600'],
    ])('that rolls in any case is a touched one: %s', async (control, cookie, sent) => {
      const answer = await open()
      for (const status of [200, 304]) {
        const seen = await answer({ control, status, act: 'nothing', rolling: true })
        expect([seen.cookie, seen.control]).toEqual([cookie, sent])
        if (cookie !== undefined) expect(seen.vary).toBe('Cookie')
      }
    })
  },
)

describe('Any Cache-Control', () => {
  /** RFC 9111 section 5.2, RFC 9110 section 5.6: the directives' names, in lower case. */
  const directives = (value: string): string[] =>
    (value.match(/(?:"(?:\\.|[^"\\])*"|[^,"])+/g) ?? []).map(
      (part) => part.trim().split('=')[0]?.trim().toLowerCase() ?? '',
    )

  it.each(['http, by setHeader()', 'fetch'])(
    'keeps a session from shared caches, and all that the app said (%s)',
    async (name) => {
      const answer = await (platforms[name] as Platform)()
      const word = fc.constantFrom(
        'public',
        'private',
        'no-store',
        'no-cache',
        's-maxage=5',
        'max-age=0',
        'max-age=60',
        'x-public',
        'private-x',
        'PUBLIC',
        'Private',
        'public=1',
        'immutable',
      )
      const quoted = fc
        .array(fc.constantFrom('public', 'private', ',', ', ', '\\"', '\\\\', 's-maxage=1', 'x'), { maxLength: 4 })
        .map((parts) => `ext="${parts.join('')}"`)
      const separator = fc.constantFrom(', ', ',', ' , ', ',,', ', ,')
      const control = fc.array(fc.tuple(fc.oneof({ weight: 3, arbitrary: word }, quoted), separator), {
        minLength: 1,
        maxLength: 4,
      })
      await fc.assert(
        fc.asyncProperty(
          control,
          fc.constantFrom<Act>('read', 'change', 'destroy'),
          fc.constantFrom(200, 304),
          async (parts, act, status) => {
            const given = parts
              .map(([part, separator], i) => (i === parts.length - 1 ? part : part + separator))
              .join('')
            const { cookie, control: sent = '' } = await answer({ control: given, status, act, age: DAY / 2 })
            const said = directives(given)
            const says = directives(sent)
            const isShared = said.includes('public') || said.includes('s-maxage')
            if (given === 'public, max-age=0') expect(sent).toBe('private, max-age=0')
            else {
              expect(sent.startsWith(given)).toBe(true)
              expect([given, `${given}, private`]).toContain(sent)
              if (act === 'read' && isShared) expect(cookie).toBeUndefined()
              const enough = ['private', 'no-store', ...(cookie === undefined ? ['no-cache'] : [])]
              if (!isShared) expect(says.some((name) => enough.includes(name))).toBe(true)
            }
            if (act !== 'read') expect(cookie).toBe(act === 'change' ? 'set' : 'removed')
          },
        ),
        { seed: 8, numRuns: 150 },
      )
    },
  )
})

describe('a user who is active for thirty minutes on 304s, under Express,', () => {
  const ways: [string, (res: Anything) => unknown][] = [
    ['a constant res.json()', (res) => res.json({ constant: true })],
    ['res.send()', (res) => res.send('constant')],
    ['res.sendFile()', (res) => res.sendFile(page)],
    ['res.sendFile() with max-age', (res) => res.sendFile(page, { headers: { 'Cache-Control': 'max-age=60' } })],
    [
      'express.static() behind it',
      (res) => express.static(folder)(Object.assign(res.req, { url: '/page.txt' }), res, () => {}),
    ],
  ]
  const cases = ways.flatMap(([way, respond]) => [undefined, true].map((rolling) => ({ way, respond, rolling })))

  it.each(cases)('stays logged in: $way, rolling: $rolling', async ({ respond, rolling }) => {
    const now = createClock()
    const users: unknown[] = []
    const server = express()
    server.use(mount({ now, timeout: 20 * MINUTE, ...(rolling !== undefined && { rolling }) }))
    server.use((req: TestRequest, res: Anything) => {
      if (req.url === '/login') {
        req.session.user = 'ann'
        return res.send('welcome')
      }
      users.push(req.session.user)
      return respond(res)
    })
    const browser = new Browser(await serveApp(server))
    await browser.get('/login')
    const { etag = '' } = (await browser.get('/')).headers
    const answers: Answer[] = []
    for (let minute = 0; minute <= 40; minute += 5) {
      now.time = START + minute * MINUTE
      answers.push(await browser.get('/', { headers: { 'If-None-Match': etag } }))
    }
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 304))
    expect(users).toEqual(users.map(() => 'ann'))
    for (const { cookies, headers } of answers) {
      if (cookies.length === 0) continue
      expect(headers['cache-control']).toMatch(/\bprivate\b/)
      expect(headers['cache-control']).not.toMatch(/public/)
    }
    expect(opened(answers.at(-1) as Answer, { at: now.time })).toEqual({ user: 'ann' })
  })
})
