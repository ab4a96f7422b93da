/**
 * The kernel's ABI, beside the exported `memory`. A call reads what the caller staged in the regions and leaves its
 * result there; layout.ts tells what they hold.
 */

export { open4, seal4, wipe4 } from './batch'
export { derive, stretch } from './kdf'
export {
  DIGEST,
  IPAD,
  KEYRING,
  LANE_BYTES,
  LANE_CHARS,
  LANES,
  MAX_KEYS,
  MAX_LANE_PAYLOAD_BYTES,
  MESSAGE,
  RESULT,
  SLOT_BYTES,
  TOKEN,
} from './layout'
export { inner, open, openBegin, openEnd, seal, sealBegin, sealEnd, wipePayload as wipe } from './seal'
