/** The suite in a page or, as the address says, in a module worker or a service worker, which are this file again. It sends its report. */
import { check } from './subject.js'

/** @param {object} body */
const send = (body) => fetch('/report', { method: 'POST', body: JSON.stringify(body) })
const report = async () => send({ report: await check() })
const fail = (error) => send({ error: error.message ?? 'the worker does not load' })

const where = globalThis.document === undefined ? '' : location.hash
if (where === '#worker') new Worker('/browser.js', { type: 'module' }).onerror = fail
else if (where === '#service-worker') navigator.serviceWorker.register('/browser.js', { type: 'module' }).catch(fail)
else if ('registration' in globalThis) addEventListener('install', (event) => event.waitUntil(report()))
else report().catch(fail)
