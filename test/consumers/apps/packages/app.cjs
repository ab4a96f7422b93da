/** The app of both servers. The two packages are handed in: how they are found is what is tested. */
const { json } = require('node:stream/consumers')

module.exports = (connect, sessions, backend) => {
  const server = connect()
    .use(sessions({ secret: sessions.generateSecret(), backend }))
    .use('/me', (req, res) => {
      const { user = null } = req.session
      if (user !== null) req.session.views = (req.session.views ?? 0) + 1
      res.end(JSON.stringify({ user, views: req.session.views ?? 0 }))
    })
    .use('/login', async (req, res) => {
      req.session = { user: (await json(req)).user }
      res.end(JSON.stringify({ user: req.session.user }))
    })
    .use('/logout', (req, res) => {
      req.session = null
      res.end(JSON.stringify({ user: null }))
    })
    .listen(0, '127.0.0.1', () => console.log(server.address().port))
}
