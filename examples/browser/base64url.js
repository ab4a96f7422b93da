/**
 * base64url (RFC 4648 section 5), one character and one bit at a time: which characters carry which byte, and what changes when one of
 * them does. The package itself decodes strictly; this takes apart what it refuses, too.
 */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The 6 bits of a character, or -1. @param {string} character */
export const sextetOf = (character) => ALPHABET.indexOf(character)

/** The bytes, spare bits dropped; undefined where characters stand that are none of the alphabet. @param {string} text */
export function decode(text) {
  const bytes = new Uint8Array(Math.floor((text.length * 6) / 8))
  let bits = 0
  let held = 0
  let at = 0
  for (const character of text) {
    const value = sextetOf(character)
    if (value < 0) return undefined
    bits = ((bits << 6) | value) & 0xfff
    held += 6
    if (held >= 8) {
      held -= 8
      bytes[at++] = bits >> held
    }
  }
  return bytes
}

/** How many bits of the last character belong to no byte. They have to be zero. @param {number} characters */
export const spareBits = (characters) => (characters * 6) % 8

/** The first and the last character that carry bits of a byte. @param {number} byte */
export const charactersOf = (byte) => [Math.floor((byte * 8) / 6), Math.floor((byte * 8 + 7) / 6)]

/** The first and the last byte that a character carries bits of. @param {number} character */
export const bytesOf = (character) => [Math.floor((character * 6) / 8), Math.floor((character * 6 + 5) / 8)]

/** The text with one bit of a byte turned over. @param {string} text @param {number} byte @param {number} bit 0 is the lowest */
export function flipBit(text, byte, bit) {
  const at = byte * 8 + 7 - bit
  return replace(text, Math.floor(at / 6), 0x20 >> (at % 6))
}

/** The text with the lowest bit of a character turned over; a character that is none of the alphabet becomes one. @param {string} text @param {number} character */
export const flipCharacter = (text, character) => replace(text, character, 1)

/** @param {string} text @param {number} at @param {number} mask */
function replace(text, at, mask) {
  return text.slice(0, at) + ALPHABET[Math.max(0, sextetOf(text[at])) ^ mask] + text.slice(at + 1)
}
