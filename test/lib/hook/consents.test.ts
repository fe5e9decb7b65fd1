import { describe, expect, it } from 'vitest'
import { AHub, hubOf } from './a-hub.ts'
import { type ARun, aRun, fateOf, stepsThatAre } from './a-run.ts'

const BRAKE = 2

/** Six checkpoints, of which new options would evict five at once. */
function held(): ARun {
  return aRun().upload(1, 2, 3, 4, 5, 6).options({ max_keep_ckpts: 1 })
}

function stepsHeld(run: ARun): number[] {
  return stepsThatAre(run.outcome(BRAKE), 'held')
}

describe('what the brake holds', () => {
  it('is told with the version of the options and how many checkpoints it is about', () => {
    const { held: shown } = held().outcome(BRAKE)
    expect(shown).toMatchObject({ options: { versionId: 'v7' }, evicts: 5 })
    expect(aRun().upload(1).outcome(BRAKE).held).toBeUndefined()
  })

  it('goes once somebody agrees to it', () => {
    const run = held().consent(5)
    expect(run.outcome(BRAKE).held).toBeUndefined()
    expect(stepsThatAre(run.outcome(BRAKE), 'evicted')).toEqual([1, 2, 3, 4, 5])
    expect(fateOf(run.outcome(BRAKE), 1)?.reason).toBe('evicted: max_keep_ckpts=1, newer 2')
  })

  it('goes apart from what is pinned', () => {
    const run = held().pin(2)
    expect(run.outcome(BRAKE).held?.evicts).toBe(5)
    expect(stepsThatAre(run.consent(5).outcome(BRAKE), 'evicted')).toEqual([1, 3, 4, 5])
  })

  it('stays held where somebody agreed to less, by more than the brake', () => {
    expect(stepsHeld(held().consent(2))).toEqual([1, 2, 3, 4, 5])
    expect(fateOf(held().consent(2).outcome(BRAKE), 1)?.reason).toBe(
      'held: max_keep_ckpts=1 would evict 5 checkpoints at once, more than the 2 agreed to and the brake of 2',
    )
    expect(stepsHeld(held().consent(3))).toEqual([])
  })

  it('is held again where uploads are found that make it many more', () => {
    const run = held().consent(5)
    expect(stepsHeld(run.at(1).upload(7).at(2).upload(8).at(3).upload(9))).toEqual([])
    // The newest by step and by time stay: eight are to go, which is more than five and two.
    expect(stepsHeld(run.at(4).upload(10))).toEqual([1, 2, 3, 4, 5, 7, 8, 9])
  })

  it('goes by the largest number that somebody agreed to', () => {
    expect(stepsHeld(held().consent(5).consent(0))).toEqual([])
    expect(stepsHeld(held().consent(0).consent(5))).toEqual([])
  })

  it('is not let go by a consent that cannot be read', () => {
    const run = held().consent(5)
    const last = run.observations.at(-1)
    if (last?.kind !== 'consent') throw new Error('a consent was told')
    for (const fact of last.facts) fact.fault = { field: 'apply', reason: 'is wrong' }
    expect(stepsHeld(run)).toEqual([1, 2, 3, 4, 5])
  })
})

describe('a consent', () => {
  it('is to one version of the options, not to a later one', () => {
    const run = held().consent(5).options({}).upload(7, 8, 9, 10)
    expect(stepsHeld(run.options({ max_keep_ckpts: 1 }))).toEqual([6, 7, 8, 9])
  })

  it('to a version that another has replaced is to nothing', () => {
    const run = held().options({ max_keep_ckpts: 2 })
    expect(stepsHeld(run.consent(5, 'v7'))).toEqual([1, 2, 3, 4])
    expect(stepsThatAre(run.outcome(BRAKE), 'evicted')).toEqual([])
  })

  it('counts up to the very second of the next version, and not in it', () => {
    const at = (seconds: number) =>
      held().at(71).options({}).at(seconds).consent(5, 'v7').outcome(BRAKE)
    expect(stepsThatAre(at(70), 'evicted')).toEqual([1, 2, 3, 4, 5])
    expect(stepsThatAre(at(71), 'evicted')).toEqual([])
    expect(stepsThatAre(at(69), 'evicted')).toEqual([])
  })

  it('found before what it is about leads to the same', () => {
    const run = held().consent(5)
    const backwards = new AHub(aRun())
    backwards.brake = BRAKE
    const inOrder = new AHub(aRun())
    inOrder.brake = BRAKE
    expect(inOrder.see(...run.observations).steps()).toEqual([6])
    expect(backwards.see(...run.observations.toReversed()).steps()).toEqual([6])
  })

  it('asks for no effect where nothing is held', () => {
    const run = aRun().upload(1, 2).options({ max_keep_ckpts: 1 }).consent(5)
    expect(hubOf(run).did('evict')).toEqual(['epoch_1.pth'])
  })
})
