/**
 * The kernel's ABI, beside the exported `memory`. A call reads what the caller staged in the regions and leaves its
 * result there; layout.ts tells what they hold.
 */

export { derive, stretch } from './kdf'
export { DIGEST, IPAD, KEYRING, MAX_KEYS, MESSAGE, RESULT, SLOT_BYTES, TOKEN } from './layout'
export { innerBlock, open, openBegin, openEnd, seal, sealBegin, sealEnd, wipePayload as wipe } from './seal'
