/**
 * Tokens by the list, four at a time: the kernel hashes four messages side by side (assembly/sha256x4.ts), so that the four take three
 * quarters of what they take one after another. Each has a lane, which is a part of the kernel's memory.
 */
import type { Kernel } from './abi.ts'
import type { NonceSource, OpenedText, Refused } from './backend.ts'
import { encodedLength, HEADER_BYTES, RANDOM_OFFSET, TAG_BYTES } from './format.ts'
import type { Text } from './text.ts'

export const LANES = 4
/** Fewer are faster one after another. */
const LEAST = 3
/** A lane's record: created-at, issued-at (f64 each); flags, key index, length of what is staged, the call's result (i32 each). */
const RECORD_BYTES = 32
const LENGTH = 6
const RESULT = 7
/** The length in a lane that is not used. */
const EMPTY = -1

/** What is done to a list: the items with these indices, at most LANES. */
export type Group = readonly number[]

export interface Batch {
  /** Puts their tokens into `tokens`, or nothing for what is too long for a lane. */
  seal(
    group: Group,
    jsons: readonly string[],
    createdAt: readonly number[],
    issuedAt: number,
    nonces: NonceSource,
    tokens: (string | undefined)[],
  ): void
  /** Puts what comes of them into `results`, or nothing for what is too long for a lane. */
  open(
    group: Group,
    tokens: readonly string[],
    keys: number,
    now: number,
    timeout: number,
    absoluteTimeout: number,
    results: (OpenedText | Refused | undefined)[],
  ): void
}

/** `take` turns a status, and the numbers and the payload that come with a good one, into a result. */
export function createBatch(
  kernel: Kernel,
  text: Text,
  take: (status: number, record: number, plaintext: number, now: number) => OpenedText | Refused,
): Batch {
  const { buffer } = kernel.memory
  const bytes = new Uint8Array(buffer)
  const maxPlaintext = kernel.MAX_LANE_PAYLOAD_BYTES.value
  const maxChars = encodedLength(HEADER_BYTES + maxPlaintext + TAG_BYTES)
  const lanes = Array.from({ length: LANES }, (_, lane) => {
    const message = kernel.MESSAGE.value + lane * kernel.LANE_BYTES.value
    const token = kernel.TOKEN.value + lane * kernel.LANE_CHARS.value
    const record = kernel.LANES.value + lane * RECORD_BYTES
    return {
      record,
      random: message + RANDOM_OFFSET,
      plaintext: message + HEADER_BYTES,
      token,
      times: new Float64Array(buffer, record, 2),
      integers: new Int32Array(buffer, record, RECORD_BYTES / 4),
      // Room for one character more than fits, so that too much is told from enough.
      stageJson: text.writer(message + HEADER_BYTES, maxPlaintext + 4),
      stageToken: text.writer(token, maxChars),
    }
  })
  type Lane = (typeof lanes)[number]

  return {
    seal(group, jsons, createdAt, issuedAt, nonces, tokens) {
      for (let n = 0; n < LANES; n++) {
        const { integers, times, plaintext, random, stageJson } = lanes[n] as Lane
        integers[LENGTH] = EMPTY
        if (n >= group.length) continue
        const index = group[n] as number
        const length = stageJson(jsons[index] as string)
        if (length > maxPlaintext) {
          bytes.fill(0, plaintext, plaintext + length)
          continue
        }
        nonces.take(bytes, random)
        times[0] = createdAt[index] as number
        integers[LENGTH] = length
      }
      kernel.seal4(issuedAt)
      for (let n = 0; n < group.length; n++) {
        const { integers, token } = lanes[n] as Lane
        const chars = integers[RESULT] as number
        if (chars > 0) tokens[group[n] as number] = text.ascii(token, token + chars)
      }
    },

    open(group, tokens, keys, now, timeout, absoluteTimeout, results) {
      for (let n = 0; n < LANES; n++) {
        const { integers, stageToken } = lanes[n] as Lane
        const token = tokens[group[n] ?? -1]
        const fits = token !== undefined && token.length <= maxChars
        // What is not ASCII is longer in UTF-8, and no token: refused for its length.
        integers[LENGTH] = fits && stageToken(token) === token.length ? token.length : EMPTY
      }
      kernel.open4(keys, now, timeout, absoluteTimeout)
      for (let n = 0; n < group.length; n++) {
        const { integers, record, plaintext } = lanes[n] as Lane
        const index = group[n] as number
        if ((tokens[index] as string).length > maxChars) continue
        results[index] = take(integers[RESULT] as number, record, plaintext, now)
      }
      kernel.wipe4()
    },
  }
}

/**
 * Calls `together` with the indices of LANES items at a time, and `alone` with each of those that are better off alone or of which
 * `together` has made nothing. Both put what they make into `results`.
 */
export function inLanes<Result>(
  count: number,
  isAlone: (index: number) => boolean,
  together: (group: Group, results: (Result | undefined)[]) => void,
  alone: (index: number) => Result,
): Result[] {
  const results = new Array<Result | undefined>(count).fill(undefined)
  let group: number[] = []
  for (let index = 0; index < count; index++) {
    if (!isAlone(index)) group.push(index)
    if (group.length < LANES && index < count - 1) continue
    if (group.length >= LEAST) together(group, results)
    group = []
  }
  for (let index = 0; index < count; index++) if (results[index] === undefined) results[index] = alone(index)
  return results as Result[]
}
