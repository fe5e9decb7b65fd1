import { expect, test } from 'vitest'
import { counted, percentOf, readableScore, shortStep } from '../../dashboard/numbers.ts'

test.each([
  ['96.86323713927227', '96.8632'],
  ['0.11446367519096198', '0.114464'],
  ['1e300', '1e+300'],
  ['-0.5', '-0.5'],
  ['NaN', 'NaN'],
  ['-Infinity', '-Infinity'],
  [0.1 + 0.2, '0.3'],
  [null, 'none'],
] as const)('the score %j is read as %s', (score, text) => {
  expect(readableScore(score)).toBe(text)
})

test.each([
  [1, '1 run'],
  [0, '0 runs'],
  [2_000, '2,000 runs'],
])('%i of them are counted as %s', (count, text) => {
  expect(counted(count, 'run')).toBe(text)
})

test.each([
  [0, 0, '0%'],
  [999, 1_000, '99%'],
  [1_000, 1_000, '100%'],
])('%i of %i are %s', (part, whole, text) => {
  expect(percentOf(part, whole)).toBe(text)
})

test.each([
  [7, '7'],
  [1_250, '1.25K'],
  [1_000_000, '1M'],
])('the step %i is %s beside an axis', (step, text) => {
  expect(shortStep(step)).toBe(text)
})
