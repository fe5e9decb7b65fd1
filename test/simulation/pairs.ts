/**
 * Crashes at every place of the core scenarios, and then at every place that is called from there on: before the
 * call, after it, and with its answer lost.
 */
import { CRASHES } from './faults.ts'
import { type Finding, runSchedule, type Verdict } from './run-schedule.ts'
import { SCENARIOS } from './scenarios.ts'
import type { Schedule, Strike } from './schedule.ts'

/** All first crashes of a scenario. */
export async function firstStrikes(scenario: number): Promise<Strike[]> {
  const { reached } = await runSchedule({ ...scheduleOf(scenario), strikes: [] })
  return strikesAt(reached)
}

/** What came of the crashes that follow a first one. */
export interface Pairs {
  readonly pairs: number
  readonly failed: readonly Finding[]
}

/** Runs a scenario with a crash, and then with each further one that can follow it. */
export async function pairsAfter(scenario: number, first: Strike): Promise<Pairs> {
  const once = await struck(scenario, [first])
  const verdicts = [once]
  for (const second of strikesAt(once.reached)) {
    verdicts.push(await struck(scenario, [first, second]))
  }
  return {
    pairs: verdicts.length - 1,
    failed: verdicts
      .filter(({ violations }) => violations.length > 0)
      .map(({ schedule, violations, struck }) => ({ schedule, violations, struck })),
  }
}

async function struck(scenario: number, strikes: readonly Strike[]): Promise<Verdict> {
  const verdict = await runSchedule({ ...scheduleOf(scenario), strikes })
  if (verdict.strikesMet === strikes.length) return verdict
  const missed = `${strikes.length - verdict.strikesMet} of its crashes found no place`
  return { ...verdict, violations: [...verdict.violations, missed] }
}

function strikesAt(sites: readonly string[]): Strike[] {
  return sites.toSorted().flatMap((site) => CRASHES.map((fault) => ({ site, fault })))
}

function scheduleOf(scenario: number): Schedule {
  const found = SCENARIOS[scenario]
  if (found === undefined) throw new RangeError(`there is no scenario ${scenario}`)
  return found.schedule
}
