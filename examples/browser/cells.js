/**
 * A run of cells that can be pointed at, walked through and flipped: the token's bytes, and its characters. One of them takes part in
 * the tab order; the arrow keys go on from there.
 *
 * @typedef {object} Cell
 * @property {string} text
 * @property {string} kind Its field: a class in style.css.
 * @property {string} [next] Another field that it belongs to as well.
 * @property {boolean} isChanged
 * @property {string} label What a screen reader says.
 */

/**
 * @param {HTMLElement} container
 * @param {object} on
 * @param {(at: number) => void} on.flip
 * @param {(at: number | undefined) => void} on.point What the mouse or the focus is on; undefined when it has left.
 */
export function createCells(container, on) {
  let current = 0
  let marked = [0, -1]
  const cells = container.children

  container.addEventListener('click', ({ target }) => {
    const at = indexOf(target)
    if (at === undefined) return
    moveTo(at)
    on.flip(at)
  })
  container.addEventListener('pointerover', ({ target }) => on.point(indexOf(target)))
  container.addEventListener('pointerleave', () => on.point(undefined))
  container.addEventListener('focusin', ({ target }) => {
    const at = indexOf(target)
    if (at === undefined) return
    setCurrent(at)
    on.point(at)
  })
  container.addEventListener('keydown', (event) => {
    const to = event.altKey || event.metaKey ? undefined : destination(event)
    if (to === undefined) return
    event.preventDefault()
    moveTo(Math.min(cells.length - 1, Math.max(0, to)))
  })

  function indexOf(target) {
    const cell = target.closest('.cell')
    return cell === null ? undefined : Number(cell.dataset.at)
  }

  function destination({ key, ctrlKey }) {
    if (key === 'ArrowLeft') return current - 1
    if (key === 'ArrowRight') return current + 1
    if (key === 'ArrowUp') return rowwards(-1)
    if (key === 'ArrowDown') return rowwards(1)
    if (key === 'Home') return ctrlKey ? 0 : endOfRow(-1)
    if (key === 'End') return ctrlKey ? cells.length - 1 : endOfRow(1)
    return undefined
  }

  /** The nearest cell of the row above or below. Rows are whatever the page's width makes of them. */
  function rowwards(step) {
    const { offsetTop: top, offsetLeft: left } = cells[current]
    let at = current
    while (cells[at]?.offsetTop === top) at += step
    if (cells[at] === undefined) return current
    const row = cells[at].offsetTop
    let best = at
    for (; cells[at]?.offsetTop === row; at += step) {
      if (Math.abs(cells[at].offsetLeft - left) < Math.abs(cells[best].offsetLeft - left)) best = at
    }
    return best
  }

  function endOfRow(step) {
    let at = current
    while (cells[at + step]?.offsetTop === cells[current].offsetTop) at += step
    return at
  }

  function setCurrent(at) {
    if (cells[current]) cells[current].tabIndex = -1
    current = at
    if (cells[current]) cells[current].tabIndex = 0
  }

  function moveTo(at) {
    setCurrent(at)
    cells[at].focus()
  }

  return {
    get current() {
      return current
    },

    /** Cells are kept and rewritten: there may be thousands, and each keystroke seals anew. @param {Cell[]} list */
    draw(list) {
      while (cells.length > list.length) container.lastChild.remove()
      while (cells.length < list.length) container.append(createCell(cells.length))
      for (const [at, { text, kind, next, isChanged, label }] of list.entries()) {
        const cell = cells[at]
        cell.textContent = text
        cell.className = `cell ${kind}${next ? ` split to-${next}` : ''}${isChanged ? ' changed' : ''}`
        cell.setAttribute('aria-label', label)
      }
      marked = [0, -1]
      setCurrent(Math.min(current, Math.max(0, list.length - 1)))
    },

    /** Marks the cells from one to another, and no others. */
    mark(from, to) {
      for (let at = marked[0]; at <= marked[1]; at++) cells[at]?.classList.remove('lit')
      for (let at = from; at <= to; at++) cells[at]?.classList.add('lit')
      marked = [from, to]
    },
  }
}

function createCell(at) {
  const cell = document.createElement('button')
  cell.type = 'button'
  cell.tabIndex = -1
  cell.dataset.at = String(at)
  return cell
}
