/**
 * The extension block before the JSON (docs/format.md, Extensions): length(1) || { type(1) || length(1) || value }*.
 * This release writes none; it reads what later releases may write, skips what it may, and refuses the rest.
 */
import type { Reason } from './backend.ts'
import { EXTENSION_DEFLATE, EXTENSION_EXPIRES_AT, EXTENSION_SESSION_ID, FIRST_SKIPPABLE_EXTENSION } from './format.ts'

/** The value's length of each type that this release knows. */
const VALUE_BYTES = new Map([
  [EXTENSION_SESSION_ID, 16],
  [EXTENSION_EXPIRES_AT, 6],
  [EXTENSION_DEFLATE, 0],
])

/** Where the JSON begins in the decrypted `bytes[start..end)`, or why the token is refused: the first entry at fault tells. */
export function readExtensions(bytes: Uint8Array, start: number, end: number, now: number): number | Reason {
  if (start === end) return 'bad-payload'
  const blockEnd = start + 1 + (bytes[start] as number)
  if (blockEnd > end) return 'bad-payload'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const seen = new Set<number>()
  let at = start + 1
  while (at < blockEnd) {
    if (at + 2 > blockEnd) return 'bad-payload'
    const type = view.getUint8(at)
    const length = view.getUint8(at + 1)
    const value = at + 2
    at = value + length
    if (at > blockEnd) return 'bad-payload'
    if (type >= FIRST_SKIPPABLE_EXTENSION) continue
    const known = VALUE_BYTES.get(type)
    if (known === undefined) return 'unsupported'
    if (length !== known || seen.has(type)) return 'bad-payload'
    seen.add(type)
    if (type === EXTENSION_DEFLATE) return 'unsupported'
    if (type === EXTENSION_EXPIRES_AT) {
      const expiresAt = view.getUint16(value) * 2 ** 32 + view.getUint32(value + 2)
      if (now >= expiresAt) return 'expired'
    }
  }
  return blockEnd
}
