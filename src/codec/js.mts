/** `import 'cookie-sessions/js'` in Node: the CommonJS build by its names, so that a process has one state. */
import js from './js.cts'

export { js, js as default }
