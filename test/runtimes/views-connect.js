/** The same as views.js on Connect; it prints its port. */
import connect from 'connect'
import sessions from 'cookie-sessions'

const app = connect()
app.use(sessions({ secret: 'a published secret, good for test vectors only' }))
app.use((req, res) => {
  const { searchParams } = new URL(req.url, 'http://127.0.0.1')
  if (searchParams.has('visitor')) req.session.visitors = [...(req.session.visitors ?? []), searchParams.get('visitor')]
  const { isNew, createdAt } = req.session
  res.end(JSON.stringify({ ...req.session, isNew, createdAt }))
})
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
