import { describe, expect, it } from 'vitest'
import { pinsOf } from '../../../lib/hook/pins.ts'
import { hubOf } from './a-hub.ts'
import { aRun, fateOf, stepsThatAre } from './a-run.ts'

describe('a pinned checkpoint', () => {
  it('stays beyond the newest, and says by whom and since when', () => {
    const outcome = aRun({ max_keep_ckpts: 2 }).upload(1, 2, 3).pin(1, 'ada').upload(4).outcome()
    expect(stepsThatAre(outcome, 'kept')).toEqual([1, 3, 4])
    expect(fateOf(outcome, 1)).toEqual({
      kind: 'kept',
      rule: 'pinned',
      reason: 'kept: pinned by ada, since 1970-01-01T00:00:40Z',
      member: false,
      restorable: true,
    })
  })

  it('may be pinned by nobody in particular', () => {
    const outcome = aRun().upload(1).pin(1).outcome()
    expect(fateOf(outcome, 1)?.reason).toBe('kept: pinned, since 1970-01-01T00:00:20Z')
  })

  it('keeps its place in the deque while it has one, and takes none from others', () => {
    const run = aRun({ max_keep_ckpts: 2 }).upload(1, 2, 3)
    expect(run.pin(3).outcome().keepCkptIds).toEqual([2, 3])
    expect(run.upload(4, 5).outcome().keepCkptIds).toEqual([4, 5])
    expect(stepsThatAre(run.outcome(), 'kept')).toEqual([3, 4, 5])
  })

  it('may be pinned before it is uploaded', () => {
    const hub = hubOf(aRun({ max_keep_ckpts: 1 }).pin(1).upload(1, 2, 3))
    expect(hub.steps()).toEqual([1, 3])
    expect(hub.did('evict')).toEqual(['epoch_2.pth'])
  })

  it('comes back where it was evicted before, and stays', () => {
    const hub = hubOf(aRun({ max_keep_ckpts: 1 }).upload(1, 2).pin(1).upload(3, 4))
    expect(hub.did('restore')).toEqual(['epoch_1.pth'])
    expect(hub.steps()).toEqual([1, 4])
  })

  it('is left to retention again once it is unpinned', () => {
    const hub = hubOf(aRun({ max_keep_ckpts: 1 }).pin(1).upload(1, 2).unpin(1))
    expect(hub.steps()).toEqual([2])
    const kept = aRun({ max_keep_ckpts: 2 }).upload(1, 2).pin(2).unpin(2).outcome()
    expect(fateOf(kept, 2)?.reason).toBe('kept: regular, among the newest 2')
  })

  it('is judged by the newest that was said of it, in whatever order that was found', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2, 3).pin(1).unpin(1).pin(1)
    const hub = hubOf(run)
    expect(hub.steps()).toEqual([1, 3])
    const backwards = hubOf(aRun({ max_keep_ckpts: 1 })).see(...run.observations.toReversed())
    expect(backwards.steps()).toEqual([1, 3])
    const unpinned = run.unpin(1)
    const late = hubOf(aRun({ max_keep_ckpts: 1 })).see(...unpinned.observations.toReversed())
    expect(late.steps()).toEqual([3])
  })

  it('is judged by the later version of two that came in one second, whichever was found first', () => {
    const { pins } = aRun().at(5).pin(1).at(5).unpin(1).history()
    expect(pins).toHaveLength(2)
    for (const found of [pins, pins.toReversed()]) expect(pinsOf({ pins: found }).size).toBe(0)
  })

  it('is pinned by its name, whichever life uploads it', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2).pin(1).begin().upload(1, 2, 3)
    expect(stepsThatAre(run.outcome(), 'kept')).toEqual([1, 3])
  })

  it('changes nothing where what was said is wrong', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2, 3).pin(1)
    const fault = { field: 'pin', reason: 'is not JSON' }
    const wrong = run
      .unpin(1)
      .observations.map((seen) =>
        seen.kind === 'pin' && seen.facts[0]?.pinned === false
          ? { ...seen, facts: seen.facts.map((fact) => ({ ...fact, fault })) }
          : seen,
      )
    expect(
      hubOf(aRun({ max_keep_ckpts: 1 }))
        .see(...wrong)
        .steps(),
    ).toEqual([1, 3])
  })

  it('keeps its optimizer, which an unpinned one loses again', () => {
    const run = aRun({ save_optimizer: false }).upload(1, 2, 3)
    const hub = hubOf(run)
    expect(hub.did('strip')).toEqual(['epoch_1.pth', 'epoch_2.pth'])
    const [pin] = run.pin(1).observations.slice(-1)
    const [unpin] = run.unpin(1).observations.slice(-1)
    if (pin === undefined || unpin === undefined) throw new Error('was said')
    expect(hub.see(pin).did('restore')).toEqual(['epoch_1.pth'])
    expect(hub.see(unpin).did('strip')).toEqual(['epoch_1.pth', 'epoch_2.pth', 'epoch_1.pth'])
  })

  it('makes nothing go that would stay without it', () => {
    // Eleven evictions are held; that two of them are pinned leaves nine, below the brake, and held.
    const steps = Array.from({ length: 12 }, (_, at) => at + 1)
    const run = aRun()
      .upload(...steps)
      .options({ max_keep_ckpts: 1 })
    expect(stepsThatAre(run.outcome(), 'held')).toHaveLength(11)
    expect(stepsThatAre(run.pin(1).pin(2).outcome(), 'held')).toHaveLength(9)
    expect(stepsThatAre(run.outcome(), 'evicted')).toEqual([])
  })

  it('is not evicted by a slow worker: its eviction is withdrawn, and undone (8)', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2)
    const hub = hubOf(aRun({ max_keep_ckpts: 1 }))
    for (const seen of run.observations) hub.put(seen)
    hub.ledger = hub.decide().ledger
    const [eviction] = hub.ledger.effects.filter(({ action }) => action.kind === 'evict')
    if (eviction === undefined) throw new Error('an eviction was decided')
    for (const seen of run.pin(1).observations.slice(-1)) hub.put(seen)
    hub.settle()
    hub.carryOut(eviction)
    expect(hub.settle().steps()).toEqual([1, 2])
  })
})
