/**
 * The kernel's test ABI (assembly/kernels.ts), its two builds, each in an instance of its own, and what node:crypto
 * says to the same questions.
 */
import { createCipheriv, createHash, createHmac, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { instantiateSync } from '@assemblyscript/loader'
import type { Kernel, Pointer } from '../../src/codec/kernel.ts'

/** What the tests use of the global, which belongs to TypeScript's DOM library. */
declare const WebAssembly: {
  readonly Module: {
    new (bytes: Uint8Array): object
    imports(module: object): unknown[]
    exports(module: object): { name: string; kind: string }[]
  }
}

/** The kernel's statuses (assembly/seal.ts). */
export const MALFORMED = -1
export const UNSUPPORTED = -2
export const UNKNOWN_KEY = -3
export const BAD_TAG = -4
export const EXPIRED = -5
export const NOT_YET_VALID = -6

export interface Exports extends Kernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  readonly CHAIN: Pointer
  readonly KEYED: Pointer
  readonly SCRATCH: Pointer
  readonly SCRATCH_BYTES: Pointer
  readonly SPARE: Pointer
  readonly SPARE_BYTES: Pointer
  sha256(ptr: number, length: number, out: number): void
  setKey(key: number, length: number, midstates: number): void
  hmac(midstates: number, ptr: number, length: number, out: number): void
  extract(secretLength: number): void
  expand(infoLength: number, i: number): void
  pbkdf2(secretLength: number, saltLength: number, iterations: number): void
  chacha20(key: number, nonce: number, ptr: number, length: number): void
  encode(ptr: number, length: number, out: number): number
  decode(ptr: number, length: number, out: number): number
  equal(a: number, b: number): number
}

export interface Kernels extends Exports {
  /** All of the memory. */
  readonly bytes: Buffer
  /** Puts bytes at an address and returns how many they are. */
  put(ptr: number, bytes: Uint8Array | string): number
  /** A copy of `length` bytes at an address. */
  get(ptr: number, length: number): Buffer
}

export const BUILDS = [
  ['SIMD', 'kernels.wasm'],
  ['scalar', 'kernels.scalar.wasm'],
] as const

export const readBuild = (file: string): Buffer => readFileSync(new URL(`../../build/${file}`, import.meta.url))

export const compile = (bytes: Uint8Array): object => new WebAssembly.Module(new Uint8Array(bytes))
export const importsOf = (module: object): unknown[] => WebAssembly.Module.imports(module)
export const exportsOf = (module: object): string[] =>
  WebAssembly.Module.exports(module).map(({ name, kind }) => `${kind} ${name}`)

export function load(file: string): Kernels {
  // The exports as they are: the loader's own wrap each call.
  const exports = instantiateSync(new Uint8Array(readBuild(file))).instance.exports as unknown as Exports
  const bytes = Buffer.from(exports.memory.buffer)
  return {
    ...exports,
    bytes,
    put(ptr, data) {
      const source = typeof data === 'string' ? Buffer.from(data) : data
      bytes.set(source, ptr)
      return source.length
    },
    get(ptr, length) {
      return Buffer.from(bytes.subarray(ptr, ptr + length))
    },
  }
}

export function pointers(kernels: Kernels) {
  return {
    KEYRING: kernels.KEYRING.value,
    MESSAGE: kernels.MESSAGE.value,
    TOKEN: kernels.TOKEN.value,
    RESULT: kernels.RESULT.value,
    SPARE: kernels.SPARE.value,
  }
}

export function derive(kernels: Kernels, secret: Uint8Array, info: Uint8Array, slot: number): void {
  const secretLength = kernels.put(kernels.MESSAGE.value, secret)
  kernels.derive(secretLength, kernels.put(kernels.TOKEN.value, info), slot)
}

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
export const hmac = (key: Uint8Array, bytes: Uint8Array): Buffer => createHmac('sha256', key).update(bytes).digest()
export const chacha20 = (key: Uint8Array, iv: Uint8Array, bytes: Uint8Array): Buffer =>
  createCipheriv('chacha20', key, iv).update(bytes)

/** Fixed bytes without structure: a ChaCha20 key stream, another one for every label. */
export function noise(length: number, label: string): Buffer {
  return chacha20(sha256(Buffer.from(label)), Buffer.alloc(16), Buffer.alloc(length))
}

/**
 * Every length to 300, and around each boundary of 64 up to 16,320; -9 and -8 are where the hash's padding takes
 * another block.
 */
export const LENGTHS: readonly number[] = [
  ...Array.from({ length: 301 }, (_, n) => n),
  ...Array.from({ length: 251 }, (_, i) => 320 + i * 64).flatMap((n) => [n - 9, n - 8, n - 1, n, n + 1]),
].filter((n) => n <= 16_320)

export interface Keys {
  readonly cipherKey: Buffer
  readonly macKey: Buffer
  readonly keyId: Buffer
}

export function keysOf(secret: Uint8Array, info: Uint8Array): Keys {
  const okm = Buffer.from(hkdfSync('sha256', secret, '', info, 66))
  return { cipherKey: okm.subarray(0, 32), macKey: okm.subarray(32, 64), keyId: okm.subarray(64) }
}

export interface TokenFields {
  readonly version: number
  readonly flags: number
  readonly keyId: Uint8Array
  readonly createdAt: number
  readonly issuedAt: number
  /** All 16 bytes. */
  readonly nonce: Uint8Array
}

export const CREATED_AT = 1_700_000_000_123
export const ISSUED_AT = 1_700_000_600_456

/** docs/format.md's steps 1 to 4, with any field as it should not be. */
export function tokenOf(keys: Keys, plaintext: Uint8Array, fields: Partial<TokenFields> = {}): string {
  const header = Buffer.alloc(32)
  header[0] = fields.version ?? 1
  header[1] = fields.flags ?? 0
  header.set(fields.keyId ?? keys.keyId, 2)
  header.writeUIntBE(fields.createdAt ?? CREATED_AT, 4, 6)
  header.writeUIntBE(fields.issuedAt ?? ISSUED_AT, 10, 6)
  const nonce = fields.nonce ?? Buffer.concat([Buffer.alloc(1), noise(15, 'nonce')])
  header.set(nonce, 16)
  const message = Buffer.concat([header, chacha20(keys.cipherKey, nonce, plaintext)])
  return Buffer.concat([message, hmac(keys.macKey, message)]).toString('base64url')
}
