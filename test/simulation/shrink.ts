/** Makes a schedule that violates something as small as it gets while it still does. */
import { type Finding, runSchedule } from './run-schedule.ts'
import type { Schedule } from './schedule.ts'

const MOST_RUNS = 150
const PLAIN = {
  pageRows: 1000,
  pageItems: 1000,
  indexLagMs: 0,
  inParts: false,
  computesHashes: true,
}

/** The smallest schedule found, with what is wrong with it. */
export async function shrunk(found: Finding): Promise<Finding> {
  let smallest = found
  // Of another violation it would say nothing about this one.
  const head = headOf(found.violations[0])
  let runs = 0
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false
    for (const schedule of smallerThan(smallest)) {
      runs += 1
      if (runs > MOST_RUNS) return smallest
      const smaller = await runSchedule(schedule)
      if (!smaller.violations.some((each) => headOf(each) === head)) continue
      smallest = smaller
      isSmaller = true
      break
    }
  }
  return smallest
}

/** What a violation is about, without what differs from schedule to schedule. */
function headOf(violation = ''): string {
  return violation.split(': ', 1)[0]?.replaceAll(/\d{4}-\S*/g, '') ?? ''
}

/** Schedules with less, the boldest first. */
function* smallerThan({ schedule, struck }: Finding): Generator<Schedule> {
  const { acts, services } = schedule
  const names = [...new Set(struck)]
  if (schedule.only === undefined || names.length < schedule.only.length) {
    yield { ...schedule, only: [] }
    yield { ...schedule, only: names }
  }
  for (const strikes of withLess(schedule.strikes ?? [])) yield { ...schedule, strikes }
  for (const only of withLess(names)) yield { ...schedule, only }
  for (const fewer of withLess(acts)) yield { ...schedule, acts: fewer }
  for (const [name, value] of Object.entries(PLAIN)) {
    if (services[name as keyof typeof PLAIN] === value) continue
    yield { ...schedule, services: { ...services, [name]: value } }
  }
}

/** Without one half, a quarter, and so on down to one. */
function* withLess<T>(items: readonly T[]): Generator<T[]> {
  for (
    let size = Math.ceil(items.length / 2);
    size >= 1;
    size = size > 1 ? Math.ceil(size / 2) : 0
  ) {
    for (let from = 0; from < items.length; from += size) {
      yield [...items.slice(0, from), ...items.slice(from + size)]
    }
  }
}
