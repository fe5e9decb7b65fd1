/**
 * `npm run simulate`: random schedules of trainers and faults through the hub's own code, over models of S3, SQS
 * and DynamoDB, in simulated time.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { goOn, keepCampaign, newCampaign, readCampaign } from './campaign.ts'
import { startCrew } from './crew.ts'
import { scheduleOf } from './generator.ts'
import { ALL_ORDERS, settleOrders } from './orders.ts'
import { progressOf, reportOf, verdictText } from './report.ts'
import { runSchedule } from './run-schedule.ts'
import { shrunk } from './shrink.ts'

const HELP = `npm run simulate -- [options]

Runs random schedules of trainers and faults through the hub's code. Ends with 1 where one violates an
invariant, and shows the smallest schedule found that does.

  --schedules N    how many (1000)
  --seed S         where chance begins (the time); the same seed gives the same schedules
  --resume         goes on with the campaign of this seed, which is kept in .simulation
  --replay S:N     only schedule N of seed S, made smaller
  --trace          with --replay: everything that happens in it, as it is
  --workers N      processes at once (one for each core); how many changes nothing of what comes of it
  --orders         all ${ALL_ORDERS} orders of eight facts instead
  --violations N   ends after so many (3)
  --help           this text
`

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    resume: { type: 'boolean', default: false },
    workers: { type: 'string', default: String(availableParallelism()) },
    replay: { type: 'string' },
    trace: { type: 'boolean', default: false },
    orders: { type: 'boolean', default: false },
    violations: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(HELP)
else if (values.orders) await allOrders()
else if (values.replay !== undefined) await replay(values.replay)
else await main()

async function main(): Promise<void> {
  const seed = wholeNumber('seed', values.seed)
  const path = `.simulation/seed-${seed}.json`
  const campaign = (values.resume ? readCampaign(path) : undefined) ?? newCampaign(seed)
  const workers = startCrew(wholeNumber('workers', values.workers))
  try {
    await goOn(campaign, {
      schedules: wholeNumber('schedules', values.schedules),
      mostFailed: wholeNumber('violations', values.violations),
      workers,
      onFailed: async (verdict) => {
        process.stdout.write(`${verdictText(await shrunk(verdict))}\n`)
      },
      onProgress: (so) => {
        keepCampaign(path, so)
        process.stderr.write(`${progressOf(so)}\n`)
      },
    })
  } finally {
    workers.stop()
  }
  process.stdout.write(`${reportOf(campaign)}\n`)
  process.exitCode = campaign.failed.length === 0 ? 0 : 1
}

async function replay(which: string): Promise<void> {
  const [seed = '', number = ''] = which.split(':')
  const schedule = scheduleOf(wholeNumber('replay', seed), wholeNumber('replay', number))
  const tell = values.trace ? (line: string) => process.stdout.write(`${line}\n`) : undefined
  const verdict = await runSchedule(schedule, tell)
  if (verdict.violations.length === 0) process.stdout.write('no violation\n')
  else {
    process.stdout.write(`${verdictText(values.trace ? verdict : await shrunk(verdict))}\n`)
    process.exitCode = 1
  }
}

async function allOrders(): Promise<void> {
  const began = performance.now()
  const wrong = await settleOrders(0, ALL_ORDERS, (done) => {
    if (done % 1000 === 0) process.stderr.write(`${done} orders\n`)
  })
  for (const each of wrong.slice(0, 20)) process.stdout.write(`${each}\n`)
  const seconds = (performance.now() - began) / 1000
  const found = wrong.length === 0 ? 'all end the same' : `${wrong.length} differences`
  process.stdout.write(`${ALL_ORDERS} orders in ${seconds.toFixed(1)} s: ${found}\n`)
  process.exitCode = wrong.length === 0 ? 0 : 1
}

function wholeNumber(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  process.stderr.write(`--${name}: expected a whole number of 0 or more, got ${text}\n`)
  process.exit(2)
}
