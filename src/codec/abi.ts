/** The kernel's ABI. */

/** The exports of assembly/index.ts; what each one does stands there. */
export interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly KEYRING: Pointer
  readonly MESSAGE: Pointer
  readonly TOKEN: Pointer
  readonly RESULT: Pointer
  readonly DIGEST: Pointer
  readonly IPAD: Pointer
  readonly LANES: Pointer
  readonly LANE_BYTES: Pointer
  readonly LANE_CHARS: Pointer
  readonly MAX_LANE_PAYLOAD_BYTES: Pointer
  derive(secretLength: number, infoLength: number, slot: number): void
  stretch(secretLength: number, iterations: number): void
  seal(length: number, createdAt: number, issuedAt: number): number
  open(length: number, keys: number, now: number, timeout: number, absoluteTimeout: number): number
  wipe(length: number): void
  sealBegin(length: number, createdAt: number, issuedAt: number): number
  sealEnd(length: number): number
  openBegin(length: number): number
  openEnd(message: number, key: number, now: number, timeout: number, absoluteTimeout: number): number
  inner(message: number): void
  seal4(issuedAt: number): void
  open4(keys: number, now: number, timeout: number, absoluteTimeout: number): void
  wipe4(): void
}

export interface Pointer {
  readonly value: number
}
