/** `node bench/reasons.js`: the choices in the code that look odd, each against the obvious way. README.md, Why it is so. */
import crypto from 'node:crypto'
import { compare } from './measure.js'
import { columns, micros } from './print.js'

const bytes = crypto.randomBytes(320)
const key = crypto.randomBytes(32)
const keyObject = crypto.createSecretKey(key)
const nonce = crypto.randomBytes(16)
const token = bytes.toString('base64url')
const json = JSON.stringify({ user: 'a'.repeat(245) })
const memory = Buffer.alloc(65_536)
memory.latin1Write(token, 0, token.length)
const view = memory.subarray(0, 16_320)
const decoder = new TextDecoder()
const encoder = new TextEncoder()
const pool = new Uint8Array(3840)
const nonceBytes = new Uint8Array(15)
let next = pool.length

function pooled() {
  if (next === pool.length) {
    crypto.getRandomValues(pool)
    next = 0
  }
  for (let i = 0; i < 15; i++) {
    nonceBytes[i] = pool[next + i]
    pool[next + i] = 0
  }
  next += 15
}

/** A request with the fields of node's, more or less. */
class Request {
  url = '/'
  method = 'GET'
  headers = {}
  complete = false
}
const state = Symbol('state')
const shared = {
  configurable: true,
  enumerable: true,
  get() {
    return this[state]
  },
  set(value) {
    this[state] = value
  },
}

const states = new WeakMap()
class Mapped {
  constructor() {
    states.set(this, { isNew: true })
  }
  get isNew() {
    return states.get(this).isNew
  }
}
class Private {
  #state = { isNew: true }
  get isNew() {
    return this.#state.isNew
  }
}

const cipher = (key) => () => crypto.createCipheriv('chacha20', key, nonce).update(bytes)
const hmac = (key) => () => crypto.createHmac('sha256', key).update(bytes).digest('latin1')
const digest = (encoding) => () => crypto.hash('sha256', bytes, encoding)

const reasons = {
  'random bytes': { pooled, 'each time': () => crypto.getRandomValues(nonceBytes) },
  'a cipher, its key': { KeyObject: cipher(keyObject), Buffer: cipher(key) },
  'an HMAC, its key': { KeyObject: hmac(keyObject), Buffer: hmac(key) },
  ...(crypto.hash && {
    'a digest, out as': { latin1: digest('latin1'), hex: digest('hex'), buffer: digest('buffer') },
  }),
  'text out of memory': {
    latin1Slice: () => memory.latin1Slice(0, token.length),
    toString: () => memory.toString('latin1', 0, token.length),
    TextDecoder: () => decoder.decode(memory.subarray(0, token.length)),
  },
  'JSON into memory': {
    encodeInto: () => encoder.encodeInto(json, view),
    utf8Write: () => memory.utf8Write(json, 0, 16_320),
    write: () => memory.write(json, 0, 16_320, 'utf8'),
  },
  'an accessor on req': {
    shared() {
      const req = new Request()
      req[state] = 1
      Object.defineProperty(req, 'session', shared)
      return req.session
    },
    closures() {
      const req = new Request()
      let session = 1
      const get = () => session
      const set = (value) => {
        session = value
      }
      Object.defineProperty(req, 'session', { configurable: true, enumerable: true, get, set })
      return req.session
    },
  },
  'the state of a session': { 'private field': () => new Private().isNew, WeakMap: () => new Mapped().isNew },
}

const lines = []
for (const [group, contenders] of Object.entries(reasons)) {
  const figures = await compare(contenders, { rounds: 11, time: 15 })
  lines.push([group, '', ''])
  for (const [name, { median, ratio }] of Object.entries(figures)) {
    lines.push([`  ${name}`, micros(median), `${ratio.toFixed(1)}x`])
  }
}
console.log(`Node ${process.version}; microseconds a call\n\n${columns(lines)}`)
