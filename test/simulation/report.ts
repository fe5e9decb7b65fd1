/** What a campaign exercised, as tables, and a violation as its smallest schedule. */
import Table from 'cli-table3'
import type { Campaign } from './campaign.ts'
import { CALL_FAULTS, CRASHES, WORLD_FAULTS } from './faults.ts'
import type { Finding } from './run-schedule.ts'

export function reportOf(campaign: Campaign): string {
  const { tally, failed } = campaign
  const missing = tally.missing()
  const unmet = [...CALL_FAULTS, ...WORLD_FAULTS].filter((fault) => !tally.faults.get(fault))
  return [
    tableOf(['the trainer', 'times'], [...tally.acts].toSorted()),
    tableOf(['fault', 'times'], [...tally.faults].toSorted()),
    tableOf(
      ['call', 'seen', ...CRASHES],
      [...tally.sites]
        .toSorted()
        .map(([site, counts]) => [
          site,
          counts.calls,
          ...CRASHES.map((crash) => counts[crash] ?? 0),
        ]),
    ),
    unmet.length === 0 ? 'every fault struck' : `faults that never struck: ${unmet.join(', ')}`,
    missing.length === 0
      ? `every call was a crash point: before, after, and with the answer lost; ${campaign.onPurpose} of these on purpose`
      : `never a crash point:\n  ${missing.map(({ site, fault }) => `${fault}: ${site}`).join('\n  ')}`,
    progressOf(campaign),
    failed.length === 0 ? 'no violation' : `violations in schedules ${failed.join(', ')}`,
  ].join('\n')
}

/** One line. */
export function progressOf({ seed, done, seconds, failed }: Campaign): string {
  const rate = (done / Math.max(seconds, 0.001)).toFixed(1)
  return `seed ${seed}: ${done} schedules in ${seconds.toFixed(1)} s (${rate}/s), ${failed.length} with a violation`
}

function tableOf(head: string[], rows: (string | number)[][]): string {
  const table = new Table({ head, style: { head: [], border: [], compact: true } })
  table.push(...rows)
  return table.toString()
}

/** What is wrong, in which schedule, and how to see it again. */
export function findingText({ schedule, violations, struck }: Finding): string {
  const { seed, number, acts, only: _, ...world } = schedule
  return [
    `schedule ${number} of seed ${seed}; replay it with --replay ${seed}:${number}`,
    ...violations.map((violation) => `  ${violation}`),
    `  the smallest schedule found: ${JSON.stringify(world)}`,
    `  faults: ${[...new Set(struck)].join(', ') || 'none'}`,
    ...acts.map(
      (act) => `    ${(act.atMs / 1000).toFixed(1)} s ${act.what}: ${JSON.stringify(act)}`,
    ),
  ].join('\n')
}
