import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rankingOf } from '../../../lib/hook/ranking.ts'
import { surveyOf } from '../../../lib/hook/survey.ts'
import { type ARun, aRun, RUN } from './a-run.ts'
import { toldRuns } from './told-runs.ts'

function ranked(run: ARun, rule: 'greater' | 'less' = 'greater') {
  const history = run.history()
  return rankingOf(history, surveyOf(RUN, history), { metric: 'acc', rule })
}

describe('the ranking by a metric', () => {
  test.each([
    ['greater', [2, 3, 1]],
    ['less', [1, 3, 2]],
  ] as const)('has the best score first where %s is better', (rule, steps) => {
    const run = aRun().validated('acc', 0.1, 0.9, 0.5)
    expect(ranked(run, rule).map(({ checkpoint }) => checkpoint.step)).toEqual(steps)
  })

  test('of a tie has the lower step first, and the earlier life before that', () => {
    const run = aRun().validated('acc', 0.5, 0.5).begin().validated('acc', 0.5)
    expect(ranked(run).map(({ life, checkpoint }) => [life.ordinal, checkpoint.step])).toEqual([
      [0, 1],
      [0, 2],
      [1, 1],
    ])
  })

  test('has neither NaN, nor None, nor a step without a checkpoint', () => {
    const run = aRun().validated('acc', Number.NaN, 0.5).metrics(7, { acc: 1 }).upload(3)
    expect(ranked(run.metrics(3, { acc: null }))).toHaveLength(1)
  })

  test('begins with the best, whatever happened', () => {
    fc.assert(
      fc.property(toldRuns, (run) => {
        const [best] = run.outcome().best
        const [first] = ranked(run)
        expect(first?.checkpoint.first.versionId).toBe(best?.checkpoint.first.versionId)
      }),
    )
  })
})
