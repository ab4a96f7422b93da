/** Time against size, a line for each contender, both axes logarithmic. Colours and fonts are style.css's. */

/** @import { Line } from './measure.js' */

const HEIGHT = 320
const MARGIN = { top: 12, right: 104, bottom: 44, left: 48 }
/** Between two labels' baselines. */
const LABEL_HEIGHT = 18
/** From the middle of one size's label to the next one's. */
const TICK_WIDTH = 44
const MARKS = { wasm: 'square', js: 'circle', WebCrypto: 'triangle' }

/**
 * @param {Element} figure Its width is the chart's.
 * @param {readonly number[]} sizes
 * @param {Line[]} lines
 */
export function drawChart(figure, sizes, lines) {
  const width = Math.max(280, figure.clientWidth)
  const times = lines.flatMap((line) => line.times)
  const [low, high] = [step(Math.min(...times), Math.floor), step(Math.max(...times), Math.ceil)]
  const x = scale(sizes[0], sizes.at(-1), MARGIN.left, width - MARGIN.right)
  const y = scale(low, high, HEIGHT - MARGIN.bottom, MARGIN.top)

  const chart = svg('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: 'img' })
  chart.setAttribute('aria-label', `Microseconds to seal and open, by bytes of JSON. ${lines.map(describe).join(' ')}`)
  for (const time of ticks(low, high)) {
    chart.append(
      svg('line', { class: 'rule', x1: MARGIN.left, x2: width - MARGIN.right, y1: y(time), y2: y(time) }),
      svg(
        'text',
        { class: 'tick', x: MARGIN.left - 8, y: y(time) + 4, 'text-anchor': 'end' },
        time.toLocaleString('en'),
      ),
    )
  }
  let taken = width
  for (const size of sizes.toReversed()) {
    if (taken - x(size) < TICK_WIDTH) continue // it would touch the next one
    taken = x(size)
    const at = { x: taken, y: HEIGHT - MARGIN.bottom + 20, 'text-anchor': 'middle' }
    chart.append(svg('text', { class: 'tick', ...at }, size.toLocaleString('en')))
  }
  const middle = { x: (MARGIN.left + width - MARGIN.right) / 2, y: HEIGHT - 4, 'text-anchor': 'middle' }
  chart.append(svg('text', { class: 'tick', ...middle }, 'bytes of JSON (µs upwards, both logarithmic)'))

  const labels = apart(lines.map((line) => y(line.times.at(-1))))
  for (const [i, line] of lines.entries()) {
    const points = sizes.map((size, at) => [x(size), y(line.times[at])])
    const group = svg('g', { class: `series ${line.name}` })
    group.append(svg('polyline', { points: points.map((point) => point.join()).join(' ') }))
    for (const [px, py] of points) group.append(mark(MARKS[line.name], px, py))
    group.append(svg('text', { class: 'label', x: width - MARGIN.right + 12, y: labels[i] + 5 }, line.name))
    chart.append(group)
  }
  figure.replaceChildren(chart)
}

/** @param {Line} line */
const describe = ({ name, times }) => `${name}: from ${times[0].toPrecision(3)} to ${times.at(-1).toPrecision(3)}.`

/** A logarithmic scale. */
function scale(from, to, start, end) {
  const factor = (end - start) / Math.log(to / from)
  return (value) => start + Math.log(value / from) * factor
}

/** The next of 1, 2, 5, 10 ... below or above. @param {number} value @param {typeof Math.floor} round */
function step(value, round) {
  const decade = 10 ** Math.floor(Math.log10(value))
  const steps = [1, 2, 5, 10].map((digit) => digit * decade)
  return round === Math.floor ? steps.findLast((at) => at <= value) : steps.find((at) => at >= value)
}

/** Every 1, 2 and 5 between two of them. */
function ticks(low, high) {
  const all = []
  for (let decade = 10 ** Math.floor(Math.log10(low)); decade <= high; decade *= 10) {
    all.push(...[1, 2, 5].map((digit) => digit * decade).filter((time) => time >= low * 0.99 && time <= high * 1.01))
  }
  return all
}

/** Heights, from the lowest on the page upwards, moved so far apart that labels do not touch. @param {number[]} heights */
function apart(heights) {
  const order = heights.map((_, i) => i).sort((a, b) => heights[b] - heights[a])
  const placed = [...heights]
  for (let i = 1; i < order.length; i++) {
    placed[order[i]] = Math.min(placed[order[i]], placed[order[i - 1]] - LABEL_HEIGHT)
  }
  return placed
}

function mark(shape, x, y) {
  if (shape === 'square') return svg('rect', { x: x - 4, y: y - 4, width: 8, height: 8 })
  if (shape === 'circle') return svg('circle', { cx: x, cy: y, r: 4.5 })
  return svg('polygon', { points: `${x},${y - 5.5} ${x + 5.5},${y + 4.5} ${x - 5.5},${y + 4.5}` })
}

function svg(name, attributes, text) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  if (text !== undefined) element.textContent = text
  return element
}
