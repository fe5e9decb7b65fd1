import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideAll } from '../../../lib/hook/decide-all.ts'
import { stepId } from '../../../lib/hook/history.ts'
import type { NamedArguments } from '../../../lib/hook/hook-arguments.ts'
import { nameOf } from '../../../lib/hook/names.ts'
import { type Forecast, forecast, withOptions } from '../../../lib/hook/what-if.ts'
import { AHub, hubOf } from './a-hub.ts'
import { type ARun, aRun, stepsThatAre } from './a-run.ts'
import { toldRuns } from './told-runs.ts'

const LATER_SECONDS = 2_000_000

function plan(hub: AHub, named: NamedArguments, unversioned: string[] = []): Forecast {
  const { ledger, brake } = hub
  const decideOn = (each: typeof ledger) =>
    decideAll(each, { bucket: 'bucket', brake, unversioned, nowSeconds: LATER_SECONDS })
  return forecast(decideOn(ledger), decideOn(withOptions(ledger, named, LATER_SECONDS)))
}

function changes({ checkpoints }: Forecast): Record<number, string> {
  const changed = checkpoints.filter(({ change }) => change !== 'none')
  return Object.fromEntries(changed.map(({ step, change }) => [step, change]))
}

const FOUR = aRun().validated('acc', 0.1, 0.9, 0.5, 0.4)

describe('other options', () => {
  test('that keep fewer say which go, why, and how many bytes that frees', () => {
    const planned = plan(hubOf(FOUR), { max_keep_ckpts: 2 })
    expect(changes(planned)).toEqual({ 1: 'goes', 2: 'goes' })
    expect(planned.checkpoints[0]).toMatchObject({
      key: 'exp/epoch_1.pth',
      now: 'kept',
      planned: 'evicted',
      reason: 'evicted: max_keep_ckpts=2, newer 2, 3',
    })
    expect(planned).toMatchObject({ made: [], retired: [], freedBytes: 2000 })
  })

  test('that keep more bring nothing back', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2, 3)
    expect(changes(plan(hubOf(run), { max_keep_ckpts: 3 }))).toEqual({})
  })

  test('that evict more than the brake allows say that they would be held, and free nothing', () => {
    const hub = hubOf(FOUR)
    hub.brake = 2
    const planned = plan(hub, { max_keep_ckpts: 1 })
    expect(changes(planned)).toEqual({ 1: 'is held', 2: 'is held', 3: 'is held' })
    expect(planned.freedBytes).toBe(0)
  })

  test('that track a metric say which best copy would be made', () => {
    const { made, retired } = plan(hubOf(FOUR), { save_best: 'acc', rule: 'greater' })
    expect(made.map(({ key, kind, metric }) => [nameOf(key), kind, metric])).toEqual([
      ['best_acc_epoch_2.pth', 'best', 'acc'],
    ])
    expect(retired).toEqual([])
  })

  test('that track it no longer say which best copy would go, and how many bytes that frees', () => {
    const run = aRun({ save_best: 'acc', rule: 'greater' }).validated('acc', 0.1, 0.9)
    const { retired, freedBytes } = plan(hubOf(run), { save_best: null })
    expect(retired).toEqual([{ key: 'exp/best_acc_epoch_2.pth', sizeBytes: 800 }])
    expect(freedBytes).toBe(800)
  })

  test('say nothing of what is under way, nor of what goes already once a copy of it is made', () => {
    const run = aRun({ max_keep_ckpts: 1, save_best: 'acc', rule: 'greater' })
    const hub = new AHub(run)
    hub.jobs = false
    hub.see(...run.validated('acc', 0.5).upload(2).observations)
    expect(hub.pending()).toEqual(['make best_acc_epoch_1.pth'])
    const planned = plan(hub, {})
    expect(planned.checkpoints[0]).toMatchObject({ now: 'evicted', planned: 'evicted' })
    expect(changes(planned)).toEqual({})
    expect(planned).toMatchObject({ made: [], retired: [], freedBytes: 0 })
  })

  test('that evict what the brake holds already hold no more', () => {
    const run = aRun().upload(1, 2, 3).options({ max_keep_ckpts: 1 })
    const hub = new AHub(run)
    hub.brake = 1
    const planned = plan(hub.see(...run.observations), { max_keep_ckpts: 1 })
    expect(planned.checkpoints.map(({ planned: fate }) => fate)).toEqual(['held', 'held', 'kept'])
    expect(changes(planned)).toEqual({})
  })

  test('that evict what the bucket no longer has free nothing', () => {
    const hub = hubOf(aRun().uploadLike({ bytes: 'a' }, 1, 1).upload(2, 3))
    const newest = hub.ledger.history.steps.get(stepId('epoch', 1))?.uploads.at(-1)
    if (newest === undefined) throw new Error('nothing was uploaded')
    newest.gone = true
    const planned = plan(hub, { max_keep_ckpts: 2 })
    expect(planned.checkpoints[0]).toMatchObject({ now: 'kept', planned: 'evicted' })
    expect(changes(planned)).toEqual({})
    expect(planned.freedBytes).toBe(0)
  })

  test('tell all that was uploaded in the order of steps, with what is not whole', () => {
    const run = aRun().upload(2, 3).uploadLike({ torn: 'is truncated' }, 4, 1)
    const { checkpoints } = plan(hubOf(run), { max_keep_ckpts: 1 })
    expect(checkpoints.map(({ key, sizeBytes, planned }) => [key, sizeBytes, planned])).toEqual([
      ['exp/epoch_1.pth', 500, 'torn'],
      ['exp/epoch_2.pth', 1000, 'evicted'],
      ['exp/epoch_3.pth', 1000, 'kept'],
      ['exp/epoch_4.pth', 500, 'torn'],
    ])
  })

  test('under which an evicted step set a record bring it back', () => {
    const run = aRun({ interval: 2 }).upload(2).metrics(2, { acc: 0.1 }).upload(3).upload(4)
    run.metrics(3, { acc: 0.9 })
    const planned = plan(hubOf(run), { save_best: 'acc', rule: 'greater', interval: 2 })
    expect(changes(planned)).toEqual({ 3: 'comes back' })
  })

  test('bring it back also where it counts as kept by now, for being the newest that is left', () => {
    const run = aRun({ interval: 2 }).upload(2).metrics(2, { acc: 0.1 }).upload(3, 4)
    const hub = hubOf(run.metrics(3, { acc: 0.9 }).remove(4))
    expect(hub.steps()).toEqual([2])
    expect(changes(plan(hub, {}))).toEqual({})
    const tracking = { save_best: 'acc', rule: 'greater', interval: 2 }
    expect(changes(plan(hub, tracking))).toEqual({ 3: 'comes back' })
    expect(hub.see(newest(run, tracking)).steps()).toEqual([2, 3])
  })

  test('that name other files evict those, also of a step whose file of the old name was removed', () => {
    const run = aRun().upload(1, 2).uploadLike({ template: 'model_{}.pth' }, 1, 2).remove(1)
    const hub = hubOf(run)
    const named = { filename_tmpl: 'model_{}.pth', max_keep_ckpts: 1 }
    const planned = plan(hub, named)
    expect(changes(planned)).toEqual({ 1: 'goes' })
    expect(planned.freedBytes).toBe(1000)
    hub.see(newest(run, named))
    expect(hub.checkpoints()).toEqual(['epoch_2.pth', 'model_2.pth'])
  })

  test('that count files again which others did not say nothing of what is out already', () => {
    const limit = { max_keep_ckpts: 1 }
    const hub = hubOf(
      aRun(limit)
        .upload(1, 2)
        .options({ ...limit, by_epoch: false }),
    )
    expect(hub.steps()).toEqual([2])
    const planned = plan(hub, { ...limit, by_epoch: true })
    expect(planned.checkpoints[0]).toMatchObject({ now: 'other series', planned: 'evicted' })
    expect(changes(planned)).toEqual({})
  })

  test('that keep what still waits to be deleted bring nothing back', () => {
    const run = aRun({ interval: 2 }).upload(2).metrics(2, { acc: 0.1 }).upload(3, 4)
    const hub = new AHub(run)
    for (const seen of run.metrics(3, { acc: 0.9 }).observations) hub.put(seen)
    const planned = plan(hub, { save_best: 'acc', rule: 'greater', interval: 2 }, ['bucket'])
    expect(planned.checkpoints[1]).toMatchObject({ now: 'evicted', planned: 'kept' })
    expect(changes(planned)).toEqual({})
  })

  test('say nothing of what was uploaded before them, where they are about saving', () => {
    const planned = plan(hubOf(FOUR), { interval: 2, save_optimizer: false })
    expect(changes(planned)).toEqual({})
    expect(planned).toMatchObject({ made: [], retired: [], freedBytes: 0 })
  })

  test('that are invalid are refused as the run’s own would be', () => {
    const hub = hubOf(FOUR)
    expect(() => withOptions(hub.ledger, { max_keep_ckpts: 20_000 }, 0)).toThrow(
      expect.objectContaining({ code: 'hook-argument', field: 'max_keep_ckpts' }),
    )
  })

  test('are newer than whatever was uploaded, whatever the clock says', () => {
    const ledger = withOptions(hubOf(FOUR).ledger, { max_keep_ckpts: 1 }, 0)
    const [options] = ledger.history.options
    const key = 'exp/checkpoint_hook.json'
    expect(options).toMatchObject({ key, versionId: 'planned', seconds: 81 })
  })

  test('may come before anything was uploaded', () => {
    const { history } = withOptions(aRun().blank(), { max_keep_ckpts: 1 }, 5)
    expect(history.options.map(({ seconds }) => seconds)).toEqual([5])
  })

  test('leave the ledger as it is', () => {
    const hub = hubOf(FOUR)
    const before = structuredClone(hub.ledger)
    plan(hub, { max_keep_ckpts: 1 })
    expect(hub.ledger).toEqual(before)
  })
})

const policies: fc.Arbitrary<NamedArguments> = fc.record(
  {
    max_keep_ckpts: fc.integer({ min: -1, max: 4 }),
    interval: fc.integer({ min: 1, max: 3 }),
    save_best: fc.constantFrom('acc', null),
  },
  { requiredKeys: [] },
)

test('what is forecast is what comes of it, once they are uploaded', () => {
  fc.assert(
    fc.property(toldRuns, policies, fc.integer({ min: 1, max: 5 }), (run, named, brake) => {
      const hub = new AHub(run)
      hub.brake = brake
      hub.see(...run.observations)
      const before = hub.steps()
      const planned = plan(hub, named)
      hub.see(newest(run, named))
      const after = hub.steps()
      const of = (change: string) =>
        planned.checkpoints.filter((each) => each.change === change).map(({ step }) => step)
      expect(before.filter((step) => !after.includes(step))).toEqual(of('goes'))
      expect(after.filter((step) => !before.includes(step))).toEqual(of('comes back'))
      const held = planned.checkpoints.filter((each) => each.planned === 'held')
      expect(held.map(({ step }) => step)).toEqual(stepsThatAre(hub.decide().outcome, 'held'))
    }),
  )
})

test('options that are in force already change nothing', () => {
  fc.assert(
    fc.property(toldRuns, policies, (run, named) => {
      run.options(named)
      const planned = plan(hubOf(run), named)
      expect(changes(planned)).toEqual({})
      expect(planned).toMatchObject({ made: [], retired: [], freedBytes: 0 })
    }),
  )
})

/** The same options as an upload that comes last. */
function newest(run: ARun, named: NamedArguments) {
  const seen = run.at(LATER_SECONDS).options(named).observations.at(-1)
  if (seen === undefined) throw new Error('nothing was told')
  return seen
}
