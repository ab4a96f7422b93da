/** `node bench/reasons.js`: the choices in the code that look odd, each against what would be the plain way. README.md, Why it is so. */
import crypto from 'node:crypto'
import { compare } from './measure.js'
import { micros } from './print.js'

const bytes = crypto.randomBytes(320)
const key = crypto.randomBytes(32)
const keyObject = crypto.createSecretKey(key)
const nonce = crypto.randomBytes(16)
const token = bytes.toString('base64url')
const memory = Buffer.alloc(65_536)
memory.latin1Write(token, 0, token.length)
const decoder = new TextDecoder()
const encoder = new TextEncoder()
const pool = new Uint8Array(3840)
const nonceBytes = new Uint8Array(15)
const { hash = undefined } = crypto

/** A request with the fields that node's has, more or less. */
class Request {
  constructor() {
    this.url = '/'
    this.method = 'GET'
    this.headers = {}
    this.complete = false
  }
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

const known = new WeakMap()
class Mapped {
  constructor() {
    known.set(this, { isNew: true })
  }
  get isNew() {
    return known.get(this).isNew
  }
}
class Private {
  #state = { isNew: true }
  get isNew() {
    return this.#state.isNew
  }
}

/** @type {Record<string, Record<string, () => unknown>>} */
const reasons = {
  'random bytes': {
    pooled: pooled(),
    'each time': () => crypto.getRandomValues(nonceBytes),
  },
  'a cipher, its key': {
    KeyObject: () => crypto.createCipheriv('chacha20', keyObject, nonce).update(bytes),
    Buffer: () => crypto.createCipheriv('chacha20', key, nonce).update(bytes),
  },
  'an HMAC, its key': {
    KeyObject: () => crypto.createHmac('sha256', keyObject).update(bytes).digest('latin1'),
    Buffer: () => crypto.createHmac('sha256', key).update(bytes).digest('latin1'),
  },
  ...(hash && {
    'a digest, out as': {
      latin1: () => hash('sha256', bytes, 'latin1'),
      hex: () => hash('sha256', bytes, 'hex'),
      buffer: () => hash('sha256', bytes, 'buffer'),
    },
  }),
  'text out of memory': {
    latin1Slice: () => memory.latin1Slice(0, token.length),
    toString: () => memory.toString('latin1', 0, token.length),
    TextDecoder: () => decoder.decode(memory.subarray(0, token.length)),
  },
  'text into memory': {
    latin1Write: () => memory.latin1Write(token, 0, token.length),
    write: () => memory.write(token, 0, 'latin1'),
    TextEncoder: () => encoder.encodeInto(token, memory),
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
      Object.defineProperty(req, 'session', {
        configurable: true,
        enumerable: true,
        get: () => session,
        set(value) {
          session = value
        },
      })
      return req.session
    },
  },
  'the state of a session': {
    'private field': () => new Private().isNew,
    WeakMap: () => new Mapped().isNew,
  },
}

function pooled() {
  let next = pool.length
  return () => {
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
}

console.log(`Node ${process.version}; microseconds a call\n`)
for (const [group, contenders] of Object.entries(reasons)) {
  const figures = await compare(contenders, { rounds: 11, time: 15 })
  for (const [name, { median, ratio }] of Object.entries(figures)) {
    console.log(
      `${group.padEnd(24)}${name.padEnd(16)}${micros(median).padStart(7)}${`${ratio.toFixed(1)}x`.padStart(8)}`,
    )
  }
}
