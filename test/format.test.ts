/**
 * docs/format.md, the vectors, the plain reference and all backends say the same. Where this file fails after a change
 * of src/ or assembly/, the change has broken the wire format; where it fails after a change of the document, the
 * document no longer tells the truth.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCodec } from '../src/codec/codec.ts'
import { js } from '../src/codec/js.ts'
import {
  chacha20,
  concat,
  decode,
  deriveKeys,
  encode,
  fromHex,
  type Opened,
  type Reason,
  referenceOpen,
  referenceSeal,
  toBytes,
  toHex,
} from './helpers/reference.js'

const BACKENDS = { wasm: 'wasm', node: 'node', js } as const
type BackendName = keyof typeof BACKENDS
const names = Object.keys(BACKENDS) as BackendName[]

type Secret = string | { hex: string }
type Json = string | (string | [string, number])[]

interface Reader {
  secrets: Secret[]
  cookieName: string
  now: number
  timeout: number
  absoluteTimeout: number | null
}

interface Vector extends Reader {
  name: string
  token: string
  nonce?: string
  expect:
    | { ok: true; json: Json; createdAt: number; issuedAt: number; keyIndex: number }
    | { ok: false; reason: Reason }
}

interface VectorFile {
  keys: {
    secret: Secret
    cookieName: string
    stretched: string | null
    cipherKey: string
    macKey: string
    keyId: string
  }[]
  defaults: Reader
  vectors: (Omit<Vector, keyof Reader> & Partial<Reader>)[]
}

const VECTORS_URL = new URL('./vectors/format-v1.json', import.meta.url)
const vectorsText = readFileSync(VECTORS_URL, 'utf8')
const file: VectorFile = JSON.parse(vectorsText)
const vectors: Vector[] = file.vectors.map((vector) => ({ ...file.defaults, ...vector }))

function secretOf(secret: Secret): string | Uint8Array {
  return typeof secret === 'string' ? secret : fromHex(secret.hex)
}

function jsonOf(json: Json): string {
  if (typeof json === 'string') return json
  return json.map((item) => (typeof item === 'string' ? item : item[0].repeat(item[1]))).join('')
}

/** A result in which two data are equal exactly when their JSON is: `__proto__` keys and order included. */
function flatten(opened: Opened): Record<string, unknown> {
  return opened.ok ? { ...opened, data: JSON.stringify(opened.data) } : opened
}

function expected(vector: Vector): Record<string, unknown> {
  if (!vector.expect.ok) return vector.expect
  const { json, ...rest } = vector.expect
  return { ...rest, data: JSON.stringify(JSON.parse(jsonOf(json))) }
}

const isWeak = (secrets: readonly Secret[]): boolean => secrets.some((secret) => toBytes(secretOf(secret)).length < 32)

/** The js backend stretches no secret. */
function expectRefusal(action: () => unknown): void {
  expect(action).toThrow(TypeError)
  expect(action).toThrow(/^cookie-sessions: backend 'js' needs secrets of 32 bytes or more, got one of \d+: /)
}

// Readers

let now = 0

type Codec = ReturnType<typeof createCodec>
const readers = new Map<string, Codec>()

/** One codec for each set of keys and timeouts: deriving keys is the slow part. All share the clock above. */
function readerFor(backend: BackendName, reader: Reader): Codec {
  const { secrets, cookieName, timeout, absoluteTimeout } = reader
  const key = JSON.stringify([backend, secrets, cookieName, timeout, absoluteTimeout])
  let codec = readers.get(key)
  if (!codec) {
    codec = createCodec({
      secret: secrets.map(secretOf),
      name: cookieName,
      timeout,
      ...(absoluteTimeout !== null && { absoluteTimeout }),
      backend: BACKENDS[backend],
      now: () => now,
    })
    readers.set(key, codec)
  }
  return codec
}

function openWith(implementation: BackendName | 'reference', token: string, reader: Reader): Record<string, unknown> {
  if (implementation === 'reference') {
    const { secrets, cookieName, ...rest } = reader
    return flatten(referenceOpen(token, { ...rest, secrets: secrets.map(secretOf), name: cookieName }))
  }
  now = reader.now
  return flatten(readerFor(implementation, reader).open(token))
}

// Writers

/** A codec whose every token has this nonce and this issued-at. */
function writerFor(
  backend: BackendName,
  secret: string | Uint8Array,
  name: string,
  nonce: Uint8Array,
  issuedAt: number,
): Codec {
  return createCodec({
    secret: [secret],
    name,
    timeout: 86_400_000,
    backend: BACKENDS[backend],
    now: () => issuedAt,
    random: (bytes) => {
      for (let i = 0; i < bytes.length; i++) bytes[i] = nonce[i % nonce.length] as number
    },
  })
}

function defaultWriter(backend: BackendName): Codec {
  const { secrets, cookieName, now } = file.defaults
  return writerFor(backend, secretOf(secrets[0] as Secret), cookieName, new Uint8Array(15).fill(1), now)
}

describe('the vectors', () => {
  it('are what test/vectors/generate.mjs writes', () => {
    const script = fileURLToPath(new URL('./vectors/generate.mjs', import.meta.url))
    const printed = execFileSync(process.execPath, [script, '--print'], { encoding: 'utf8', maxBuffer: 2 ** 24 })
    expect(printed === vectorsText, 'run node test/vectors/generate.mjs, and look at what changed').toBe(true)
  })

  it('have names of their own', () => {
    expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length)
  })

  it('have two with weak secrets, which the js backend refuses', () => {
    const weak = vectors.filter(({ secrets }) => isWeak(secrets)).map(({ name }) => name)
    expect(weak).toEqual(['a secret of 31 bytes is stretched', 'a weak secret'])
  })

  it('have every reason that the document lists, and no other', () => {
    const found = new Set(vectors.flatMap(({ expect: outcome }) => (outcome.ok ? [] : [outcome.reason])))
    const rows = section('Reasons').matchAll(/^\| `([a-z-]+)` +\|/gm)
    expect([...found].sort()).toEqual([...rows].map(([, reason]) => reason).sort())
  })

  it.each(file.keys)('give the keys of $secret for $cookieName', ({ secret, cookieName, stretched, ...hex }) => {
    const { ikm, cipherKey, macKey, keyId } = deriveKeys(secretOf(secret), cookieName)
    expect({ cipherKey: toHex(cipherKey), macKey: toHex(macKey), keyId: toHex(keyId) }).toEqual(hex)
    expect(toHex(ikm)).toBe(stretched ?? toHex(toBytes(secretOf(secret))))
  })
})

describe.each(['reference', ...names] as const)('open: %s', (implementation) => {
  it.each(vectors)('$name', (vector) => {
    const open = (): unknown => openWith(implementation, vector.token, vector)
    if (implementation === 'js' && isWeak(vector.secrets)) expectRefusal(open)
    else expect(open()).toEqual(expected(vector))
  })
})

describe.each(names)('seal: %s', (backend) => {
  it.each(vectors.filter(({ nonce }) => nonce !== undefined))(
    '$name',
    ({ secrets, cookieName, token, nonce, ...vector }) => {
      if (!vector.expect.ok || nonce === undefined) throw new Error('a nonce stands with tokens that open')
      const { json, createdAt, issuedAt, keyIndex } = vector.expect
      const secret = secrets[keyIndex] as Secret
      const make = (): Codec => writerFor(backend, secretOf(secret), cookieName, fromHex(nonce), issuedAt)
      if (backend === 'js' && isWeak([secret])) expectRefusal(make)
      else expect(make().seal(JSON.parse(jsonOf(json)), createdAt)).toBe(token)
    },
  )

  it('refuses 16,321 bytes of JSON', () => {
    const codec = defaultWriter(backend)
    expect(codec.seal('a'.repeat(16_318))).toHaveLength(21_846)
    expect(() => codec.seal('a'.repeat(16_319))).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(() => codec.seal('\u00e9'.repeat(8160))).toThrow(expect.objectContaining({ code: 'too-large' }))
  })

  it('lowers a created-at that lies in the future to issued-at', () => {
    const { now } = file.defaults
    const opened = openWith('reference', defaultWriter(backend).seal(1, now + 5), file.defaults)
    expect(opened).toMatchObject({ createdAt: now, issuedAt: now })
  })
})

describe('the self-test of the backends', () => {
  it('expects the tag that the document gives', () => {
    let text = '1'
    for (let i = 0; i < 3; i++) {
      text = referenceSeal(toBytes(text), {
        secret: 'a published secret, good for test vectors only',
        name: '_node',
        nonce15: fromHex('101112131415161718191a1b1c1d1e'),
        createdAt: 1_700_000_000_000,
        issuedAt: 1_700_000_000_000,
      })
    }
    const source = readFileSync(new URL('../src/codec/selftest.ts', import.meta.url), 'utf8')
    expect(/ANSWER = '(.*)'/.exec(source)?.[1]).toBe(text.slice(-40))
  })
})

// The document

const document = readFileSync(new URL('../docs/format.md', import.meta.url), 'utf8')

function section(title: string): string {
  const start = document.indexOf(`\n## ${title}\n`)
  if (start < 0) throw new Error(`docs/format.md has no section "${title}"`)
  const end = document.indexOf('\n## ', start + 1)
  return document.slice(start, end < 0 ? undefined : end)
}

/** What stands in the section's blocks of "label = hex", with the hex of further lines joined. */
function hexBlocks(text: string): Record<string, string>[] {
  return [...text.matchAll(/^```text\n(.*?)^```$/gms)].map(([, lines = '']) => {
    const values: Record<string, string> = {}
    let label = ''
    for (const line of lines.split('\n')) {
      const [, first, hex] = /^(?:(\S+) += | +)([0-9a-f]+)$/.exec(line) ?? []
      if (line !== '' && hex === undefined) throw new Error(`docs/format.md: neither a label nor hex: ${line}`)
      label = first ?? label
      if (hex !== undefined) values[label] = (first === undefined ? (values[label] ?? '') : '') + hex
    }
    return values
  })
}

describe('the worked example of docs/format.md', () => {
  const text = section('Worked example')
  const [token, weak, extension] = hexBlocks(text)
  const number = (hex = '') => Number.parseInt(hex, 16)

  it('has every value right', () => {
    const secret = toBytes('a published secret, good for test vectors only')
    const keys = deriveKeys(secret, '_node')
    const nonce = concat([0], fromHex('101112131415161718191a1b1c1d1e'))
    const createdAt = Date.parse('2023-11-14T21:13:20.000Z')
    const issuedAt = createdAt + 3_600_000
    const plaintext = toBytes('{"views":1}')
    const sealed = referenceSeal(plaintext, { secret, name: '_node', nonce15: nonce.slice(1), createdAt, issuedAt })
    const raw = decode(sealed) as Uint8Array

    const values: Record<string, Uint8Array> = {
      secret,
      name: toBytes('_node'),
      info: keys.info,
      PRK: keys.prk,
      OKM: keys.okm,
      cipherKey: keys.cipherKey,
      macKey: keys.macKey,
      keyId: keys.keyId,
      version: raw.slice(0, 1),
      flags: raw.slice(1, 2),
      'created-at': raw.slice(4, 10),
      'issued-at': raw.slice(10, 16),
      nonce,
      header: raw.slice(0, 32),
      plaintext,
      keystream: chacha20(keys.cipherKey, nonce, new Uint8Array(plaintext.length)),
      ciphertext: raw.slice(32, -32),
      tag: raw.slice(-32),
      raw,
    }
    expect(token).toEqual(Object.fromEntries(Object.entries(values).map(([label, bytes]) => [label, toHex(bytes)])))
    expect(/^```token\n(.*)\n```$/m.exec(text)?.[1]).toBe(sealed)
    expect(text).toContain(`created-at is ${createdAt} and issued-at ${issuedAt}.`)
    expect([number(token?.['created-at']), number(token?.['issued-at'])]).toEqual([createdAt, issuedAt])
    expect(vectors.find(({ name }) => name === 'the worked example of the specification')?.token).toBe(sealed)
  })

  it('stretches the weak secret', () => {
    const { ikm, prk, keyId } = deriveKeys('123abc', '_node')
    expect(weak).toEqual({
      secret: toHex(toBytes('123abc')),
      salt: toHex(toBytes('cookie-sessions v1')),
      stretched: toHex(ikm),
      PRK: toHex(prk),
      keyId: toHex(keyId),
    })
  })

  it('has an extension block that a reader accepts until it expires', () => {
    expect(extension?.plaintext).toBe(`${extension?.block}${toHex(toBytes('{}'))}`)
    const [secret] = file.defaults.secrets.map(secretOf) as [string]
    const sealed = referenceSeal(fromHex(extension?.plaintext ?? ''), {
      secret,
      name: '_node',
      nonce15: new Uint8Array(15),
      createdAt: 1_700_086_399_000,
      issuedAt: 1_700_086_399_000,
      flags: 1,
    })
    const reader = { ...file.defaults, now: 1_700_086_399_999 }
    expect(openWith('reference', sealed, reader)).toMatchObject({ ok: true, data: '{}' })
    expect(openWith('reference', sealed, { ...reader, now: 1_700_086_400_000 })).toEqual({
      ok: false,
      reason: 'expired',
    })
  })
})

// Random tokens: whatever one implementation says, the others say too

describe('the reference and all backends agree on', () => {
  const goodVectors = vectors.filter(({ token, expect: outcome }) => outcome.ok && token.length < 1000)
  const reader: Reader = {
    ...file.defaults,
    secrets: (vectors.find(({ name }) => name.endsWith('another between them')) as Vector).secrets,
    timeout: 100_000,
    absoluteTimeout: 1_000_000,
  }

  function expectAgreement(token: string, reader: Reader): void {
    const outcome = openWith('reference', token, reader)
    for (const backend of names) {
      if (backend === 'js' && isWeak(reader.secrets)) continue
      expect({ backend, ...openWith(backend, token, reader) }).toEqual({ backend, ...outcome })
    }
  }

  const good = fc.constantFrom(...goodVectors)
  const place = fc.nat({ max: 300 })
  const character = fc.oneof(
    fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'),
    fc.constantFrom('+', '/', '=', ' ', '\n', '%', '\u0141', '\ud83c', '\u{1f36a}', ''),
    fc.string({ unit: 'binary', maxLength: 3 }),
  )

  it('tokens with characters replaced, inserted and removed', () => {
    const edit = fc.record({ place, removed: fc.nat({ max: 4 }), inserted: character })
    fc.assert(
      fc.property(good, fc.array(edit, { minLength: 1, maxLength: 3 }), (vector, edits) => {
        let token = vector.token
        for (const { place, removed, inserted } of edits) {
          const at = place % (token.length + 1)
          token = token.slice(0, at) + inserted + token.slice(at + removed)
        }
        expectAgreement(token, vector)
      }),
      { numRuns: 400 },
    )
  })

  it('tokens with bytes changed, inserted and removed', () => {
    const edit = fc.record({
      place,
      mask: fc.nat({ max: 255 }),
      removed: fc.nat({ max: 2 }),
      inserted: fc.uint8Array({ maxLength: 2 }),
    })
    fc.assert(
      fc.property(good, fc.array(edit, { minLength: 1, maxLength: 2 }), (vector, edits) => {
        let raw = decode(vector.token) as Uint8Array
        for (const { place, mask, removed, inserted } of edits) {
          const at = place % raw.length
          raw[at] = (raw[at] as number) ^ mask
          if (mask % 2) raw = concat(raw.slice(0, at), inserted, raw.slice(at + removed))
        }
        expectAgreement(encode(raw), vector)
      }),
      { numRuns: 400 },
    )
  })

  it('authentic tokens with any header and any payload', () => {
    const mostly = <T>(usual: T, other: fc.Arbitrary<T>) =>
      fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, other)
    const byte = fc.nat({ max: 255 })
    const age = fc.oneof(
      fc.integer({ min: -70_000, max: 110_000 }),
      fc.constantFrom(-60_001, -60_000, 0, 99_999, 100_000),
    )

    const json = fc.oneof(fc.json().map(toBytes), fc.constant(toBytes('{}')), fc.uint8Array({ maxLength: 200 }))
    const entry = fc.oneof(
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((id) => [0x01, 16, ...id]),
      fc.constantFrom([0x02, 6, 0xff, 0, 0, 0, 0, 0], [0x02, 6, 0, 0, 0, 0, 0, 1], [0x03, 0], [0x04, 0], [0x01, 1, 0]),
      fc
        .tuple(fc.constantFrom(0x80, 0x81, 0xff), fc.uint8Array({ maxLength: 20 }))
        .map(([type, value]) => [type, value.length, ...value]),
      fc.uint8Array({ maxLength: 4 }).map((bytes) => [...bytes]),
    )
    const block = fc
      .tuple(fc.array(entry, { maxLength: 4 }), fc.constantFrom(0, 0, 0, 0, 1, -1))
      .map(([entries, error]) => {
        const bytes = entries.flat()
        return [(bytes.length + error) & 0xff, ...bytes]
      })

    const sealed = fc.record({
      secret: mostly(0, fc.nat({ max: 3 })).map(
        (i) => [...reader.secrets.map(secretOf), 'nobody knows this secret, not one'][i] as string,
      ),
      nonce15: fc.uint8Array({ minLength: 15, maxLength: 15 }),
      issuedAt: age.map((ms) => reader.now - ms),
      begun: mostly(1000, fc.oneof(fc.integer({ min: -5, max: 1_100_000 }), fc.constantFrom(-1, 0, 890_000, 900_001))),
      version: mostly(1, byte),
      nonceStart: mostly(0, byte),
      payload: fc.oneof(
        fc.record({ flags: mostly(0, byte), bytes: json }),
        fc.record({ flags: mostly(1, byte), bytes: fc.tuple(block, json).map(([head, tail]) => concat(head, tail)) }),
      ),
    })
    fc.assert(
      fc.property(sealed, ({ begun, payload, issuedAt, ...rest }) => {
        const options = {
          ...rest,
          name: reader.cookieName,
          issuedAt,
          createdAt: issuedAt - begun,
          flags: payload.flags,
        }
        expectAgreement(referenceSeal(payload.bytes, options), reader)
      }),
      { numRuns: 600 },
    )
  })

  it('any text', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.base64String({ minLength: 80, maxLength: 200 }))
    fc.assert(
      fc.property(text, (token) => expectAgreement(token, reader)),
      { numRuns: 200 },
    )
  })
})
