/**
 * `npm run simulate`: random schedules of trainers and faults through the hub's own code, over models of S3, SQS
 * and DynamoDB, in simulated time.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { goOn, keepCampaign, newCampaign, readCampaign } from './campaign.ts'
import { Crew } from './crew.ts'
import { scheduleOf } from './generator.ts'
import { ALL_ORDERS } from './orders.ts'
import { firstStrikes } from './pairs.ts'
import { findingText, progressOf, reportOf } from './report.ts'
import { runSchedule } from './run-schedule.ts'
import { SCENARIOS } from './scenarios.ts'
import { shrunk } from './shrink.ts'

const HELP = `npm run simulate -- [options]

Runs random schedules of trainers and faults through the hub's code. Ends with 1 where one violates an
invariant, and shows the smallest schedule found that does. Each place that calls AWS and was reached is a crash
point: before the call, after it, and with its answer lost; on purpose, where chance made none of it.

  --schedules N    how many (1000)
  --seed S         where chance begins (the time); the same seed gives the same schedules
  --resume         goes on with the campaign of this seed, which is kept in .simulation
  --replay S:N     only schedule N of seed S, made smaller
  --trace          with --replay: everything that happens in it, as it is
  --workers N      processes at once (one for each core); how many changes nothing of what comes of it
  --orders         all ${ALL_ORDERS} orders of eight facts instead
  --pairs          crashes at all pairs of places in the core scenarios instead
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
    pairs: { type: 'boolean', default: false },
    violations: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
})

const ORDERS_AT_ONCE = 1_008

if (values.help) process.stdout.write(HELP)
else if (values.replay !== undefined) await replay(values.replay)
else {
  const crew = new Crew(wholeNumber('workers', values.workers))
  try {
    if (values.orders) await allOrders(crew)
    else if (values.pairs) await allPairs(crew)
    else await main(crew)
  } finally {
    crew.disband()
  }
}

async function main(crew: Crew): Promise<void> {
  const seed = wholeNumber('seed', values.seed)
  const path = `.simulation/seed-${seed}.json`
  const campaign = (values.resume ? readCampaign(path) : undefined) ?? newCampaign(seed)
  await goOn(campaign, {
    schedules: wholeNumber('schedules', values.schedules),
    mostFailed: wholeNumber('violations', values.violations),
    crew,
    onFailed: async (found) => {
      process.stdout.write(`${findingText(await shrunk(found))}\n`)
    },
    onProgress: (so) => {
      keepCampaign(path, so)
      process.stderr.write(`${progressOf(so)}\n`)
    },
  })
  keepCampaign(path, campaign)
  process.stdout.write(`${reportOf(campaign)}\n`)
  const isRight = campaign.failed.length === 0 && campaign.tally.missing().length === 0
  process.exitCode = isRight ? 0 : 1
}

async function allPairs(crew: Crew): Promise<void> {
  const most = wholeNumber('violations', values.violations)
  const began = performance.now()
  let all = 0
  let wrong = 0
  for (const [scenario, { name }] of SCENARIOS.entries()) {
    const firsts = await firstStrikes(scenario)
    let pairs = 0
    for await (const [, found] of crew.inOrder(
      firsts,
      (first) => ['pairs', scenario, first] as const,
    )) {
      pairs += found.pairs
      for (const each of found.failed) {
        wrong += 1
        if (wrong <= most) process.stdout.write(`${findingText(await shrunk(each))}\n`)
      }
    }
    process.stdout.write(`${name}: ${firsts.length} crashes alone, and ${pairs} pairs of them\n`)
    all += pairs
  }
  const seconds = (performance.now() - began) / 1000
  const found = wrong === 0 ? 'no violation' : `${wrong} with a violation`
  process.stdout.write(`${all} pairs in ${seconds.toFixed(1)} s: ${found}\n`)
  process.exitCode = wrong === 0 ? 0 : 1
}

async function replay(which: string): Promise<void> {
  const [seed = '', number = ''] = which.split(':')
  const schedule = scheduleOf(wholeNumber('replay', seed), wholeNumber('replay', number))
  const tell = values.trace ? (line: string) => process.stdout.write(`${line}\n`) : undefined
  const verdict = await runSchedule(schedule, tell)
  if (verdict.violations.length === 0) process.stdout.write('no violation\n')
  else {
    process.stdout.write(`${findingText(values.trace ? verdict : await shrunk(verdict))}\n`)
    process.exitCode = 1
  }
}

async function allOrders(crew: Crew): Promise<void> {
  const began = performance.now()
  const wrong: string[] = []
  const parts = Array.from({ length: ALL_ORDERS / ORDERS_AT_ONCE }, (_, at) => at * ORDERS_AT_ONCE)
  for await (const [from, found] of crew.inOrder(
    parts,
    (from) => ['orders', from, ORDERS_AT_ONCE] as const,
  )) {
    wrong.push(...found)
    process.stderr.write(`${from + ORDERS_AT_ONCE} orders\n`)
  }
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
