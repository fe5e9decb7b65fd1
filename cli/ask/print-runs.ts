/** `ckpt runs`: which runs there are. */
import type { RunsAnswer } from '../../lib/query/runs.ts'
import { type ListedRun, listRuns } from '../../lib/query/runs.ts'
import { tableOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import { readableTime } from '../output/times.ts'
import type { Stack } from '../stack/stack.ts'

/** As many as one question of the query API brings. */
const PAGE = 100

/**
 * Prints runs, the one with the newest upload first.
 *
 * @param prefix with which their names begin
 * @param most how many, at most
 */
export async function printRuns(
  stack: Stack,
  terminal: Terminal,
  { prefix, most }: { prefix: string; most: number },
): Promise<void> {
  const runs: ListedRun[] = []
  let next: string | undefined
  do {
    const limit = Math.min(PAGE, most - runs.length)
    const page: RunsAnswer = await listRuns(stack, { prefix, limit, next })
    runs.push(...page.runs)
    next = page.next
  } while (next !== undefined && runs.length < most)
  const isMore = next !== undefined
  terminal.answer({ runs, more: isMore }, () => textOf(terminal, runs, prefix))
  if (isMore && !terminal.isJson) terminal.note(`There are more: -n ${2 * most} shows them.`)
}

function textOf(terminal: Terminal, runs: readonly ListedRun[], prefix: string): string {
  if (runs.length === 0 && terminal.isForPeople) {
    return prefix === ''
      ? 'No runs yet: upload a checkpoint, or `ckpt adopt` what lies there.'
      : `No run begins with ${prefix}`
  }
  const heads = ['run', 'last upload', 'last step', 'checkpoints', 'evicted', 'problems']
  const rows = runs.map((run) => [
    run.run,
    readableTime(Math.floor(Date.parse(run.last_upload) / 1000)),
    run.last_step ?? '',
    run.checkpoints,
    run.evicted,
    run.problems,
  ])
  return tableOf(terminal, heads, rows)
}
