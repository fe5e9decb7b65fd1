/** `ckpt leaderboard`: runs by their best score. */
import type { Rule } from '../../lib/hook/rule.ts'
import {
  type LeaderboardAnswer,
  leaderboardOf,
  type RankedRun,
} from '../../lib/query/leaderboard.ts'
import { tableOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import type { Stack } from '../stack/stack.ts'

const PAGE = 100

/** What is asked. */
export interface LeaderboardOptions {
  readonly prefix: string
  /** How many runs, at most. */
  readonly most: number
  /** That of the runs, unless told. */
  readonly rule: Rule | undefined
}

/**
 * Prints runs by their best score of a metric, the best first.
 *
 * @throws {QueryError} where no run has a best of it
 */
export async function printLeaderboard(
  stack: Stack,
  terminal: Terminal,
  metric: string,
  { prefix, most, rule }: LeaderboardOptions,
): Promise<void> {
  const runs: RankedRun[] = []
  let page: LeaderboardAnswer
  let next: string | undefined
  do {
    const limit = Math.min(PAGE, most - runs.length)
    page = await leaderboardOf(stack, { metric, rule, prefix, limit, next })
    runs.push(...page.runs)
    next = page.next
  } while (next !== undefined && runs.length < most)
  const isMore = next !== undefined
  terminal.answer({ metric, rule: page.rule, runs, more: isMore }, () =>
    tableOf(
      terminal,
      ['rank', 'run', metric, 'step', 'checkpoint'],
      runs.map((run) => [run.rank, run.run, run.score, run.step, run.copy ?? run.source]),
    ),
  )
  if (isMore && !terminal.isJson) terminal.note(`There are more: -n ${2 * most} shows them.`)
}
