import { describe, expect, test } from 'vitest'
import { at, nearest, placed } from '../../../dashboard/run/timeline-places.ts'
import type { DescribedStep } from '../../../lib/query/describe-run.ts'

const stepOf = (step: number, fate = 'kept') => ({ step, fate, key: `${step}` }) as DescribedStep

describe('checkpoints along a line', () => {
  test('stand where their steps are, within its margins', () => {
    const places = placed([stepOf(0), stepOf(50), stepOf(100)], new Set(['50']), 216)
    expect(places.map(({ x }) => x)).toEqual([8, 108, 208])
    expect(places.map(({ isBest }) => isBest)).toEqual([false, true, false])
  })

  test('stand at its beginning where there is one', () => {
    expect(placed([stepOf(7)], new Set(), 200)).toMatchObject([{ x: 8, wide: 10 }])
  })

  test('are never too narrow to be seen', () => {
    const many = Array.from({ length: 10_000 }, (_, step) => stepOf(step))
    expect(placed(many, new Set(), 300)[0]?.wide).toBe(1.5)
  })

  test.each([
    ['kept', 'kept'],
    ['held', 'kept'],
    ['evicted', 'evicted'],
    ['torn', 'other'],
    ['removed', 'other'],
  ])('that are %s look like %s ones', (fate, mark) => {
    expect(placed([stepOf(1, fate)], new Set(), 100)[0]?.mark).toBe(mark)
  })

  test('are found by the nearest place', () => {
    const places = placed([stepOf(0), stepOf(50), stepOf(100)], new Set(), 216)
    expect([-5, 57, 59, 999].map((x) => nearest(places, x))).toEqual([0, 0, 1, 2])
    expect(nearest([], 5)).toBeUndefined()
  })
})

test('whoever goes past the end of a list is at its end', () => {
  expect([-3, 0, 1, 9].map((index) => at(['a', 'b'], index))).toEqual(['a', 'a', 'b', 'b'])
  expect(at([], 0)).toBeUndefined()
})
