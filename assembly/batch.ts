/**
 * seal() and open() for four tokens at once: the same bytes, the same statuses, lane by lane. Only the tags are
 * computed side by side; whatever stands in a lane, the others come out as if they were alone.
 */
import { copy32, equal, wipe } from './bytes'
import { enter4, hmac4 } from './hmac4'
import {
  GIVEN,
  HEADER_BYTES,
  KEYRING,
  LANE_BYTES,
  LANE_CHARS,
  LANE_LENGTH,
  LANE_RECORD_BYTES,
  LANE_RESULT,
  LANE_SCRATCH,
  LANE_SCRATCH_BYTES,
  LANES,
  MAX_KEYS,
  MAX_LANE_PAYLOAD_BYTES,
  MAX_LANE_TOKEN_CHARS,
  MESSAGE,
  RESULT_CREATED_AT,
  RESULT_KEY,
  SCRATCH,
  SCRATCH_BYTES,
  SLOT_BYTES,
  SLOT_MIDSTATES,
  TAG_BYTES,
  TAGS,
  TOKEN,
} from './layout'
import { addTag, authenticate, BAD_TAG, decrypt, encrypt, findKey, parse, UNKNOWN_KEY } from './seal'

function recordOf(lane: i32): usize {
  return LANES + lane * LANE_RECORD_BYTES
}

function messageOf(lane: i32): usize {
  return MESSAGE + lane * LANE_BYTES
}

function textOf(lane: i32): usize {
  return TOKEN + lane * LANE_CHARS
}

function midstatesOf(key: i32): usize {
  return KEYRING + SLOT_MIDSTATES + key * SLOT_BYTES
}

function wipeScratch(): void {
  wipe(SCRATCH, SCRATCH_BYTES)
  wipe(LANE_SCRATCH, LANE_SCRATCH_BYTES)
}

/**
 * Seals in each lane what stands there as for seal(), with the record's length (0..3936) and created-at. The record's
 * result is what seal() returns: a lane that is not used has the length -1 and the result 0.
 */
export function seal4(issuedAt: f64): void {
  for (let lane = 0; lane < 4; lane++) {
    const record = recordOf(lane)
    const createdAt = load<f64>(record, RESULT_CREATED_AT)
    const length = load<i32>(record, LANE_LENGTH)
    const message = encrypt(messageOf(lane), length, MAX_LANE_PAYLOAD_BYTES, createdAt, issuedAt)
    store<i32>(record, message, LANE_RESULT)
    if (message > 0) enter4(lane, midstatesOf(0), message)
  }
  hmac4()
  for (let lane = 0; lane < 4; lane++) {
    const record = recordOf(lane)
    const message = load<i32>(record, LANE_RESULT)
    if (message === 0) continue
    store<i32>(record, addTag(messageOf(lane), message, TAGS + lane * TAG_BYTES, textOf(lane)), LANE_RESULT)
  }
  wipeScratch()
}

/**
 * Opens in each lane the text of the record's length (86..5334), as open() does. The record's result is what open()
 * returns, its other numbers are those of RESULT: a lane that is not used has the length -1 and is refused. The caller
 * copies the payloads out and calls wipe4().
 */
export function open4(keys: i32, now: f64, timeout: f64, absoluteTimeout: f64): void {
  keys = min<i32>(keys, MAX_KEYS)
  for (let lane = 0; lane < 4; lane++) {
    const record = recordOf(lane)
    const ptr = messageOf(lane)
    let message = parse(textOf(lane), load<i32>(record, LANE_LENGTH), MAX_LANE_TOKEN_CHARS, ptr)
    if (message >= 0) {
      const key = findKey(ptr, 0, keys)
      if (key < keys) {
        store<i32>(record, key, RESULT_KEY)
        copy32(GIVEN + lane * TAG_BYTES, ptr + message)
        enter4(lane, midstatesOf(key), message)
      } else {
        message = UNKNOWN_KEY
      }
    }
    store<i32>(record, message, LANE_RESULT)
  }
  hmac4()
  for (let lane = 0; lane < 4; lane++) {
    const record = recordOf(lane)
    const message = load<i32>(record, LANE_RESULT)
    if (message < 0) continue
    const ptr = messageOf(lane)
    const given = GIVEN + lane * TAG_BYTES
    let key = load<i32>(record, RESULT_KEY)
    // Another key with the same id is tried by itself: there is hardly ever one.
    if (!equal(TAGS + lane * TAG_BYTES, given)) key = authenticate(ptr, message, given, key + 1, keys)
    const result = key < 0 ? BAD_TAG : decrypt(ptr, message, key, record, now, timeout, absoluteTimeout)
    store<i32>(record, result, LANE_RESULT)
  }
  wipeScratch()
}

/** Zeroes the payloads that open4() has left. */
export function wipe4(): void {
  for (let lane = 0; lane < 4; lane++) {
    const length = load<i32>(recordOf(lane), LANE_RESULT)
    wipe(messageOf(lane) + HEADER_BYTES, max<i32>(0, min<i32>(length, MAX_LANE_PAYLOAD_BYTES)))
  }
}
