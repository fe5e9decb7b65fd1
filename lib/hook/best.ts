/**
 * The best checkpoint of each tracked metric, and the steps that set a record on the way.
 *
 * Walks the lives in their order and each life's steps in step order, as the hook walked them.
 */

import {
  bytesOf,
  type CheckpointFact,
  type History,
  momentOfCheckpoint,
  stepId,
} from './history.ts'
import {
  type ArgumentFault,
  HookArgumentError,
  type HookOptions,
  ruleFor,
} from './hook-arguments.ts'
import { type Life, metricsInLife, stepsInOrder } from './lives.ts'
import { isDirectory } from './names.ts'
import { optionsAt, optionsNow, type Policy } from './policy.ts'
import { inferRule, initialScore, isBetter, type Rule } from './rule.ts'

/** The best of one metric over the whole run. */
export interface Best {
  metric: string
  rule: Rule
  score: number
  life: Life
  checkpoint: CheckpointFact
}

/** Best copies that a person removed, each as `removedBest` names it. */
export type RemovedBests = ReadonlySet<string>

/** Names the best copy of a metric by the bytes that it was made from. */
export function removedBest(metric: string, bytes: string): string {
  return JSON.stringify([metric, bytes])
}

/** What the walk found. */
export interface BestWalk {
  /** The metrics tracked now, in the order of `save_best`; one without a score yet is not among the best. */
  tracked: { metric: string; rule: Rule }[]
  best: Best[]
  /** Those and the best of every metric that earlier options tracked: their copies stay. */
  everBest: Best[]
  /** Checkpoints that were better than all before them when their life reached them. */
  records: Set<CheckpointFact>
  faults: { checkpoint: CheckpointFact; fault: ArgumentFault }[]
}

/**
 * Finds the best of each metric: the better score, and of a tie the earlier life, then the lower step.
 * Only steps with a complete checkpoint compete. A metric that other options track, or under another
 * rule, starts afresh. What has expired, or was removed where it would be the answer, set its record and is
 * no best.
 *
 * @param removed best copies that a person removed
 */
export function walkBest(
  history: History,
  lives: Life[],
  policy: Policy,
  removed: RemovedBests,
): BestWalk {
  const walk: Found = { records: new Set(), faults: [] }
  const bests = new Map<string, Best>()
  const peaks = new Map<string, number>()
  let auto: string | undefined
  const judged = new Set<HookOptions>()
  for (const life of lives) {
    for (const [step, checkpoint] of stepsInOrder(life)) {
      const facts = history.steps.get(stepId(checkpoint.series, step))?.metrics ?? []
      const metrics = metricsInLife(facts, life, lives)
      if (metrics.size === 0) continue
      const options = optionsAt(policy, momentOfCheckpoint(checkpoint))
      if (isAuto(options) && !judged.has(options)) {
        auto = autoMetric(options, auto, metrics, checkpoint, walk)
        if (auto !== undefined) judged.add(options)
      }
      for (const tracked of resolveTracked(options, auto)) {
        const score = scoreOf(tracked.metric, metrics, checkpoint, walk)
        const key = identity(tracked)
        if (score === null) continue
        if (isBetter(tracked.rule, score, peaks.get(key) ?? initialScore(tracked.rule))) {
          walk.records.add(checkpoint)
          peaks.set(key, score)
        }
        const before = bests.get(key)?.score ?? initialScore(tracked.rule)
        if (!isBetter(tracked.rule, score, before)) continue
        const isLeft = checkpoint.versions.some(({ gone }) => !gone)
        if (isLeft && !isRemoved(history, removed, tracked.metric, checkpoint)) {
          bests.set(key, { ...tracked, score, life, checkpoint })
        }
      }
    }
  }
  const tracked = resolveTracked(optionsNow(policy), auto)
  const best = tracked.flatMap((each) => bests.get(identity(each)) ?? [])
  return { ...walk, tracked, best, everBest: [...bests.values()] }
}

/** The checkpoint's own removal takes a directory away, which has no copy. That of a file leaves its copy. */
function isRemoved(
  { steps }: History,
  removed: RemovedBests,
  metric: string,
  { series, step, key, first }: CheckpointFact,
): boolean {
  const { removal } = steps.get(stepId(series, step)) ?? {}
  if (isDirectory(key)) return removal?.key === key
  return removed.has(removedBest(metric, bytesOf(first)))
}

/** What the walk finds on its way. */
type Found = Pick<BestWalk, 'records' | 'faults'>

function isAuto(options: HookOptions): boolean {
  return options.saveBest[0]?.metric === 'auto'
}

/**
 * `auto` is the first key of the first metrics that are not empty and whose rule is known, and stays so.
 * Its rule is that of the options in force, as any metric's.
 */
function autoMetric(
  options: HookOptions,
  auto: string | undefined,
  metrics: Map<string, number | null>,
  checkpoint: CheckpointFact,
  walk: Found,
): string | undefined {
  const [first = ''] = metrics.keys()
  const metric = auto ?? first
  if (options.saveBest[0]?.rule !== undefined) return metric
  const remarks: ArgumentFault[] = []
  try {
    ruleFor(metric, options.greaterKeys, options.lessKeys, remarks)
    walk.faults.push(...remarks.map((fault) => ({ checkpoint, fault })))
    return metric
  } catch (error) {
    if (!(error instanceof HookArgumentError)) throw error
    walk.faults.push({ checkpoint, fault: { field: error.field, reason: error.reason } })
    return auto
  }
}

function resolveTracked(
  options: HookOptions,
  auto: string | undefined,
): { metric: string; rule: Rule }[] {
  return options.saveBest.flatMap(({ metric, rule }) => {
    if (metric !== 'auto') return rule ? [{ metric, rule }] : []
    if (auto === undefined) return []
    const known = rule ?? inferRule(auto, options.greaterKeys, options.lessKeys)
    return known ? [{ metric: auto, rule: known }] : []
  })
}

function scoreOf(
  metric: string,
  metrics: Map<string, number | null>,
  checkpoint: CheckpointFact,
  walk: Found,
): number | null {
  const score = metrics.get(metric)
  if (score !== undefined) return score
  const known = [...metrics.keys()].slice(0, 5).join(', ')
  walk.faults.push({
    checkpoint,
    fault: {
      field: 'save_best',
      reason: `the metrics of step ${checkpoint.step} have no ${JSON.stringify(metric)}; they have ${known}`,
    },
  })
  return null
}

function identity({ metric, rule }: { metric: string; rule: Rule }): string {
  return `${rule} ${metric}`
}
