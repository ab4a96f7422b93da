/**
 * The kernel's ABI, beside the exported `memory`. A call reads what the caller staged in the regions and leaves its
 * result there; layout.ts tells what they hold.
 */

export { derive, stretch } from './kdf'
export { IPAD, KEYRING, MAX_KEYS, MESSAGE, RESULT, SLOT_BYTES, TOKEN } from './layout'
export { open, seal, wipePayload as wipe } from './seal'
