/** Tokens without HTTP. */
import { createCodec } from 'cookie-sessions/codec'
import { forged, secret, token } from './given.js'

export function app() {
  const codec = createCodec({ secret, name: '_node' })
  const { data } = codec.open(token)
  return {
    backend: codec.backend,
    refused: codec.open(forged).reason,
    token: codec.seal({ views: data.views + 1 }),
  }
}
