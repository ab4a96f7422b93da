/** Codecs for tests, over every backend and every way that a backend takes in a runtime that lacks something. */
import { vi } from 'vitest'
import type { Backend } from '../../src/codec/backend.ts'
import { type Codec, createCodec, createTextCodec, type TextCodec } from '../../src/codec/codec.ts'
import { js } from '../../src/codec/js.ts'
import { nodeBackend } from '../../src/codec/node.ts'
import { type CodecOptions, checkCodecOptions } from '../../src/codec/options.ts'
import { autoBackend } from '../../src/codec/wasm.ts'
import { decode, encode } from './reference.js'

export const SECRET = 'a published secret, good for test vectors only'
export const OTHER_SECRET = 'another published secret, for the other key'
export const NAME = '_node'
export const NOW = 1_700_000_000_000
export const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The wasm backend of a runtime without Buffer: the choice is made when it is instantiated. */
async function wasmWithoutBuffer(): Promise<Backend> {
  vi.resetModules()
  const { wasmBackend } = await import('../../src/codec/wasm.ts')
  vi.stubGlobal('Buffer', undefined)
  const backend = wasmBackend()
  vi.unstubAllGlobals()
  return backend
}

/** The js backend of a runtime that lacks these globals: the choice is made when it derives its first keys. */
async function jsWithout(...globals: string[]): Promise<Backend> {
  vi.resetModules()
  const { js } = await import('../../src/codec/js.ts')
  for (const name of globals) vi.stubGlobal(name, undefined)
  js.keyring([new Uint8Array(32)], NAME)
  vi.unstubAllGlobals()
  return js
}

/** Backends that stretch no secret, which takes them seconds, but refuse the weak ones. */
export const refusesWeakSecrets = (label: string): boolean => label.startsWith('js')

/** The node backend of a Node before 20.12, whose crypto has no one-shot hash(). */
function nodeWithoutHash(): Backend {
  const { hash: _, ...crypto } = process.getBuiltinModule('node:crypto')
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue(crypto as never)
  const backend = nodeBackend()
  vi.restoreAllMocks()
  return backend
}

/** A random source that tells the same each time (a linear congruential generator's high bytes). */
export function counting(start = 0): (bytes: Uint8Array) => void {
  let state = start
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      bytes[i] = state >>> 24
    }
  }
}

export interface Bench {
  readonly labels: string[]
  /** A codec over the backend of that label, with a clock that stands still and a random source that repeats itself. */
  make(label: string, options?: Partial<CodecOptions>): Codec
  /** The same below JSON. */
  makeText(label: string, options?: Partial<CodecOptions>): TextCodec
}

/** To be called when a test file's imports are done: it loads modules anew. */
export async function setUp(): Promise<Bench> {
  const backends: { readonly [label: string]: Exclude<CodecOptions['backend'], undefined> } = {
    wasm: 'wasm',
    node: 'node',
    auto: 'auto',
    // Every token that may go through node:crypto does, however fast this machine finds that.
    'auto with all the help there is': autoBackend(0),
    'wasm without Buffer': await wasmWithoutBuffer(),
    'node without crypto.hash': nodeWithoutHash(),
    js,
    'js without Buffer': await jsWithout('Buffer'),
    'js without anything': await jsWithout('Buffer', 'TextEncoder', 'TextDecoder', 'atob', 'crypto'),
  }
  const complete = (label: string, options: Partial<CodecOptions> = {}): CodecOptions => ({
    secret: SECRET,
    name: NAME,
    backend: backends[label],
    now: () => NOW,
    random: counting(),
    ...options,
  })
  return {
    labels: Object.keys(backends),
    make: (label, options) => createCodec(complete(label, options)),
    makeText: (label, options) => createTextCodec(checkCodecOptions(complete(label, options))),
  }
}

/** What an action throws. */
export function thrownBy(action: () => unknown): Error & { code?: string } {
  try {
    action()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

/** The token with some bits of one of its bytes flipped. */
export function flip(token: string, byte: number, mask: number): string {
  const raw = decode(token) as Uint8Array
  raw[byte] = (raw[byte] as number) ^ mask
  return encode(raw)
}
