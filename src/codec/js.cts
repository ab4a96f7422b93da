/** `require('cookie-sessions/js')`: the backend itself, which is its own `default` and `js` as well. */
import { js } from './js.ts'

const backend: typeof js & { js: typeof js; default: typeof js } = Object.assign(js, { js, default: js })

export = backend
