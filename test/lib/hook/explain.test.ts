import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideAll } from '../../../lib/hook/decide-all.ts'
import { type Explanation, explain } from '../../../lib/hook/explain.ts'
import { stepId } from '../../../lib/hook/history.ts'
import { AHub, hubOf } from './a-hub.ts'
import { type ARun, aRun, stepsThatAre } from './a-run.ts'
import { toldRuns } from './told-runs.ts'

const TRACKS = { save_best: 'acc', rule: 'greater' } as const

function explained(hub: AHub, step: number): Explanation {
  const found = explain(decisionOf(hub)).find(({ id }) => id === stepId('epoch', step))
  if (found === undefined) throw new Error(`no step ${step}`)
  return found
}

function decisionOf({ ledger, brake }: AHub, unversioned: string[] = []) {
  const nowSeconds = 1_000_000
  return decideAll(ledger, { bucket: 'bucket', brake, unversioned, nowSeconds })
}

describe('a checkpoint is', () => {
  test('evicted by max_keep_ckpts, for rivals that are named with their times', () => {
    const hub = hubOf(aRun({ max_keep_ckpts: 2 }).upload(1, 2, 3, 4))
    expect(explained(hub, 1)).toMatchObject({
      step: 1,
      key: 'exp/epoch_1.pth',
      fate: 'evicted',
      rule: 'max_keep_ckpts',
      uploadedSeconds: 10,
      sizeBytes: 1000,
      life: 0,
      rivals: [
        { step: 2, key: 'exp/epoch_2.pth', seconds: 20 },
        { step: 3, key: 'exp/epoch_3.pth', seconds: 30 },
      ],
      deletion: { state: 'done', versionId: 'v1', isGone: false },
    })
  })

  test('evicted as one outside the series, for the next of its life', () => {
    const hub = hubOf(aRun({ interval: 2 }).upload(2, 3, 4))
    expect(explained(hub, 3)).toMatchObject({
      rule: 'outside the series',
      rivals: [{ step: 4 }],
    })
  })

  test('evicted as what an earlier life ended with, for as many as may stay', () => {
    const hub = hubOf(aRun({ interval: 2, max_keep_ckpts: 1 }).upload(2, 3).begin().upload(4))
    expect(explained(hub, 3)).toMatchObject({
      rule: 'outside the series',
      rivals: [{ step: 4 }],
    })
  })

  test('held by the brake, for the same rivals', () => {
    const hub = new AHub(aRun())
    hub.brake = 1
    hub.see(...aRun().upload(1, 2, 3).options({ max_keep_ckpts: 1 }).observations)
    expect(explained(hub, 1)).toMatchObject({
      fate: 'held',
      rule: 'max_keep_ckpts',
      rivals: [{ step: 2 }],
      deletion: { state: 'none' },
    })
  })

  test.each<[string, ARun, number]>([
    ['regular', aRun().upload(1, 2), 1],
    [
      'record',
      aRun({ interval: 2, ...TRACKS })
        .upload(2, 3)
        .metrics(3, { acc: 1 })
        .upload(4),
      3,
    ],
    ['end of training', aRun({ interval: 2 }).upload(2, 3).end().begin().upload(2, 4), 3],
    ['newest of its life', aRun({ interval: 2 }).upload(2, 3), 3],
    ['newest', aRun({ max_keep_ckpts: 1 }).upload(1, 2).remove(2), 1],
    ['resumed from', aRun({ max_keep_ckpts: 1 }).upload(1).begin('epoch_1.pth').upload(2, 3), 1],
  ])('kept by the rule: %s', (rule, run, step) => {
    expect(explained(hubOf(run), step)).toMatchObject({ fate: 'kept', rule, rivals: [] })
  })

  test('kept as a directory that is the best, since none is copied', () => {
    const run = aRun({ max_keep_ckpts: 1, ...TRACKS })
      .uploadLike({ template: 'epoch_{}/' }, 1)
      .metrics(1, { acc: 1 })
      .upload(2, 3)
    expect(explained(hubOf(run), 1)).toMatchObject({ fate: 'kept', rule: 'not copied' })
  })

  test('torn, with its fault', () => {
    const run = aRun().upload(1).uploadLike({ torn: 'is truncated' }, 2)
    expect(explained(hubOf(run), 2)).toMatchObject({
      fate: 'torn',
      rule: 'torn',
      fault: 'is truncated',
    })
    expect(explained(hubOf(run), 1).fault).toBeUndefined()
  })

  test('removed by a person, since then', () => {
    const run = aRun().upload(1, 2).remove(1)
    expect(explained(hubOf(run), 1)).toMatchObject({ fate: 'removed', removedSeconds: 30 })
  })

  test('of the other series', () => {
    const run = aRun().upload(1).uploadLike({ series: 'iter' }, 7)
    const all = explain(decisionOf(hubOf(run)))
    expect(all.map(({ series, rule }) => [series, rule])).toEqual([
      ['epoch', 'regular'],
      ['iter', 'other series'],
    ])
  })
})

describe('its scores', () => {
  const run = aRun(TRACKS).validated('acc', 0.5, 0.9, 0.7)

  test('say which place it has, and who is the best', () => {
    expect(explained(hubOf(run), 1).best).toEqual([
      {
        metric: 'acc',
        rule: 'greater',
        score: 0.5,
        rank: 3,
        of: 3,
        isBest: false,
        rival: { step: 2, key: 'exp/epoch_2.pth', seconds: 30, score: 0.9 },
      },
    ])
  })

  test('of the best say who is next', () => {
    expect(explained(hubOf(run), 2).best).toMatchObject([
      { rank: 1, isBest: true, rival: { step: 3, score: 0.7 } },
    ])
  })

  test('of the only one name no rival', () => {
    const [best] = explained(hubOf(aRun(TRACKS).validated('acc', 0.5)), 1).best
    expect(best).toMatchObject({ isBest: true, rival: undefined })
  })

  test('are those of tracked metrics alone', () => {
    const other = aRun(TRACKS).upload(1).metrics(1, { loss: 1 })
    expect(explained(hubOf(other), 1).best).toEqual([])
  })
})

describe('what is made of it', () => {
  const run = aRun({ ...TRACKS, published_keys: ['state_dict'] })
    .validated('acc', 0.5)
    .end()

  test('is named with its kind, metric and state', () => {
    const made = explained(hubOf(run), 1).made.map(({ kind, metric, state }) => [
      kind,
      metric,
      state,
    ])
    expect(made).toEqual([
      ['best', 'acc', 'current'],
      ['published', undefined, 'current'],
      ['published', 'acc', 'current'],
    ])
  })

  test('or is being made, and the eviction waits for it', () => {
    const waiting = new AHub(aRun({ ...TRACKS, max_keep_ckpts: 1 }))
    waiting.jobs = false
    waiting.see(...aRun().validated('acc', 0.5).upload(2).observations)
    expect(explained(waiting, 1)).toMatchObject({
      fate: 'evicted',
      made: [{ kind: 'best', metric: 'acc', state: 'being made' }],
      deletion: { state: 'waits for a copy' },
    })
  })

  test('or was refused, with the reason', () => {
    const hub = new AHub(aRun(TRACKS))
    hub.unfit.add('v1')
    hub.see(...aRun().validated('acc', 0.5).observations)
    expect(explained(hub, 1).made).toMatchObject([{ state: 'refused', reason: 'unfit' }])
  })
})

describe('its deletion', () => {
  const crowded = aRun({ max_keep_ckpts: 1 }).upload(1, 2)

  test('is under way while its effect stands', () => {
    const hub = new AHub(crowded)
    for (const each of crowded.observations) hub.put(each)
    expect(explained(hub, 1).deletion).toMatchObject({ state: 'under way', versionId: 'v1' })
  })

  test('waits where the bucket keeps no versions', () => {
    const hub = new AHub(crowded)
    for (const each of crowded.observations) hub.put(each)
    const [first] = explain(decisionOf(hub, ['bucket']))
    expect(first?.deletion).toEqual({ state: 'waits for versioning' })
  })

  test('is taken back while a late best has it restored', () => {
    const named = { interval: 2, ...TRACKS }
    const told = aRun(named).upload(2).metrics(2, { acc: 0.1 }).upload(3, 4)
    const hub = hubOf(told)
    expect(explained(hub, 3).deletion.state).toBe('done')
    told.metrics(3, { acc: 0.9 })
    hub.jobs = false
    hub.put(told.observations.at(-1) ?? crash())
    expect(explained(hub, 3)).toMatchObject({ fate: 'kept', deletion: { state: 'being restored' } })
  })

  test('cannot be taken back once its version is gone', () => {
    const hub = hubOf(crowded)
    for (const upload of hub.ledger.history.steps.get(stepId('epoch', 1))?.uploads ?? []) {
      upload.gone = true
    }
    expect(explained(hub, 1).deletion).toMatchObject({ state: 'done', isGone: true })
  })
})

test('every step that was uploaded is explained once, as the fold has it', () => {
  fc.assert(
    fc.property(toldRuns, (run) => {
      const hub = hubOf(run)
      const decision = decisionOf(hub)
      const { outcome } = decision
      const all = explain(decision)
      expect(all.map(({ id }) => id)).toEqual([...outcome.fates.keys()].toSorted())
      for (const kind of ['kept', 'evicted', 'held', 'removed', 'torn'] as const) {
        const steps = all.filter(({ fate }) => fate === kind).map(({ step }) => step)
        expect(steps).toEqual(stepsThatAre(outcome, kind))
      }
      // Once all is settled, what is there is what is not evicted.
      const gone = all.filter(({ deletion }) => deletion.state === 'done').map(({ step }) => step)
      const there = hub.steps()
      expect(there.filter((step) => gone.includes(step))).toEqual([])
    }),
  )
})

function crash(): never {
  throw new Error('nothing was told')
}
