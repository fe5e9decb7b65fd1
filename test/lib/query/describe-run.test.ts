import { beforeEach, describe, expect, test } from 'vitest'
import type { Run } from '../../../lib/hook/names.ts'
import { describeRun } from '../../../lib/query/describe-run.ts'
import { answer } from '../../../lib/query/route.ts'
import { storeOfFile } from '../bucket/store.ts'
import { putByHand } from '../message-hub/hub-table.ts'
import { checkpoint, drain, newWorker, RUN, type TestWorker, upload } from '../run/worker.ts'

const store = storeOfFile()
let worker: TestWorker

beforeEach(async () => {
  worker = await newWorker(store)
})

describe('a run that was trained', () => {
  test('is told with its options, best, checkpoints, curves, files and problems', async () => {
    await upload(worker, {
      'checkpoint_hook.json': { save_best: 'acc', max_keep_ckpts: 1 },
      ...epoch(1, { acc: 0.9 }),
      ...epoch(2, { acc: 0.5 }),
      ...epoch(3, { acc: 0.6 }),
      'epoch_4.pth': 'torn',
    })
    await drain(worker)
    const told = await asked()
    expect(Object.keys(told).toSorted()).toEqual([
      'artifacts',
      'best',
      'curves',
      'keep_ckpt_ids',
      'last_ckpt',
      'options',
      'problems',
      'publish_due',
      'run',
      'steps',
      'storage',
    ])
    expect(told.options).toMatchObject({ max_keep_ckpts: 1, save_best: ['acc'], rule: ['greater'] })
    expect(told.best).toEqual([
      {
        metric: 'acc',
        rule: 'greater',
        score: '0.9',
        step: 1,
        life: 0,
        source: `s3://${worker.bucket.name}/${RUN}/epoch_1.pth`,
        copy: `s3://${worker.bucket.name}/${RUN}/best_acc_epoch_1.pth`,
        state: 'current',
      },
    ])
    const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/)
    const common = { series: 'epoch', uploaded: isoTime, size_bytes: expect.any(Number) }
    expect(told.steps).toEqual([
      {
        ...common,
        step: 1,
        key: `${RUN}/epoch_1.pth`,
        life: 0,
        set_record: true,
        fate: 'evicted',
        reason: expect.stringMatching(/^evicted: max_keep_ckpts=1/),
        restorable_until: isoTime,
      },
      expect.objectContaining({ step: 2, fate: 'evicted', set_record: false }),
      expect.objectContaining({ step: 3, fate: 'kept', set_record: false }),
      {
        ...common,
        step: 4,
        key: `${RUN}/epoch_4.pth`,
        set_record: false,
        fate: 'torn',
        reason: expect.stringMatching(/^kept: not whole/),
      },
    ])
    expect(told.curves).toEqual([
      { metric: 'acc', series: 'epoch', steps: [1, 2, 3], values: [0.9, 0.5, 0.6] },
    ])
    expect(told.artifacts).toMatchObject([{ key: `${RUN}/best_acc_epoch_1.pth`, state: 'current' }])
    expect(told.problems).toMatchObject([
      { time: isoTime, severity: 'error', key: `${RUN}/epoch_4.pth`, field: 'checkpoint' },
    ])
  })

  test('is told with the bytes that it takes, and those that are saved', async () => {
    const sizes = Object.fromEntries(
      [1, 2, 3].map((step) => [step, checkpoint('x'.repeat(step)).byteLength]),
    )
    await upload(worker, {
      'checkpoint_hook.json': { save_best: 'acc', max_keep_ckpts: 1 },
      'epoch_1.pth': checkpoint('x'),
      'epoch_2.pth': checkpoint('xx'),
      'epoch_3.pth': checkpoint('xxx'),
      'metrics/3.json': { epoch: 3, metrics: { acc: 1 } },
      'epoch_4.pth': 'torn',
    })
    await drain(worker)
    const { storage, artifacts } = await asked()
    expect(storage).toEqual({
      kept_bytes: (sizes[3] ?? 0) + 'torn'.length,
      made_bytes: artifacts[0]?.['size_bytes'],
      evicted_bytes: (sizes[1] ?? 0) + (sizes[2] ?? 0),
      stripped_bytes: 0,
    })
  })

  test('counts what stored checkpoints lost', async () => {
    const files = Object.fromEntries(
      [1, 2, 3].map((step) => [`epoch_${step}.pth`, checkpoint(`words of ${step}`)]),
    )
    await upload(worker, { 'checkpoint_hook.json': { save_optimizer: false }, ...files })
    await drain(worker)
    const whole = 3 * checkpoint('words of 1').byteLength
    const { storage, steps } = await asked()
    // So small a file grows by its alignment.
    expect(storage.stripped_bytes).not.toBe(0)
    expect(storage.kept_bytes + storage.stripped_bytes).toBe(whole)
    expect(steps[0]).toMatchObject({ removed_keys: ['optimizer', 'optim_wrapper'] })
  })
})

describe('curves', () => {
  test('have numbers, texts where JSON has no number, and null', async () => {
    await upload(worker, {
      'metrics/1.json': '{"epoch": 1, "metrics": {"acc": NaN, "loss": Infinity, "x": null}}',
      'metrics/2.json': '{"epoch": 2, "metrics": {"acc": 0.1, "loss": -Infinity, "x": 1e300}}',
    })
    const { curves, steps } = await asked()
    expect(curves).toEqual([
      { metric: 'acc', series: 'epoch', steps: [1, 2], values: ['NaN', 0.1] },
      { metric: 'loss', series: 'epoch', steps: [1, 2], values: ['Infinity', '-Infinity'] },
      { metric: 'x', series: 'epoch', steps: [1, 2], values: [null, 1e300] },
    ])
    expect(steps).toEqual([])
  })

  test('have the value of the event, though the log says another later', async () => {
    await upload(worker, { 'metrics/1.json': { epoch: 1, metrics: { acc: 0.91, loss: 1 } } })
    const line = '{"acc": 0.9, "lr_like": 7, "step": 1}\n'
    await upload(worker, { '20260101_000000/vis_data/scalars.json': line })
    const { curves } = await asked()
    expect(curves).toContainEqual({ metric: 'acc', series: 'epoch', steps: [1], values: [0.91] })
    expect(curves).toContainEqual({ metric: 'lr_like', series: 'epoch', steps: [1], values: [7] })
  })

  test('have the later value of one source', async () => {
    await upload(worker, { 'metrics/1.json': { epoch: 1, metrics: { acc: 0.5 } } })
    await upload(worker, { 'metrics/1.json': { epoch: 1, metrics: { acc: 0.6 } } })
    expect((await asked()).curves).toMatchObject([{ values: [0.6] }])
  })

  test('of metrics with awkward names are apart', async () => {
    const metrics = { __proto__x: 1, 'a b': 2, '<b>"\n': 3 }
    await upload(worker, { 'metrics/1.json': { epoch: 1, metrics } })
    expect((await asked()).curves.map(({ metric }) => metric)).toEqual(Object.keys(metrics))
  })
})

describe('a long run', () => {
  beforeEach(async () => {
    const files = Array.from({ length: 12 }, (_, at) => Object.entries(epoch(at + 1, { acc: at })))
    await upload(worker, Object.fromEntries(files.flat()))
  })

  test('is told page by page, the newest steps first, each page by step', async () => {
    const pages: number[][] = []
    const curves: number[] = []
    let next: string | undefined
    do {
      const page = await asked({ limit: 5, next })
      pages.push(page.steps.map(({ step }) => step))
      curves.unshift(...page.curves.flatMap(({ steps }) => steps))
      next = page.next
    } while (next !== undefined)
    expect(pages).toEqual([
      [8, 9, 10, 11, 12],
      [3, 4, 5, 6, 7],
      [1, 2],
    ])
    expect(curves).toEqual(Array.from({ length: 12 }, (_, at) => at + 1))
  })

  test('has the same storage on every page', async () => {
    const { storage, next } = await asked({ limit: 5 })
    expect((await asked({ limit: 5, next })).storage).toEqual(storage)
  })

  test('whose answer Lambda would not send is asked for by smaller pages', async () => {
    const key = `${RUN}/metrics/1.json`
    const metrics = Array.from({ length: 2000 }, (_, at) => {
      const metric = `metric ${at} ${'"'.repeat(60)}`
      return { metric, value: '0.1', seconds: 1, source: 'event', key, position: at, ordinal: 0 }
    })
    for (let step = 1; step <= 24; step++) {
      // Short enough for an entry, and many.
      const entry = `step#iter#${String(step).padStart(16, '0')}`
      const own = metrics.map((each) => ({ ...each, metric: `${step} ${each.metric}` }))
      await putByHand(worker.hub, {
        run: RUN,
        entry,
        series: 'iter',
        step,
        uploads: [],
        metrics: own,
      })
    }
    const question = { method: 'GET', path: '/run', parameters: { run: RUN } }
    const refused = await answer(worker, question)
    expect(refused.statusCode).toBe(400)
    expect(JSON.parse(refused.body)).toMatchObject({
      type: 'urn:checkpoint-hub:problem:answer-too-large',
      detail: 'the answer would have more than 6000000 bytes; ask for less with limit',
    })
    const smaller = { ...question, parameters: { run: RUN, limit: '10' } }
    expect((await answer(worker, smaller)).statusCode).toBe(200)
  })
})

function asked(question: { limit?: number; next?: string | undefined } = {}) {
  return describeRun(worker, { run: RUN as Run, limit: 2000, ...question })
}

function epoch(step: number, metrics: object): Record<string, Uint8Array | object> {
  return {
    [`epoch_${step}.pth`]: checkpoint(`words of ${step}`),
    [`metrics/${step}.json`]: { epoch: step, metrics },
  }
}
