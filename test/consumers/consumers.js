/** All consumers, by name. */
import { compilers } from './compilers.js'
import { next } from './next.js'
import { packagers } from './packagers.js'
import { runners } from './runners.js'
import { servers } from './servers.js'

/** @import { Context } from './project.js' */

/**
 * @typedef {object} Consumer
 * @property {string} name
 * @property {string[]} packages What its project has beside ours: see missingPackages().
 * @property {(context: Context) => Promise<void>} run Throws what is wrong.
 */

/** @type {Consumer[]} */
export const CONSUMERS = [...runners, ...compilers, ...servers, next, ...packagers]
