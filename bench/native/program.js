/** Builds native.c with the system's compiler, and talks to it. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { UserError } from '../print.js'

const SOURCE = fileURLToPath(new URL('native.c', import.meta.url))
const INSTALL =
  'on Debian and Ubuntu: apt-get install gcc libc6-dev libssl-dev; on macOS: xcode-select --install and brew install openssl pkg-config'

/** Compiles into a folder of its own, which `remove` deletes. CC names another compiler than cc. */
export function build() {
  const folder = mkdtempSync(join(tmpdir(), 'cookie-sessions-native-'))
  const path = join(folder, 'native')
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const compiler = process.env.CC || 'cc'
  const command = ['-O3', ...pkgConfig('--cflags', []), '-o', path, SOURCE, ...pkgConfig('--libs', ['-lcrypto'])]
  const { error, status, stderr } = spawnSync(compiler, command, { encoding: 'utf8' })
  if (error === undefined && status === 0) return { path, remove }
  remove()
  if (error !== undefined) {
    throw new UserError(
      `There is no C compiler here (${compiler}): the comparison with C needs one, and OpenSSL 3's headers (${INSTALL})`,
    )
  }
  if (/openssl\/|-lcrypto/.test(stderr)) {
    throw new UserError(
      `OpenSSL's headers or its libcrypto are missing: the comparison with C needs them (${INSTALL})\n\n${stderr}`,
    )
  }
  throw new Error(`${compiler} could not compile ${SOURCE}:\n${stderr}`)
}

/** Where libcrypto is, or what finds it where the compiler looks anyway. */
function pkgConfig(what, otherwise) {
  const { status, stdout } = spawnSync('pkg-config', [what, 'libcrypto'], { encoding: 'utf8' })
  return status === 0 ? stdout.split(/\s+/).filter(Boolean) : otherwise
}

/** Starts the program. One question at a time. */
export function startProgram(path) {
  const child = spawn(path, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const ended = once(child, 'exit').then(([status, signal]) => {
    throw new Error(`the C program ended early (${signal ?? `status ${status}`})`)
  })
  // It may end while no question is open.
  ended.catch(() => {})
  return {
    async ask(...words) {
      const answer = once(lines, 'line')
      child.stdin.write(`${words.join(' ')}\n`)
      const [line] = await Promise.race([answer, ended])
      return line
    },
    stop: () => child.stdin.end(),
  }
}
