/**
 * The conformance suite: what a codec does in every runtime and over every backend. It needs nothing but the language (no Buffer, no
 * TextEncoder, no atob, no console), so that the very same code runs in Node, in a page, in a worker and in an engine that has none of
 * these. Nothing here throws: each finding is a result, and the caller counts.
 */

/**
 * @typedef {object} Result
 * @property {string} name
 * @property {boolean} ok
 * @property {string} [detail] What went wrong.
 *
 * @typedef {object} Subject What is examined.
 * @property {Function} createCodec
 * @property {Function} SessionError
 * @property {Function} generateSecret
 * @property {string | { name: string }} backend
 * @property {object} vectors test/vectors/format-v1.json
 * @property {string[]} letters What writeLetters() has written elsewhere.
 * @property {(bytes: Uint8Array) => void} [random] For an engine that has no random source of its own, and for no other.
 * @property {() => number} [heap] Bytes in use after a collection, where the engine can tell.
 * @property {{ buffer: ArrayBuffer }[]} [memories] Memories of WebAssembly, those of every module that was instantiated here.
 * @property {number} [pairs] How often the suite seals and opens to see whether memory grows.
 */

const SECRET = 'a published secret, good for test vectors only'
const OTHER_SECRET = 'another published secret, for the other key'
const NAME = '_node'
const NOW = 1_700_000_000_000
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const REASONS = ['malformed', 'unsupported', 'unknown-key', 'bad-tag', 'expired', 'not-yet-valid', 'bad-payload']
const MAX_PLAINTEXT_BYTES = 16_320
const WASM_PAGE_BYTES = 65_536
/** Less than any object takes, so one that is left behind by each pair shows. */
const GROWTH_PER_PAIR_BYTES = 12

/** @param {Subject} subject @returns {Result[]} */
export function conformance(subject) {
  const results = collector()
  openVectors(subject, results)
  for (const result of readLetters(subject, subject.letters)) results.push(result)
  const { test } = results
  let clock = NOW
  const make = (options = {}) => makeCodec(subject, { now: () => clock, ...options })

  test('a round trip, with the times and the key that opened', () => {
    const token = make().seal({ views: 1 }, NOW - 5)
    equal(make().open(token), { ok: true, data: { views: 1 }, createdAt: NOW - 5, issuedAt: NOW, keyIndex: 0 })
    const rotated = make({ secret: [OTHER_SECRET, SECRET] }).open(token)
    equal(rotated.keyIndex, 1)
  })
  test('a session that began later than now has begun now', () => {
    equal(make().open(make().seal(1, NOW + 1)).createdAt, NOW)
  })
  test('codecs that take turns keep to their own keys', () => {
    const codecs = [make(), make({ secret: OTHER_SECRET }), make({ name: 'other' })]
    for (let turn = 0; turn < 3; turn++) {
      const tokens = codecs.map((codec, i) => codec.seal({ turn, i }))
      codecs.forEach((codec, i) => {
        tokens.forEach((token, j) => {
          equal(codec.open(token), i === j ? opened({ turn, i }) : refused('unknown-key'))
        })
      })
    }
  })

  const victim = make().seal({ id: 7, text: 'x'.repeat(50) })
  test('every bit flipped is refused, with the reason of its place', () => {
    const codec = make()
    const raw = decode(victim)
    raw.forEach((byte, at) => {
      for (let bit = 0; bit < 8; bit++) {
        const token = encode(raw.map((own, i) => (i === at ? byte ^ (1 << bit) : own)))
        equal(codec.open(token), refused(reasonOfFlip(at, bit)), `bit ${bit} of byte ${at}`)
      }
    })
  })
  test('every character replaced is refused', () => {
    const codec = make()
    for (let at = 0; at < victim.length; at++) {
      for (const other of ['A', '_', '=', '+', '\0', '\u00e9', '\u20ac']) {
        if (other === victim[at]) continue
        const answer = codec.open(victim.slice(0, at) + other + victim.slice(at + 1))
        if (answer.ok) throw new Error(`character ${at}, replaced by ${JSON.stringify(other)}, opens`)
        if (!ALPHABET.includes(other)) equal(answer, refused('malformed'), `character ${at}`)
      }
    }
  })
  test('every cut, and whatever is added, is refused', () => {
    const codec = make()
    for (let length = 0; length < victim.length; length++) {
      const answer = codec.open(victim.slice(0, length))
      if (answer.ok) throw new Error(`the first ${length} characters open`)
      if (length < 86) equal(answer, refused('malformed'), `the first ${length} characters`)
    }
    for (const more of ['A', 'AA', 'AAAA', '=', '==', ' ', '\n', ';']) {
      if (codec.open(victim + more).ok) throw new Error(`with ${JSON.stringify(more)} behind it it opens`)
      if (codec.open(more + victim).ok) throw new Error(`with ${JSON.stringify(more)} before it it opens`)
    }
  })

  test('the idle timeout: to the millisecond', () => {
    const codec = make({ timeout: 1_000 })
    const token = codec.seal('x')
    const at = (time) => answerAt(codec, token, time)
    equal([at(NOW), at(NOW + 999), at(NOW + 1_000), at(NOW + 10 ** 9)], ['ok', 'ok', 'expired', 'expired'])
  })
  test('the absolute timeout: to the millisecond', () => {
    const codec = make({ timeout: 1_000, absoluteTimeout: 5_000 })
    const token = codec.seal('x', NOW - 4_500)
    const at = (time) => answerAt(codec, token, time)
    equal([at(NOW), at(NOW + 499), at(NOW + 500)], ['ok', 'ok', 'expired'])
  })
  test('a token of the future: more than a minute is not yet valid', () => {
    const codec = make()
    const token = codec.seal('x')
    const at = (time) => answerAt(codec, token, time)
    equal([at(NOW - 60_000), at(NOW - 60_001), at(0)], ['ok', 'not-yet-valid', 'not-yet-valid'])
  })
  function answerAt(codec, token, time) {
    clock = time
    const answer = codec.open(token)
    clock = NOW
    return answer.ok ? 'ok' : answer.reason
  }

  test('no string is too strange for open', () => {
    const codec = make()
    for (const token of hostileStrings(victim)) {
      if (token === victim) continue
      const answer = codec.open(token)
      if (answer.ok !== false || !REASONS.includes(answer.reason)) throw new Error(`${show(token)}: ${show(answer)}`)
    }
    equal(codec.open(victim).ok, true)
  })
  test('what is no string is malformed', () => {
    const codec = make()
    for (const value of [undefined, null, 0, true, {}, [], [victim], () => victim]) {
      equal(codec.open(value), refused('malformed'))
    }
  })

  test(`${MAX_PLAINTEXT_BYTES} bytes of JSON fit, and not one more`, () => {
    const codec = make()
    const most = { ascii: 'x'.repeat(MAX_PLAINTEXT_BYTES - 2), wide: '\u00e9'.repeat(MAX_PLAINTEXT_BYTES / 2 - 1) }
    for (const text of Object.values(most)) {
      equal(codec.open(codec.seal(text)).data === text, true)
      throws(subject, 'too-large', () => codec.seal(`${text}x`))
      throws(subject, 'too-large', () => codec.seal(text.repeat(9)))
    }
    equal(codec.open(codec.seal('after that')).data, 'after that')
  })
  test('what JSON cannot hold is unserializable', () => {
    const circle = {}
    circle.circle = circle
    const unwilling = {
      toJSON() {
        throw new Error('no')
      },
    }
    for (const value of [undefined, () => 1, 1n, circle, unwilling])
      throws(subject, 'unserializable', () => make().seal(value))
  })
  test('misuse is a TypeError', () => {
    const wrong = [{ secret: '' }, { secret: [] }, { secret: '\ud800' }, { name: '' }, { timeout: 0 }, { key: SECRET }]
    for (const options of [
      ...wrong,
      { backend: 'fast' },
      { now: 1 },
      { random: 1 },
      { timeout: 2, absoluteTimeout: 1 },
    ]) {
      throwsTypeError(() => make(options), show(options))
    }
    throwsTypeError(() => make().seal(1, -1), 'a createdAt before the epoch')
  })

  test('random numbers are new ones each time', () => {
    const seen = new Set()
    const codec = make()
    for (let i = 0; i < 600; i++) seen.add(encode(decode(codec.seal(i)).slice(16, 32)))
    equal(seen.size, 600)
    const secrets = [subject.generateSecret(subject.random), subject.generateSecret(subject.random)]
    equal(secrets[0] === secrets[1], false)
    for (const secret of secrets) equal(/^[\w-]{43}$/.test(secret), true)
  })
  test('without a random source it opens, and seals nothing', () => {
    throws(subject, 'no-random', () => make({ random() {} }).seal(1))
    if (subject.random === undefined) return
    const codec = make({ random: undefined })
    equal(codec.open(victim).ok, true)
    throws(subject, 'no-random', () => codec.seal(1))
    throws(subject, 'no-random', () => subject.generateSecret())
  })

  const memory = subject.heap === undefined ? 'WebAssembly keeps to its one page of memory' : 'memory does not grow'
  test(memory, () => checkMemory(subject, make()))
  return results
}

/** @param {Subject} subject What is not available here says so, once and clearly. @returns {Result[]} */
export function absence(subject) {
  const results = collector()
  const { test } = results
  const error = test("making a codec throws a SessionError 'no-backend'", () =>
    throws(subject, 'no-backend', () => makeCodec(subject)))
  if (subject.backend === 'auto') {
    test("which says how to import 'cookie-sessions/js'", () => {
      equal(/import js from 'cookie-sessions\/js'.*backend: js/.test(error.message), true)
    })
  }
  return results
}

/** What is sealed in one runtime and opened in another. */
const LETTERS = [
  { views: 1 },
  {},
  [],
  null,
  true,
  -1.5e300,
  '\u00e9\u20ac\u{1f36a}\ufffd\ufeff',
  { user: { id: 42, roles: ['editor'] } },
  ...[30, 31, 62, 200, 1_000, 3_001].map((length) => 'x'.repeat(length)),
  '\u20ac'.repeat(5_439),
]

/** @param {Subject} subject */
export function writeLetters(subject) {
  const codec = makeCodec(subject)
  return LETTERS.map((data, i) => codec.seal(data, NOW - i))
}

/** @param {Pick<Subject, 'createCodec' | 'backend'>} subject @param {string[]} tokens @returns {Result[]} */
export function readLetters(subject, tokens) {
  const results = collector()
  const codec = makeCodec(subject)
  LETTERS.forEach((data, i) => {
    results.test(`letter ${i + 1} of ${LETTERS.length} from another runtime`, () => {
      equal(codec.open(tokens[i]), { ...opened(data), createdAt: NOW - i })
    })
  })
  return results
}

function openVectors(subject, { test }) {
  const codecs = new Map()
  let clock = NOW
  for (const { name, token, nonce, expect, ...own } of subject.vectors.vectors) {
    const { secrets, cookieName, timeout, absoluteTimeout, now } = { ...subject.vectors.defaults, ...own }
    const options = {
      secret: secrets.map(secretOf),
      name: cookieName,
      timeout,
      absoluteTimeout: absoluteTimeout ?? undefined,
      now: () => clock,
    }
    if (nameOf(subject.backend) === 'js' && options.secret.some((secret) => utf8Length(secret) < 32)) {
      test(`vector: ${name}: a weak secret is refused`, () => throwsTypeError(() => makeCodec(subject, options), name))
      continue
    }
    // Deriving keys is what takes long.
    const key = JSON.stringify([secrets, cookieName, timeout, absoluteTimeout])
    const reader = () => codecs.get(key) ?? codecs.set(key, makeCodec(subject, options)).get(key)
    const json = expect.ok && textOf(expect.json)
    test(`vector: ${name}`, () => {
      clock = now
      const { data, ...answer } = reader().open(token)
      const { json: _, ...expected } = expect
      equal(answer, expected)
      // As text, so that the order of keys and one called __proto__ count.
      if (expect.ok) equal(JSON.stringify(data), JSON.stringify(JSON.parse(json)))
    })
    if (nonce === undefined) continue
    test(`vector: ${name}: sealed`, () => {
      clock = expect.issuedAt
      const bytes = fromHex(nonce)
      const random = (pool) => pool.set(Uint8Array.from(pool, (_, i) => bytes[i % bytes.length]))
      const writer = makeCodec(subject, { ...options, secret: options.secret[expect.keyIndex], random })
      equal(writer.seal(JSON.parse(json), expect.createdAt), token)
    })
  }
}

/** @param {Subject} subject */
function checkMemory({ heap, memories = [], pairs = 20_000 }, codec) {
  const data = { user: { id: 42, roles: ['editor'] }, text: 'x'.repeat(200) }
  const work = () => {
    for (let i = 0; i < pairs; i++) if (!codec.open(codec.seal(data)).ok) throw new Error('a token does not open')
  }
  work()
  // The engine may be at work on something of its own: a leak shows every time.
  let growth = 0
  for (let attempt = 0; attempt < 3; attempt++) {
    const before = heap?.() ?? 0
    work()
    growth = (heap?.() ?? 0) - before
    if (growth <= pairs * GROWTH_PER_PAIR_BYTES) break
  }
  for (const { buffer } of memories) equal(buffer.byteLength, WASM_PAGE_BYTES, "WebAssembly's memory")
  if (growth > pairs * GROWTH_PER_PAIR_BYTES) throw new Error(`${growth} bytes more after ${pairs} tokens`)
}

/** The document's order of steps: what stands before the key's id is looked at first. */
function reasonOfFlip(byte, bit) {
  if (byte === 0 || (byte === 1 && bit > 0)) return 'unsupported'
  if (byte === 2 || byte === 3) return 'unknown-key'
  return byte === 16 ? 'malformed' : 'bad-tag'
}

function hostileStrings(token) {
  const units = [
    '\0',
    '\n',
    ' ',
    '%',
    '=',
    '"',
    '{}',
    '\u00e9',
    '\u20ac',
    '\u{1f36a}',
    '\ud800',
    '\udc00',
    '\uffff',
    'A',
    '_',
  ]
  const lengths = [0, 1, 2, 43, 85, 86, 87, 88, 4_096, 21_845, 21_846, 21_847, 100_000]
  return [
    ...units.flatMap((unit) => lengths.map((length) => unit.repeat(length))),
    ...units.map((unit) => unit + token.slice(unit.length)),
    ...units.map((unit) => token.slice(0, 40) + unit + token.slice(40)),
    ...['__proto__', 'constructor', 'null', 'undefined', '[object Object]', 'v4.local.', 'eyJhbGciOiJub25lIn0.e30.'],
    token.replace(/-|_/g, '+'),
    token.toLowerCase(),
    [...token].reverse().join(''),
    encodeURIComponent(`${token}=`),
    token.repeat(300),
  ]
}

// Codecs

function makeCodec({ createCodec, backend, random }, options = {}) {
  return createCodec({ secret: SECRET, name: NAME, backend, random, now: () => NOW, ...options })
}

const nameOf = (backend) => (typeof backend === 'string' ? backend : backend.name)
const opened = (data) => ({ ok: true, data, createdAt: NOW, issuedAt: NOW, keyIndex: 0 })
const refused = (reason) => ({ ok: false, reason })

// Assertions

/** A list of results, and what adds one: it runs the check, and returns its value. @returns {Result[] & { test: Function }} */
export function collector() {
  /** @type {Result[]} */
  const results = []
  const passed = (name) => results.push({ name, ok: true })
  const failed = (name, error) => results.push({ name, ok: false, detail: show(error) })
  function test(name, check) {
    try {
      const value = check()
      passed(name)
      return value
    } catch (error) {
      failed(name, error)
      return undefined
    }
  }
  async function testAsync(name, check) {
    try {
      await check()
      passed(name)
    } catch (error) {
      failed(name, error)
    }
  }
  return Object.assign(results, { test, testAsync })
}

export function equal(actual, expected, what = 'the answer') {
  const [got, wanted] = [show(actual, sorted), show(expected, sorted)]
  if (got !== wanted) throw new Error(`${what} is ${clip(got)}, not ${clip(wanted)}`)
}

/** Returns the SessionError with that code. */
function throws({ SessionError }, code, action) {
  const error = thrownBy(action)
  const right = error instanceof SessionError && error.name === 'SessionError' && error.code === code
  if (right && /^cookie-sessions: /.test(error.message)) return error
  throw new Error(`not a SessionError '${code}', but ${show(error)}`)
}

function throwsTypeError(action, what) {
  const error = thrownBy(action)
  if (error instanceof TypeError && /^cookie-sessions: /.test(error.message)) return
  throw new Error(`${what}: not a TypeError of this package, but ${show(error)}`)
}

function thrownBy(action) {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}

function show(value, replacer) {
  if (value instanceof Error) return clip(`${value.name}: ${value.message}`)
  return replacer === undefined ? clip(JSON.stringify(value) ?? String(value)) : (JSON.stringify(value, replacer) ?? '')
}

/** Of an answer the order of keys does not count. */
function sorted(_, value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, value[key]]),
  )
}

const clip = (text) => (text.length > 200 ? `${text.slice(0, 200)}... (${text.length} characters)` : text)

// Bytes and text

function encode(bytes) {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const bits = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    text += [18, 12, 6, 0].map((shift) => ALPHABET[(bits >> shift) & 63]).join('')
  }
  return text.slice(0, Math.ceil((bytes.length * 4) / 3))
}

function decode(text) {
  const bytes = []
  for (let i = 0, bits = 0, held = 0; i < text.length; i++) {
    bits = ((bits << 6) | ALPHABET.indexOf(text[i])) & 0xffff
    held += 6
    if (held < 8) continue
    held -= 8
    bytes.push((bits >> held) & 255)
  }
  return Uint8Array.from(bytes)
}

const fromHex = (hex) => Uint8Array.from(hex.match(/../g), (pair) => Number.parseInt(pair, 16))
const secretOf = (secret) => (typeof secret === 'string' ? secret : fromHex(secret.hex))
/** A list is its items, where [text, n] is text n times. */
const textOf = (json) =>
  typeof json === 'string'
    ? json
    : json.map((item) => (typeof item === 'string' ? item : item[0].repeat(item[1]))).join('')

function utf8Length(secret) {
  if (typeof secret !== 'string') return secret.length
  return [...secret].reduce((sum, character) => {
    const point = character.codePointAt(0)
    return sum + (point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4)
  }, 0)
}
