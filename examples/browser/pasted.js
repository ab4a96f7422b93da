/** What people copy: a token alone, a cookie with its attributes, a header or several, a row of DevTools' table, a line of curl's jar. */

/** RFC 9110, 5.6.2: token. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/
/** Version 1 and no flag that is not registered: the first two characters of a token. */
const TOKEN = /^AQ[\w-]{84,}$/

/**
 * The token, and the cookie's name where there is one. Of several cookies: the one called `expected`, else the first that looks like a
 * token, else the first. Anything else comes back unchanged.
 * @param {string} text @param {string} [expected]
 * @returns {{ token: string, name?: string }}
 */
export function readPasted(text, expected) {
  const pasted = text.trim()
  const pairs = pasted.split(/[\r\n]+/).flatMap((line) => (line.includes('\t') ? rowOf(line) : cookiesOf(line)))
  return (
    pairs.find(({ name }) => name === expected) ??
    pairs.find(({ token }) => TOKEN.test(token)) ??
    pairs[0] ?? { token: unquote(pasted) }
  )
}

/** @param {string} line */
function cookiesOf(line) {
  return line
    .replace(/^\s*(set-)?cookie:/i, '')
    .split(';')
    .flatMap((part) => {
      const [, name = '', value = ''] = /^\s*([^=]*?)\s*=\s*([^=].*?)\s*$/s.exec(part) ?? []
      return NAME.test(name) && value !== '' ? [{ name, token: unquote(value) }] : []
    })
}

/** Columns: a token, and its name before it. @param {string} line */
function rowOf(line) {
  const cells = line.split('\t').map((cell) => unquote(cell.trim()))
  const at = cells.findIndex((cell, i) => i > 0 && TOKEN.test(cell))
  return at < 0 ? [] : [{ name: cells[at - 1], token: cells[at] }]
}

/** @param {string} value */
const unquote = (value) => value.replace(/^"(.*)"$/s, '$1')
