/** A file in CommonJS within an ES module's app: what it requires is the function itself. */
export { app } from './required.cjs'
