/** The page: its fields make a codec, the codec a token, and what the token is shows everywhere else. Nothing here is kept or sent. */
import { createCodec, generateSecret } from 'cookie-sessions/codec'
import { createAnatomy } from './anatomy.js'
import { backends, hasWasm } from './backends.js'
import { aheadAt, describeClock, duration, HOME } from './clock.js'
import { readPasted } from './pasted.js'
import { showNoReader, showVerdict } from './verdict.js'
import './bench.js'

const COOKIE_BYTES = 4_096
/** A shorter secret is stretched, which takes a moment. */
const STRONG_BYTES = 32
const encoder = new TextEncoder()
const $ = (id) => document.getElementById(id)
const number = (value) => value.toLocaleString('en')

/** @type {import('cookie-sessions/codec').Codec | undefined} Made of the fields; undefined while they are wrong. */
let codec
/** The reader's clock minus the writer's, ms. */
let ahead = 0
/** As it was sealed or pasted, and as it is now. */
let original = ''
let token = ''
/** @type {Uint8Array | undefined} */
let plaintext

const anatomy = createAnatomy((tampered) => {
  token = tampered
  show()
})

// Fields -> codec

function makeCodec() {
  const backend = backends[$('seal').elements.namedItem('backend').value]
  const options = { name: $('name').value, timeout: Number($('timeout').value), backend, now: () => Date.now() + ahead }
  codec = undefined
  try {
    codec = createCodec({ secret: $('secret').value, ...options })
    complain('')
  } catch (error) {
    complain(error.message)
  }
  $('backend').textContent = codec?.backend ?? 'none'
  seal()
}

let delay
function makeCodecSoon() {
  const length = encoder.encode($('secret').value).length
  $('secret-note').textContent =
    length >= STRONG_BYTES
      ? `${number(length)} bytes`
      : `${number(length)} bytes are few: stretched first, and still weak`
  const timeout = Number($('timeout').value)
  $('timeout-note').textContent = timeout > 0 ? duration(timeout) : ''
  clearTimeout(delay)
  if (length >= STRONG_BYTES) makeCodec()
  else delay = setTimeout(makeCodec, 400)
}

function complain(message) {
  $('complaint').hidden = message === ''
  $('complaint').textContent = message.replace('cookie-sessions: ', '')
}

// Codec -> token

function seal() {
  if (codec === undefined) return show()
  const pasted = $('pasted').value.trim()
  if (pasted === '') sealJson()
  else [original, plaintext] = [readPasted(pasted, $('name').value).token, undefined]
  token = original
  show()
}

function sealJson() {
  let data
  try {
    data = JSON.parse($('json').value)
  } catch (error) {
    return note(`Not JSON: ${error.message}. The token is that of the last JSON that was.`)
  }
  const reading = ahead
  ahead = 0 // the writer's clock is right
  try {
    original = codec.seal(data)
    plaintext = encoder.encode(JSON.stringify(data))
    note('')
  } catch (error) {
    note(error.message.replace('cookie-sessions: ', ''))
  } finally {
    ahead = reading
  }
}

function note(problem) {
  $('json-note').classList.toggle('bad', problem !== '')
  $('json-note').textContent = problem || `${number(plaintext.length)} bytes of JSON`
}

// Token -> what shows

function show() {
  anatomy.draw({ token, original, plaintext })
  $('reset').disabled = token === original
  showSize()
  open()
}

function showSize() {
  const own = { name: encoder.encode($('name').value).length + 1, header: 43, tag: 43 }
  const size = own.name + token.length
  const lengths = { ...own, cipher: Math.max(0, token.length - own.header - own.tag) }
  for (const part of $('meter').children)
    part.style.width = `${(lengths[part.className] / Math.max(COOKIE_BYTES, size)) * 100}%`
  const over = size - COOKIE_BYTES
  $('size').classList.toggle('bad', over > 0)
  $('size').textContent =
    `${number(size)} of ${number(COOKIE_BYTES)} bytes${over > 0 ? `: ${number(over)} too many for a cookie` : ''}`
}

/** Once a second as well: tokens age. */
function open() {
  if (codec === undefined) return showNoReader()
  const opened = codec.open(token)
  showVerdict(token, opened)
  $('age').textContent = opened.ok
    ? `To the reader, the token is ${duration(Math.max(0, Date.now() + ahead - opened.issuedAt))} old.`
    : ''
}
setInterval(open, 1_000)

function setClock() {
  ahead = aheadAt(Number($('clock').value), Number($('timeout').value))
  $('clock-note').textContent = describeClock(ahead)
  $('clock').setAttribute('aria-valuetext', describeClock(ahead))
  $('in-step').disabled = ahead === 0
}

// What the page does when something is done to it

for (const id of ['secret', 'name']) $(id).addEventListener('input', makeCodecSoon)
$('timeout').addEventListener('input', () => {
  setClock()
  makeCodecSoon()
})
for (const radio of document.querySelectorAll('[name=backend]')) radio.addEventListener('change', makeCodecSoon)
$('generate').addEventListener('click', () => {
  $('secret').value = generateSecret()
  makeCodecSoon()
})
for (const id of ['json', 'again']) {
  $(id).addEventListener(id === 'json' ? 'input' : 'click', () => {
    $('pasted').value = ''
    seal()
  })
}
$('pasted').addEventListener('input', () => {
  const { name = $('name').value } = readPasted($('pasted').value, $('name').value)
  if (name === $('name').value) return seal()
  $('name').value = name // it is bound into the keys
  makeCodecSoon()
})
$('reset').addEventListener('click', () => {
  token = original
  show()
})
$('clock').addEventListener('input', () => {
  setClock()
  open()
})
$('in-step').addEventListener('click', () => {
  $('clock').value = String(HOME)
  setClock()
  open()
})
$('seal').addEventListener('submit', (event) => event.preventDefault())

$('no-wasm').hidden = hasWasm
$('secret').value = generateSecret()
setClock()
makeCodecSoon()
