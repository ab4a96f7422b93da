/**
 * A token's issued-at, read without opening it. Nothing vouches for it yet, so it is good for one thing: the order in which several
 * tokens are tried.
 */

/** Milliseconds since the epoch as the token claims them; -1 where it is too short or not base64url. */
export function peekIssuedAt(token: string): number {
  // Bytes 10 to 15 (docs/format.md, Header) are the last 4 bits of character 13, characters 14 to 20, and the first 2 bits of 21.
  let time = 0
  for (let i = 13; i <= 21; i++) {
    const value = digit(token.charCodeAt(i))
    if (value < 0) return -1
    time = i === 13 ? value & 15 : i === 21 ? time * 4 + (value >> 4) : time * 64 + value
  }
  return time
}

/** RFC 4648 section 5. */
function digit(code: number): number {
  if (code >= 0x61 && code <= 0x7a) return code - 0x61 + 26
  if (code >= 0x41 && code <= 0x5a) return code - 0x41
  if (code >= 0x30 && code <= 0x39) return code - 0x30 + 52
  return code === 0x2d ? 62 : code === 0x5f ? 63 : -1
}
