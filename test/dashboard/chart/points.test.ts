import { describe, expect, test } from 'vitest'
import { aligned, drawn, recordSteps } from '../../../dashboard/chart/points.ts'
import type { Curve } from '../../../lib/query/curves.ts'
import type { DescribedBest, DescribedStep } from '../../../lib/query/describe-run.ts'

const curve = (values: Curve['values']): Curve => ({
  metric: 'acc',
  series: 'epoch',
  steps: values.map((_, at) => at + 1),
  values,
})

test.each([
  [1.5, 1.5],
  [0, 0],
  ['NaN', null],
  ['Infinity', null],
  ['-Infinity', null],
  [null, null],
  [undefined, null],
] as const)('the value %j is drawn as %j', (value, expected) => {
  expect(drawn(value)).toBe(expected)
})

test('curves over each other have all steps of any, with gaps', () => {
  expect(
    aligned([
      { steps: [1, 2, 5], values: [0.1, 'NaN', 0.5] },
      { steps: [2, 3], values: [2, 3] },
    ]),
  ).toEqual({
    steps: [1, 2, 3, 5],
    values: [
      [0.1, null, null, 0.5],
      [null, 2, 3, null],
    ],
  })
})

describe('records of a curve', () => {
  const stepsOf = (...records: number[]): DescribedStep[] =>
    [1, 2, 3, 4].map((step) => ({
      series: 'epoch',
      step,
      key: `epoch_${step}.pth`,
      size_bytes: 1,
      uploaded: '2026-01-01T00:00:00.000Z',
      set_record: records.includes(step),
      fate: 'kept',
      reason: '',
    }))
  const best = (rule: 'greater' | 'less') => ({ rule }) as DescribedBest

  test.each([
    ['greater', [1, 3, 2, 4], [1, 2, 3, 4], [1, 2, 4]],
    ['less', [4, 3, 5, 1], [1, 2, 3, 4], [1, 2, 4]],
    ['greater', ['NaN', 1, null, 2], [1, 2, 3, 4], [2, 4]],
  ] as const)(
    'by the rule %s of %j are those that were better than all before',
    (rule, values, records, expected) => {
      const found = recordSteps(curve([...values]), best(rule), stepsOf(...records))
      expect([...found]).toEqual(expected)
    },
  )

  test('are only those that the hub counts as records', () => {
    expect([...recordSteps(curve([1, 2, 3, 4]), best('greater'), stepsOf(2, 4))]).toEqual([2, 4])
  })

  test('are none of a metric that is not tracked', () => {
    expect(recordSteps(curve([1, 2, 3, 4]), undefined, stepsOf(1, 2)).size).toBe(0)
  })
})
