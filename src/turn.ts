/** The event loop. */

/**
 * Calls back in a later turn. Jest's jsdom has no setImmediate, nor have browsers. Taken from the runtime once: a test that fakes the timers
 * afterwards does not stop this one.
 */
export const later: (callback: () => void) => unknown = globalThis.setImmediate ?? globalThis.setTimeout
