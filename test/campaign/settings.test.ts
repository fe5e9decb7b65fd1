/** The command line of a campaign, and its rounds. */
import { describe, expect, it } from 'vitest'
import { roundsOf, settingFrom } from './settings.ts'

describe('the command line of a campaign', () => {
  it('has a default for everything, the seed apart', () => {
    expect(settingFrom([], 12)).toMatchObject({ runs: 1, uploads: 200, kills: 0, seed: 12 })
  })

  it('tells a seed that was given from one that was not', () => {
    expect(settingFrom(['--seed', '3'], 12)).toMatchObject({ seed: 3, isSeedGiven: true })
    expect(settingFrom([], 12)).toMatchObject({ isSeedGiven: false })
  })

  it.each([
    [['--kills', 'many'], '--kills: expected a whole number from 0 on, got many'],
    [['--runs', '0'], '--runs: expected a whole number from 1 on, got 0'],
    [['--runs', '3'], '--uploads: expected a multiple of runs times rounds, 3, got 200'],
  ])('refuses %j', (args, message) => {
    expect(() => settingFrom(args, 1)).toThrow(message)
  })
})

describe('the rounds of a campaign', () => {
  const setting = settingFrom(
    ['--runs', '5', '--rounds', '3', '--uploads', '60', '--kills', '10'],
    1,
  )

  it('share its uploads and kills, and lose none', () => {
    const rounds = roundsOf(setting)
    expect(rounds.map(({ uploads }) => uploads)).toEqual([20, 20, 20])
    expect(rounds.map(({ kills }) => kills)).toEqual([4, 3, 3])
  })

  it('have trainings of their own', () => {
    expect(roundsOf(setting).map(({ first }) => first)).toEqual([0, 5, 10])
  })
})
