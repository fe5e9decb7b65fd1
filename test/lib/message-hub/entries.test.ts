import { beforeEach, describe, expect, test } from 'vitest'
import type { Run } from '../../../lib/hook/names.ts'
import type { Decision } from '../../../lib/hook/plan.ts'
import type { Observation } from '../../../lib/hook/record.ts'
import { commitRun, loadRun, type MessageHub } from '../../../lib/message-hub/message-hub.ts'
import { storeOfFile } from '../bucket/store.ts'
import { indexed, itemsOf, newHub } from './hub-table.ts'
import {
  checkpointAt,
  decisionOn,
  endAt,
  metricsAt,
  optionsAt,
  RUN,
  removalAt,
  START,
  settledOn,
  uploadOf,
} from './observations.ts'

const ALWAYS = [
  'version',
  'commit',
  'recent_commits',
  'options',
  'publish_due',
  'stack_arguments',
  'next_effect',
  'answers',
]
const store = storeOfFile()
let hub: MessageHub

beforeEach(async () => {
  hub = await newHub(store.newDynamodb())
})

describe("the hook's own keys", () => {
  test('of one metric have plain names', async () => {
    const info = await runtimeInfo(
      optionsAt(0, { save_best: 'acc', max_keep_ckpts: 2 }),
      checkpointAt(1, 1),
      metricsAt(2, 1, { acc: 0.91 }),
    )
    expect(Object.keys(info).toSorted()).toEqual(
      [
        ...ALWAYS,
        'best_score',
        'best_ckpt',
        'last_ckpt',
        'keep_ckpt_ids',
        'oldest_kept',
        'last_checkpoint_text',
      ].toSorted(),
    )
    expect(info).toMatchObject({
      best_score: '0.91',
      best_ckpt: `s3://bucket/${RUN}/best_acc_epoch_1.pth`,
      last_ckpt: `s3://bucket/${RUN}/epoch_1.pth`,
      keep_ckpt_ids: [1],
      version: 1,
      last_checkpoint_text: `s3://bucket/${RUN}/epoch_1.pth`,
    })
  })

  test('of one metric that stands in a list have plain names too', async () => {
    const info = await runtimeInfo(
      optionsAt(0, { save_best: ['acc'] }),
      checkpointAt(1, 1),
      metricsAt(2, 1, { acc: 0.91 }),
    )
    expect(info).toMatchObject({ best_score: '0.91' })
    expect(info).not.toHaveProperty('keep_ckpt_ids')
  })

  test("of several metrics end in each metric's own name", async () => {
    const info = await runtimeInfo(
      optionsAt(0, { save_best: ['val/acc', 'loss'] }),
      checkpointAt(1, 1),
      metricsAt(2, 1, { 'val/acc': 0.91, loss: Number.NaN }),
      checkpointAt(3, 2),
      metricsAt(4, 2, { 'val/acc': 0.9, loss: 1e-7 }),
    )
    const best = Object.entries(info).filter(([name]) => name.startsWith('best_'))
    expect(Object.fromEntries(best)).toEqual({
      'best_score_val/acc': '0.91',
      'best_ckpt_val/acc': `s3://bucket/${RUN}/best_val_acc_epoch_1.pth`,
      best_score_loss: '1e-7',
      best_ckpt_loss: `s3://bucket/${RUN}/best_loss_epoch_2.pth`,
    })
  })

  test('of a run with nothing whole in it are not there', async () => {
    const info = await runtimeInfo(checkpointAt(1, 1, { over: { fault: 'cut short' } }))
    expect(Object.keys(info).toSorted()).toEqual([...ALWAYS].toSorted())
  })

  test('name what the end waits for', async () => {
    const info = await runtimeInfo(checkpointAt(1, 1), endAt(2, 'epoch_2.pth'))
    expect(info).toMatchObject({ waits_for: 'epoch_2.pth', publish_due: false })
  })

  test('are bounded however long the run is', async () => {
    const many = Array.from({ length: 60 }, (_, at) => checkpointAt(at, at + 1))
    const info = await runtimeInfo(optionsAt(0, { max_keep_ckpts: 2 }), ...many)
    expect(info).toMatchObject({
      keep_ckpt_ids: [59, 60],
      oldest_kept: { key: `${RUN}/epoch_59.pth`, etag: expect.any(String) },
    })
    const { recent_commits, ...rest } = info
    expect(JSON.stringify(rest).length).toBeLessThan(2000)
    expect(JSON.stringify(recent_commits).length).toBeLessThan(4000)
  })

  test('show the options in force, argument by argument', async () => {
    const info = await runtimeInfo(
      optionsAt(0, { save_best: 'auto', rule: 'less', published_keys: 'meta' }),
      checkpointAt(1, 500, { series: 'iter' }),
    )
    expect(info).toMatchObject({
      options: {
        interval: 1,
        by_epoch: false,
        filename_tmpl: 'iter_{}.pth',
        max_keep_ckpts: -1,
        save_best: ['auto'],
        rule: ['less'],
        published_keys: ['meta'],
      },
      stack_arguments: '{"interval":1}',
    })
  })
})

describe('a step', () => {
  test('says what became of it and why', async () => {
    await settled(
      RUN,
      optionsAt(0, { max_keep_ckpts: 1 }),
      checkpointAt(1, 1),
      checkpointAt(2, 2),
      metricsAt(3, 3, { acc: 1 }),
    )
    const items = await itemsOf(hub, RUN)
    expect(items.get('step#epoch#0000000000000001')).toMatchObject({
      fate: 'evicted',
      reason: 'evicted: max_keep_ckpts=1, newer 2',
      restorable_days: 30,
      // Decided at 15:36:40, and S3 rounds up to midnight.
      restorable_until: '2026-10-22T00:00:00.000Z',
      evicted_version: {
        version_id: expect.any(String),
        etag: expect.any(String),
        seconds: START + 5000,
      },
    })
    expect(items.get('step#epoch#0000000000000002')).toMatchObject({ fate: 'kept' })
    expect(items.get('step#epoch#0000000000000003')).toMatchObject({ fate: 'no checkpoint' })
  })

  test('keeps its metrics in the order of the source text, as text', async () => {
    await settled(RUN, metricsAt(1, 1, { zeta: 1e300, acc: Number.NaN, loss: null, beta: -0.5 }))
    const step = (await itemsOf(hub, RUN)).get('step#epoch#0000000000000001')
    expect(step?.['metrics']).toMatchObject([
      { metric: 'zeta', value: '1e+300' },
      { metric: 'acc', value: 'NaN' },
      { metric: 'loss' },
      { metric: 'beta', value: '-0.5' },
    ])
    expect(step).not.toHaveProperty('metrics[2].value')
  })

  test('names the keys that its checkpoint has no longer, while that is there', async () => {
    const second = async () => (await itemsOf(hub, RUN)).get('step#epoch#0000000000000002')
    const rules = { interval: 2, max_keep_ckpts: 1, save_optimizer: false }
    await stripped(optionsAt(0, rules), checkpointAt(1, 2), checkpointAt(2, 3))
    expect(await second()).toMatchObject({
      fate: 'kept',
      removed_keys: ['optimizer', 'optim_wrapper'],
    })
    await settled(RUN, endAt(3))
    expect(await second()).toMatchObject({ fate: 'evicted' })
    expect(await second()).not.toHaveProperty('removed_keys')
    await settled(RUN, removalAt(4, 3))
    expect(await second()).toMatchObject({
      fate: 'kept',
      reason: 'kept: the newest that is left',
      evicted_version: { version_id: 'stripped' },
    })
    expect(await second()).not.toHaveProperty('removed_keys')
  })
})

describe('problems', () => {
  test('are the newest hundred, each with its key, field and reason', async () => {
    const torn = Array.from({ length: 120 }, (_, at) =>
      checkpointAt(at, at + 1, { over: { fault: `cut short at ${at}` } }),
    )
    await settled(RUN, ...torn)
    const problems = [...(await itemsOf(hub, RUN))].filter(([entry]) =>
      entry.startsWith('problem#'),
    )
    expect(problems).toHaveLength(100)
    expect(problems.at(-1)?.[1]).toMatchObject({
      severity: 'error',
      key: `${RUN}/epoch_120.pth`,
      field: 'checkpoint',
      reason: 'cut short at 119',
    })
    expect(problems[0]?.[0]).toContain(new Date((START + 20) * 1000).toISOString())
  })
})

describe('the index', () => {
  const runs = ['a', 'a/b', 'a#b'] as Run[]

  test('of runs lists them by their last upload', async () => {
    for (const [at, run] of runs.entries()) {
      await settled(run, checkpointAt(100 - at, 1, { run }), checkpointAt(at, 2, { run }))
    }
    expect(await indexed(hub, 'runs', 'runs')).toMatchObject([
      { run: 'a#b', checkpoints: 2, last_step: 2 },
      { run: 'a/b' },
      {
        run: 'a',
        first_upload: new Date(START * 1000).toISOString(),
        last_upload: new Date((START + 100) * 1000).toISOString(),
      },
    ])
  })

  test('of the leaderboard ranks runs by score, worst first, NaN never among them', async () => {
    const scores = { a: 0.5, 'a/b': -1e300, 'a#b': Infinity }
    for (const [run, acc] of Object.entries(scores) as [Run, number][]) {
      await settled(
        run,
        optionsAt(0, { save_best: 'acc' }, 0, run),
        checkpointAt(1, 1, { run }),
        metricsAt(2, 1, { acc }, { run }),
        checkpointAt(3, 2, { run }),
        metricsAt(4, 2, { acc: Number.NaN }, { run }),
      )
    }
    const ranked = await indexed(hub, 'leaderboard', 'acc')
    expect(ranked.map(({ run, score, step }) => [run, score, step])).toEqual([
      ['a/b', '-1e+300', 1],
      ['a', '0.5', 1],
      ['a#b', 'Infinity', 1],
    ])
    expect(ranked[0]).toMatchObject({
      entry: 'best#acc',
      state: 'current',
      copy: 's3://bucket/a/b/best_acc_epoch_1.pth',
      source: 's3://bucket/a/b/epoch_1.pth',
    })
  })

  test('of the outbox holds what is to be done, and nothing once it is done', async () => {
    const loaded = await loadRun(hub, RUN)
    const pending = decisionOn(loaded.ledger, checkpointAt(1, 1))
    const committed = await commitRun(hub, loaded, pending)
    expect(await indexed(hub, 'outbox', 'effects')).toMatchObject([
      { run: RUN, entry: 'effect#0000000000000001' },
    ])
    await commitRun(hub, committed, settledOn(committed.ledger))
    expect(await indexed(hub, 'outbox', 'effects')).toEqual([])
  })
})

async function settled(run: Run, ...seen: Observation[]): Promise<Decision> {
  const loaded = await loadRun(hub, run)
  const decision = settledOn(loaded.ledger, ...seen)
  await commitRun(hub, loaded, decision)
  return decision
}

/** What is to be stripped is, which the results of other effects do not do. */
async function stripped(...seen: Observation[]): Promise<void> {
  const { ledger } = await settled(RUN, ...seen)
  const [strip] = ledger.effects
  if (strip?.action.kind !== 'strip') throw new Error('nothing is to be stripped')
  const { number, action } = strip
  const { key, versionId, etag, droppedKeys } = action
  const strips = { versionId, etag, droppedKeys }
  const upload = uploadOf(key, START + 50, { versionId: 'stripped', strips })
  const result = { kind: 'stripped', upload } as const
  await settled(RUN, { kind: 'result', effect: number, action, result })
}

/** `runtime_info` as a person reads it, after all effects are carried out. */
async function runtimeInfo(...seen: Observation[]): Promise<Record<string, unknown>> {
  await settled(RUN, ...seen)
  const { run: _, entry: __, ...info } = (await itemsOf(hub, RUN)).get('runtime_info') ?? {}
  return info
}
