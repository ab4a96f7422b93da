/** The choice of the backend: what each name stands for, self-tested, once in a process. */
import { SessionError } from '../errors.ts'
import type { Backend } from './backend.ts'
import { nodeBackend } from './node.ts'
import type { CodecSettings } from './options.ts'
import { selfTest } from './selftest.ts'
import { autoBackend, wasmBackend } from './wasm.ts'

/** A backend object is tested as those of this library are. */
export function selectBackend(backend: CodecSettings['backend']): Backend {
  return typeof backend === 'string' ? select(backend) : selfTest(backend)
}

type BackendName = 'auto' | 'wasm' | 'node'

const loaded = new Map<BackendName, Backend>()

function select(name: BackendName): Backend {
  const known = loaded.get(name)
  if (known !== undefined) return known
  const backend = name === 'wasm' ? selfTest(wasmBackend()) : name === 'node' ? selfTest(nodeBackend()) : best()
  // Don't keep 'auto' falling back to node: the next codec should try WebAssembly again.
  if (name !== 'auto' || backend.name !== 'node') loaded.set(name, backend)
  return backend
}

function best(): Backend {
  try {
    select('wasm')
    return autoBackend()
  } catch (cause) {
    try {
      return select('node')
    } catch {
      const fault = String((cause as Error).message).replace(/^cookie-sessions: /, '')
      throw new SessionError(
        'no-backend',
        `there is no node:crypto with ChaCha20 here, and ${fault}. The backend in plain JavaScript runs everywhere: import js from 'cookie-sessions/js', and hand it in as backend: js`,
        cause,
      )
    }
  }
}
