/** The reader's clock, on a slider: the range where a token opens lies between two where it does not, whatever the timeout. */

/** @param {number} timeout @returns {[number, number][]} [the slider's position, ms that the reader's clock is ahead] */
const anchors = (timeout) => [
  [0, -120_000],
  [30, -60_000], // docs/format.md, Open, step 6: a minute is allowed for
  [60, 0],
  [170, timeout],
  [200, Math.round(timeout * 1.25)],
]

/** In step. */
export const HOME = 60

/** How far the clock is ahead, ms, at a position: on straight lines between the anchors. @param {number} position @param {number} timeout */
export function aheadAt(position, timeout) {
  const points = anchors(timeout)
  const next = Math.max(
    1,
    points.findIndex(([at]) => at >= position),
  )
  const [[left, low], [right, high]] = [points[next - 1], points[next]]
  return Math.round(low + ((high - low) * (position - left)) / (right - left))
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
]

/** A length of time, its two largest units at most. @param {number} ms */
export function duration(ms) {
  if (ms < 1_000) return `${ms} ms`
  const first = UNITS.findIndex(([, size]) => ms >= size)
  const parts = []
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(ms / size)
    if (count > 0) parts.push(`${count.toLocaleString('en')} ${unit}`)
    ms -= count * size
  }
  return parts.join(' ')
}

/** @param {number} ahead ms */
export function describeClock(ahead) {
  return ahead === 0 ? 'in step' : `${duration(Math.abs(ahead))} ${ahead > 0 ? 'ahead' : 'behind'}`
}
