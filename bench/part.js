/** One process's share of a suite's rounds. run.js starts it and sends it the plan; it reports its steps, then the times. */
import { takeTurns, turnsOf } from './measure.js'

process.once('message', async ({ suite, task, plan, rounds, time }) => {
  const step = (what, part = 0) => process.send({ step: [what, part] })
  const { work } = await import(`./${suite}/suite.js`)
  const contendersOf = await work(task)
  const rows = []
  for (const { group, size } of plan) {
    const label = `${group}, ${size} B`
    step(`warming up: ${label}`)
    rows.push({ label, turns: await turnsOf(await contendersOf(group, size), time) })
  }
  const times = await takeTurns(rows, rounds, step)
  process.send({ times }, () => process.exit())
})
