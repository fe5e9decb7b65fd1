/** The trainings of a campaign. */
import { describe, expect, it } from 'vitest'
import { trainingOf } from './schedules.ts'

const SOME = Array.from({ length: 60 }, (_, number) => trainingOf(7, number, 40))

describe('a training of a campaign', () => {
  it('is the same for the same seed and number, and another for others', () => {
    expect(trainingOf(7, 3, 40)).toEqual(SOME[3])
    expect(new Set(SOME.map((each) => JSON.stringify(each))).size).toBe(SOME.length)
    expect(trainingOf(8, 3, 40)).not.toEqual({ ...SOME[3], seed: 8 })
  })

  it('validates every epoch, so that each is uploaded, in one life or two', () => {
    for (const { lives } of SOME) {
      expect(lives.reduce((sum, { more }) => sum + more, 0)).toBe(40)
      for (const { more, validations } of lives) {
        expect(validations.map(([done]) => done)).toEqual(
          Array.from({ length: more }, (_, at) => at + 1),
        )
      }
    }
    expect(new Set(SOME.map(({ lives }) => lives.length))).toEqual(new Set([1, 2]))
  })

  it('has metrics by events and by logs, a best now and then, and what is published', () => {
    expect(new Set(SOME.map(({ metrics }) => metrics))).toEqual(new Set(['events', 'log']))
    const named = SOME.flatMap(({ lives }) => lives.map((life) => life.arguments))
    expect(named.some(({ save_best }) => save_best === undefined)).toBe(true)
    expect(named.some(({ save_best }) => Array.isArray(save_best))).toBe(true)
    expect(named.some(({ published_keys }) => published_keys !== undefined)).toBe(true)
  })
})
