/** Serves page.html, under a policy that lets nothing run in it but its own style and script. No sessions here. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

// Browsers hash the text with its line ends made one character, so that is done to a checkout under Windows as well.
const page = readFileSync(new URL('page.html', import.meta.url), 'utf8').replaceAll('\r\n', '\n')

const policy = [
  "default-src 'none'",
  `style-src ${hashOf('style')}`,
  `script-src ${hashOf('script')}`,
  "connect-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

function hashOf(tag) {
  const text = page.slice(page.indexOf(`<${tag}>`) + tag.length + 2, page.indexOf(`</${tag}>`))
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

export function securityHeaders(_req, res, next) {
  res.setHeader('Content-Security-Policy', policy)
  res.setHeader('X-Content-Type-Options', 'nosniff')
  res.setHeader('Referrer-Policy', 'same-origin')
  next()
}

export function showPage(_req, res) {
  res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-cache' }).end(page)
}
