/** What `ckpt plan` says. */
import { nameOf, type Run, uriOf } from '../../lib/hook/names.ts'
import type { Forecast } from '../../lib/hook/what-if.ts'
import { readableSize } from '../output/sizes.ts'
import { tableOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'

export interface Planned extends Forecast {
  readonly run: Run
  readonly bucket: string
  readonly brake: number
  readonly noncurrentDays: number
  /** What is odd about the options, and what the plan cannot know. */
  readonly remarks: readonly string[]
}

/** The document that `ckpt plan --json` prints. */
export function jsonOfPlan(planned: Planned): object {
  const { run, bucket, brake, checkpoints, made, retired, freedBytes, remarks } = planned
  return {
    run,
    checkpoints: checkpoints.map(
      ({ step, key, sizeBytes, now, planned: then, reason, change }) => ({
        step,
        checkpoint: uriOf(bucket, key),
        size_bytes: sizeBytes,
        now,
        planned: then,
        reason,
        change,
      }),
    ),
    held: { by_brake: countOf(planned, 'held'), brake },
    made: made.map(({ key, kind, metric = null }) => ({
      object: uriOf(bucket, key),
      kind,
      metric,
    })),
    retired: retired.map(({ key, sizeBytes }) => ({
      object: uriOf(bucket, key),
      size_bytes: sizeBytes,
    })),
    freed_bytes: freedBytes,
    remarks,
  }
}

/** The checkpoints that are there or would be, and what it comes to. */
export function textOfPlan(terminal: Terminal, planned: Planned): string {
  const shown = planned.checkpoints.filter(
    ({ now, change }) => change !== 'none' || (now !== 'evicted' && now !== 'removed'),
  )
  const table = tableOf(
    terminal,
    ['checkpoint', 'size', 'now', 'planned', 'change', 'why'],
    shown.map(({ key, sizeBytes, now, planned: then, change, reason }) => [
      nameOf(key),
      { sizeBytes },
      now,
      then,
      change === 'none' ? '' : change,
      reason.replace(/^[a-z]+: /, ''),
    ]),
  )
  // On a pipe the rows are all: whoever reads them by program finds the rest in the JSON.
  return terminal.isForPeople ? `${table}\n\n${summaryOf(planned)}` : table
}

function summaryOf(planned: Planned): string {
  const { checkpoints, made, retired, freedBytes, brake, noncurrentDays, remarks } = planned
  const going = checkpoints.filter(({ change }) => change === 'goes')
  const coming = checkpoints.filter(({ change }) => change === 'comes back')
  const held = countOf(planned, 'held')
  const lines = [
    `${counted(going.length, 'checkpoint')} would go, which frees ${readableSize(freedBytes)} after ${noncurrentDays} days; until then they can be restored.`,
    ...(coming.length > 0 ? [`${counted(coming.length, 'checkpoint')} would come back.`] : []),
    ...(held > 0
      ? [
          `${counted(held, 'checkpoint')} would be held by the brake, since more than ${brake} would go at once.`,
        ]
      : []),
    ...made.map(({ key }) => `${nameOf(key)} would be made.`),
    ...retired.map(({ key }) => `${nameOf(key)} would be deleted.`),
    ...remarks.map((remark) => `Note: ${remark}.`),
  ]
  return lines.join('\n')
}

function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`
}

function countOf({ checkpoints }: Planned, kind: 'held'): number {
  return checkpoints.filter(({ planned }) => planned === kind).length
}
