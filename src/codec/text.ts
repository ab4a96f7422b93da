/**
 * Strings into a fixed block of memory and out of it again. In most places the Encoding Standard's TextEncoder and TextDecoder do it; node's
 * Buffer reads faster (bench/README.md), and where there is nothing, plain code does.
 */

export interface Text {
  /** Makes a function that writes UTF-8 at `offset`, whole characters only and at most `limit` bytes, and returns the bytes written. */
  writer(offset: number, limit: number): (text: string) => number
  /** Reads ASCII. */
  ascii(start: number, end: number): string
  /** Reads UTF-8, or undefined when it is not valid. A byte order mark is kept. */
  utf8(start: number, end: number): string | undefined
}

/** Buffer's unchecked methods, which the public `toString` ends in: real, but missing from node's types. */
interface RawBuffer {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
}

interface BufferConstructor {
  from(memory: ArrayBuffer): RawBuffer
}

interface Runtime {
  Buffer?: BufferConstructor
  TextEncoder?: unknown
  TextDecoder?: unknown
}

export function createText(memory: ArrayBuffer): Text {
  const { Buffer, TextEncoder, TextDecoder } = globalThis as unknown as Runtime
  if (TextEncoder === undefined || TextDecoder === undefined) return plainText(memory)
  return Buffer !== undefined && typeof Buffer.from(memory).utf8Slice === 'function'
    ? bufferText(Buffer, memory)
    : standardText(memory)
}

/** encodeInto() in a view made once takes half the time of Buffer's utf8Write(). */
function encoderInto(memory: ArrayBuffer): Text['writer'] {
  const encoder = new TextEncoder()
  return (offset, limit) => {
    const target = new Uint8Array(memory, offset, limit)
    return (text) => encoder.encodeInto(text, target).written
  }
}

export function bufferText(Buffer: BufferConstructor, memory: ArrayBuffer): Text {
  const bytes = Buffer.from(memory)
  const plain = plainText(memory)
  return {
    writer: encoderInto(memory),
    ascii: (start, end) => bytes.latin1Slice(start, end),
    utf8(start, end) {
      const text = bytes.utf8Slice(start, end)
      // Invalid UTF-8 reads as U+FFFD, which may also be there in its own right. To write the text back and compare would leave a copy of
      // the plaintext in the pool that all of a process's Buffers share.
      return text.includes('\ufffd') ? plain.utf8(start, end) : text
    },
  }
}

export function standardText(memory: ArrayBuffer): Text {
  const bytes = new Uint8Array(memory)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return {
    writer: encoderInto(memory),
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

/** As standardText(), with nothing but the language: RFC 3629. A lone surrogate is written as U+FFFD. */
export function plainText(memory: ArrayBuffer): Text {
  const bytes = new Uint8Array(memory)

  function ascii(start: number, end: number): string {
    let text = ''
    // An engine's stack may not hold many more arguments.
    for (; start < end; start += 1_024)
      text += String.fromCharCode(...bytes.subarray(start, Math.min(start + 1_024, end)))
    return text
  }

  function write(text: string, offset: number, end: number): number {
    let at = offset
    for (const character of text) {
      let point = character.codePointAt(0) as number
      if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd
      const more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3
      if (at + more >= end) break
      bytes[at++] = more === 0 ? point : ((0xff00 >> (more + 1)) & 0xff) | (point >> (6 * more))
      for (let left = more - 1; left >= 0; left--) bytes[at++] = 0x80 | ((point >> (6 * left)) & 63)
    }
    return at - offset
  }

  function utf8(start: number, end: number): string | undefined {
    let text = ''
    for (let at = start; at < end; ) {
      const plain = at
      while (at < end && (bytes[at] as number) < 0x80) at++
      text += ascii(plain, at)
      if (at === end) break
      const first = bytes[at++] as number
      const more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0
      if (more === 0 || at + more > end) return undefined
      let point = first & (0x3f >> more)
      for (const last = at + more; at < last; at++) {
        const next = bytes[at] as number
        if (next >> 6 !== 2) return undefined
        point = (point << 6) | (next & 63)
      }
      // Longer than need be, a surrogate, or past the last character.
      if (point < (more === 1 ? 0x80 : more === 2 ? 0x800 : 0x10000) || point > 0x10ffff || point >> 11 === 0x1b) {
        return undefined
      }
      text += String.fromCodePoint(point)
    }
    return text
  }

  return { writer: (offset, limit) => (text) => write(text, offset, offset + limit), ascii, utf8 }
}
