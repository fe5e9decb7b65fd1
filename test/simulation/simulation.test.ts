/**
 * Invariants 1 to 10 over random schedules of trainers and faults. A fresh seed each time: what it finds, it prints
 * made small, and `npm run simulate -- --replay` shows it again.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { scheduleOf } from './generator.ts'
import { ALL_ORDERS, settleOrders } from './orders.ts'
import { pairsAfter } from './pairs.ts'
import { runSchedule } from './run-schedule.ts'

/** Some fifteen seconds of one core; 200,000 take hours, and `npm run simulate` does as many as it is asked for. */
const SCHEDULES = Number(process.env['CHECKPOINT_HUB_SIMULATED_SCHEDULES'] ?? 100)
/** Where other tests have most of the cores. */
const LONGEST_MS = 600_000
/** Some of the 40,320, from a place that differs each time. */
const ORDERS = 100

const FOLDER = fileURLToPath(new URL('.', import.meta.url))

/** Runs a command of the simulation as npm does. What ends with something other than 0 is an error here. */
async function runCommand(name: string, ...options: string[]): Promise<string> {
  const remember = pathToFileURL(join(FOLDER, 'remember.ts')).href
  const command = ['--import', remember, join(FOLDER, name), ...options]
  const { stdout } = await promisify(execFile)(process.execPath, command)
  return stdout
}

test(
  'random schedules with faults violate nothing, and end as the facts in order do',
  async () => {
    const found = await runCommand(
      'main.ts',
      ...['--schedules', String(SCHEDULES), '--workers', '1', '--violations', '1'],
    )
    const rate = /^seed .*$/m.exec(found)?.[0] ?? ''
    process.stdout.write(`${rate}\n`)
    expect(rate).toContain(`: ${SCHEDULES} schedules`)
  },
  LONGEST_MS,
)

test('every place that a campaign reaches is a crash point: before, after, and with the answer lost', async () => {
  // It ends with 1 where one is not.
  const found = await runCommand('main.ts', '--schedules', '6', '--seed', '1', '--workers', '1')
  expect(found).toContain('every call was a crash point')
  expect(found).toMatch(/TransactWriteItems of transact in message-hub\/message-hub/)
})

test('pairs of crashes in a core scenario violate nothing', async () => {
  const first = { site: 'DeleteObject of deleteIfMatch in bucket/delete, a checkpoint' } as const
  const { pairs, failed } = await pairsAfter(0, { ...first, fault: 'answer lost' })
  expect(pairs).toBeGreaterThan(20)
  expect(failed).toEqual([])
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

test('a schedule runs the same where no answer is kept', async () => {
  const kept = await runCommand('main.ts', '--replay', '1:9', '--trace')
  const afresh: string[] = []
  await runSchedule(scheduleOf(1, 9), (line) => afresh.push(line))
  expect(kept).toEqual(`${[...afresh, 'no violation'].join('\n')}\n`)
})

test('bugs that are put in on purpose are found', async () => {
  const found = await runCommand('planted/main.ts', '--quick', '--schedules', '200')
  expect(found.trim().split('\n').length).toBeGreaterThan(8)
  expect(found).not.toContain('NOT FOUND')
})
