/** The benchmark's panel: a button, what is done so far, the chart and the table. `?rounds=` and `?sample=` (ms) make it shorter or longer. */
import { drawChart } from './chart.js'
import { measure, SIZES } from './measure.js'

const $ = (id) => document.getElementById(id)
const parameters = new URLSearchParams(location.search)
const rounds = Number(parameters.get('rounds') ?? 20)
const sample = Number(parameters.get('sample') ?? 15)

/** @type {AbortController | undefined} */
let running
/** @type {import('./measure.js').Line[]} */
let lines = []

$('run').addEventListener('click', () => (running ? running.abort() : run()))

async function run() {
  running = new AbortController()
  $('run').textContent = 'Cancel'
  $('progress').hidden = false
  $('progress').value = 0
  $('bench-note').textContent = 'Warming up …'
  await measure({ rounds, sample, onRound: show, signal: running.signal })
  $('bench-note').textContent = running.signal.aborted
    ? 'Cancelled.'
    : 'Done. What else the machine was doing shows, so run it again.'
  $('progress').hidden = true
  $('run').textContent = 'Run again'
  running = undefined
}

function show(done, medians) {
  lines = medians
  $('progress').value = done
  $('bench-note').textContent = 'Measuring …'
  $('results').hidden = false
  drawChart($('chart'), SIZES, lines)
  drawTable()
}

/** Microseconds, and how many times the first one's they are. */
function drawTable() {
  const [first] = lines
  const head = row('th', ['bytes', ...lines.map(({ name }) => name)])
  const rows = SIZES.map((size, i) => {
    const figures = lines.map(({ times }) => [
      times[i].toPrecision(3),
      `${(times[i] / first.times[i]).toPrecision(2)}x`,
    ])
    const tr = row('td', [size.toLocaleString('en'), ...figures.map(([time]) => time)])
    for (const [at, [, ratio]] of figures.entries()) if (at > 0) tr.cells[at + 1].append(soft(ratio))
    return tr
  })
  $('figures').replaceChildren(head, ...rows)
}

function row(element, contents) {
  const tr = document.createElement('tr')
  for (const content of contents) {
    const cell = document.createElement(element)
    cell.textContent = content
    tr.append(cell)
  }
  return tr
}

function soft(text) {
  const element = document.createElement('span')
  element.className = 'soft ratio'
  element.textContent = text
  return element
}

new ResizeObserver(() => lines.length > 0 && drawChart($('chart'), SIZES, lines)).observe($('chart'))
