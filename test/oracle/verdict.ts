/** What came of a schedule, and what differs. */
import type { DeviationName } from './deviations.ts'
import type { Left } from './ours.ts'
import { canonical, type Schedule } from './schedule.ts'
import type { World } from './world.ts'

/** Something that differs. */
export interface Mismatch {
  what: string
  expected: unknown
  found: unknown
}

/** What came of one schedule. */
export interface Verdict {
  schedule: Schedule
  mismatches: Mismatch[]
  /** Each deviation that made a difference, once. */
  applied: Set<DeviationName>
  /** What of a trainer's world was in it, beside the arguments. */
  met: World[]
}

/** Compares what was to be left with what is. */
export function differInLeft(verdict: Verdict, expected: Left, found: Left): void {
  for (const key of ['checkpoints', 'best', 'published', 'last_checkpoint'] as const) {
    differ(verdict, key, expected[key], found[key])
  }
  const info = [expected.runtime_info, found.runtime_info]
  for (const key of new Set(info.flatMap(Object.keys))) {
    differ(verdict, `runtime_info.${key}`, info[0]?.[key], info[1]?.[key])
  }
}

/** Notes what differs. */
export function differ(
  { mismatches }: Verdict,
  what: string,
  expected: unknown,
  found: unknown,
): void {
  if (canonical(expected) !== canonical(found)) mismatches.push({ what, expected, found })
}
