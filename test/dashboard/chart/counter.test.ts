import { expect, test } from 'vitest'
import { counterOf, curveOf } from '../../../dashboard/chart/counter.ts'
import type { Curve } from '../../../lib/query/curves.ts'

const over = (series: 'epoch' | 'iter', metric = 'acc'): Curve => {
  return { metric, series, steps: [1], values: [1] }
}

test.each([
  [{ by_epoch: true }, [over('iter')], 'epoch'],
  [{ by_epoch: false }, [over('epoch')], 'iter'],
  [{}, [over('iter')], 'iter'],
  [{}, [], 'epoch'],
] as const)(
  'with the options %j curves are over the counter of the checkpoints, or of the first',
  (options, curves, counter) => {
    expect(counterOf({ options, curves: [...curves] })).toBe(counter)
  },
)

test('a metric that was told under the other counter alone is shown over that one', () => {
  const curves = [over('iter'), over('epoch'), over('iter', 'loss')]
  expect(curveOf(curves, 'acc', 'epoch')?.series).toBe('epoch')
  expect(curveOf(curves, 'loss', 'epoch')?.series).toBe('iter')
  expect(curveOf(curves, 'none', 'epoch')).toBeUndefined()
})
