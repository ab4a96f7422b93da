/**
 * The charts: a Vega-Lite specification each. Their ground is transparent and they must be legible on white and on black, so every colour
 * is of middle brightness (3:1 or more on either). Colour-blind readers can distinguish the colours; marks and labels differ as well.
 */
import { groupsOf, namesOf, sizesOf, times } from './print.js'

/** 4.3:1 on white, 4.4:1 on GitHub's dark. */
const INK = '#737b85'
const GREY = '#8a929c'
/** Vermilion, blue, green, purple: Okabe and Ito's, each at middle brightness. A backend has the same one everywhere. */
const LOOKS = {
  auto: ['#d55e00', 'circle'],
  wasm: ['#2a86d1', 'square'],
  node: ['#0b9a70', 'triangle-up'],
}
const OTHER = ['#b8659b', 'diamond']

/** The rows of this package have a backend's name. */
const isOurs = (name) => Object.hasOwn(LOOKS, name)
const packageOf = (name) => (isOurs(name) ? `cookie-sessions (${name})` : name)

/** The notes of peers in a chart's words: only what is missing there. */
const MISSING = [
  [/does not encrypt/, 'does not encrypt'],
  [/no nonce/, 'no nonce'],
  [/enforces no expiry/, 'no expiry on the server'],
  [/; expiry: idle(?!,)/, 'no absolute timeout'],
  [/; expiry: absolute/, 'no idle timeout'],
  [/not bound to the cookie’s name/, 'not bound to the cookie’s name'],
  [/; async/, 'not synchronous'],
]
export const missing = (note = '') =>
  MISSING.flatMap(([pattern, words]) => (pattern.test(note) ? [words] : [])).join(', ')

const CONFIG = {
  background: null,
  font: 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif',
  view: { stroke: null },
  axis: {
    ...{ domainColor: INK, gridColor: INK, labelColor: INK, tickColor: INK, titleColor: INK },
    ...{ gridOpacity: 0.25, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', titlePadding: 10 },
  },
  header: { labelColor: INK, labelFontSize: 13, labelFontWeight: 'bold', title: null },
  title: {
    ...{ anchor: 'start', color: INK, fontSize: 15, offset: 14 },
    ...{ subtitleColor: INK, subtitleFontSize: 11, subtitlePadding: 5 },
  },
}
const BARE_AXIS = { domain: false, ticks: false }
const WIDTH = 560
const PANEL_WIDTH = 250
/** Pixels that "2,048" takes at the axis' font size, with room beside it. */
const LABEL_WIDTH = 38
const CODEC_GROUPS = new Set(['seal', 'open', 'seal + open', 'refuse (forged)'])
/** The http suite's groups, in words. */
const KINDS = { rw: 'changed by every request', r: 'read by every request', untouched: 'never touched' }

/** The charts that a run makes, by file name. */
export function charts(run) {
  const specs = {
    core: () => ({ core: lines(run, 'Seal and open a session, by its size'), kernels: panels(run) }),
    native: () => ({ native: lines(run, 'Seal and open a session, against C and OpenSSL') }),
    peers: () => ({ peers: bars(run) }),
    http: () => ({ http: rates(run) }),
  }[run.suite]?.()
  return Object.fromEntries(Object.entries(specs ?? {}).filter(([, spec]) => spec !== undefined))
}

export const caption = ({ machine: { node, cpu, shaNi }, date, commit }) => {
  const sha = shaNi === null ? '' : shaNi ? ' (SHA instructions)' : ' (no SHA instructions)'
  return [`Node ${node}`, `${cpu}${sha}`, date.slice(0, 10), ...(commit === null ? [] : [`commit ${commit}`])].join(
    ', ',
  )
}

/** `given`: what the axis shows, and what else has to be known. */
function frame(title, run, ...given) {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: `${title}, ${given.join('; ')}. ${caption(run)}`,
    title: { text: title, subtitle: [...given, caption(run)] },
    config: CONFIG,
    padding: 8,
  }
}

const field = (name, type, more) => ({ field: name, type, ...more })
const textMark = (name, mark, encoding) => ({
  mark: { type: 'text', align: 'left', ...mark },
  encoding: { text: { field: name }, ...encoding },
})
const mainRows = ({ rows }) => {
  const groups = groupsOf(rows)
  return rows.filter(({ group }) => group === (groups.includes('seal + open') ? 'seal + open' : groups[0]))
}
const inMicros = (row) => ({ ...row, us: row.median / 1000 })

/** Time by size: a line a name, with its name at its end. */
function lines(run, title) {
  const rows = mainRows(run)
  if (sizesOf(rows).length < 2) return undefined
  return { ...frame(title, run, 'microseconds; less is better'), ...lineChart(rows, 'bytes of JSON', WIDTH, 300) }
}

/** A small chart a kernel, each on its own scales. */
function panels(run) {
  const kernels = groupsOf(run.rows.filter(({ group, name }) => name === 'wasm' && !CODEC_GROUPS.has(group)))
  const concat = kernels
    .map((kernel) => run.rows.filter(({ group }) => group === kernel))
    .filter((rows) => sizesOf(rows).length > 1)
    .map((rows) => ({
      title: { text: rows[0].group, fontSize: 13, offset: 8, frame: 'group' },
      ...lineChart(rows, 'bytes', PANEL_WIDTH, 150),
    }))
  if (concat.length === 0) return undefined
  return {
    ...frame('The kernels one by one, against what node offers', run, 'microseconds; less is better'),
    columns: 2,
    bounds: 'flush',
    spacing: { row: 95, column: 130 },
    concat,
    resolve: { scale: { color: 'independent', shape: 'independent' } },
  }
}

function lineChart(rows, title, width, height) {
  const [names, sizes] = [namesOf(rows), sizesOf(rows)]
  const looks = names.map((name) => LOOKS[name] ?? OTHER)
  const look = (i) =>
    field('name', 'nominal', { scale: { domain: names, range: looks.map((one) => one[i]) }, legend: null })
  const last = Math.max(...sizes)
  const scale = { type: 'log', base: 2, domain: [Math.min(...sizes), last], nice: false }
  const axis = { format: ',d', grid: false, labelOverlap: false, labelFlush: false }
  const label = { dx: 10, baseline: 'middle', fontSize: 13, fontWeight: 'bold' }
  return {
    width,
    height,
    data: { values: withLabelPlaces(rows.map(inMicros)) },
    encoding: {
      x: field('size', 'quantitative', { title, scale, axis: { values: labelled(sizes, width), ...axis } }),
      y: field('us', 'quantitative', {
        title: null,
        scale: { zero: true },
        axis: { tickCount: 5, labelPadding: 8, ...BARE_AXIS },
      }),
      color: look(0),
    },
    layer: [
      { mark: { type: 'line', strokeWidth: 2.5 } },
      { mark: { type: 'point', filled: true, size: 55, opacity: 1 }, encoding: { shape: look(1) } },
      {
        transform: [{ filter: `datum.size === ${last}` }],
        ...textMark('name', label, { y: field('labelAt', 'quantitative') }),
      },
    ],
  }
}

/**
 * The sizes whose labels have room on an axis of powers of that many pixels: the last, the first, and of the others those that are
 * far enough from both neighbours.
 */
function labelled(sizes, width) {
  const [first, last] = [Math.min(...sizes), Math.max(...sizes)]
  const at = (size) => (Math.log(size / first) / Math.log(last / first)) * width
  const kept = []
  for (const size of sizes.toSorted((a, b) => a - b)) {
    const hasRoom = size === last || at(last) - at(size) >= LABEL_WIDTH
    if (hasRoom && (kept.length === 0 || at(size) - at(kept.at(-1)) >= LABEL_WIDTH)) kept.push(size)
  }
  return kept
}

/** Where the labels at the lines' ends go, so that none covers another. */
function withLabelPlaces(rows) {
  const last = Math.max(...rows.map(({ size }) => size))
  const step = Math.max(...rows.map(({ us }) => us)) * 0.075
  const places = new Map()
  let below = Number.NEGATIVE_INFINITY
  for (const row of rows.filter(({ size }) => size === last).sort((a, b) => a.us - b.us)) {
    below = Math.max(row.us, below + step)
    places.set(row, below)
  }
  return rows.map((row) => ({ ...row, labelAt: places.get(row) ?? row.us }))
}

/** A bar a name, ours in colour, with `text` at its end. */
function barChart(rows, { height, width, step, x, y, begin }) {
  const color = { condition: { test: 'datum.ours', value: LOOKS.auto[0] }, value: GREY }
  const axis = { labelPadding: 8, labelLimit: 400, ...BARE_AXIS }
  const from = begin === undefined ? {} : { x2: { datum: begin } }
  return {
    width,
    height: { step },
    encoding: {
      y: field('name', 'nominal', { sort: namesOf(rows), title: null, axis: { ...axis, labelOffset: y } }),
      x: { type: 'quantitative', title: null, ...x, axis: { ...x.axis, ...BARE_AXIS } },
    },
    layer: [
      { mark: { type: 'bar', height, yOffset: y, cornerRadiusEnd: 2 }, encoding: { color, ...from } },
      textMark('text', { dx: 6, dy: y, fontSize: 12, color: INK }),
    ],
  }
}

const named = (row) => ({ ...row, name: packageOf(row.name), ours: isOurs(row.name) })

/** The time that a session of 256 bytes (or the first size there is) takes; below each bar, what the package lacks. */
function bars(run) {
  const all = mainRows(run)
  const sizes = sizesOf(all)
  const size = sizes.includes(256) ? 256 : sizes[0]
  const short = (us) => (us < 10 ? us.toFixed(1) : Math.round(us).toLocaleString('en'))
  const rows = all
    .filter((row) => row.size === size)
    .map((row) => ({
      ...named(inMicros(row)),
      missing: isOurs(row.name) ? '' : missing(row.note),
      text: `${short(row.median / 1000)} µs\u2002${times(row.ratio)}`,
    }))
    .sort((a, b) => a.us - b.us)
  if (rows.length === 0) return undefined
  // A bar must begin somewhere, and a scale of powers has no zero.
  const begin = Math.min(1, 10 ** Math.floor(Math.log10(rows[0].us)))
  const values = Array.from({ length: 8 }, (_, i) => begin * 10 ** i).filter((value) => value <= rows.at(-1).us)
  const scale = { type: 'log', domainMin: begin, nice: false }
  const x = { field: 'us', scale, axis: { values, format: ',~g' } }
  const spec = barChart(rows, { height: 14, width: 460, step: 34, y: -5, x, begin })
  spec.layer.push(textMark('missing', { dy: 9, fontSize: 10.5, color: INK }, { x: { datum: begin } }))
  const unit = `microseconds for ${size === undefined ? 'one' : `${size} bytes`}, on a scale of powers of ten; less is better`
  const title = 'Seal and open a session, against other packages'
  return {
    ...frame(title, run, unit, 'under a bar: what ours do, and this one does not'),
    data: { values: rows },
    ...spec,
  }
}

/** Requests a second, and what part of the bare server's that is: a panel a kind of request. */
function rates(run) {
  const rows = run.rows.map((row) => ({
    ...named(row),
    text: `${Math.round(row.median).toLocaleString('en')}\u2002${Math.round(row.ratio * 100)} %`,
  }))
  if (rows.length === 0) return undefined
  const header = { labelExpr: `${JSON.stringify(KINDS)}[datum.value] || datum.value` }
  const x = { field: 'ratio', scale: { domainMin: 0 }, axis: { format: '.0%', tickCount: 3 } }
  const title = 'Requests a second, and what part that is of the bare server’s'
  return {
    ...frame(title, run, 'more is better', ...untouched(run)),
    data: { values: rows },
    facet: { column: field('group', 'nominal', { sort: groupsOf(rows), header }) },
    // The figures beside the bars are not part of what the layout measures.
    bounds: 'flush',
    spacing: 110,
    spec: barChart(rows, { height: 16, width: 130, step: 26, x }),
  }
}

/** The CPU time of an untouched session, where the run measured it by itself, in pairs of fresh servers. */
function untouched({ rows }) {
  const { cpuOverBare, cpuOfBareOverItself: noise } = rows.find((row) => row.cpuOverBare !== undefined) ?? {}
  if (cpuOverBare === undefined) return []
  const own = `a session never touched costs ${cpuOverBare.toFixed(2)} µs of CPU, in a server of its own`
  return [noise === undefined ? own : `${own} (noise: ${Math.abs(noise).toFixed(3)} µs)`]
}
