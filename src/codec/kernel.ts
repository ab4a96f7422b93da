/** The exports of assembly/index.ts, where they are described. */
export interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly KEYRING: Pointer
  readonly MESSAGE: Pointer
  readonly TOKEN: Pointer
  readonly RESULT: Pointer
  readonly DIGEST: Pointer
  readonly IPAD: Pointer
  readonly SLOT_BYTES: Pointer
  readonly MAX_KEYS: Pointer
  derive(secretLength: number, infoLength: number, slot: number): void
  stretch(secretLength: number, iterations: number): void
  seal(length: number, createdAt: number, issuedAt: number): number
  open(length: number, keys: number, now: number, timeout: number, absoluteTimeout: number): number
  wipe(length: number): void
  sealBegin(length: number, createdAt: number, issuedAt: number): number
  sealEnd(length: number): number
  openBegin(length: number): number
  openEnd(message: number, key: number, now: number, timeout: number, absoluteTimeout: number): number
  innerBlock(keys: number): number
}

export interface Pointer {
  readonly value: number
}
