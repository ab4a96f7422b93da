/**
 * The pictures: a Vega-Lite specification for each. They have a transparent ground and must be legible on white and on black alike, so
 * every colour is of middle brightness (3:1 or more on either); the colour-blind can distinguish the colours, and lines differ by their
 * marks and their labels as well.
 */
import { namesOf, sizesOf, times } from './print.js'

/** @import { Results, Row } from './record.js' */

/** 4.3:1 on white, 4.4:1 on GitHub's dark. */
const INK = '#737b85'
/** Vermilion, blue, green, purple: Okabe and Ito's, each brought to middle brightness; a backend has the same one everywhere. */
const LOOKS = {
  auto: ['#d55e00', 'circle'],
  wasm: ['#2a86d1', 'square'],
  node: ['#0b9a70', 'triangle-up'],
}
const OTHER = ['#b8659b', 'diamond']
const GREY = '#8a929c'

/** The rows of this package carry a backend's name. @param {string} name */
const isOurs = (name) => Object.hasOwn(LOOKS, name)

/** @param {string} name */
const packageOf = (name) => (isOurs(name) ? `cookie-sessions (${name})` : name)

/** What a note of the suites `peers` and `http` says, in a chart's words: only what is missing there. @type {[RegExp, string][]} */
const MISSING = [
  [/does not encrypt/, 'does not encrypt'],
  [/no nonce/, 'no nonce'],
  [/enforces no expiry/, 'no expiry on the server'],
  [/; expiry: idle(?!,)/, 'no absolute timeout'],
  [/; expiry: absolute/, 'no idle timeout'],
  [/not bound to the cookie’s name/, 'not bound to the cookie’s name'],
  [/; async/, 'not synchronous'],
]

/** @param {string} [note] */
export const missing = (note = '') =>
  MISSING.filter(([pattern]) => pattern.test(note))
    .map(([, words]) => words)
    .join(', ')

const SANS = 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'

const CONFIG = {
  background: null,
  font: SANS,
  view: { stroke: null },
  axis: {
    domainColor: INK,
    gridColor: INK,
    gridOpacity: 0.25,
    labelColor: INK,
    labelFontSize: 12,
    tickColor: INK,
    titleColor: INK,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 10,
  },
  header: { labelColor: INK, labelFontSize: 13, labelFontWeight: 'bold', title: null },
  title: {
    anchor: 'start',
    color: INK,
    fontSize: 15,
    offset: 14,
    subtitleColor: INK,
    subtitleFontSize: 11,
    subtitlePadding: 5,
  },
}

/**
 * The charts that a run makes, by file name.
 * @param {Results} run
 * @returns {Record<string, object>}
 */
export function charts(run) {
  switch (run.suite) {
    case 'core':
      return present({
        core: lines(run, 'seal + open', 'Seal and open a session, by its size'),
        kernels: panels(run),
      })
    case 'native':
      return present({ native: lines(run, mainGroup(run), 'Seal and open a session, against C and OpenSSL') })
    case 'peers':
      return present({ peers: bars(run) })
    case 'http':
      return present({ http: rates(run) })
    default:
      return {}
  }
}

/** @param {Record<string, object | undefined>} specs @returns {Record<string, any>} */
const present = (specs) => Object.fromEntries(Object.entries(specs).filter(([, spec]) => spec !== undefined))

/** @param {Results} run */
export const caption = ({ machine: { node, cpu, shaNi }, date, commit }) =>
  [
    `Node ${node}`,
    `${cpu}${shaNi === null ? '' : shaNi ? ' (SHA instructions)' : ' (no SHA instructions)'}`,
    date.slice(0, 10),
    ...(commit === null ? [] : [`commit ${commit}`]),
  ].join(', ')

/** @param {Results} run */
const mainGroup = ({ rows }) => (rows.some(({ group }) => group === 'seal + open') ? 'seal + open' : rows[0]?.group)

/** @param {string[]} names */
function scale(names) {
  const looks = names.map((name) => /** @type {Record<string, string[]>} */ (LOOKS)[name] ?? OTHER)
  return {
    color: { domain: names, range: looks.map(([color]) => color) },
    shape: { domain: names, range: looks.map(([, shape]) => shape) },
  }
}

/** Time against size, a line a name, its name at its end. @param {Results} run @param {string} group @param {string} title */
function lines(run, group, title) {
  const rows = run.rows.filter((row) => row.group === group)
  if (sizesOf(rows).length < 2) return undefined
  return {
    ...frame(title, run, 'microseconds; less is better'),
    width: WIDTH,
    height: 300,
    data: { values: spread(rows.map(micro)) },
    ...lineLayers(namesOf(rows), sizesOf(rows), { title: 'bytes of JSON', width: WIDTH }),
  }
}

const PANEL = 250
const WIDTH = 560

/** A small chart a kernel, on scales of their own. @param {Results} run */
function panels(run) {
  const groups = [...new Set(run.rows.map(({ group }) => group))].filter((group) =>
    run.rows.some((row) => row.group === group && row.name === 'wasm' && !CODEC.has(group)),
  )
  const concat = groups.flatMap((group) => {
    const rows = run.rows.filter((row) => row.group === group)
    if (sizesOf(rows).length < 2) return []
    const layers = lineLayers(namesOf(rows), sizesOf(rows), { title: 'bytes', width: PANEL })
    return [
      {
        title: { text: group, fontSize: 13, offset: 8, frame: 'group' },
        width: PANEL,
        height: 150,
        data: { values: spread(rows.map(micro)) },
        ...layers,
      },
    ]
  })
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

const CODEC = new Set(['seal', 'open', 'seal + open', 'refuse (forged)'])

/** "2,048" at the axis' font size, and room beside it. */
const LABEL_WIDTH = 38

/**
 * The sizes whose labels have room on an axis of powers of that many pixels: the last, the first, and of the others those that are
 * far enough from both neighbours.
 * @param {number[]} sizes @param {number} width
 */
function labelled(sizes, width) {
  const [first, last] = [Math.min(...sizes), Math.max(...sizes)]
  const at = (/** @type {number} */ size) => (Math.log(size / first) / Math.log(last / first)) * width
  /** @type {number[]} */
  const kept = []
  for (const size of sizes.toSorted((a, b) => a - b)) {
    const hasRoom = size === last || at(last) - at(size) >= LABEL_WIDTH
    if (hasRoom && (kept.length === 0 || at(size) - at(/** @type {number} */ (kept.at(-1))) >= LABEL_WIDTH))
      kept.push(size)
  }
  return kept
}

/** @param {string[]} names @param {(number | undefined)[]} given @param {{ title: string, width: number }} x */
function lineLayers(names, given, x) {
  const { color, shape } = scale(names)
  const sizes = /** @type {number[]} */ (given)
  const last = Math.max(...sizes)
  const encoding = {
    x: {
      field: 'size',
      type: 'quantitative',
      title: x.title,
      scale: { type: 'log', base: 2, domain: [Math.min(...sizes), last], nice: false },
      axis: { values: labelled(sizes, x.width), format: ',d', grid: false, labelOverlap: false, labelFlush: false },
    },
    y: {
      field: 'us',
      type: 'quantitative',
      title: null,
      scale: { zero: true },
      axis: { tickCount: 5, domain: false, ticks: false, labelPadding: 8 },
    },
    color: { field: 'name', type: 'nominal', scale: color, legend: null },
  }
  return {
    encoding,
    layer: [
      { mark: { type: 'line', strokeWidth: 2.5 } },
      {
        mark: { type: 'point', filled: true, size: 55, opacity: 1 },
        encoding: { shape: { field: 'name', type: 'nominal', scale: shape, legend: null } },
      },
      {
        transform: [{ filter: `datum.size === ${last}` }],
        mark: { type: 'text', align: 'left', dx: 10, baseline: 'middle', fontSize: 13, fontWeight: 'bold' },
        encoding: { text: { field: 'name' }, y: { field: 'labelAt', type: 'quantitative' } },
      },
    ],
  }
}

/** @param {Row} row */
const micro = (row) => ({ ...row, us: row.median / 1000 })

/** Where the labels at the lines' ends go, so that none covers another. @param {(Row & { us: number })[]} rows */
function spread(rows) {
  const last = Math.max(...rows.map(({ size }) => size ?? 0))
  const step = Math.max(...rows.map(({ us }) => us)) * 0.075
  const ends = rows.filter(({ size }) => size === last).sort((a, b) => a.us - b.us)
  /** @type {Map<Row, number>} */
  const at = new Map()
  let below = Number.NEGATIVE_INFINITY
  for (const row of ends) {
    below = Math.max(row.us, below + step)
    at.set(row, below)
  }
  return rows.map((row) => ({ ...row, labelAt: at.get(row) ?? row.us }))
}

/** What a session of 256 bytes (or the nearest size there is) takes, each beside its figure. @param {Results} run */
function bars(run) {
  const all = run.rows.filter(({ group }) => group === mainGroup(run))
  const sizes = sizesOf(all)
  const size = sizes.includes(256) ? 256 : sizes[0]
  const rows = all
    .filter((row) => row.size === size)
    .map((row) => ({
      ...micro(row),
      name: packageOf(row.name),
      ours: isOurs(row.name),
      missing: isOurs(row.name) ? '' : missing(row.note),
      text: `${short(row.median / 1000)} µs\u2002${times(row.ratio)}`,
    }))
    .sort((a, b) => a.us - b.us)
  if (rows.length === 0) return undefined
  const names = rows.map(({ name }) => name)
  // A bar must begin somewhere, and a scale of powers has no zero.
  const begin = Math.min(1, 10 ** Math.floor(Math.log10(rows[0].us)))
  const decades = Array.from({ length: 8 }, (_, i) => begin * 10 ** i).filter(
    (value) => value <= rows[rows.length - 1].us,
  )
  const subtitle = `microseconds for ${size === undefined ? 'one' : `${size} bytes`}, on a scale of powers of ten; less is better`
  return {
    ...frame('Seal and open a session, against other packages', run, [
      subtitle,
      'under a bar: what ours do, and this one does not',
    ]),
    width: 460,
    height: { step: 34 },
    data: { values: rows },
    encoding: {
      y: {
        field: 'name',
        type: 'nominal',
        sort: names,
        title: null,
        axis: { domain: false, ticks: false, labelPadding: 8, labelLimit: 400, labelOffset: -5 },
      },
      x: {
        field: 'us',
        type: 'quantitative',
        title: null,
        scale: { type: 'log', domainMin: begin, nice: false },
        axis: { values: decades, format: ',~g', domain: false, ticks: false },
      },
    },
    layer: [
      {
        mark: { type: 'bar', height: 14, yOffset: -5, cornerRadiusEnd: 2 },
        encoding: { x2: { datum: begin }, color: ours },
      },
      {
        mark: { type: 'text', align: 'left', dx: 6, dy: -5, fontSize: 12, color: INK },
        encoding: { text: { field: 'text' } },
      },
      {
        mark: { type: 'text', align: 'left', dy: 9, fontSize: 10.5, color: INK },
        encoding: { text: { field: 'missing' }, x: { datum: begin } },
      },
    ],
  }
}

const ours = {
  condition: { test: 'datum.ours', value: LOOKS.auto[0] },
  value: GREY,
}

/** Requests a second, and what part of the bare server's that is; one panel a kind of request. @param {Results} run */
function rates(run) {
  const rows = run.rows.map((row) => ({
    ...row,
    name: packageOf(row.name),
    ours: isOurs(row.name),
    text: `${Math.round(row.median).toLocaleString('en')}\u2002${Math.round(row.ratio * 100)} %`,
  }))
  if (rows.length === 0) return undefined
  const groups = [...new Set(rows.map(({ group }) => group))]
  return {
    ...frame('Requests a second, and what part that is of the bare server’s', run, [
      'more is better',
      ...untouched(run),
    ]),
    data: { values: rows },
    facet: { column: { field: 'group', type: 'nominal', sort: groups, header: { labelExpr: labels } } },
    // The figures beside the bars are out of what the layout counts.
    bounds: 'flush',
    spacing: 110,
    spec: {
      width: 130,
      height: { step: 26 },
      encoding: {
        y: {
          field: 'name',
          type: 'nominal',
          sort: namesOf(rows),
          title: null,
          axis: { domain: false, ticks: false, labelPadding: 8, labelLimit: 400 },
        },
        x: {
          field: 'ratio',
          type: 'quantitative',
          title: null,
          scale: { domainMin: 0 },
          axis: { format: '.0%', tickCount: 3, domain: false, ticks: false },
        },
      },
      layer: [
        { mark: { type: 'bar', height: 16, cornerRadiusEnd: 2 }, encoding: { color: ours } },
        {
          mark: { type: 'text', align: 'left', dx: 6, fontSize: 12, color: INK },
          encoding: { text: { field: 'text' } },
        },
      ],
    },
  }
}

/** The CPU time of an untouched session, where the run measured it by itself, in pairs of fresh servers. @param {Results} run */
function untouched({ rows }) {
  const row = /** @type {any} */ (rows.find((row) => Object.hasOwn(row, 'cpuOverBare')))
  if (row === undefined) return []
  const { cpuOverBare, cpuOfBareOverItself: noise } = row
  const own = `a session never touched costs ${cpuOverBare.toFixed(2)} µs of CPU, in a server of its own`
  return [noise === undefined ? own : `${own} (noise: ${Math.abs(noise).toFixed(3)} µs)`]
}

/** The http suite's groups, in words. */
const KINDS = { rw: 'changed by every request', r: 'read by every request', untouched: 'never touched' }
const labels = `${JSON.stringify(KINDS)}[datum.value] || datum.value`

/** @param {string} title @param {Results} run @param {string | string[]} given What the axis shows, and what else has to be known. */
function frame(title, run, given) {
  const lines = [given].flat()
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: `${title}, ${lines.join('; ')}. ${caption(run)}`,
    title: { text: title, subtitle: [...lines, caption(run)] },
    config: CONFIG,
    padding: 8,
  }
}

/** @param {number} value */
const short = (value) => (value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en'))
