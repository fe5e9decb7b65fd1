/** What a campaign exercised, as tables, and a mismatch as its smallest schedule. */
import Table from 'cli-table3'
import type { Campaign } from './campaign.ts'
import type { BranchCount } from './hook-process.ts'
import type { Verdict } from './verdict.ts'

/** Ways out of the hook's branches that nothing took. */
export function untaken(branches: readonly BranchCount[]): string[] {
  return branches.flatMap(({ branch, taken, not_taken: notTaken }) => [
    ...(taken === 0 ? [`never taken: ${branch}`] : []),
    ...(notTaken === 0 ? [`never passed by: ${branch}`] : []),
  ])
}

/** All tables. */
export function reportOf(campaign: Campaign, seed: number): string {
  const { schedules, lives, seconds, plain, mismatched, named, applied, met, branches } = campaign
  const rest = untaken(branches)
  return [
    tableOf(['branch of the hook', 'taken', 'not'], branches.map(branchRow)),
    tableOf(
      ['argument', 'lives that name it'],
      [...named].map(([name, count]) => [name, count]),
    ),
    tableOf(
      ["of the trainer's world", 'schedules'],
      [...met].map(([name, count]) => [name, count]),
    ),
    tableOf(
      ['deliberate deviation', 'schedules'],
      [...applied].map(([name, count]) => [name, count]),
    ),
    `${plain} schedules were compared without any deviation`,
    `seed ${seed}: ${schedules} schedules with ${lives} lives in ${seconds.toFixed(1)} s (${Math.round(schedules / seconds)}/s)`,
    rest.length === 0 ? 'every branch of the hook was taken both ways' : rest.join('\n'),
    mismatched.length === 0 ? 'no mismatch' : `${mismatched.length} schedules differ`,
  ].join('\n')
}

/** What a sample on the stack came to, in words. */
export function sampleText(
  verdicts: readonly Verdict[],
  seed: number,
  milliseconds: number,
): string {
  const differing = verdicts.filter(({ mismatches }) => mismatches.length > 0)
  const count = (what: (verdict: Verdict) => number) =>
    verdicts.reduce((sum, verdict) => sum + what(verdict), 0)
  return [
    ...differing.map(verdictText),
    `seed ${seed}: ${verdicts.length} schedules with ${count(({ schedule }) => schedule.lives.length)} lives ` +
      `through the deployed stack in ${(milliseconds / 1000).toFixed(1)} s`,
    differing.length === 0 ? 'no mismatch' : `${differing.length} schedules differ`,
  ].join('\n')
}

function branchRow({ branch, taken, not_taken: notTaken }: BranchCount): (string | number)[] {
  const shown = branch.length > 90 ? `${branch.slice(0, 87)}...` : branch
  return [shown, taken, notTaken]
}

function tableOf(head: string[], rows: (string | number)[][]): string {
  const table = new Table({ head, style: { head: [], border: [], compact: true } })
  table.push(...rows)
  return table.toString()
}

/** A mismatch: what differs, in which schedule, and how to replay it. */
export function verdictText({ schedule, mismatches, applied }: Verdict): string {
  const { seed, number, lives, ...world } = schedule
  return [
    `schedule ${number} of seed ${seed} differs; replay it with --seed ${seed} --only ${number}`,
    ...mismatches.map(
      ({ what, expected, found }) =>
        `  ${what}\n    MMEngine ${shown(expected)}\n    the hub  ${shown(found)}`,
    ),
    `  deviations applied: ${[...applied].join(', ') || 'none'}`,
    `  the smallest schedule found: ${shown(world)}`,
    ...lives.map((life) => `    ${shown(life)}`),
  ].join('\n')
}

function shown(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'number' && !Number.isFinite(each) ? String(each) : each,
  )
  return text ?? 'nothing'
}
