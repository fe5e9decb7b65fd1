/**
 * Invariants 1 to 10 over random schedules of trainers and faults. A fresh seed each time: what it finds, it prints
 * made small, and `npm run simulate -- --replay` shows it again.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { goOn, newCampaign } from './campaign.ts'
import { scheduleOf } from './generator.ts'
import { ALL_ORDERS, settleOrders } from './orders.ts'
import { progressOf, verdictText } from './report.ts'
import { runSchedule } from './run-schedule.ts'
import { shrunk } from './shrink.ts'

/** Some seven seconds of one core; 200,000 take hours, and `npm run simulate` does as many as it is asked for. */
const SCHEDULES = Number(process.env['CHECKPOINT_HUB_SIMULATED_SCHEDULES'] ?? 100)
/** Some of the 40,320, from a place that differs each time. */
const ORDERS = 100

test('random schedules with faults violate nothing, and end as the facts in order do', async () => {
  const seed = Date.now() % 1_000_000_000
  const campaign = newCampaign(seed)
  const found: string[] = []
  await goOn(campaign, {
    schedules: SCHEDULES,
    mostFailed: 1,
    onFailed: async (verdict) => {
      found.push(verdictText(await shrunk(verdict)))
    },
  })
  process.stdout.write(`${progressOf(campaign)}\n`)
  expect(found, `seed ${seed}`).toEqual([])
})

test('a schedule runs the same again, to the byte', async () => {
  // A large one with faults of every kind.
  const schedule = { ...scheduleOf(1, 9), rates: { call: 0.1, stall: 0.05, message: 0.2 } }
  const traces: string[][] = [[], []]
  for (const trace of traces) await runSchedule(schedule, (line) => trace.push(line))
  expect(traces[0]?.length).toBeGreaterThan(100)
  expect(traces[0]?.join('\n')).toEqual(traces[1]?.join('\n'))
})

test('eight facts end the same in whatever order they become visible', async () => {
  const from = Date.now() % (ALL_ORDERS - ORDERS)
  expect(await settleOrders(from, ORDERS), `from ${from}`).toEqual([])
})

test('bugs that are put in on purpose are found', async () => {
  const command = fileURLToPath(new URL('planted/main.ts', import.meta.url))
  // It ends with 1, and is an error here, where one is not found.
  const { stdout } = await promisify(execFile)(process.execPath, [
    command,
    ...['--quick', '--schedules', '200'],
  ])
  expect(stdout.trim().split('\n').length).toBeGreaterThan(8)
  expect(stdout).not.toContain('NOT FOUND')
})
