/** Warnings: once each in a process, by process.emitWarning() where the runtime has it, else on the console. */

interface Runtime {
  process?: { env?: { NODE_ENV?: string }; emitWarning?(message: string, options: object): void }
  console?: { warn(message: string): void }
}

const warned = new Set<string>()

/** Warns unless `key` (by default the code itself) has been warned about before. */
export function warnOnce(code: string, message: string, key: string = code): void {
  if (warned.has(key)) return
  warned.add(key)
  const { process, console } = globalThis as Runtime
  const text = `cookie-sessions: ${message}`
  // Without a prototype: node reads further options, which a polluted Object.prototype would give.
  if (typeof process?.emitWarning === 'function') process.emitWarning(text, { __proto__: null, code })
  else console?.warn(text)
}

/** Whether checks that help only a developer are left out: NODE_ENV says so, or the runtime has no environment to ask. */
export function isProduction(): boolean {
  try {
    const env = (globalThis as Runtime).process?.env
    return env === undefined || env.NODE_ENV === 'production'
  } catch {
    // Deno without the permission to read it.
    return true
  }
}
