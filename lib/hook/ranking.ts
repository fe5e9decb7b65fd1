/** All scores of a tracked metric, the best first. */
import type { CheckpointFact, History } from './history.ts'
import { stepId } from './history.ts'
import { type Life, metricsInLife, stepsInOrder } from './lives.ts'
import { isBetter, type Rule } from './rule.ts'
import type { Survey } from './survey.ts'

/** The score of a whole checkpoint. */
export interface Ranked {
  score: number
  life: Life
  checkpoint: CheckpointFact
}

/**
 * Ranks whole checkpoints by a metric, as the best is found: of a tie the earlier life comes first, then the
 * lower step. NaN and `None`, which never win, are not in it.
 */
export function rankingOf(
  history: History,
  { lives }: Survey,
  { metric, rule }: { metric: string; rule: Rule },
): Ranked[] {
  const scored = lives.flatMap((life) =>
    stepsInOrder(life).flatMap(([step, checkpoint]): Ranked[] => {
      const facts = history.steps.get(stepId(checkpoint.series, step))?.metrics ?? []
      const score = metricsInLife(facts, life, lives).get(metric)
      if (score === undefined || score === null || Number.isNaN(score)) return []
      return [{ score, life, checkpoint }]
    }),
  )
  // Sorting keeps the order of lives and steps among equals.
  return scored.toSorted((a, b) =>
    a.score === b.score ? 0 : isBetter(rule, a.score, b.score) ? -1 : 1,
  )
}
