import connect from 'connect'
import sessions from 'cookie-sessions'
import js from 'cookie-sessions/js'
import app from './app.cjs'

app(connect, sessions, js)
