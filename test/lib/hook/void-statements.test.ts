import { describe, expect, it } from 'vitest'
import { factKey } from '../../../lib/hook/names.ts'
import { type ARun, aRun, RUN } from './a-run.ts'

describe('a pin that protects nothing is a warning:', () => {
  it('of what was never uploaded, until it is', () => {
    const run = aRun().upload(1).pin(2)
    expect(warnings(run)).toEqual([
      'pin-epoch_2.pth.json pin: waits for epoch_2.pth, which was never uploaded',
    ])
    expect(warnings(run.upload(2))).toEqual([])
  })

  it('of what a person removed, until it is uploaded again or unpinned', () => {
    const run = () => aRun().upload(1, 2).pin(1).remove(1)
    expect(warnings(run())).toEqual([
      'pin-epoch_1.pth.json pin: is void, since epoch_1.pth was removed, not by the hub; upload it again, or unpin it',
    ])
    expect(warnings(run().upload(1))).toEqual([])
    expect(warnings(run().unpin(1))).toEqual([])
  })

  it('but not of what stands beside something that was removed, or was never pinned', () => {
    expect(warnings(aRun().upload(1, 2).pin(1).remove(2))).toEqual([])
    expect(warnings(aRun().upload(1).unpin(2))).toEqual([])
  })

  it('of its own name, whatever else has its step', () => {
    const template = 'model_{}.pth'
    const beside = () => aRun().upload(1).uploadLike({ template }, 1).pin(1)
    expect(warnings(beside())).toEqual([])
    expect(warnings(beside().remove(1, template))).toEqual([])
    expect(warnings(beside().remove(1))).toEqual([
      'pin-epoch_1.pth.json pin: is void, since epoch_1.pth was removed, not by the hub; upload it again, or unpin it',
    ])
  })
})

describe('a consent that agrees to nothing is a warning:', () => {
  const nothing =
    'apply-v1.json apply: names no version of checkpoint_hook.json that was in force when it came, and agrees to nothing'

  it('to no version that there is', () => {
    expect(warnings(aRun().upload(1).consent(5, 'v1'))).toEqual([nothing])
  })

  it('to one before another took its place', () => {
    const run = aRun().options({ max_keep_ckpts: 1 }).options({ max_keep_ckpts: 2 })
    expect(warnings(run.consent(5, 'v1'))).toEqual([nothing])
  })

  it('to one that was invalid', () => {
    const fault = { field: 'max_keep_ckpts', reason: 'is wrong' }
    const run = aRun().options({ max_keep_ckpts: 1 }, fault)
    expect(warnings(run.consent(5))).toContain(nothing)
  })

  it('that came before its version, by the time of the bucket', () => {
    const run = aRun().options({ max_keep_ckpts: 1 }).at(5).consent(5, 'v1')
    expect(warnings(run)).toEqual([nothing])
  })

  it('but not to the one in force, though it holds nothing, nor where it cannot be read', () => {
    expect(warnings(aRun().options({}).consent(5))).toEqual([])
    const run = aRun().consent(5, 'v1')
    const [seen] = run.observations
    if (seen?.kind !== 'consent') throw new Error('a consent was told')
    for (const fact of seen.facts) fact.fault = { field: 'apply', reason: 'is wrong' }
    expect(warnings(run)).toEqual(['apply-v1.json apply: is wrong'])
  })
})

/** Problems, each as the name of its file, its field and its reason. */
function warnings(run: ARun): string[] {
  const facts = factKey(RUN, '')
  return run
    .outcome()
    .problems.filter(({ key }) => key.startsWith(facts))
    .map(({ key, field, reason }) => `${key.slice(facts.length)} ${field}: ${reason}`)
}
