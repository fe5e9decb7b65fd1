import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideAll } from '../../../lib/hook/decide-all.ts'
import { type Deletion, type Explanation, explain } from '../../../lib/hook/explain.ts'
import { stepId } from '../../../lib/hook/history.ts'
import type { NamedArguments } from '../../../lib/hook/hook-arguments.ts'
import { AHub, hubOf } from './a-hub.ts'
import { type ARun, aRun, stepsThatAre } from './a-run.ts'
import { toldRuns } from './told-runs.ts'

const TRACKS = { save_best: 'acc', rule: 'greater' } as const

function explained(hub: AHub, step: number, unversioned: string[] = []): Explanation {
  const all = explain(decisionOf(hub, unversioned))
  const found = all.find(({ id }) => id === stepId('epoch', step))
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

  test('torn, with the fault of its own key, whatever else has its step', () => {
    const run = aRun()
      .upload(2)
      .uploadLike({ torn: 'is truncated' }, 2)
      .uploadLike({ template: 'model_{}.pth' }, 2)
    expect(explained(hubOf(run), 2)).toMatchObject({
      key: 'exp/epoch_2.pth',
      fate: 'torn',
      fault: 'is truncated',
    })
  })

  test('of no life where it was never whole: it has no score, and nothing is made or deleted', () => {
    const run = aRun(TRACKS).upload(1).uploadLike({ torn: 'is truncated' }, 2)
    expect(explained(hubOf(run.metrics(2, { acc: 1 })), 2)).toMatchObject({
      life: undefined,
      best: [],
      made: [],
      deletion: { state: 'none' },
    })
  })

  test('removed by a person, since then', () => {
    const run = aRun().upload(1, 2).remove(1)
    expect(explained(hubOf(run), 1)).toMatchObject({ fate: 'removed', removedSeconds: 30 })
  })

  test('removed by a person, whether it was whole or not', () => {
    const run = aRun().upload(1).uploadLike({ torn: 'is truncated' }, 2).remove(2)
    expect(explained(hubOf(run), 2)).toMatchObject({ fate: 'removed', fault: undefined })
  })

  test('not removed with a file of another name and the same step', () => {
    const template = 'digits-{}.pth'
    const run = aRun().options({ filename_tmpl: template }).upload(3).uploadLike({ template }, 3)
    expect(explained(hubOf(run.remove(3)), 3)).toMatchObject({
      key: 'exp/digits-3.pth',
      fate: 'kept',
      removedSeconds: undefined,
    })
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

  test('name the best of those that are left, where a better one has expired', () => {
    const hub = hubOf(aRun(TRACKS).validated('acc', 0.9, 0.7, 0.5))
    expire(hub, 1)
    expect(explained(hub, 3).best).toMatchObject([{ rank: 3, isBest: false, rival: { step: 2 } }])
  })

  test('name no rival where all have the worst score there is, and none is the best', () => {
    const hub = hubOf(aRun(TRACKS).validated('acc', -Infinity, -Infinity))
    for (const step of [1, 2]) {
      expect(explained(hub, step).best).toMatchObject([
        { rank: step, of: 2, isBest: false, rival: undefined },
      ])
    }
  })

  test('have a best by each metric', () => {
    const two = aRun({ save_best: ['acc', 'loss'] })
      .upload(1, 2)
      .metrics(1, { acc: 0.9, loss: 2 })
      .metrics(2, { acc: 0.1, loss: 1 })
    expect(explained(hubOf(two), 1).best).toMatchObject([
      { metric: 'acc', isBest: true, rival: { step: 2, score: 0.1 } },
      { metric: 'loss', isBest: false, rival: { step: 2, score: 1 } },
    ])
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
    expect(explained(waiting, 2).made).toEqual([])
  })

  test('or is yet to be made, where its folder is not claimed', () => {
    const unclaimed = aRun({ ...TRACKS, max_keep_ckpts: 1, out_dir: 'out' })
    const hub = new AHub(unclaimed)
    for (const each of unclaimed.validated('acc', 0.5).upload(2).observations) hub.put(each)
    expect(explained(hub, 1)).toMatchObject({
      fate: 'evicted',
      made: [],
      deletion: { state: 'waits for a copy' },
    })
  })

  test('or was refused, with the reason', () => {
    const hub = new AHub(aRun(TRACKS))
    hub.unfit.add('v1')
    hub.see(...aRun().validated('acc', 0.5).observations)
    expect(explained(hub, 1).made).toMatchObject([{ state: 'refused', reason: 'unfit' }])
  })

  test("or has another name, where somebody else's file has its own", () => {
    const hub = new AHub(aRun(TRACKS))
    hub.foreign.add('best_acc_epoch_1.pth')
    hub.see(...aRun(TRACKS).validated('acc', 0.5).observations)
    expect(explained(hub, 1).made).toMatchObject([
      { kind: 'best', key: 'exp/best_acc_epoch_1.hub.pth', state: 'current' },
    ])
  })

  test('is not what is made of another', () => {
    expect(explained(hubOf(aRun(TRACKS).validated('acc', 0.5).upload(2)), 2).made).toEqual([])
  })

  const ranked: NamedArguments = {
    save_best: 'PSNR',
    rule: 'greater',
    published_keys: ['state_dict'],
  }
  test.each<[string, ARun, [kind: string, metric: string | undefined][]]>([
    [
      'a best copy before what was published earlier',
      aRun(ranked).upload(1).end().metrics(1, { PSNR: 20 }),
      [
        ['best', 'PSNR'],
        ['published', undefined],
      ],
    ],
    [
      'the published last before the published best',
      aRun(ranked).validated('PSNR', 20).end(),
      [
        ['best', 'PSNR'],
        ['published', undefined],
        ['published', 'PSNR'],
      ],
    ],
    [
      'the published last before the best, also where that was published earlier',
      aRun(ranked).options({ save_last: false }).validated('PSNR', 20).end().options({}).end(),
      [
        ['best', 'PSNR'],
        ['published', undefined],
        ['published', 'PSNR'],
      ],
    ],
    [
      'bests by the names of their metrics',
      aRun({ save_best: ['loss', 'acc', 'top1'] })
        .upload(1)
        .metrics(1, { loss: 1, acc: 0.5, top1: 0.7 }),
      [
        ['best', 'acc'],
        ['best', 'loss'],
        ['best', 'top1'],
      ],
    ],
  ])('is in order: %s', (_, told, order) => {
    const { made } = explained(hubOf(told), 1)
    expect(made.map(({ kind, metric }) => [kind, metric])).toEqual(order)
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

  test('is none of one that is kept, or never stood, while another is restored', () => {
    const told = aRun({ max_keep_ckpts: 1 }).upload(1, 2).uploadLike({ torn: 'is truncated' }, 3)
    const hub = hubOf(told)
    hub.put(told.pin(1).observations.at(-1) ?? crash())
    const all = explain(decisionOf(hub))
    expect(all.map(({ step, deletion }) => [step, deletion.state])).toEqual([
      [1, 'being restored'],
      [2, 'none'],
      [3, 'none'],
    ])
  })

  test('cannot be taken back once its version is gone', () => {
    const hub = hubOf(crowded)
    expire(hub, 1)
    expect(explained(hub, 1).deletion).toMatchObject({ state: 'done', isGone: true })
  })
})

describe('its deletion from a bucket that keeps no versions', () => {
  const named = { ...TRACKS, max_keep_ckpts: 1 }

  /** Of the first checkpoint, once all was done about what was told, and two more were uploaded. */
  function deletionOf(hub: AHub, told: ARun): Deletion {
    hub.see(...told.observations)
    for (const each of told.upload(2, 3).observations.slice(-2)) hub.put(each)
    return explained(hub, 1, ['bucket']).deletion
  }

  test('waits for its best copy while that is being made', () => {
    const hub = new AHub(aRun(named))
    hub.jobs = false
    expect(deletionOf(hub, aRun(named).validated('acc', 0.5))).toEqual({
      state: 'waits for a copy',
    })
  })

  test('waits for good where its best copy was refused', () => {
    const hub = new AHub(aRun(named))
    hub.unfit.add('v1')
    expect(deletionOf(hub, aRun(named).validated('acc', 0.5))).toEqual({
      state: 'waits for a copy',
    })
  })

  test('waits for versions once its best copy is there', () => {
    const hub = new AHub(aRun(named))
    expect(deletionOf(hub, aRun(named).validated('acc', 0.5))).toEqual({
      state: 'waits for versioning',
    })
  })

  test('waits for versions where only a published file of it was refused', () => {
    const publishing = { max_keep_ckpts: 1, published_keys: ['state_dict'] }
    const hub = new AHub(aRun(publishing))
    hub.unfit.add('v1')
    expect(deletionOf(hub, aRun(publishing).upload(1).end())).toEqual({
      state: 'waits for versioning',
    })
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

/** The bucket no longer has what was uploaded of a step. */
function expire(hub: AHub, step: number): void {
  for (const upload of hub.ledger.history.steps.get(stepId('epoch', step))?.uploads ?? []) {
    upload.gone = true
  }
}

function crash(): never {
  throw new Error('nothing was told')
}
