/** What open() says of the token, and how far it came: docs/format.md, Open. */
import { decode } from './base64url.js'
import { refusal, STEPS } from './steps.js'

const $ = (id) => document.getElementById(id)

const items = STEPS.map((title) => {
  const item = document.createElement('li')
  const state = document.createElement('small')
  item.append(title, state)
  return item
})
$('steps').append(...items)
$('data').tabIndex = 0 // to be scrolled with the keyboard

/** @param {string} token @param {ReturnType<import('cookie-sessions/codec').Codec['open']>} opened */
export function showVerdict(token, opened) {
  const { step, why } = opened.ok
    ? { step: 9, why: 'Authentic, in time, and readable.' }
    : refusal(token, decode(token), opened.reason)
  say(
    opened.ok ? 'Opens.' : `Refused: ${opened.reason}.`,
    opened.ok ? why : `Step ${step}, ${STEPS[step - 1]}. ${why}`,
    !opened.ok,
  )
  for (const [i, item] of items.entries()) {
    const state = i + 1 < step ? 'passed' : i + 1 === step ? 'refused' : 'not reached'
    item.className = state.replace(' ', '-')
    item.lastChild.textContent = state
  }
  $('data').textContent = opened.ok ? JSON.stringify(opened.data, null, 2) : 'nothing'
}

/** What there is to say where the fields make no codec. */
export function showNoReader() {
  say('Nobody reads.', 'The fields above make no codec.', true)
  for (const item of items) {
    item.className = 'not-reached'
    item.lastChild.textContent = 'not reached'
  }
  $('data').textContent = 'nothing'
}

/** Said anew only when it is new: a screen reader would repeat it every second. */
function say(what, more, isBad) {
  if ($('verdict').textContent === `${what} ${more}`) return
  $('verdict').classList.toggle('bad', isBad)
  const strong = document.createElement('strong')
  strong.textContent = what
  const text = document.createElement('span')
  text.append(strong, ` ${more}`)
  $('verdict').replaceChildren(text)
}
