/** `npm run simulate`: random schedules of trainers and faults through the hub's code, over models of AWS. */
import { parseArgs } from 'node:util'
import { scheduleOf } from './generator.ts'
import { runSchedule } from './run-schedule.ts'
import { Tally } from './tally.ts'

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    only: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const began = performance.now()
const tally = new Tally()
let failed = 0
const first = values.only === undefined ? 0 : Number(values.only)
const count = values.only === undefined ? Number(values.schedules) : 1
for (let number = first; number < first + count; number++) {
  const verdict = await runSchedule(
    scheduleOf(seed, number),
    values.trace ? (line) => process.stdout.write(`${line}\n`) : undefined,
  )
  tally.addAll(verdict.tally)
  if (verdict.violations.length === 0) continue
  failed += 1
  if (failed <= 5) {
    process.stdout.write(`schedule ${number} of seed ${seed}\n`)
    for (const violation of verdict.violations.slice(0, 8))
      process.stdout.write(`  ${violation.slice(0, 900)}\n`)
  }
}
const seconds = (performance.now() - began) / 1000
process.stdout.write(`${JSON.stringify(tally.toJSON(), undefined, 1)}\n`)
process.stdout.write(
  `${failed} failed; ${count} in ${seconds.toFixed(1)} s, ${Math.round(count / seconds)}/s\n`,
)
