/** The package as it is built, by its inner names: JSON text in, JSON text out, as the peers get it too. */
import { NotBuilt } from '../contenders.js'

/** Not a secret: whoever compares needs the same one on both sides. */
export const SECRET = Buffer.alloc(32, 7)
export const NAME = '_node'
/** When each session began, ms since the epoch. */
export const BEGAN = 1_700_000_000_000

/**
 * @typedef {object} TextCodec
 * @property {(json: string, createdAt: number) => string} seal
 * @property {(token: string) => any} open
 *
 * @returns {Promise<(options: { backend: string, random?: (bytes: Uint8Array) => unknown, now?: () => number }) => TextCodec>}
 */
export async function loadCodecs() {
  try {
    const { createTextCodec } = await import('../../dist/codec/codec.js')
    const { checkCodecOptions } = await import('../../dist/codec/options.js')
    return (options) => createTextCodec(checkCodecOptions({ secret: SECRET, name: NAME, ...options }))
  } catch (error) {
    if (/** @type {any} */ (error).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new NotBuilt('dist/ is missing: run npm run build first')
  }
}
