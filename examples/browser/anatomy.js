/** The token taken apart: its bytes, its characters, its fields, and the byte or character that is being looked at. */
import { bytesOf, charactersOf, decode, flipBit, flipCharacter, sextetOf, spareBits } from './base64url.js'
import { createCells } from './cells.js'
import { fieldsOf, hex } from './fields.js'

const $ = (id) => document.getElementById(id)
const number = (value) => value.toLocaleString('en')

/** @param {(token: string) => void} onTamper Is told the token that a click has made. */
export function createAnatomy(onTamper) {
  /** @type {Shown} */
  let shown = { token: '', original: '', plaintext: undefined }
  let bytes = new Uint8Array(0)
  let fields = fieldsOf(bytes)
  /** What is looked at while the mouse is on nothing: where the focus was last. */
  let home = { isByte: true, at: 0 }

  const grid = createCells($('bytes'), {
    flip: (at) => onTamper(flipBit(shown.token, at, 0)),
    point: (at) => point(true, at),
  })
  const text = createCells($('characters'), {
    flip: (at) => onTamper(flipCharacter(shown.token, at)),
    point: (at) => point(false, at),
  })
  $('bytes').addEventListener('focusin', () => settle(true, grid.current))
  $('characters').addEventListener('focusin', () => settle(false, text.current))

  const bits = Array.from({ length: 8 }, (_, i) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.addEventListener('click', () => onTamper(flipBit(shown.token, home.at, 7 - i)))
    return button
  })
  $('bits').append(...bits)

  $('fields').addEventListener('pointerover', ({ target }) => {
    const field = fields.find(({ id }) => id === target.closest('tr')?.dataset.field)
    if (field !== undefined) lookAtField(field)
  })
  $('fields').addEventListener('pointerleave', () => look(home))

  /**
   * @param {Shown} next
   * @typedef {object} Shown
   * @property {string} token
   * @property {string} original As it was before anybody tampered with it.
   * @property {Uint8Array | undefined} plaintext What its ciphertext hides, where that is known.
   */
  function draw(next) {
    shown = next
    const { token, original } = next
    const decoded = decode(token)
    bytes = decoded ?? new Uint8Array(0)
    fields = fieldsOf(bytes)
    const before = decode(original) ?? bytes
    $('no-fields').hidden = fields.length > 0
    grid.draw(fields.length === 0 ? [] : Array.from(bytes, (byte, at) => byteCell(byte, at, byte !== before[at])))
    text.draw(token.split('').map((character, at) => characterCell(character, at, character !== original[at])))
    drawFields(before)
    if (home.isByte && fields.length === 0) home = { isByte: false, at: 0 }
    if (!home.isByte && fields.length > 0 && home.at >= token.length) home = { isByte: true, at: 0 }
    look(home)
  }

  const fieldAt = (byte) => fields.find(({ offset, size }) => byte >= offset && byte < offset + size)

  function byteCell(byte, at, isChanged) {
    const { id, name, offset } = fieldAt(at)
    const kind = at === offset && id === 'tag' ? `${id} first` : id
    const value = hex([byte])
    return { text: value, kind, isChanged, label: `byte ${at}, ${name}, ${value}${isChanged ? ', changed' : ''}` }
  }

  function characterCell(character, at, isChanged) {
    const label = `character ${at}, ${character}${isChanged ? ', changed' : ''}`
    const [first, last] = bytesOf(at).map(fieldAt)
    const next = last !== undefined && last !== first ? last.id : undefined
    return { text: character, kind: first?.id ?? 'none', next, isChanged, label }
  }

  function drawFields(before) {
    $('fields').replaceChildren(
      ...fields.map(({ id, name, offset, size, value }) => {
        const row = document.createElement('tr')
        row.dataset.field = id
        row.className = id
        const isChanged = bytes.subarray(offset, offset + size).some((byte, i) => byte !== before[offset + i])
        row.classList.toggle('changed', isChanged)
        const cells = [name, number(offset), number(size), value].map((content) => {
          const cell = document.createElement('td')
          cell.textContent = content
          return cell
        })
        row.append(...cells)
        return row
      }),
    )
  }

  function point(isByte, at) {
    look(at === undefined ? home : { isByte, at })
  }

  function settle(isByte, at) {
    home = { isByte, at }
    look(home)
  }

  function look({ isByte, at }) {
    if (isByte) lookAtByte(at)
    else lookAtCharacter(at)
  }

  function lookAtByte(at) {
    const field = fieldAt(at)
    if (field === undefined) return
    mark(at, at)
    const byte = bytes[at]
    say(
      field,
      `byte ${number(at)}`,
      `0x${hex([byte])} = ${byte}`,
      `${field.name}${place(field, at)}: ${field.about}${hidden(field, at)}`,
    )
    for (const [i, bit] of bits.entries()) {
      bit.textContent = String((byte >> (7 - i)) & 1)
      bit.setAttribute('aria-label', `bit ${7 - i} of byte ${at}: ${bit.textContent}`)
    }
    $('bits').hidden = false
  }

  function lookAtField(field) {
    const { name, about, offset, size } = field
    const last = offset + size - 1
    mark(offset, last)
    $('bits').hidden = true
    const places = size > 1 ? `bytes ${number(offset)} to ${number(last)}` : size === 1 ? `byte ${offset}` : 'no bytes'
    say(field, name, places, about)
  }

  function lookAtCharacter(at) {
    const character = shown.token[at]
    if (character === undefined) return
    const value = sextetOf(character)
    const [first, last] = bytesOf(at)
    mark(first, Math.min(last, bytes.length - 1), at)
    $('bits').hidden = true
    const own = value < 0 ? 'not of the alphabet' : `6 bits: ${value.toString(2).padStart(6, '0')}`
    const spare = at === shown.token.length - 1 ? spareBits(shown.token.length) : 0
    const carries =
      first === last || last >= bytes.length ? `byte ${number(first)}` : `bytes ${number(first)} and ${number(last)}`
    const rest = spare === 0 ? '' : `; its last ${spare} bits belong to none and have to be zero`
    say(fieldAt(first), `character ${number(at)}`, own, `${character} carries bits of ${carries}${rest}`)
  }

  function place({ offset, size }, at) {
    return size === 1 ? '' : `, ${number(at - offset + 1)} of ${number(size)}`
  }

  /** One byte of UTF-8 need not be a character. */
  function hidden({ id, offset }, at) {
    const byte = id === 'ciphertext' ? shown.plaintext?.[at - offset] : undefined
    if (byte === undefined) return ''
    return `; hides 0x${hex([byte])}${byte > 0x20 && byte < 0x7f ? `, ${String.fromCharCode(byte)}` : ''}`
  }

  function say(field, what, value, about) {
    $('inspector').className = field?.id ?? 'none'
    $('what').textContent = what
    $('value').textContent = value
    $('about').textContent = about
  }

  /** Bytes, their characters, or of these only the given one, and the fields' rows. */
  function mark(from, to, character) {
    grid.mark(from, to)
    if (character === undefined) text.mark(charactersOf(from)[0], charactersOf(to)[1])
    else text.mark(character, character)
    for (const [i, { offset, size }] of fields.entries()) {
      $('fields').children[i].classList.toggle('lit', from < offset + size && to >= offset)
    }
  }

  return { draw }
}
