import { describe, expect, test } from 'vitest'
import { optionsAt, optionsNow, policyOf, stageAt } from '../../../lib/hook/policy.ts'
import { aRun, bestOf, stepsThatAre } from './a-run.ts'

const at = (seconds: number) => ({ seconds, kind: 'checkpoint' as const })

describe('without a file', () => {
  test("the stack's defaults are in force, always", () => {
    const policy = policyOf(aRun({ max_keep_ckpts: 4 }).history())
    expect(policy.stages).toHaveLength(1)
    expect(optionsNow(policy)).toMatchObject({ interval: 1, maxKeepCkpts: 4 })
    expect(stageAt(policy, at(0))).toBe(0)
  })

  test('wrong defaults of the stack are an error that names the argument', () => {
    expect(() => policyOf(aRun({ save_begin: -1 }).history())).toThrow('save_begin')
  })
})

describe('the first file', () => {
  const named = { max_keep_ckpts: 2, interval: 3, save_begin: 1, save_best: 'acc', by_epoch: false }
  const policy = policyOf(aRun().at(100).options(named).history())

  test('governs names, metrics and published keys from the start', () => {
    expect(optionsAt(policy, at(0))).toMatchObject({
      saveBest: [{ metric: 'acc', rule: 'greater' }],
      naming: { series: 'iter', template: 'iter_{}.pth' },
    })
  })

  test('evicts from its own time on', () => {
    expect(optionsAt(policy, at(99))).toMatchObject({ interval: 1, maxKeepCkpts: -1, saveBegin: 0 })
    expect(optionsAt(policy, at(100))).toMatchObject({ interval: 3, maxKeepCkpts: 2, saveBegin: 1 })
  })

  test('makes what was uploaded before it irregular at no time', () => {
    const run = aRun().upload(1, 2, 3).options({ interval: 10 }).upload(4, 5, 6)
    expect(stepsThatAre(run.outcome(), 'evicted')).toEqual([4, 5])
  })

  test('counts the scores that came before it', () => {
    const run = aRun().validated('acc', 0.9, 0.1).options({ save_best: 'acc' })
    expect(bestOf(run.outcome())).toEqual([['acc', 0.9, 1]])
  })
})

describe('a later file', () => {
  test('takes its time, and what it does not name is the default of the stack again', () => {
    const run = aRun({ max_keep_ckpts: 7 })
      .at(10)
      .options({ max_keep_ckpts: 2, save_last: false })
      .at(20)
      .options({ save_last: false })
    const policy = policyOf(run.history())
    expect(optionsAt(policy, at(15)).maxKeepCkpts).toBe(2)
    expect(optionsAt(policy, at(25)).maxKeepCkpts).toBe(7)
  })

  test('of the same second is the later version, in whatever order they are given', () => {
    const run = aRun().at(10).options({ max_keep_ckpts: 1 }).at(10).options({ max_keep_ckpts: 2 })
    const history = run.history()
    const given = [history.options, history.options.toReversed()]
    for (const options of given) {
      expect(optionsNow(policyOf({ ...history, options })).maxKeepCkpts).toBe(2)
    }
  })

  test('holds from its own place in the history on, which is after a begin of its second', () => {
    const policy = policyOf(aRun().at(10).options({ interval: 2 }).history())
    const begins = policy.stages[1]?.begins
    if (begins === undefined) throw new Error('no second stage')
    expect(stageAt(policy, begins)).toBe(1)
    expect(stageAt(policy, { seconds: 10, kind: 'begin' })).toBe(0)
  })

  test('of the same second as a checkpoint comes before it', () => {
    const policy = policyOf(aRun().at(10).options({ interval: 2 }).history())
    expect(optionsAt(policy, at(10)).interval).toBe(2)
  })
})

describe('an invalid version', () => {
  test('changes nothing, and is told with its field', () => {
    const run = aRun().options({ max_keep_ckpts: 2 }).options({ save_begin: -3 })
    const policy = policyOf(run.history())
    expect(policy.stages).toHaveLength(2)
    expect(optionsNow(policy).maxKeepCkpts).toBe(2)
    expect(policy.faults.map(({ fault }) => fault.field)).toEqual(['save_begin'])
  })

  test('is not the first file: the next valid one is', () => {
    const broken = { field: 'text', reason: 'is not JSON' }
    const run = aRun().validated('acc', 0.5).options({}, broken).options({ save_best: 'acc' })
    expect(bestOf(run.outcome())).toEqual([['acc', 0.5, 1]])
    expect(policyOf(run.history()).faults[0]?.fault).toEqual(broken)
  })
})
