/**
 * Writes format-v1.json from test/helpers/reference.js: the same bytes on every run, with no clock and no randomness.
 *
 *     node test/vectors/generate.mjs           writes the file
 *     node test/vectors/generate.mjs --print   prints it instead
 *
 * A vector is never changed once released: what a reader of v1 accepts and refuses is what this file says.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import {
  concat,
  decode,
  deriveKeys,
  encode,
  fromHex,
  referenceOpen,
  referenceSeal,
  toBytes,
  toHex,
} from '../helpers/reference.js'

const SECRET = 'a published secret, good for test vectors only'
const OLD_SECRET = 'the secret before it, good for test vectors only'
const STRANGER = 'a secret that no reader of these vectors knows'
const NAME = '_node'
const NOW = 1_700_000_000_000
const MINUTE = 60_000
const DAY = 86_400_000
const MAX_TIME = 2 ** 48 - 1
const MAX_PLAINTEXT = 16_320

/** What a vector does not say. */
const defaults = { secrets: [SECRET], cookieName: NAME, now: NOW, timeout: DAY, absoluteTimeout: null }

const vectors = []
const names = new Set()

// Sealing with defaults

/** 15 bytes that depend on the vector's name alone, so that adding a vector changes no other. */
function nonceFor(name) {
  return createHash('sha256').update(name).digest().subarray(0, 15)
}

function seal(name, payload, overrides = {}) {
  return referenceSeal(payload, {
    secret: SECRET,
    name: NAME,
    nonce15: nonceFor(name),
    createdAt: NOW - 60 * MINUTE,
    issuedAt: NOW - MINUTE,
    ...overrides,
  })
}

/** The token with one change to its bytes; the tag is not made anew. */
function tamper(token, change) {
  const raw = decode(token)
  return encode(change(raw) ?? raw)
}

function flip(token, offset, mask = 0x01) {
  return tamper(token, (raw) => {
    raw[offset < 0 ? raw.length + offset : offset] ^= mask
  })
}

// Adding vectors

/** What the file says of a secret or of a payload that is not short text. */
function describeSecret(secret) {
  return typeof secret === 'string' ? secret : { hex: toHex(secret) }
}

function add(name, token, expect, { comment, reader = {}, extra = {} } = {}) {
  if (names.has(name)) throw new Error(`two vectors named "${name}"`)
  names.add(name)
  const { secrets, cookieName, now, timeout, absoluteTimeout } = { ...defaults, ...reader }
  const opened = referenceOpen(token, { secrets, name: cookieName, timeout, absoluteTimeout, now })
  const wrong = expect.ok
    ? !opened.ok || JSON.stringify(opened.data) !== JSON.stringify(JSON.parse(join(expect.json)))
    : opened.reason !== expect.reason
  if (wrong) throw new Error(`"${name}": expected ${JSON.stringify(expect)}, got ${JSON.stringify(opened)}`)

  vectors.push({
    name,
    ...(comment && { comment }),
    ...reader,
    ...(reader.secrets && { secrets: secrets.map(describeSecret) }),
    token,
    ...extra,
    expect: expect.ok
      ? { ...expect, createdAt: opened.createdAt, issuedAt: opened.issuedAt, keyIndex: opened.keyIndex }
      : expect,
  })
}

/** JSON text, or a list whose items are text or [text, how often]. */
function join(json) {
  if (typeof json === 'string') return json
  return json.map((item) => (typeof item === 'string' ? item : item[0].repeat(item[1]))).join('')
}

/** A token that a reader accepts and that a writer with the same nonce and clock makes byte for byte. */
function accept(name, json, { comment, sealer = {}, reader } = {}) {
  const nonce15 = sealer.nonce15 ?? nonceFor(name)
  const token = seal(name, toBytes(join(json)), { ...sealer, nonce15 })
  add(name, token, { ok: true, json }, { comment, reader, extra: { nonce: toHex(nonce15) } })
}

/** A token that a reader accepts, though the writer of this release would not make it: it has no nonce. */
function acceptForeign(name, plaintext, json, { comment, sealer = {}, reader } = {}) {
  add(name, seal(name, plaintext, sealer), { ok: true, json }, { comment, reader })
}

/** `token` is a token, or a function from a good one to a bad one. */
function refuse(reason, name, token, options) {
  const bad = typeof token === 'string' ? token : token(seal(name, { views: 1 }))
  add(name, bad, { ok: false, reason }, options)
}

/** A token in order but for its plaintext. */
function refusePayload(reason, name, plaintext, { comment, sealer, reader } = {}) {
  refuse(reason, name, seal(name, toBytes(plaintext), sealer), { comment, reader })
}

// Payloads

accept('the worked example of the specification', '{"views":1}', {
  sealer: { nonce15: fromHex('101112131415161718191a1b1c1d1e'), createdAt: NOW - 60 * MINUTE, issuedAt: NOW },
})
accept('an empty object', '{}')
accept('a counter', '{"views":1}')
accept('nested data', '{"user":{"id":42,"roles":["admin","editor"]},"flash":[],"seen":null,"dark":true,"ratio":0.5}')
accept('a string', '"text"')
accept('an empty string', '""')
accept('an array', '[1,2,3]')
accept('null', 'null')
accept('true', 'true')
accept('a negative fraction', '-12.5')
accept('the largest safe integer', '9007199254740991')
accept('accents', '{"name":"Zo\u00eb \u0141uczak"}')
accept('three-byte characters', '{"\u6771\u4eac":"\u65e5\u672c\u8a9e"}')
accept('characters beyond the basic plane', '{"mood":"\u{1f36a}\u{1f510}"}')
accept('a lone surrogate, escaped', '{"half":"\\ud83c"}', {
  comment: 'JSON.stringify writes lone surrogates as escapes',
})
accept('control characters, escaped', '"\\u0000\\b\\t\\n\\f\\r\\u001f\\"\\\\\u007f"')
accept('line separators and noncharacters', '"\u2028\u2029\ufffd\ufffe\uffff"')
accept('a byte order mark inside a string', '"\ufefftext"')
accept('an own key named __proto__', '{"__proto__":{"admin":true}}', {
  comment: 'an own property of the result, never its prototype',
})
accept('keys named constructor and toString', '{"constructor":1,"toString":2}')

// Sizes: the least and the most, and both sides of each block of the cipher, the hash and the encoding

accept('1 byte of JSON', '0')
accept('2 bytes of JSON', '10')
accept('3 bytes of JSON', '100')
for (const size of [31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1024, 3003, MAX_PLAINTEXT]) {
  accept(`${size} bytes of JSON`, ['"', ['a', size - 2], '"'], {
    ...(size === 3003 && { comment: '_node=token is 4,096 bytes: the most that a browser keeps' }),
    ...(size === MAX_PLAINTEXT && { comment: '255 cipher blocks: the most that the format takes' }),
  })
}
accept('multi-byte characters across cipher blocks', ['"', ['\u{1f36a}', 40], '"'])

// Keys

accept('rotation: the first secret', '{"views":1}', { reader: { secrets: [SECRET, OLD_SECRET] } })
accept('rotation: the second secret', '{"views":1}', {
  sealer: { secret: OLD_SECRET },
  reader: { secrets: [SECRET, OLD_SECRET] },
})
accept('rotation: the third secret', '{"views":1}', {
  sealer: { secret: STRANGER },
  reader: { secrets: [SECRET, OLD_SECRET, STRANGER] },
})

/** The first two of a fixed series of secrets that derive the same key id for one name. */
function findCollision() {
  const byId = new Map()
  for (let i = 0; ; i++) {
    const secret = `secret number ${i} of the search for a colliding key id`
    const id = toHex(deriveKeys(secret, NAME).keyId)
    if (byId.has(id)) return [byId.get(id), secret]
    byId.set(id, secret)
  }
}
const [TWIN_A, TWIN_B] = findCollision()

accept('one key id, two secrets: the first opens', '{"views":1}', {
  sealer: { secret: TWIN_A },
  reader: { secrets: [TWIN_A, TWIN_B] },
})
accept('one key id, two secrets: the second opens', '{"views":1}', {
  comment: 'a reader that tries only the first key with this id refuses it',
  sealer: { secret: TWIN_B },
  reader: { secrets: [TWIN_A, TWIN_B] },
})
accept('one key id, two secrets, another between them', '{"views":1}', {
  sealer: { secret: TWIN_B },
  reader: { secrets: [TWIN_A, SECRET, TWIN_B] },
})

const BINARY = fromHex('00ff80c0fe00ff80c0fe00ff80c0fe00ff80c0fe00ff80c0fe00ff80c0fe0000')
const ACCENTS = '\u00e9'.repeat(16)
const HEX_DIGITS = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'
const LONG = 'a secret longer than one block of the hash, '.repeat(3)
accept('a secret of bytes that are no text', '{"views":1}', {
  sealer: { secret: BINARY },
  reader: { secrets: [BINARY] },
})
accept('a secret of hex digits is text', '{"views":1}', {
  sealer: { secret: HEX_DIGITS },
  reader: { secrets: [HEX_DIGITS] },
})
accept('a secret of 132 bytes', '{"views":1}', { sealer: { secret: LONG }, reader: { secrets: [LONG] } })
accept('a secret of 16 characters that is 32 bytes', '{"views":1}', {
  comment: 'bytes count, not characters: it is not stretched',
  sealer: { secret: ACCENTS },
  reader: { secrets: [ACCENTS] },
})
accept('a secret of 31 bytes is stretched', '{"views":1}', {
  sealer: { secret: 'x'.repeat(31) },
  reader: { secrets: ['x'.repeat(31)] },
})
accept('a secret of 32 bytes is not stretched', '{"views":1}', {
  sealer: { secret: 'x'.repeat(32) },
  reader: { secrets: ['x'.repeat(32)] },
})
accept('a weak secret', '{"views":1}', { sealer: { secret: '123abc' }, reader: { secrets: ['123abc'] } })

// Names

accept('a name of 1 byte', '{"views":1}', { sealer: { name: 's' }, reader: { cookieName: 's' } })
accept('a prefixed name', '{"views":1}', { sealer: { name: '__Host-sid' }, reader: { cookieName: '__Host-sid' } })
accept('a name that is not ASCII', '{"views":1}', {
  sealer: { name: 's\u00e9ance' },
  reader: { cookieName: 's\u00e9ance' },
})
accept('a name beyond the basic plane', '{"views":1}', {
  sealer: { name: '\u{1f36a}' },
  reader: { cookieName: '\u{1f36a}' },
})
accept('a name of 256 bytes', '{"views":1}', {
  sealer: { name: 'n'.repeat(256) },
  reader: { cookieName: 'n'.repeat(256) },
})

// Times

const ISSUED = { createdAt: NOW - DAY, issuedAt: NOW - MINUTE }
accept('created, issued and opened in one millisecond', '{}', { sealer: { createdAt: NOW, issuedAt: NOW } })
accept('at the epoch', '{}', { sealer: { createdAt: 0, issuedAt: 0 }, reader: { now: 0 } })
accept('created at the epoch', '{}', { sealer: { createdAt: 0 } })
accept('at the last moment of 48 bits', '{}', {
  sealer: { createdAt: MAX_TIME, issuedAt: MAX_TIME },
  reader: { now: MAX_TIME },
})
accept('times with every byte different', '{}', {
  sealer: { createdAt: 0x01_02_03_04_05_06, issuedAt: 0x01_0a_0b_0c_0d_0e },
  reader: { now: 0x01_0a_0b_0c_0d_0e },
})
accept('times around 32 bits', '{}', {
  sealer: { createdAt: 0xff_ff_ff_ff, issuedAt: 0x01_00_00_00_00 },
  reader: { now: 0x01_00_00_00_01 },
})
accept('idle for one millisecond less than the timeout', '{}', { reader: { timeout: MINUTE + 1 } })
accept('as old as one millisecond less than the absolute timeout', '{}', {
  sealer: ISSUED,
  reader: { absoluteTimeout: DAY + 1 },
})
accept('older than the timeout, but not idle', '{}', { sealer: { createdAt: NOW - 30 * DAY } })
accept('issued 60,000 ms in the future', '{}', { sealer: { issuedAt: NOW + 60_000 } })
accept('created and issued 60,000 ms in the future', '{}', {
  sealer: { createdAt: NOW + 60_000, issuedAt: NOW + 60_000 },
  reader: { timeout: 1000, absoluteTimeout: 1000 },
})

refuse('expired', 'idle for exactly the timeout', seal('idle for exactly the timeout', {}), {
  reader: { timeout: MINUTE },
})
refuse('expired', 'idle for longer than the timeout', seal('idle for longer than the timeout', {}), {
  reader: { timeout: MINUTE - 1 },
})
refuse('expired', 'idle for decades', seal('idle for decades', {}, { createdAt: 0, issuedAt: 0 }))
refuse(
  'expired',
  'exactly as old as the absolute timeout',
  seal('exactly as old as the absolute timeout', {}, ISSUED),
  {
    reader: { absoluteTimeout: DAY },
  },
)
refuse(
  'expired',
  'older than the absolute timeout',
  seal('older than the absolute timeout', {}, { ...ISSUED, createdAt: NOW - DAY - 1 }),
  { reader: { absoluteTimeout: DAY } },
)
refuse(
  'not-yet-valid',
  'issued 60,001 ms in the future',
  seal('issued 60,001 ms in the future', {}, { issuedAt: NOW + 60_001 }),
)
refuse(
  'not-yet-valid',
  'issued at the last moment of 48 bits',
  seal('issued at the last moment of 48 bits', {}, { issuedAt: MAX_TIME }),
)
refuse(
  'malformed',
  'created one millisecond after it was issued',
  seal('created one millisecond after it was issued', {}, { createdAt: NOW - MINUTE + 1 }),
)

// Step 1: length

refuse('malformed', 'no character', '')
refuse('malformed', 'one character', 'A')
refuse('malformed', 'a word', 'undefined')
refuse('malformed', '84 characters: 63 bytes', (token) => token.slice(0, 84))
refuse('malformed', '85 characters', (token) => token.slice(0, 85))
refuse('malformed', '89 characters: no number of bytes', (token) => token.slice(0, 89))
refuse(
  'malformed',
  '21,847 characters: one byte too many',
  seal('21,847 characters: one byte too many', toBytes(join(['"', ['a', MAX_PLAINTEXT - 1], '"']))),
  { comment: 'in order but for its length; its key and its tag are right' },
)

// Step 2: strict base64url

/** A good token whose length leaves this remainder by 4. */
function sealTo(remainder, name) {
  return seal(name, { 0: { a: 12 }, 2: { a: 123 }, 3: { a: 1 } }[remainder])
}

function replaceAt(token, index, text) {
  const at = index < 0 ? token.length + index : index
  return token.slice(0, at) + text + token.slice(at + 1)
}

for (const [name, remainder, padding] of [
  ['padded with =', 3, '='],
  ['padded with ==', 2, '=='],
  ['a whole number of quartets and =', 0, '='],
  ['a whole number of quartets and ====', 0, '===='],
]) {
  refuse('malformed', name, sealTo(remainder, name) + padding)
}
for (const [what, text] of [
  ['+', '+'],
  ['/', '/'],
  ['=', '='],
  ['.', '.'],
  ['%', '%'],
  ['a comma', ','],
  ['a double quote', '"'],
  ['a space', ' '],
  ['a tab', '\t'],
  ['a line feed', '\n'],
  ['NUL', '\0'],
  ['DEL', '\x7f'],
  ['the characters beside the digits, / and :', '/:'],
  ['the characters beside the capitals, @ and [', '@['],
  ['the characters beside the small letters, ` and {', '`{'],
  ['a Latin-1 letter', '\u00c1'],
  ['U+0141, whose low byte is A', '\u0141'],
  ['U+FF21, a fullwidth A', '\uff21'],
  ['a cookie emoji', '\u{1f36a}'],
  ['a lone surrogate', '\ud841'],
]) {
  refuse('malformed', `${what} in the middle`, (token) => token.slice(0, 50) + text + token.slice(50 + text.length))
}
refuse('malformed', 'U+0141 for the first A', (token) => replaceAt(token, 0, '\u0141'))
refuse('malformed', 'U+0141 for the last A', () => {
  // Of a series of tokens the first that ends in A: with its low byte alone it would open.
  for (let i = 0; ; i++) {
    const token = seal(`U+0141 for the last A, ${i}`, { views: 1 })
    if (token.endsWith('A')) return replaceAt(token, -1, '\u0141')
  }
})
refuse('malformed', 'a space before', (token) => ` ${token}`)
refuse('malformed', 'a space behind', (token) => `${token} `)
refuse('malformed', 'a line feed behind', (token) => `${token}\n`)
refuse('malformed', 'a carriage return and a line feed behind', (token) => `${token}\r\n`)
refuse('malformed', 'in double quotes', (token) => `"${token}"`)
refuse('malformed', 'standard base64 with + or /', (token) => {
  const standard = token.replaceAll('-', '+').replaceAll('_', '/')
  if (standard === token) throw new Error('choose another name: this token has no - and no _')
  return standard
})
for (const [remainder, bits] of [
  [2, [1, 2, 4, 8, 15]],
  [3, [1, 2, 3]],
]) {
  for (const mask of bits) {
    const name = `trailing bits not zero: length 4k+${remainder}, ${mask}`
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const token = sealTo(remainder, name)
    refuse('malformed', name, replaceAt(token, -1, alphabet[alphabet.indexOf(token.at(-1)) ^ mask]), {
      comment: 'a second spelling of a good token',
    })
  }
}

// Step 3: header

for (const version of [0, 2, 3, 0x81, 0xff]) {
  const name = `version ${version}`
  refuse('unsupported', name, seal(name, {}, { version }), { comment: 'its key and its tag are right' })
}
for (const flags of [0x02, 0x03, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff]) {
  const name = `flags 0x${flags.toString(16).padStart(2, '0')}`
  refuse('unsupported', name, seal(name, {}, { flags }), { comment: 'its key and its tag are right' })
}
for (const nonceStart of [0x01, 0x80, 0xff]) {
  const name = `a nonce that begins with ${nonceStart}`
  refuse('malformed', name, seal(name, {}, { nonceStart }), { comment: 'its key and its tag are right' })
}

// Step 4: key

refuse('unknown-key', 'an unknown secret', seal('an unknown secret', {}, { secret: STRANGER }))
refuse('unknown-key', 'neither of two secrets', seal('neither of two secrets', {}, { secret: STRANGER }), {
  reader: { secrets: [SECRET, OLD_SECRET] },
})
refuse('unknown-key', 'moved to another cookie', seal('moved to another cookie', {}), {
  comment: 'keys are bound to the name',
  reader: { cookieName: 'admin' },
})
refuse('unknown-key', 'a name in another case', seal('a name in another case', {}), { reader: { cookieName: '_Node' } })
refuse('unknown-key', 'a name with a longer tail', seal('a name with a longer tail', {}), {
  reader: { cookieName: '_node2' },
})
refuse(
  'unknown-key',
  'a name in another Unicode normal form',
  seal('a name in another Unicode normal form', {}, { name: 's\u00e9ance' }),
  { comment: 'bytes decide; nothing is normalised', reader: { cookieName: 'se\u0301ance' } },
)
refuse('unknown-key', 'hex digits decoded', seal('hex digits decoded', {}, { secret: HEX_DIGITS }), {
  comment: 'the secret that these hex digits would spell is another secret',
  reader: { secrets: [fromHex(HEX_DIGITS)] },
})
refuse('unknown-key', 'a bit of the key id flipped, first byte', (token) => flip(token, 2))
refuse('unknown-key', 'a bit of the key id flipped, last byte', (token) => flip(token, 3, 0x80))

// Step 5: tag

refuse(
  'bad-tag',
  'a wrong secret with the right key id',
  seal('a wrong secret with the right key id', {}, { secret: TWIN_A }),
  {
    reader: { secrets: [TWIN_B] },
  },
)
refuse('bad-tag', 'the extension flag set', (token) => flip(token, 1))
refuse(
  'bad-tag',
  'the extension flag cleared',
  flip(seal('the extension flag cleared', concat([0], toBytes('{}')), { flags: 1 }), 1),
)
refuse('bad-tag', 'a bit of created-at flipped, first byte', (token) => flip(token, 4))
refuse('bad-tag', 'a bit of created-at flipped, last byte', (token) => flip(token, 9))
refuse('bad-tag', 'a bit of issued-at flipped, first byte', (token) => flip(token, 10))
refuse('bad-tag', 'a bit of issued-at flipped, last byte', (token) => flip(token, 15))
refuse('bad-tag', 'a bit of the nonce flipped, second byte', (token) => flip(token, 17))
refuse('bad-tag', 'a bit of the nonce flipped, last byte', (token) => flip(token, 31))
refuse('bad-tag', 'a bit of the ciphertext flipped, first byte', (token) => flip(token, 32))
refuse('bad-tag', 'a bit of the ciphertext flipped, last byte', (token) => flip(token, -33))
refuse('bad-tag', 'a bit of the tag flipped, first byte', (token) => flip(token, -32))
refuse('bad-tag', 'a bit of the tag flipped, middle', (token) => flip(token, -16, 0x10))
refuse('bad-tag', 'a bit of the tag flipped, last byte', (token) => flip(token, -1, 0x80))
refuse('bad-tag', 'the tag all zero', (token) => tamper(token, (raw) => raw.fill(0, -32)))
refuse('bad-tag', 'the tag cut by a byte', (token) => tamper(token, (raw) => raw.slice(0, -1)))
refuse('bad-tag', 'the tag cut to 21 bytes', (token) => tamper(token, (raw) => raw.slice(0, -11)), {
  comment: '64 bytes are left of 11 of payload: the shortest that a reader looks at',
})
refuse('bad-tag', 'a zero byte appended', (token) => tamper(token, (raw) => concat(raw, [0])))
refuse('bad-tag', 'a copy of the tag appended', (token) => tamper(token, (raw) => concat(raw, raw.slice(-32))))
refuse('bad-tag', 'a byte of the ciphertext removed', (token) =>
  tamper(token, (raw) => concat(raw.slice(0, 32), raw.slice(33))),
)
refuse('bad-tag', 'the ciphertext removed', (token) => tamper(token, (raw) => concat(raw.slice(0, 32), raw.slice(-32))))
refuse('bad-tag', 'two bytes of the ciphertext swapped', (token) =>
  tamper(token, (raw) => concat(raw.slice(0, 32), [raw[33], raw[32]], raw.slice(34))),
)
refuse('bad-tag', 'the tag of another token', (token) =>
  tamper(token, (raw) => concat(raw.slice(0, -32), decode(seal('another token', { views: 1 })).slice(-32))),
)
refuse('bad-tag', 'the header of another token', (token) =>
  tamper(token, (raw) => concat(decode(seal('another token', { views: 1 })).slice(0, 32), raw.slice(32))),
)

// Step 8: extensions

const EXTENDED = { flags: 1 }
const SESSION_ID = [0x01, 16, ...Array(16).keys()]
function expiresAt(time) {
  return [0x02, 6, ...Array.from({ length: 6 }, (_, i) => Math.floor(time / 256 ** (5 - i)) % 256)]
}
const DEFLATED = [0x03, 0]
function extended(entries, json = '{}') {
  return concat([entries.flat().length], entries.flat(), toBytes(json))
}
function acceptExtended(name, entries, options) {
  acceptForeign(name, extended(entries), '{}', { ...options, sealer: EXTENDED })
}
function refuseExtended(reason, name, entries, { json, ...options } = {}) {
  refusePayload(reason, name, extended(entries, json), { ...options, sealer: EXTENDED })
}

acceptExtended('an extension block without entries', [])
acceptExtended('a session id', [SESSION_ID], { comment: 'read and ignored' })
acceptExtended('expires-at in the future', [expiresAt(NOW + 1)])
acceptExtended('expires-at at the last moment of 48 bits', [expiresAt(MAX_TIME)], { comment: 'it lengthens nothing' })
acceptExtended('a session id and expires-at', [SESSION_ID, expiresAt(NOW + MINUTE)])
acceptExtended('expires-at and a session id', [expiresAt(NOW + MINUTE), SESSION_ID], { comment: 'in any order' })
acceptExtended('a skippable extension, 0x80, without value', [[0x80, 0]])
acceptExtended('a skippable extension, 0x80, with a value', [[0x80, 3, 1, 2, 3]])
acceptExtended('a skippable extension, 0xff', [[0xff, 1, 0]])
acceptExtended('a skippable extension twice', [
  [0x80, 1, 1],
  [0x80, 1, 2],
])
acceptExtended('skippable extensions between known ones', [
  [0x80, 1, 0],
  SESSION_ID,
  [0x81, 2, 0x04, 0],
  expiresAt(NOW + 1),
])
acceptExtended('an extension block of 255 bytes', [[0x80, 253, ...Array(253).fill(0x04)]])
acceptForeign(
  'extensions and JSON across cipher blocks',
  extended([[0x80, 1, 0]], join(['"', ['a', 300], '"'])),
  ['"', ['a', 300], '"'],
  { sealer: EXTENDED },
)

refuseExtended('expired', 'expires-at now', [expiresAt(NOW)])
refuseExtended('expired', 'expires-at in the past', [expiresAt(NOW - 1)])
refuseExtended('expired', 'expires-at the epoch', [expiresAt(0)])
refuseExtended('unsupported', 'an unknown extension, 0x00', [[0x00, 0]])
refuseExtended('unsupported', 'an unknown extension, 0x04', [[0x04, 0]])
refuseExtended('unsupported', 'an unknown extension, 0x7f', [[0x7f, 1, 0]])
refuseExtended('unsupported', 'an unknown extension behind known ones', [SESSION_ID, [0x80, 0], [0x05, 0]])
refuseExtended('unsupported', 'deflated JSON', [DEFLATED], {
  comment: 'registered, but not inflated by this release: the payload is raw DEFLATE of {}',
  json: fromHex('abae0500'),
})
refuseExtended('bad-payload', 'deflated JSON with a value', [[0x03, 1, 0]])
refuseExtended('bad-payload', 'a session id of 15 bytes', [[0x01, 15, ...Array(15).fill(0)]])
refuseExtended('bad-payload', 'a session id of 17 bytes', [[0x01, 17, ...Array(17).fill(0)]])
refuseExtended('bad-payload', 'a session id of no bytes', [[0x01, 0]])
refuseExtended('bad-payload', 'expires-at of 5 bytes', [[0x02, 5, 0xff, 0xff, 0xff, 0xff, 0xff]])
refuseExtended('bad-payload', 'expires-at of 8 bytes', [[0x02, 8, 0, 0, ...expiresAt(NOW + 1).slice(2)]])
refuseExtended('bad-payload', 'a session id twice', [SESSION_ID, SESSION_ID])
refuseExtended('bad-payload', 'expires-at twice', [expiresAt(NOW + 1), expiresAt(NOW + 2)])
refuseExtended('bad-payload', 'a session id twice, apart', [SESSION_ID, [0x80, 0], expiresAt(NOW + 1), SESSION_ID])
refuseExtended('bad-payload', 'an entry that ends behind its type', [[0x80]])
refuseExtended('bad-payload', 'an entry that ends behind its type, after another', [SESSION_ID, [0x02]])
refuseExtended('bad-payload', 'an entry longer than the block', [[0x80, 1]])
refuseExtended('bad-payload', 'a known entry longer than the block', [[0x02, 6, 1, 2, 3]], { json: '"1234"' })
refuseExtended('bad-payload', 'an unknown entry longer than the block', [[0x04, 9]], {
  comment: 'the frame comes before the type',
  json: '"12345678"',
})
refuseExtended('bad-payload', 'extensions without JSON', [SESSION_ID], { json: '' })
refuseExtended('bad-payload', 'a byte order mark behind the extensions', [[0x80, 0]], { json: '\ufeff{}' })
refuseExtended('bad-payload', 'extensions and JSON that is none', [SESSION_ID], { json: '{' })
refusePayload('bad-payload', 'the extension flag and nothing', '', { sealer: EXTENDED })
refusePayload('bad-payload', 'the extension flag and plain JSON', '{"views":1}', {
  comment: 'its first byte, 0x7b, is the length of a block that is not there',
  sealer: EXTENDED,
})
refusePayload('bad-payload', 'a block longer by one than the plaintext', concat([3, 0x80, 0]), { sealer: EXTENDED })
refusePayload('bad-payload', 'a block whose last value lacks a byte', concat([3, 0x80, 1]), { sealer: EXTENDED })
refusePayload('bad-payload', 'a block whose expires-at lacks a byte', concat([8], expiresAt(0).slice(0, -1)), {
  comment: 'a reader that takes the byte behind it, which is of the tag, calls it expired',
  sealer: EXTENDED,
})
refusePayload('bad-payload', 'a block without the extension flag', extended([SESSION_ID]))
refusePayload('bad-payload', 'an empty block without the extension flag', extended([]))

// The first entry that fails decides
refuseExtended('unsupported', 'an unknown extension, then a truncated entry', [[0x04, 0], [0x80]])
refuseExtended('bad-payload', 'a session id twice, then an unknown extension', [SESSION_ID, SESSION_ID, [0x04, 0]])
refuseExtended('unsupported', 'an unknown extension, then a session id twice', [[0x04, 0], SESSION_ID, SESSION_ID])
refuseExtended('expired', 'expires-at in the past, then an unknown extension', [expiresAt(NOW - 1), [0x04, 0]])
refuseExtended('unsupported', 'an unknown extension, then expires-at in the past', [[0x04, 0], expiresAt(NOW - 1)])
refuseExtended('expired', 'expires-at in the past, then a truncated entry', [expiresAt(NOW - 1), [0x80]])
refuseExtended('expired', 'expires-at in the past, twice', [expiresAt(NOW - 1), expiresAt(NOW - 1)])
refuseExtended('bad-payload', 'expires-at in the future, then a truncated entry', [expiresAt(NOW + 1), [0x04]])
refuseExtended('expired', 'expires-at in the past, then a skippable extension', [expiresAt(NOW - 1), [0x80, 0]])

// Step 8: UTF-8

for (const [name, hex] of [
  ['a continuation byte alone', '80'],
  ['a two-byte sequence cut short', 'c3'],
  ['a three-byte sequence cut short', 'e282'],
  ['a four-byte sequence cut short', 'f09f8d'],
  ['an overlong slash', 'c0af'],
  ['an overlong NUL', 'c080'],
  ['an overlong three-byte sequence', 'e08080'],
  ['an overlong four-byte sequence', 'f0808080'],
  ['a surrogate', 'eda080'],
  ['a surrogate pair', 'edbc8dedbd90'],
  ['a code point above U+10FFFF', 'f4908080'],
  ['a byte that UTF-8 never has, 0xfe', 'fe'],
  ['a byte that UTF-8 never has, 0xff', 'ff'],
  ['Latin-1', 'e9'],
]) {
  refusePayload('bad-payload', `not UTF-8: ${name}`, concat(toBytes('"'), fromHex(hex), toBytes('"')))
}
refusePayload('bad-payload', 'not UTF-8: the last character cut short', fromHex('22c3'))
refusePayload('bad-payload', 'not UTF-8: UTF-16', fromHex('7b007d00'))

// Step 8: JSON

acceptForeign('JSON with white space', toBytes(' \t\r\n{ "views" : 1 }\n'), '{"views":1}')
acceptForeign('JSON with escapes that no writer needs', toBytes('{"\\u0076iews":1.0e0}'), '{"views":1}')

for (const [name, text] of [
  ['nothing', ''],
  ['white space alone', ' '],
  ['a byte order mark before it', '\ufeff{}'],
  ['a byte order mark alone', '\ufeff'],
  ['an open brace', '{'],
  ['a string without end', '"text'],
  ['something behind it', '{}x'],
  ['two values', '1 2'],
  ['a NUL behind it', '{}\0'],
  ['a comma too many', '[1,]'],
  ['single quotes', "{'views':1}"],
  ['a bare key', '{views:1}'],
  ['a comment', '{}//'],
  ['undefined', 'undefined'],
  ['NaN', 'NaN'],
  ['a leading zero', '01'],
  ['a line feed in a string', '"a\nb"'],
  ['a no-break space before it', '\u00a0{}'],
]) {
  refusePayload('bad-payload', `not JSON: ${name}`, text)
}

// Precedence: two faults, and the step that comes first decides

/** A token with several faults whose tag is right. */
function refuseBoth(reason, name, payload, sealer, reader) {
  refuse(reason, name, seal(name, payload, sealer), { reader })
}
const PAST = { createdAt: NOW - 3 * DAY, issuedAt: NOW - 2 * DAY }
const FUTURE = { issuedAt: NOW + DAY }

refuse('malformed', 'a bad character before a version', (token) => replaceAt(flip(token, 0, 0x03), -5, '.'))
refuse('malformed', 'a bad character before an unknown key', (token) => replaceAt(flip(token, 2), -5, '.'))
refuse('malformed', 'trailing bits before a bad tag', () => {
  const name = 'trailing bits before a bad tag'
  const token = flip(sealTo(2, name), -2)
  const last = { A: 'B', Q: 'R', g: 'h', w: 'x' }[token.at(-1)]
  return replaceAt(token, -1, last)
})
refuseBoth('unsupported', 'a version before a nonce', {}, { version: 2, nonceStart: 1 })
refuseBoth('unsupported', 'a flag before a nonce', {}, { flags: 2, nonceStart: 1 })
refuseBoth('unsupported', 'a version before an unknown key', {}, { version: 2, secret: STRANGER })
refuse('unsupported', 'a version before a bad tag', (token) => flip(token, 0, 0x03))
refuse('unsupported', 'a flag before a bad tag', (token) => flip(token, 1, 0x02))
refuseBoth('unsupported', 'a version before expired', {}, { version: 2, ...PAST })
refuseBoth('malformed', 'a nonce before an unknown key', {}, { nonceStart: 1, secret: STRANGER })
refuse('malformed', 'a nonce before a bad tag', (token) => flip(token, 16))
refuse('unknown-key', 'an unknown key before a bad tag', (token) => flip(flip(token, 2), -1))
refuseBoth('unknown-key', 'an unknown key before expired', {}, { secret: STRANGER, ...PAST })
refuse('bad-tag', 'a bad tag before expired', flip(seal('a bad tag before expired', {}, PAST), -1))
refuse('bad-tag', 'a bad tag before not-yet-valid', flip(seal('a bad tag before not-yet-valid', {}, FUTURE), -1))
refuse(
  'bad-tag',
  'a bad tag before created after issued',
  flip(seal('a bad tag before created after issued', {}, { createdAt: NOW }), -1),
)
refuse('bad-tag', 'a bad tag before a bad payload', flip(seal('a bad tag before a bad payload', toBytes('{')), -1))
refuse('bad-tag', 'a bad tag before an empty payload', flip(seal('a bad tag before an empty payload', toBytes('')), -1))
refuseBoth(
  'malformed',
  'created after issued before not-yet-valid',
  {},
  { createdAt: NOW + 2 * DAY, issuedAt: NOW + DAY },
)
refuseBoth('malformed', 'created after issued before expired', {}, { createdAt: NOW - DAY, issuedAt: NOW - 2 * DAY })
refuseBoth('malformed', 'created after issued before a bad payload', toBytes('{'), { createdAt: NOW })
refuseBoth(
  'not-yet-valid',
  'not-yet-valid before expired',
  {},
  { createdAt: NOW - 3 * DAY, issuedAt: NOW + DAY },
  {
    absoluteTimeout: 2 * DAY,
  },
)
refuseBoth('not-yet-valid', 'not-yet-valid before a bad payload', toBytes('{'), FUTURE)
refuseBoth('expired', 'expired before a bad payload', toBytes('{'), PAST)
refuseBoth('expired', 'expired before an empty payload', toBytes(''), PAST)
refuseBoth('expired', 'expired before an unknown extension', extended([[0x04, 0]]), { flags: 1, ...PAST })
refuseBoth('expired', 'expires-at before a bad payload', extended([expiresAt(NOW - 1)], '{'), EXTENDED)
refuseBoth('unsupported', 'an unknown extension before a bad payload', extended([[0x04, 0]], '{'), EXTENDED)

// Keys on their own, for whoever starts there

const keys = [
  [SECRET, NAME],
  [SECRET, 's\u00e9ance'],
  [OLD_SECRET, NAME],
  [BINARY, NAME],
  [HEX_DIGITS, NAME],
  [LONG, NAME],
  [ACCENTS, NAME],
  ['x'.repeat(31), NAME],
  ['x'.repeat(32), NAME],
  ['123abc', NAME],
].map(([secret, cookieName]) => {
  const { ikm, cipherKey, macKey, keyId } = deriveKeys(secret, cookieName)
  const stretched = toHex(ikm) === toHex(toBytes(secret)) ? null : toHex(ikm)
  return {
    secret: describeSecret(secret),
    cookieName,
    stretched,
    cipherKey: toHex(cipherKey),
    macKey: toHex(macKey),
    keyId: toHex(keyId),
  }
})

// Writing: ASCII only, in the formatter's shape

const WIDTH = 120

/** `indent` is the line's; `column` is where the value begins in it. */
function print(value, indent = 0, column = 0) {
  if (value === null || typeof value !== 'object') {
    return JSON.stringify(value).replace(/[\x7f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  }
  const isArray = Array.isArray(value)
  const [open, close] = isArray ? ['[', ']'] : ['{ ', ' }']
  const inner = indent + 2
  const items = Object.entries(value).map(([key, item]) => {
    const label = isArray ? '' : `${JSON.stringify(key)}: `
    return label + print(item, inner, inner + label.length)
  })
  const line = open + items.join(', ') + close
  const mayShare = isArray || indent >= 6
  if (mayShare && !line.includes('\n') && column + line.length < WIDTH) return line
  const margin = `\n${' '.repeat(inner)}`
  return `${open.trim()}${margin}${items.join(`,${margin}`)}\n${' '.repeat(indent)}${close.trim()}`
}

const text = `${print({
  format: 'cookie-sessions v1',
  comment: [
    'Test vectors of docs/format.md. Written by test/vectors/generate.mjs; do not edit.',
    'A secret is a string (its UTF-8 bytes are meant) or an object with the bytes in hex.',
    'A vector has the fields of "defaults" that it does not name itself.',
    'Times and timeouts are milliseconds; an absoluteTimeout of null means none.',
    'expect.json is what the JSON means; written as a list, it is the joined items, where [text, n] is text n times.',
    'With a nonce (its 15 random bytes), sealing exactly expect.json with secrets[keyIndex], createdAt and issuedAt',
    'gives the token byte for byte. Without one, a reader accepts the token, but no writer of this release makes it.',
  ],
  keys,
  defaults,
  vectors,
})}\n`

if (process.argv.includes('--print')) process.stdout.write(text)
else writeFileSync(new URL('./format-v1.json', import.meta.url), text)
