import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scoreOf, scoreRank, scoreText } from '../../../lib/hook/score.ts'

describe('the text of a score', () => {
  test.each([
    [0.1, '0.1'],
    [1e300, '1e+300'],
    [5e-324, '5e-324'],
    [Number.NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [-Infinity, '-Infinity'],
    [-0, '0'],
  ])('of %d is %s', (score, text) => expect(scoreText(score)).toBe(text))

  test('reads back as the same double', () => {
    fc.assert(
      fc.property(fc.double(), (score) => {
        expect(scoreOf(scoreText(score))).toBe(score === 0 ? 0 : score)
      }),
    )
  })
})

describe('the rank of a score', () => {
  test('sorts as the scores do, for every pair of doubles', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
        expect(scoreRank(a) < scoreRank(b)).toBe(a < b)
        expect(scoreRank(a) === scoreRank(b)).toBe(a === b)
      }),
      { numRuns: 2000 },
    )
  })

  test('sorts the extremes', () => {
    const rising = [
      -Infinity,
      -Number.MAX_VALUE,
      -1,
      -Number.MIN_VALUE,
      0,
      Number.MIN_VALUE,
      1,
      Number.MAX_VALUE,
      Infinity,
      Number.NaN,
    ]
    const ranks = rising.map(scoreRank)
    expect(ranks).toEqual(ranks.toSorted())
    expect(new Set(ranks).size).toBe(rising.length)
  })

  test('is sixteen hexadecimal digits', () => {
    fc.assert(fc.property(fc.double(), (score) => /^[0-9a-f]{16}$/.test(scoreRank(score))))
  })

  test('of NaN is the last that there is', () => {
    expect(scoreRank(Number.NaN)).toBe('ffffffffffffffff')
  })

  test('of both zeros is the same', () => {
    expect(scoreRank(-0)).toBe(scoreRank(0))
  })
})
