/** Which runs are best by a metric. */
import * as z from 'zod/mini'
import type { Rule } from '../hook/rule.ts'
import {
  type IndexPage,
  type IndexQuery,
  indexPage,
  keyText,
  placeIn,
  placeText,
} from './index-page.ts'
import { QueryError, quoted } from './problem-details.ts'
import { type ScoredBest, scoredBest } from './scored-best.ts'
import type { Stack } from './stack.ts'

/** A run at its place. */
export interface RankedRun extends ScoredBest {
  /** From 1, over all pages. */
  rank: number
  run: string
}

export interface LeaderboardAnswer {
  metric: string
  /** Which scores are better; runs whose own rule is the other one are not ranked. */
  rule: Rule
  runs: RankedRun[]
  /** Where the next page begins; missing on the last one. */
  next?: string
}

export interface LeaderboardQuestion {
  metric: string
  /** That of a run which tracks the metric, if not given. */
  rule?: Rule | undefined
  prefix: string
  /** Runs in a page, at most. */
  limit: number
  /** What the page before gave. */
  next?: string | undefined
}

/** What DynamoDB asks for to go on in the index `leaderboard`, and how many runs came before. */
const PLACE = z.strictObject({
  place: z.strictObject({
    run: keyText(2048),
    entry: keyText(1024),
    metric: keyText(2048),
    score_rank: keyText(1024),
  }),
  rule: z.enum(['greater', 'less']),
  before: z.int().check(z.nonnegative()),
})
const PLACE_KEYS = ['run', 'entry', 'metric', 'score_rank']

/**
 * Runs by their best score of a metric that they track, the best first.
 *
 * @throws {QueryError} `unknown-metric` where no run has a best of it
 */
export async function leaderboardOf(
  stack: Stack,
  { metric, rule: asked, prefix, limit, next }: LeaderboardQuestion,
): Promise<LeaderboardAnswer> {
  const from = next === undefined ? undefined : placeOf(next, metric, asked)
  const rule = asked ?? from?.rule ?? (await ruleOf(stack, metric))
  const { items, after } = await ranked(stack, { metric, rule, prefix, limit }, from?.place)
  const before = from?.before ?? 0
  return {
    metric,
    rule,
    runs: items.map((item, at) => rankedRun(item, before + at + 1)),
    ...(after && { next: placeText({ place: after, rule, before: before + items.length }) }),
  }
}

/** One page must go on as the one before it went. */
function placeOf(next: string, metric: string, rule: Rule | undefined) {
  const from = placeIn(PLACE, next)
  if (from.place.metric === metric && from.rule === (rule ?? from.rule)) return from
  return placeIn(PLACE, '')
}

function ranked(
  stack: Stack,
  {
    metric,
    rule,
    prefix,
    limit,
  }: Required<Pick<LeaderboardQuestion, 'metric' | 'rule' | 'prefix' | 'limit'>>,
  from: IndexPage['after'],
): Promise<IndexPage> {
  const isNarrowed = prefix !== ''
  const query: IndexQuery = {
    IndexName: 'leaderboard',
    KeyConditionExpression: 'metric = :metric',
    FilterExpression: `#rule = :rule${isNarrowed ? ' AND begins_with(#run, :prefix)' : ''}`,
    ExpressionAttributeNames: { '#rule': 'rule', ...(isNarrowed && { '#run': 'run' }) },
    ScanIndexForward: rule === 'less',
    values: { ':metric': metric, ':rule': rule, ...(isNarrowed && { ':prefix': prefix }) },
  }
  return indexPage(stack, query, PLACE_KEYS, limit, from)
}

/** The rule of the run with the lowest score; mostly there is only one. */
async function ruleOf(stack: Stack, metric: string): Promise<Rule> {
  const query: IndexQuery = {
    IndexName: 'leaderboard',
    KeyConditionExpression: 'metric = :metric',
    values: { ':metric': metric },
  }
  const { items } = await indexPage(stack, query, PLACE_KEYS, 1, undefined)
  const [first] = items
  if (first !== undefined) return first['rule'] as Rule
  throw new QueryError('unknown-metric', `no run has a best ${quoted(metric)}`)
}

function rankedRun(item: IndexPage['items'][number], rank: number): RankedRun {
  const { run } = item as unknown as RankedRun
  return { rank, run, ...scoredBest(item) }
}
