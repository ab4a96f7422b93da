/**
 * The kernel in WebAssembly: the only file that knows it. One instance serves every codec of a process. The module comes as base64 and is
 * compiled here, or, in workers that forbid that, as a WebAssembly.Module (package.json, imports). @assemblyscript/loader wants a
 * TextDecoder as soon as it is imported: an engine without one takes `cookie-sessions/js`, which never reaches this file.
 */
import { instantiateSync } from '@assemblyscript/loader'
import source from '#codec.wasm'
import { SessionError } from '../errors.ts'
import type { Backend } from './backend.ts'
import type { Kernel } from './kernel.ts'
import { createBackend, createInstance, type Instance } from './keyring.ts'
import { offload } from './offload.ts'

/** What TypeScript keeps in its DOM library only. */
declare const WebAssembly: {
  Module: new () => object
  Instance: new (module: object) => { readonly exports: unknown }
}

interface Runtime {
  Buffer?: { from(text: string, encoding: string): Uint8Array }
}

let shared: Instance | undefined

/** Throws a SessionError where there is no WebAssembly, or where it is forbidden (a Content-Security-Policy). */
export function wasmBackend(): Backend {
  shared ??= instantiate(source)
  return createBackend('wasm', shared)
}

/** The same, with larger tokens' hashes offloaded to node:crypto where that is faster; `minBytes` as for offload(). */
export function autoBackend(minBytes?: number): Backend {
  shared ??= instantiate(source)
  const kernel = offload(shared.kernel, minBytes)
  return createBackend(kernel === undefined ? 'wasm' : 'auto', shared, kernel)
}

function instantiate(source: string | object): Instance {
  try {
    // A policy may refuse the module's compilation or, in WebKit, only its instantiation: both happen in here.
    const instance = createInstance(load(typeof source === 'string' ? decodeBase64(source) : source))
    // A damaged file may lack what a backend is made of.
    createBackend('wasm', instance)
    return instance
  } catch (cause) {
    throw new SessionError(
      'no-backend',
      "backend 'wasm' needs WebAssembly with SIMD, which this runtime lacks or forbids (in a page, Content-Security-Policy needs 'wasm-unsafe-eval')",
      cause,
    )
  }
}

/** The instance's own exports: those that the loader makes of them wrap each call. */
function load(module: object): Kernel {
  // The loader would take a module of another realm for bytes.
  const isKnown = ArrayBuffer.isView(module) || module instanceof WebAssembly.Module
  const { exports } = isKnown ? instantiateSync(module as Uint8Array).instance : new WebAssembly.Instance(module)
  return exports as unknown as Kernel
}

function decodeBase64(base64: string): Uint8Array {
  // Where there is a Buffer: node's atob() takes milliseconds to begin with.
  const { Buffer } = globalThis as Runtime
  if (Buffer !== undefined) return Buffer.from(base64, 'base64')
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}
