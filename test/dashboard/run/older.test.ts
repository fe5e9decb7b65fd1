import { expect, test } from 'vitest'
import { withOlder } from '../../../dashboard/run/older.ts'
import type { DescribedStep, RunAnswer } from '../../../lib/query/describe-run.ts'

const pageOf = (steps: readonly number[], fate: string): RunAnswer =>
  ({
    run: 'a',
    steps: steps.map((step) => ({ series: 'iter', step, fate }) as DescribedStep),
    curves: [
      { metric: 'acc', series: 'iter', steps: [...steps], values: steps.map(() => fate.length) },
    ],
  }) as unknown as RunAnswer

test('older pages come before the newest answer, which counts where both tell of a step', () => {
  const { steps, curves } = withOlder(pageOf([9, 10], 'kept'), [
    pageOf([5, 9], 'evicted'),
    pageOf([1, 2], 'evicted'),
  ])
  expect(steps.map(({ step, fate }) => [step, fate])).toEqual([
    [1, 'evicted'],
    [2, 'evicted'],
    [5, 'evicted'],
    [9, 'kept'],
    [10, 'kept'],
  ])
  expect(curves).toEqual([
    { metric: 'acc', series: 'iter', steps: [1, 2, 5, 9, 10], values: [7, 7, 7, 4, 4] },
  ])
})

test('without older pages an answer stays the same object, so that nothing is drawn again', () => {
  const run = pageOf([1], 'kept')
  expect(withOlder(run, [])).toBe(run)
})
