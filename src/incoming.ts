/** Which of the tokens that came is the session: the newest that opens. */
import { type OpenedText, REFUSED, type Reason } from './codec/backend.ts'
import type { TextCodec } from './codec/codec.ts'
import { peekIssuedAt } from './codec/peek.ts'
import { parseSession } from './data.ts'

export interface Incoming {
  readonly opened: OpenedText
  readonly data: object
}

/**
 * Opens the tokens in the order of the times that they claim, the latest first, up to the first that is good. The claims are not
 * authenticated yet, so they decide about the order and about nothing else. Why the others were refused goes to `reasons`.
 */
export function openNewest(
  tokens: readonly string[],
  codec: TextCodec,
  maxTokenChars: number,
  reasons: Reason[],
): Incoming | undefined {
  for (const token of newestFirst(tokens)) {
    // More than a client holds did not come from one: refused by its length.
    const result = token.length > maxTokenChars ? REFUSED.malformed : codec.open(token)
    const data = result.ok ? parseSession(result.json) : undefined
    if (result.ok && data !== undefined) {
      return { opened: result, data }
    }
    reasons.push(result.ok ? 'bad-payload' : result.reason)
  }
  return undefined
}

function newestFirst(tokens: readonly string[]): readonly string[] {
  if (tokens.length < 2) return tokens
  const claims = tokens.map((token) => ({ token, issuedAt: peekIssuedAt(token) }))
  return claims.sort((a, b) => b.issuedAt - a.issuedAt).map(({ token }) => token)
}
