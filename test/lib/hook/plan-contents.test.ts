import { describe, expect, test } from 'vitest'
import { droppedFrom } from '../../../lib/hook/history.ts'
import type { NamedArguments } from '../../../lib/hook/hook-arguments.ts'
import { decide } from '../../../lib/hook/plan.ts'
import { AHub, hubOf } from './a-hub.ts'
import { type ARun, aRun, BRAKE } from './a-run.ts'

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

  test('that was refused is not tried again, and its reason is kept', () => {
    const run = aRun(LEAN).upload(1, 2)
    const hub = new AHub(run)
    hub.unfit.add('v1')
    hub.see(...run.observations, ...run.upload(3).observations.slice(-1))
    expect(hub.did('strip')).toEqual(['epoch_1.pth', 'epoch_2.pth'])
    expect(hub.state(1)?.unstripped).toMatchObject({ refusal: 'an unknown global' })
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
    expect(hub.decide().outcome.problems).toMatchObject([{ reason: /wanted whole again/ }])
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
