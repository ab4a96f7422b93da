const connect = require('connect')
const sessions = require('cookie-sessions')
const { js } = require('cookie-sessions/js')
require('./app.cjs')(connect, sessions, js)
