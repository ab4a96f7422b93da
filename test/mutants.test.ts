/** Small changes to the session's code that no other test would notice. */
import { describe, expect, it } from 'vitest'
import { createCodec } from '../src/codec/codec.ts'
import { createClock, opened, SECRET, START, sealed, type TestRequest, visit } from './helpers/server.ts'

describe('a session that was saved, and then replaced by one with the same data', () => {
  /** When the session in the answer began. */
  const beginning = (line: string | undefined): unknown =>
    createCodec({ secret: SECRET, name: '_node', now: () => START + 5_000 }).open(line?.split(/[=;]/)[1] ?? '')

  it.each<[string, (req: TestRequest) => void]>([
    ['regenerate', (req) => req.session.regenerate()],
    [
      'destroy',
      (req) => {
        req.session.destroy()
        req.session = {}
      },
    ],
    [
      'null',
      (req) => {
        req.session = null
        req.session = {}
      },
    ],
  ])('is sealed anew, with its own beginning: %s', async (_, replace) => {
    const now = createClock()
    for (const cookie of [undefined, sealed({ n: 0 }, { at: START - 1_000 })]) {
      now.time = START
      const { cookies, value } = await visit(
        (req) => {
          req.session.n = 1
          req.session.save()
          now.time += 2_000
          replace(req)
          req.session.n = 1
          return req.session.createdAt
        },
        { now, cookie },
      )
      expect(value).toBe(START + 2_000)
      expect(cookies).toHaveLength(1)
      expect(beginning(cookies[0])).toMatchObject({ data: { n: 1 }, createdAt: START + 2_000, issuedAt: START + 2_000 })
    }
  })
})

describe('a session that onInvalid has ended', () => {
  it.each<[string, (req: TestRequest) => void]>([
    ['destroy', (req) => req.session.destroy()],
    [
      'null',
      (req) => {
        req.session = null
      },
    ],
  ])('is a new one for the app: %s', async (_, end) => {
    const ask = { cookie: '_node=bad', onInvalid: (_: string, req: unknown) => end(req as TestRequest) }
    const used = await visit((req) => {
      const { isNew, isPopulated } = req.session
      req.session.n = 1
      return [isNew, isPopulated]
    }, ask)
    expect(used).toMatchObject({ status: 200, value: [true, false], errors: [] })
    expect(opened(used)).toEqual({ n: 1 })
    // Left empty, the bad cookie is taken away.
    const unused = await visit((req) => Object.keys(req.session), ask)
    expect(unused).toMatchObject({ status: 200, value: [], errors: [] })
    expect(unused.cookies).toEqual([expect.stringMatching(/^_node=; Max-Age=0/)])
  })
})
