import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareMoments } from '../../../lib/hook/history.ts'
import { factsInOrder, historyUntil } from '../../../lib/hook/history-until.ts'
import { aRun } from './a-run.ts'
import { toldRuns } from './told-runs.ts'

const told = aRun()
  .options({ max_keep_ckpts: 1 })
  .begin()
  .upload(1)
  .metrics(1, { acc: 0.5, loss: 2 })
  .upload(2)
  .end()
  .remove(2)

describe('the facts of a history', () => {
  test('are all that a trainer uploaded, and what a person removed, in the order in which they count', () => {
    expect(factsInOrder(told.history()).map(({ kind, key }) => [kind, key])).toEqual([
      ['options', 'exp/checkpoint_hook.json'],
      ['begin', 'exp/before_train.json'],
      ['checkpoint', 'exp/epoch_1.pth'],
      ['metric', 'exp/metrics/4.json'],
      ['checkpoint', 'exp/epoch_2.pth'],
      ['end', 'exp/after_train.json'],
      ['removal', 'exp/epoch_2.pth'],
    ])
  })

  test('say which version they are, and the values of a metric event', () => {
    const [options, , upload, metric] = factsInOrder(told.history())
    const step = { series: 'epoch', step: 1 }
    expect(options).toMatchObject({ versionId: 'v1', step: undefined, metrics: [] })
    expect(upload).toMatchObject({ versionId: 'v3', step, metrics: [] })
    expect(metric).toMatchObject({
      versionId: undefined,
      step,
      metrics: [
        { metric: 'acc', value: 0.5 },
        { metric: 'loss', value: 2 },
      ],
    })
  })

  test('of one second stand as the history has them, and a removal after the upload', () => {
    const run = aRun().at(5).end().at(5).metrics(1, { acc: 1 }).at(5).upload(1).at(5).remove(1)
    run.at(5).consent(1, 'v1').at(5).pin(1).at(5).options({}).at(5).begin()
    expect(factsInOrder(run.history()).map(({ kind }) => kind)).toEqual([
      'begin',
      'options',
      'pin',
      'consent',
      'checkpoint',
      'removal',
      'metric',
      'end',
    ])
  })
})

describe('the history until a fact', () => {
  test('has that fact and those before it, and no others', () => {
    fc.assert(
      fc.property(toldRuns, fc.nat(), (run, at) => {
        const history = run.history()
        const facts = factsInOrder(history)
        const limit = facts[at % facts.length]
        if (limit === undefined) throw new Error('a run has a fact')
        const before = facts.filter(({ moment }) => compareMoments(moment, limit.moment) <= 0)
        expect(factsInOrder(historyUntil(history, limit))).toEqual(before)
      }),
    )
  })

  test('tells facts of one second apart, by their kinds and by the versions of one key', () => {
    const run = aRun()
    for (let version = 0; version < 2; version++) {
      run.at(5).end().at(5).consent(1, 'v1').at(5).pin(1).at(5).options({}).at(5).begin()
    }
    const history = run.history()
    const facts = factsInOrder(history)
    expect(facts).toHaveLength(10)
    for (const [at, fact] of facts.entries()) {
      expect(factsInOrder(historyUntil(history, fact))).toEqual(facts.slice(0, at + 1))
    }
  })

  test('is all of it where that is the last', () => {
    fc.assert(
      fc.property(toldRuns, (run) => {
        const history = run.history()
        const last = factsInOrder(history).at(-1)
        if (last !== undefined) expect(historyUntil(history, last)).toEqual(history)
      }),
    )
  })
})
