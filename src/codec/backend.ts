/** What a backend is: the same bytes, made by different means. Everything above this line is the same for all. */

/** Why a token was refused, in the order in which `open` looks (docs/format.md, Open). */
export type Reason =
  | 'malformed'
  | 'unsupported'
  | 'unknown-key'
  | 'bad-tag'
  | 'expired'
  | 'not-yet-valid'
  | 'bad-payload'

export interface Refused {
  readonly ok: false
  readonly reason: Reason
}

/** An opened token, its JSON not yet parsed. */
export interface OpenedText {
  readonly ok: true
  readonly json: string
  /** When the session began, ms since the epoch. */
  readonly createdAt: number
  /** When this token was sealed, ms since the epoch. */
  readonly issuedAt: number
  /** Which secret opened it: its index among those of the list that are not undefined. */
  readonly keyIndex: number
}

/** Hands out random bytes, each of them once. */
export interface NonceSource {
  /** Sees to it that there are `count`, 256 at most. The random source may be the caller's own code, so this comes before anything is staged. */
  prepare(count: number): void
  /** Writes RANDOM_BYTES random bytes to `target` at `offset`. */
  take(target: Uint8Array, offset: number): void
}

/** The keys of one codec, ready to seal (with the first) and to open (with all). */
export interface Keyring {
  /** A token, or undefined when the JSON is longer than MAX_PLAINTEXT_BYTES of UTF-8. Times: 0 <= createdAt <= issuedAt. */
  seal(json: string, createdAt: number, issuedAt: number, nonces: NonceSource): string | undefined
  /** Steps 1 to 8 of docs/format.md, but for JSON's parsing. Never throws on any string. */
  open(token: string, now: number, timeout: number, absoluteTimeout: number): OpenedText | Refused
}

export interface Backend {
  readonly name: 'wasm' | 'node' | 'js' | 'auto'
  /** Derives the keys of each secret for `name`; a secret under STRONG_SECRET_BYTES is stretched first. */
  keyring(secrets: readonly Uint8Array[], name: string): Keyring
}

const refused = (reason: Reason): Refused => Object.freeze({ ok: false, reason })

/** One frozen answer a reason: a refusal allocates nothing. */
export const REFUSED: { readonly [R in Reason]: Refused } = {
  malformed: refused('malformed'),
  unsupported: refused('unsupported'),
  'unknown-key': refused('unknown-key'),
  'bad-tag': refused('bad-tag'),
  expired: refused('expired'),
  'not-yet-valid': refused('not-yet-valid'),
  'bad-payload': refused('bad-payload'),
}
