const sessions = require('cookie-sessions')
const createCodec = require('cookie-sessions/codec')
const { secret, token, forged } = require('./given.js')

exports.app = async () => {
  if (sessions({ secret }).length !== 3) throw new Error('not the middleware')
  const codec = createCodec({ secret, name: '_node' })
  const { data } = codec.open(token)
  return { refused: codec.open(forged).reason, token: codec.seal({ views: data.views + 1 }) }
}
