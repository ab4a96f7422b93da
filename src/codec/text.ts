/**
 * Strings into a fixed block of memory and out of it again. node's Buffer does it fastest (bench/README.md); elsewhere the Encoding
 * Standard's TextEncoder and TextDecoder do.
 */

export interface Text {
  /** Writes UTF-8 at `offset`, whole characters only and at most `limit` bytes; returns the bytes written. */
  write(text: string, offset: number, limit: number): number
  /** Reads ASCII. */
  ascii(start: number, end: number): string
  /** Reads UTF-8, or undefined when it is not valid. A byte order mark is kept. */
  utf8(start: number, end: number): string | undefined
}

/** Buffer's unchecked methods, which the public `write` and `toString` end in: real, but missing from node's types. */
interface RawBuffer {
  utf8Write(text: string, offset: number, length: number): number
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
  subarray(start: number, end: number): RawBuffer
  equals(other: RawBuffer): boolean
}

interface BufferConstructor {
  from(memory: ArrayBuffer): RawBuffer
  from(text: string): RawBuffer
}

interface Runtime {
  Buffer?: BufferConstructor
}

export function createText(memory: ArrayBuffer): Text {
  const { Buffer } = globalThis as unknown as Runtime
  return Buffer !== undefined && typeof Buffer.from(memory).utf8Write === 'function'
    ? bufferText(Buffer, memory)
    : standardText(memory)
}

export function bufferText(Buffer: BufferConstructor, memory: ArrayBuffer): Text {
  const bytes = Buffer.from(memory)
  return {
    write: (text, offset, limit) => bytes.utf8Write(text, offset, limit),
    ascii: (start, end) => bytes.latin1Slice(start, end),
    utf8(start, end) {
      const text = bytes.utf8Slice(start, end)
      // Invalid UTF-8 reads as U+FFFD, which may also stand there in its own right: only then is it worth writing back.
      const valid = !text.includes('\ufffd') || Buffer.from(text).equals(bytes.subarray(start, end))
      return valid ? text : undefined
    },
  }
}

export function standardText(memory: ArrayBuffer): Text {
  const bytes = new Uint8Array(memory)
  const encoder = new TextEncoder()
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return {
    write: (text, offset, limit) => encoder.encodeInto(text, bytes.subarray(offset, offset + limit)).written,
    ascii: (start, end) => decoder.decode(bytes.subarray(start, end)),
    utf8(start, end) {
      try {
        return decoder.decode(bytes.subarray(start, end))
      } catch {
        return undefined
      }
    },
  }
}
