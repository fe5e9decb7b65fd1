import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decidingFacts } from '../../../lib/hook/deciding-facts.ts'
import { fold } from '../../../lib/hook/fold.ts'
import { compareMoments, type History, stepId } from '../../../lib/hook/history.ts'
import { factsInOrder, historyUntil } from '../../../lib/hook/history-until.ts'
import { nameOf } from '../../../lib/hook/names.ts'
import type { Fate } from '../../../lib/hook/retention.ts'
import { type ARun, aRun, BRAKE, RUN } from './a-run.ts'
import { toldRuns } from './told-runs.ts'

function ledgerOf(history: History) {
  return { run: RUN, history, artifacts: new Map() }
}

function decidedBy(run: ARun, step: number, brake = BRAKE): string | undefined {
  const id = stepId('epoch', step)
  const fact = decidingFacts(ledgerOf(run.history()), brake, [id]).get(id)
  return fact && `${fact.kind} ${nameOf(fact.key)}`
}

describe('the fate of a checkpoint was decided', () => {
  test('by the upload for which the deque had no room', () => {
    const run = aRun({ max_keep_ckpts: 2 }).upload(1, 2, 3, 4)
    expect(decidedBy(run, 1)).toBe('checkpoint epoch_3.pth')
    expect(decidedBy(run, 2)).toBe('checkpoint epoch_4.pth')
  })

  test('by its own upload, where it is kept as a regular one', () => {
    expect(decidedBy(aRun({ max_keep_ckpts: 2 }).upload(1, 2), 1)).toBe('checkpoint epoch_1.pth')
  })

  test('by the version of the options with which fewer may stay', () => {
    const run = aRun().upload(1, 2, 3).options({ max_keep_ckpts: 1 }).upload(4)
    expect(decidedBy(run, 1)).toBe('options checkpoint_hook.json')
    expect(decidedBy(run, 3)).toBe('checkpoint epoch_4.pth')
  })

  test('by the options that the brake holds', () => {
    const run = aRun().upload(1, 2, 3).options({ max_keep_ckpts: 1 })
    expect(decidedBy(run, 1, 1)).toBe('options checkpoint_hook.json')
  })

  test('by the metric with which an upload off the interval set a record', () => {
    const run = aRun({ interval: 2, save_best: 'acc', rule: 'greater' })
      .upload(2)
      .metrics(2, { acc: 0.1 })
      .upload(3)
      .metrics(3, { acc: 0.9 }, { key: 'metrics/record.json' })
      .upload(4)
    expect(decidedBy(run, 3)).toBe('metric record.json')
  })

  test('by the begin that names it', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1).begin('epoch_1.pth').upload(2, 3)
    expect(decidedBy(run, 1)).toBe('checkpoint epoch_2.pth')
  })

  test('by the person that removed it', () => {
    expect(decidedBy(aRun().upload(1, 2).remove(1), 1)).toBe('removal epoch_1.pth')
  })

  test('by no fact, where it has expired or was never uploaded', () => {
    const run = aRun().upload(1, 2).metrics(3, { acc: 1 })
    const history = run.history()
    const facts = history.steps.get(stepId('epoch', 1))
    for (const upload of facts?.uploads ?? []) upload.gone = true
    const ids = [1, 3].map((step) => stepId('epoch', step))
    expect(decidingFacts(ledgerOf(history), BRAKE, ids).size).toBe(0)
  })
})

test('with the deciding fact the fate is what it is now, and with all before it is not', () => {
  const verdict = (fate: Fate | undefined) => fate && [fate.kind, 'rule' in fate && fate.rule]
  fc.assert(
    fc.property(toldRuns, (run) => {
      const history = run.history()
      const facts = factsInOrder(history)
      const { fates } = fold(RUN, history, 2)
      const decided = decidingFacts(ledgerOf(history), 2, fates.keys())
      // None is gone here, so that each was decided by a fact.
      expect([...decided.keys()].toSorted()).toEqual([...fates.keys()].toSorted())
      for (const [id, fact] of decided) {
        const at = facts.findIndex(({ moment }) => compareMoments(moment, fact.moment) === 0)
        expect(at).toBeGreaterThanOrEqual(0)
        const before = facts[at - 1]
        const until = fold(RUN, historyUntil(history, fact), 2).fates
        expect(verdict(until.get(id))).toEqual(verdict(fates.get(id)))
        if (before === undefined) continue
        const then = fold(RUN, historyUntil(history, before), 2).fates
        expect(verdict(then.get(id))).not.toEqual(verdict(fates.get(id)))
      }
    }),
  )
})
