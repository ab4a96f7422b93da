/** The suite as a worker of workerd or of edge-runtime: it answers with its report. Neither lets random numbers be drawn outside of a request. */
import { check } from './subject.js'

export default {
  fetch: async () => Response.json(await check()),
}
