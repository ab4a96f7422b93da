/**
 * Serves the page that `npm run playground` opens: the files of this folder, and the built package beside them. Any server of static files
 * does, with the package's folder as its root; this one adds a strict Content-Security-Policy.
 *
 *     PORT        default 8081; 0 lets the system pick one
 *     --no-wasm   a policy that forbids WebAssembly, as many sites have it: the js backend serves
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname } from 'node:path'

const { PORT: port = '8081' } = process.env
const host = '127.0.0.1'
const root = new URL('../../', import.meta.url)
const page = '/examples/browser/index.html'

/** What is served: these folders, and these types of files. */
const FOLDERS = /^\/(examples\/browser|dist|build|docs|node_modules\/@assemblyscript\/loader)(\/[\w-][\w.-]*)+$/
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
}

/** The import map is the only script that stands in the page itself: the policy allows it by its hash. */
const html = await readFile(new URL(`.${page}`, root), 'utf8')
const [, importMap] = /<script type="importmap">(.*?)<\/script>/s.exec(html)
const hash = createHash('sha256').update(importMap).digest('base64')

const scripts = ["'self'", `'sha256-${hash}'`, ...(process.argv.includes('--no-wasm') ? [] : ["'wasm-unsafe-eval'"])]
const headers = {
  // No connect-src: whatever runs in this page, it cannot send anything anywhere.
  'Content-Security-Policy': `default-src 'none'; script-src ${scripts.join(' ')}; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
}

const server = createServer(async (req, res) => {
  const pathname = req.url.split('?', 1)[0]
  if (pathname === '/') return res.writeHead(302, { Location: page }).end()
  const type = TYPES[extname(pathname)]
  const isServed = (req.method === 'GET' || req.method === 'HEAD') && FOLDERS.test(pathname) && type !== undefined
  const body = isServed ? await readFile(new URL(`.${pathname}`, root)).catch(() => undefined) : undefined
  if (body === undefined) return res.writeHead(404, headers).end()
  res.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': body.length })
  res.end(req.method === 'HEAD' ? undefined : body)
})

server.listen(Number(port), host, () => {
  console.log(`\n  http://${host}:${server.address().port}${page}\n`)
})
server.on('error', (error) => {
  const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${error.code})`
  console.error(`Port ${port} ${why}. Choose another one: PORT=${Number(port) + 1} npm run playground`)
  process.exitCode = 1
})
