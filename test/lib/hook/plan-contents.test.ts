import { describe, expect, test } from 'vitest'
import { EFFECTS_AT_ONCE } from '../../../lib/hook/draft.ts'
import { droppedFrom, stepId } from '../../../lib/hook/history.ts'
import type { NamedArguments } from '../../../lib/hook/hook-arguments.ts'
import { decide } from '../../../lib/hook/plan.ts'
import { AHub, hubOf } from './a-hub.ts'
import { type ARun, aRun, BRAKE, keyOf } from './a-run.ts'

const OPTIMIZER = ['optimizer', 'optim_wrapper']
const LEAN = { save_optimizer: false }

/** What each stored checkpoint lacks, by step. */
function lacks(hub: AHub): Record<number, readonly string[]> {
  const { standings } = hub.decide().outcome
  return Object.fromEntries(
    [...standings.values()].map(({ fact }) => [fact.step, droppedFrom(fact, fact.live)]),
  )
}

function lackOf(named: NamedArguments, tell: (run: ARun) => ARun): Record<number, unknown> {
  return lacks(hubOf(tell(aRun(named))))
}

/** A hub that is told the last of a run's facts. */
function told(hub: AHub, run: ARun): AHub {
  return hub.see(...run.observations.slice(-1))
}

/** Everything seen and decided once, nothing done yet. */
function planned(run: ARun): AHub {
  const hub = new AHub(run)
  for (const seen of run.observations) hub.put(seen)
  hub.ledger = hub.decide().ledger
  return hub
}

/** What waits to be done once the last of a run's facts is known, and nothing is done about it. */
function replanned(hub: AHub, run: ARun): string[] {
  for (const seen of run.observations.slice(-1)) hub.put(seen)
  hub.ledger = hub.decide().ledger
  return hub.pending()
}

describe('a stored checkpoint', () => {
  test('keeps everything by default', () => {
    expect(lackOf({}, (run) => run.upload(1, 2))).toEqual({ 1: [], 2: [] })
  })

  test('loses the optimizer with save_optimizer=False, once it is no longer the newest', () => {
    expect(lackOf(LEAN, (run) => run.upload(1, 2, 3))).toEqual({
      1: OPTIMIZER,
      2: OPTIMIZER,
      3: [],
    })
  })

  test('loses the schedulers with save_param_scheduler=False', () => {
    expect(lackOf({ save_param_scheduler: false }, (run) => run.upload(1, 2))).toEqual({
      1: ['param_schedulers'],
      2: [],
    })
  })

  test('is stripped by the options under which it was uploaded, from their own time on', () => {
    const lean = (run: ARun) => run.upload(1, 2).options(LEAN).upload(3, 4)
    expect(lackOf({}, lean)).toEqual({ 1: [], 2: [], 3: OPTIMIZER, 4: [] })
    const whole = (run: ARun) => run.upload(1).options({ save_optimizer: true }).upload(2, 3)
    expect(lackOf(LEAN, whole)).toEqual({ 1: OPTIMIZER, 2: [], 3: [] })
  })

  test('stays whole under an upload that is torn: what lies on top is not its own', () => {
    const run = aRun(LEAN).upload(1).uploadLike({ torn: 'cut short' }, 1).upload(2, 3)
    expect(planned(run).pending()).toEqual([
      'write last_checkpoint s3://bucket/exp/epoch_3.pth',
      'strip epoch_2.pth',
    ])
  })

  test('stays whole while it is the newest by time, though others are higher', () => {
    expect(lackOf(LEAN, (run) => run.upload(3, 1))).toEqual({ 1: [], 3: [] })
  })

  test('stays whole while the trainer says that it resumed from it', () => {
    const resumed = (run: ARun) => run.upload(1, 2).begin('epoch_1.pth').upload(2, 3)
    expect(lackOf(LEAN, resumed)).toMatchObject({ 1: [], 2: OPTIMIZER, 3: [] })
  })

  test('is the same fact as before: no life begins, and nothing else is evicted for it', () => {
    const run = aRun({ ...LEAN, max_keep_ckpts: 2 }).upload(1, 2, 3)
    const { outcome } = hubOf(run).decide()
    expect(outcome.survey.lives).toHaveLength(1)
    expect(outcome.keepCkptIds).toEqual([2, 3])
  })

  test('is evicted in the version that it has then', () => {
    const hub = hubOf(aRun({ ...LEAN, max_keep_ckpts: 1 }).upload(1, 2, 3))
    expect(hub.steps()).toEqual([3])
    expect(hub.pending()).toEqual([])
  })

  test('is stripped again where its trainer uploads the same bytes again', () => {
    const run = aRun(LEAN).uploadLike({ bytes: 'a' }, 1, 2)
    const hub = hubOf(run)
    told(hub, run.uploadLike({ bytes: 'a' }, 1))
    expect(lacks(hub)).toEqual({ 1: OPTIMIZER, 2: [] })
    expect(hub.did('strip')).toEqual(['epoch_1.pth', 'epoch_1.pth'])
  })

  test('that is uploaded with other bytes is a new one, and whole', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = hubOf(run)
    expect(lacks(told(hub, run.upload(2)))).toEqual({ 1: OPTIMIZER, 2: [] })
  })
})

describe('what a slow worker brought back over a newer upload (invariant 8)', () => {
  /** The first upload of step 1 lies under the third. */
  const uploadedAnew = (named: NamedArguments = {}) =>
    aRun({ max_keep_ckpts: 1, ...named }).upload(1, 2, 1)

  /** The version that the checkpoint of a step was brought back from, where it stands. */
  function origin(hub: AHub, step: number): string | undefined {
    const fact = hub.decide().outcome.standings.get(stepId('epoch', step))?.fact
    return fact?.versions.includes(fact.live) ? fact.live.restores : 'of another upload'
  }

  test('goes where the newer one was evicted', () => {
    const run = uploadedAnew().upload(3)
    const hub = hubOf(run)
    expect(hub.steps()).toEqual([3])
    hub.lateRestore(keyOf(1), 'v1')
    expect(hub.steps()).toEqual([1, 3])
    expect(hub.settle().steps()).toEqual([3])
    expect(hub.decide().outcome.survey.lives).toHaveLength(1)
  })

  test('gives way to the newer one where that is to stay, before it is deleted or after', () => {
    const run = uploadedAnew().upload(3)
    const [before, after] = [hubOf(run), hubOf(run)]
    told(before.lateRestore(keyOf(1), 'v1'), run.pin(1))
    told(after.lateRestore(keyOf(1), 'v1').settle(), run)
    for (const hub of [before, after]) {
      expect(hub.steps()).toEqual([1, 3])
      expect(origin(hub, 1)).toBe('v3')
      expect(hub.pending()).toEqual([])
    }
    expect(before.done.findLast(({ kind }) => kind === 'restore')).toMatchObject({
      over: expect.any(String),
    })
  })

  test('is not stripped in its stead', () => {
    const lean = { ...LEAN, interval: 2, max_keep_ckpts: 2, save_best: 'acc' }
    const run = aRun(lean).upload(2, 3, 3, 4)
    const hub = hubOf(run).lateRestore(keyOf(3), 'v2')
    told(hub, run.metrics(3, { acc: 0.9 }))
    expect(lacks(hub)).toMatchObject({ 3: OPTIMIZER })
    expect(hub.done.at(-1)).toMatchObject({ kind: 'strip', key: keyOf(3) })
    expect(origin(hub, 3)).toBeDefined()
  })
})

describe('a strip', () => {
  test('waits until what is made of the checkpoint is committed', () => {
    const run = aRun({ ...LEAN, save_best: 'acc' })
      .validated('acc', 0.9)
      .upload(2)
    const hub = new AHub(run)
    hub.jobs = false
    hub.see(...run.observations)
    expect(hub.pending()).toEqual(['make best_acc_epoch_1.pth'])
    hub.jobs = true
    hub.settle()
    expect(hub.done.map(({ kind }) => kind)).toEqual([
      'write last_checkpoint',
      'write last_checkpoint',
      'make',
      'strip',
    ])
  })

  test('is asked for once', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = new AHub(run)
    hub.jobs = false
    hub.see(...run.observations, ...run.upload(3).observations.slice(-1))
    expect(hub.pending()).toEqual(['strip epoch_1.pth', 'strip epoch_2.pth'])
  })

  test('is not asked for again where the checkpoint has none of the keys', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = new AHub(run)
    hub.bare.add('v1')
    hub.see(...run.observations, ...run.upload(3).observations.slice(-1))
    expect(hub.did('strip')).toEqual(['epoch_1.pth', 'epoch_2.pth'])
    expect(hub.state(1)?.unstripped).toMatchObject({ droppedKeys: OPTIMIZER, refusal: undefined })
  })

  test('stays the effect that it was while it stands', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = planned(run)
    const before = hub.ledger.effects
    expect(hub.decide().ledger.effects).toEqual(before)
    expect(before.map(({ action }) => action)).toContainEqual({
      kind: 'strip',
      id: stepId('epoch', 1),
      key: keyOf(1),
      versionId: 'v1',
      etag: `${keyOf(1)} upload 1`,
      sizeBytes: 1000,
      droppedKeys: OPTIMIZER,
    })
  })

  test('is withdrawn where the trainer resumes from the checkpoint after all', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = planned(run)
    expect(hub.pending()).toContain('strip epoch_1.pth')
    expect(replanned(hub, run.begin('epoch_1.pth'))).not.toContain('strip epoch_1.pth')
  })

  test('makes way for one of other keys, or of another version', () => {
    const run = aRun({}).options(LEAN).uploadLike({ bytes: 'a' }, 1, 2)
    const hub = planned(run)
    const strips = () =>
      hub.ledger.effects.flatMap(({ action }) =>
        action.kind === 'strip' ? [[action.versionId, action.droppedKeys]] : [],
      )
    expect(strips()).toEqual([['v2', OPTIMIZER]])
    replanned(hub, run.at(15).options({ save_param_scheduler: false }))
    expect(strips()).toEqual([['v2', ['param_schedulers']]])
    replanned(hub, run.uploadLike({ bytes: 'a', multipart: true }, 1))
    expect(strips()).toEqual([['v5', ['param_schedulers']]])
  })

  test('leaves those of other checkpoints alone', () => {
    const run = aRun(LEAN).upload(1, 2, 3)
    const hub = planned(run)
    const before = hub.ledger.effects
    replanned(hub, run.begin('epoch_1.pth'))
    expect(hub.ledger.effects).toEqual(
      before.filter(({ action }) => !('id' in action) || action.id !== stepId('epoch', 1)),
    )
  })

  test('waits for a restore of the checkpoint, and for that of no other', () => {
    const run = aRun({ ...LEAN, max_keep_ckpts: 1 }).upload(1, 2, 3)
    const hub = hubOf(run)
    run
      .at(5)
      .options({ ...LEAN, max_keep_ckpts: 3 })
      .upload(4)
    for (const seen of run.observations.slice(-2)) hub.put(seen)
    hub.ledger = hub.decide().ledger
    expect(hub.pending().filter((each) => !each.startsWith('write'))).toEqual([
      'restore epoch_2.pth',
      'strip epoch_3.pth',
    ])
    hub.settle()
    expect(lacks(hub)).toMatchObject({ 2: OPTIMIZER, 3: OPTIMIZER, 4: [] })
  })

  test('of what is stripped already is made from that, where more keys are to go', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = hubOf(run)
    const both = { save_optimizer: false, save_param_scheduler: false }
    told(hub, run.at(5).options(both))
    expect(lacks(hub)).toEqual({ 1: [...OPTIMIZER, 'param_schedulers'], 2: [] })
    expect(hub.did('restore')).toEqual([])
    expect(hub.did('strip')).toEqual(['epoch_1.pth', 'epoch_1.pth'])
  })

  test('comes to a checkpoint that is held too, whether it was stripped before that or not (6)', () => {
    const run = aRun(LEAN)
      .upload(1, 2, 3)
      .options({ ...LEAN, max_keep_ckpts: 1 })
    const [atOnce, inOrder] = [new AHub(run), new AHub(run)]
    for (const hub of [atOnce, inOrder]) hub.brake = 0
    for (const seen of run.observations) atOnce.put(seen)
    expect(lacks(atOnce.settle())).toEqual({ 1: OPTIMIZER, 2: OPTIMIZER, 3: [] })
    expect(lacks(inOrder.see(...run.observations))).toEqual(lacks(atOnce))
  })

  test('that was refused is not tried again, and its reason is kept', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = new AHub(run)
    hub.unfit.add('v1')
    hub.see(...run.observations, ...run.upload(3).observations.slice(-1))
    expect(hub.did('strip')).toEqual(['epoch_1.pth', 'epoch_2.pth'])
    expect(hub.state(1)?.unstripped).toMatchObject({ refusal: { reason: 'unfit' } })
  })

  test('that was refused for a global is tried again once the stack allows others', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = new AHub(run)
    hub.namesGlobal.add('v1')
    hub.see(...run.observations)
    hub.allowedGlobals = ['other.Thing']
    hub.settle().settle()
    expect(hub.did('strip')).toEqual(['epoch_1.pth', 'epoch_1.pth'])
    expect(hub.state(1)?.unstripped?.refusal?.allowedGlobals).toEqual(['other.Thing'])
    hub.allowedGlobals = ['own.Thing']
    hub.settle().settle()
    expect(hub.did('strip')).toHaveLength(3)
    expect(hub.state(1)?.unstripped).toBeUndefined()
    expect(lacks(hub)).toEqual({ 1: OPTIMIZER, 2: [] })
  })

  test('that was refused for another reason is not, whatever the stack allows', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = new AHub(run)
    hub.unfit.add('v1')
    hub.see(...run.observations)
    hub.allowedGlobals = ['own.Thing']
    hub.settle()
    expect(hub.did('strip')).toEqual(['epoch_1.pth'])
  })

  test('that was refused is tried again with other bytes', () => {
    const run = aRun(LEAN).upload(1)
    const hub = new AHub(run)
    hub.unfit.add('v1')
    hub.see(...run.upload(2).observations)
    told(hub, run.upload(1))
    told(hub, run.upload(3))
    expect(lacks(hub)).toEqual({ 1: OPTIMIZER, 2: OPTIMIZER, 3: [] })
  })

  test('that was refused is not tried again where the same bytes come back after others', () => {
    const run = aRun(LEAN).uploadLike({ bytes: 'a' }, 1).upload(2)
    const hub = new AHub(run)
    hub.unfit.add('v1').add('v5')
    hub.see(...run.observations)
    told(hub, run.uploadLike({ bytes: 'b' }, 1))
    told(hub, run.upload(3))
    const tried = () => hub.did('strip').filter((name) => name === 'epoch_1.pth')
    expect(tried()).toHaveLength(2)
    told(hub, run.uploadLike({ bytes: 'a' }, 1))
    told(hub, run.upload(4))
    expect(tried()).toHaveLength(2)
  })

  test('is withdrawn where the checkpoint is to be evicted instead', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = new AHub(run)
    hub.jobs = false
    hub.see(...run.observations)
    expect(hub.pending()).toEqual(['strip epoch_1.pth'])
    told(hub, run.options({ ...LEAN, max_keep_ckpts: 1 }))
    expect(hub.pending()).toEqual([])
    expect(hub.steps()).toEqual([2])
  })

  test('is held where the bucket keeps no versions, like a deletion', () => {
    const run = aRun(LEAN).upload(1, 2)
    const { ledger, heldDeletions } = decide(run.ledger(), {
      bucket: 'bucket',
      brake: BRAKE,
      unversioned: ['bucket'],
      nowSeconds: 1,
    })
    expect([...heldDeletions]).toEqual([['bucket', 1]])
    expect(ledger.effects.filter(({ action }) => action.kind === 'strip')).toEqual([])
  })
})

describe('a stripped checkpoint', () => {
  test('is whole again once a person removes what was newer', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = hubOf(run)
    expect(lacks(hub)).toEqual({ 1: OPTIMIZER, 2: [] })
    told(hub, run.remove(2))
    expect(lacks(hub)).toMatchObject({ 1: [] })
    expect(hub.pending()).toEqual([])
  })

  test('stays as it is where the version before has expired, and the hub says so', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = hubOf(run)
    hub.expired.add('v1')
    told(hub, run.remove(2))
    expect(lacks(hub)).toMatchObject({ 1: OPTIMIZER })
    expect(hub.pending()).toEqual([])
    expect(hub.decide().outcome.problems).toMatchObject([
      { reason: 'was stripped and is wanted whole again, but its noncurrent version has expired' },
    ])
  })

  test('is whole again by one restore, which stays the effect that it is', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = hubOf(run)
    expect(replanned(hub, run.begin('epoch_1.pth'))).toEqual(['restore epoch_1.pth'])
    const before = hub.ledger.effects
    expect(before.map(({ action }) => action)).toMatchObject([
      { versionId: 'v1', over: `${keyOf(1)} upload 1 without optimizer and optim_wrapper` },
    ])
    expect(hub.decide().ledger.effects).toEqual(before)
    expect(replanned(hub, run.begin('epoch_2.pth'))).toEqual([])
  })

  test('comes back whole instead of being stripped further', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = hubOf(run)
    replanned(hub, run.at(5).options({ save_optimizer: false, save_param_scheduler: false }))
    expect(hub.pending()).toEqual(['strip epoch_1.pth'])
    expect(replanned(hub, run.begin('epoch_1.pth'))).toEqual(['restore epoch_1.pth'])
  })

  test('comes back as another version where that is what should be meanwhile', () => {
    const schedulers = { save_param_scheduler: false }
    const run = aRun(schedulers).upload(1, 2)
    const hub = hubOf(run)
    told(hub, run.at(5).options({ save_optimizer: false, save_param_scheduler: false }))
    const restored = () =>
      hub.ledger.effects.flatMap(({ action }) =>
        action.kind === 'restore' ? [action.versionId] : [],
      )
    replanned(hub, run.begin('epoch_1.pth'))
    expect(restored()).toEqual(['v1'])
    run.begin('epoch_2.pth').at(6).options(schedulers)
    for (const seen of run.observations.slice(-2)) hub.put(seen)
    hub.ledger = hub.decide().ledger
    expect(restored()).toEqual(['stripped 1'])
  })

  test('comes back whole also where deletions are held', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = hubOf(run)
    for (const seen of run.begin('epoch_1.pth').observations.slice(-1)) hub.put(seen)
    const held = { bucket: 'bucket', brake: BRAKE, unversioned: ['bucket'], nowSeconds: 1 }
    const { ledger, heldDeletions } = decide(hub.ledger, held)
    expect(ledger.effects.map(({ action }) => action.kind)).toEqual(['restore'])
    expect(heldDeletions).toEqual(new Map())
  })

  test('comes back with many others in as many transactions as it takes', () => {
    const steps = Array.from({ length: 30 }, (_, at) => at + 1)
    const run = aRun(LEAN).upload(...steps)
    const hub = hubOf(run)
    for (const seen of run.at(5).options({ save_optimizer: true }).observations.slice(-1)) {
      hub.put(seen)
    }
    const { ledger, more } = hub.decide()
    expect(ledger.effects).toHaveLength(EFFECTS_AT_ONCE)
    expect(more).toBe(true)
    expect(Object.values(lacks(hub.settle())).flat()).toEqual([])
  })

  test('that lost too much comes back as the version that lost no more than it should', () => {
    const schedulers = { save_param_scheduler: false }
    const run = aRun(schedulers).upload(1, 2)
    const hub = hubOf(run)
    told(hub, run.at(5).options({ save_optimizer: false, save_param_scheduler: false }))
    told(hub, run.at(6).options(schedulers))
    expect(lacks(hub)).toEqual({ 1: ['param_schedulers'], 2: [] })
    expect(
      hub.done.map(({ kind }) => kind).filter((kind) => kind !== 'write last_checkpoint'),
    ).toEqual(['strip', 'strip', 'restore'])
  })

  test('is the source of a late best copy only in the version that the trainer uploaded', () => {
    const run = aRun({ ...LEAN, save_best: 'acc' }).upload(1, 2)
    const hub = hubOf(run)
    told(hub, run.metrics(1, { acc: 0.9 }))
    expect(hub.artifacts.get('best_acc_epoch_1.pth')).toBe('v1')
  })
})

describe('a slow strip', () => {
  test('that meets the same bytes, come again after others, has stripped those', () => {
    const run = aRun(LEAN).uploadLike({ bytes: 'a' }, 1, 2)
    const hub = new AHub(run)
    for (const seen of run.observations) hub.put(seen)
    const slow = hub.decide().ledger.effects.find(({ action }) => action.kind === 'strip')
    if (slow === undefined) throw new Error('nothing is stripped')
    const since = run.observations.length
    run.uploadLike({ bytes: 'b' }, 1).uploadLike({ bytes: 'a' }, 1).upload(3)
    for (const seen of run.observations.slice(since)) hub.put(seen)
    hub.carryOut(slow)
    hub.settle()
    expect(hub.decide().outcome.survey.lives).toHaveLength(1)
    expect(lacks(hub)).toMatchObject({ 1: OPTIMIZER, 3: [] })
  })
})
