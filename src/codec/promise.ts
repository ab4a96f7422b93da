/** Promises where none are expected: from a function of the app's whose answer is needed at once. */

/**
 * Whether `answer` is a promise, of any realm or library. The caller refuses it, and so nobody else listens to it: should it fail, that must
 * not end the process as an unhandled rejection. Bytes are none, whatever they inherit.
 */
export function isPromise(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null || ArrayBuffer.isView(answer)) return false
  if (typeof (answer as PromiseLike<unknown>).then !== 'function') return false
  Promise.resolve(answer).catch(() => {})
  return true
}
