/** Cookies from an attacker, through real servers: an empty session, a reason, and never a throw, a 500 or a cookie in return. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCodec } from '../src/codec/codec.ts'
import {
  Browser,
  createClock,
  mount,
  names,
  OLD_SECRET,
  opened,
  routes,
  SECRET,
  type Site,
  START,
  sealed,
  sendRaw,
  serve,
  type TestRequest,
  visit,
} from './helpers/server.ts'

const TOKEN = createCodec({
  secret: SECRET,
  name: '_node',
  now: () => START,
  random: (bytes) => bytes.fill(0xa5),
}).seal({ user: 'ann' })
const BYTES = Buffer.from(TOKEN, 'base64url')

/** A server at the time when TOKEN was made, which tells who the session says it is. */
async function target(): Promise<Site> {
  return serve((req, res) => res.end(String(req.session.user ?? 'nobody')), { now: createClock() })
}

/** Sends these tokens, four to a request, and returns the reasons that they were refused for; none may open. */
async function refusals(tokens: string[]): Promise<string[]> {
  const site = await target()
  for (let i = 0; i < tokens.length; i += 4) {
    const four = tokens.slice(i, i + 4)
    const before = site.invalid.length
    const answer = await site.get('/', { cookie: four.map((token) => `_node=${token}`).join('; ') })
    expect([four, answer.status, answer.body, answer.cookies]).toEqual([four, 200, 'nobody', []])
    expect([four, site.invalid.length - before]).toEqual([four, four.length])
  }
  expect(site.errors).toEqual([])
  // And after all that, the good one opens.
  expect((await site.get('/', { cookie: `_node=${TOKEN}` })).body).toBe('ann')
  return site.invalid
}

const tally = (reasons: string[]): { [reason: string]: number } => {
  const counts: { [reason: string]: number } = {}
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1
  return counts
}

/** TOKEN with one byte changed. */
function patched(offset: number, value: number): string {
  const bytes = Buffer.from(BYTES)
  bytes[offset] = value
  return bytes.toString('base64url')
}

describe('a cookie', () => {
  it.each<[string, string, string]>([
    ['empty', '', 'malformed'],
    ['too short to be one', 'AQ', 'malformed'],
    ['junk', 'junk', 'malformed'],
    ['long junk', 'x'.repeat(200), 'unsupported'],
    ['longer than a browser keeps one', 'A'.repeat(4_091), 'malformed'],
    ['much longer', 'A'.repeat(12_000), 'malformed'],
    ['of an unknown version', patched(0, 2), 'unsupported'],
    ['of version 0', patched(0, 0), 'unsupported'],
    ['with an unknown flag', patched(1, 0x80), 'unsupported'],
    ['with a flag that is not its own', patched(1, 1), 'bad-tag'],
    ['of another key', patched(2, (BYTES[2] as number) ^ 1), 'unknown-key'],
    ['with the counter of its nonce moved', patched(16, 1), 'malformed'],
    ['with another nonce', patched(17, (BYTES[17] as number) ^ 1), 'bad-tag'],
    ['with another beginning', patched(9, (BYTES[9] as number) ^ 1), 'bad-tag'],
    ['with a character more', `${TOKEN}A`, 'malformed'],
    ['with four characters more', `${TOKEN}AAAA`, 'bad-tag'],
    ['written twice', TOKEN + TOKEN, 'bad-tag'],
    ['padded', `${TOKEN}=`, 'malformed'],
    ['in base64', `${BYTES.toString('base64')}+/`, 'malformed'],
    ['in hex', BYTES.toString('hex'), 'unsupported'],
    ['quoted twice', `""${TOKEN}""`, 'malformed'],
    ['with one quote', `"${TOKEN}`, 'malformed'],
    ['in other quotes', `'${TOKEN}'`, 'malformed'],
    ['percent-encoded', `%41${TOKEN.slice(1)}`, 'malformed'],
    ['with a space in it', `${TOKEN.slice(0, 50)} ${TOKEN.slice(50)}`, 'malformed'],
    ['with a comma after it', `${TOKEN},`, 'malformed'],
    ['of another secret', sealed({ user: 'eve' }, { secret: OLD_SECRET, at: START }).slice(6), 'unknown-key'],
    ['of another name', sealed({ user: 'eve' }, { name: 'other', at: START }).slice(6), 'unknown-key'],
    ['that has expired', sealed({ user: 'eve' }, { at: START - 86_400_000 }).slice(6), 'expired'],
    ['from the future', sealed({ user: 'eve' }, { at: START + 60_001 }).slice(6), 'not-yet-valid'],
    ['that holds a list', sealed(['eve'], { at: START }).slice(6), 'bad-payload'],
    ['that holds null', sealed(null, { at: START }).slice(6), 'bad-payload'],
    ['that holds a key called save', sealed({ save: 1 }, { at: START }).slice(6), 'bad-payload'],
  ])('%s is refused, and why is told', async (_, token, reason) => {
    expect(await refusals([token])).toEqual([reason])
  })

  it('is refused when it is cut short, wherever', async () => {
    const cut = Array.from({ length: TOKEN.length }, (_, length) => TOKEN.slice(0, length))
    expect(Object.keys(tally(await refusals(cut))).sort()).toEqual(['bad-tag', 'malformed'])
  })

  it('is refused when it lacks its beginning, however much of it', async () => {
    await refusals(Array.from({ length: TOKEN.length }, (_, length) => TOKEN.slice(length + 1)))
  })

  it('is refused with any one bit flipped', async () => {
    const flipped = Array.from({ length: BYTES.length * 8 }, (_, bit) =>
      patched(bit >> 3, (BYTES[bit >> 3] as number) ^ (1 << (bit & 7))),
    )
    // Version, flags, key id and the nonce's first byte have reasons of their own; all else is the tag's.
    expect(tally(await refusals(flipped))).toEqual({
      unsupported: 15,
      'unknown-key': 16,
      malformed: 8,
      'bad-tag': BYTES.length * 8 - 39,
    })
  })

  it('is refused with any one character changed', async () => {
    const changed = Array.from(TOKEN, (character, i) => {
      return TOKEN.slice(0, i) + (character === 'A' ? 'B' : 'A') + TOKEN.slice(i + 1)
    })
    await refusals(changed)
  })

  it('has but one spelling', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const others = [...alphabet].map((last) => TOKEN.slice(0, -1) + last).filter((other) => other !== TOKEN)
    await refusals(others)
  })

  it('is refused for its length alone when a browser could not hold it', async () => {
    const calls = async (cookie: string): Promise<number> => {
      let asked = 0
      const { value, invalid } = await visit((req) => req.session.isNew, {
        cookie,
        now: () => {
          asked++
          return START
        },
      })
      expect([value, invalid]).toEqual([true, ['malformed']])
      return asked
    }
    // The clock is asked for the new session's beginning, and once more for each token that is looked at.
    expect(await calls(`_node=${'*'.repeat(4_090)}`)).toBe(2)
    expect(await calls(`_node=${'*'.repeat(4_091)}`)).toBe(1)
  })

  it('of megabytes is refused by a server that lets it through to us', async () => {
    const server = http.createServer({ maxHeaderSize: 1 << 25 })
    const invalid: string[] = []
    const session = mount({ onInvalid: (reason) => invalid.push(reason) })
    server.on('request', (req, res) => {
      session(req as never, res, () => res.end(JSON.stringify([req.session.isNew, req.headers.cookie?.length])))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const site = { port: (server.address() as AddressInfo).port } as Site
    const cookie = `${'_node=A;'.repeat(500_000)}_node=${'A'.repeat(8_000_000)}`
    const request = `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: ${cookie}\r\n\r\n`
    expect(await sendRaw(site, request)).toContain(`[true,${cookie.length}]`)
    expect(invalid).toEqual(Array(16).fill('malformed'))
  })
})

describe('over a raw socket', () => {
  const send = (site: Site, cookie: Buffer | string): Promise<string> =>
    sendRaw(
      site,
      Buffer.concat([
        Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: '),
        Buffer.from(cookie as string, 'latin1'),
        Buffer.from('\r\n\r\n'),
      ]),
    )
  const isAlive = async (site: Site): Promise<boolean> =>
    (await site.get('/', { cookie: `_node=${TOKEN}` })).body === 'ann'

  it('the good cookie is let in', async () => {
    expect(await send(await target(), `_node=${TOKEN}`)).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n\r\nann$/)
  })

  it.each<[string, Buffer | string]>([
    ['all bytes above 127', Buffer.from(Array.from({ length: 128 }, (_, i) => i + 128))],
    ['UTF-8', Buffer.from('_node=zürich 東京 🍪')],
    ['invalid UTF-8', Buffer.from('_node=\xff\xfe\xc0\x80', 'latin1')],
    ['delimiters', '_node==;;=;_node;=_node;;,"\\'],
    ['a thousand of them', '_node=x;'.repeat(1_000)],
    ['names of prototypes', '__proto__=1; constructor=2; toString=3; _node=4'],
    ['tabs', '\t_node\t=\tx\t;\t_node=\ty\t'],
  ])('%s: an empty session', async (_, cookie) => {
    const site = await target()
    expect(await send(site, cookie)).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n\r\nnobody$/)
    expect(await isAlive(site)).toBe(true)
    expect(site.errors).toEqual([])
  })

  it.each<[string, Buffer | string, RegExp]>([
    ['control characters', Buffer.from([0, 1, 2, 0x0b, 0x7f]), /^HTTP\/1.1 400 /],
    ['more than node takes', `_node=${'A'.repeat(20_000)}`, /^HTTP\/1.1 431 /],
    ['far more', `_node=${'A'.repeat(200_000)}`, /^HTTP\/1.1 431 /],
  ])('%s: node says no, and the server lives on', async (_, cookie, status) => {
    const site = await target()
    expect(await send(site, cookie)).toMatch(status)
    expect(await isAlive(site)).toBe(true)
  })

  it('anything: an empty session', async () => {
    const site = await target()
    const byte = fc.integer({ min: 0x20, max: 0xff }).filter((value) => value !== 0x7f)
    const part = fc.oneof(
      fc.array(byte, { maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc.constantFrom('_node=', '; ', ';', '=', '"', ' ', TOKEN.slice(0, 60), TOKEN.slice(1), `${TOKEN}x`),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), async (parts) => {
        expect(await send(site, parts.join(''))).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n\r\nnobody$/)
      }),
      { numRuns: 300, seed: 1 },
    )
    expect(site.errors).toEqual([])
    expect(await isAlive(site)).toBe(true)
  })
})

describe('a refused cookie', () => {
  const bad = '_node=junk'

  it('is left in place, and so is a session that another server of the fleet can still read', async () => {
    expect((await visit((req) => req.session.user ?? null, { cookie: bad })).cookies).toEqual([])
    expect((await visit((req) => Object.keys(req.session), { cookie: bad, rolling: true })).cookies).toEqual([])
  })

  it('is overwritten by the next write', async () => {
    const answer = await visit(
      (req) => {
        req.session.n = 1
      },
      { cookie: bad },
    )
    expect(opened(answer)).toEqual({ n: 1 })
  })

  it('is taken away when the app ends the session', async () => {
    expect(names(await visit((req) => req.session.destroy(), { cookie: bad }))).toEqual(['_node='])
  })

  it('does not stand in the way of a login', async () => {
    const site = await serve(
      routes({
        '/login': (req) => (req.session.user = 'ann'),
        '/': (req) => req.session.user ?? null,
      }),
    )
    const browser = new Browser(site)
    await browser.jar.setCookie(`${bad}; Path=/`, 'http://example.com/')
    expect((await browser.get('/')).body).toBe('null')
    await browser.get('/login')
    expect((await browser.get('/')).body).toBe('"ann"')
  })

  it('is told to onInvalid with the reason and the request, and never by its value', async () => {
    const calls: unknown[][] = []
    let request: unknown
    await visit(
      (req) => {
        request = req
        return req.session.isNew
      },
      { cookie: '_node=hunter2', onInvalid: (...args: unknown[]) => calls.push(args) },
    )
    expect(calls).toEqual([['malformed', request]])
  })

  it('is not told before the session is touched, and told again only on reload', async () => {
    const { value } = await visit(
      (req) => {
        const told = [invalid.length]
        for (const _ of 'ab') req.session.user ??= 'ann'
        told.push(invalid.length)
        req.session.reload()
        return [...told, invalid.length]
      },
      { cookie: bad, onInvalid: (reason) => invalid.push(reason) },
    )
    expect(value).toEqual([0, 1, 2])
  })
  const invalid: string[] = []

  it('with an onInvalid that throws is still an empty session, and onError is told', async () => {
    const { value, status, errors } = await visit((req) => req.session.isNew, {
      cookie: bad,
      onInvalid: () => {
        throw new Error('of onInvalid')
      },
    })
    expect([value, status, errors]).toEqual([true, 200, [expect.objectContaining({ message: 'of onInvalid' })]])
  })

  it('is told once to an onInvalid that looks at the session', async () => {
    const seen: unknown[] = []
    const { value } = await visit((req) => req.session.n, {
      cookie: bad,
      onInvalid: (reason: string, req: unknown) => {
        const { session } = req as TestRequest
        seen.push([reason, session.isNew])
        session.n = 7
      },
    })
    expect(seen).toEqual([['malformed', true]])
    expect(value).toBe(7)
  })

  it('goes when an onInvalid ends the session', async () => {
    const { value, cookies } = await visit((req) => ({ ...req.session }), {
      cookie: bad,
      onInvalid: (_: string, req: unknown) => {
        ;(req as TestRequest).session = null
      },
    })
    expect(value).toEqual({})
    expect(cookies).toEqual([expect.stringMatching(/^_node=; Max-Age=0/)])
  })

  it('with an onInvalid that rejects is one too, and the process does not end', async () => {
    const onInvalid = () => Promise.reject(new Error('of onInvalid'))
    const { value, status, errors } = await visit((req) => req.session.isNew, { cookie: bad, onInvalid })
    expect([value, status, errors]).toEqual([true, 200, [expect.objectContaining({ message: 'of onInvalid' })]])
  })

  it('is silent without an onInvalid', async () => {
    const log = vi.spyOn(console, 'error')
    const { status } = await visit((req) => req.session.isNew, { cookie: bad, onInvalid: undefined })
    expect([status, log.mock.calls]).toEqual([200, []])
    log.mockRestore()
  })
})
