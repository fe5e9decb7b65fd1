/** What a person removes is gone, and what names it names the next one. */
import { ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, test } from 'vitest'
import { stepId } from '../../../lib/hook/history.ts'
import { keyIn } from '../../../lib/hook/names.ts'
import { settleRun } from '../../../lib/run/settle.ts'
import { statePin } from '../../../lib/run/state-fact.ts'
import { liveKeys, remove } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { itemsOf } from '../message-hub/hub-table.ts'
import { checkpoint, drain, look, newWorker, RUN, type TestWorker, upload } from './worker.ts'

const BEST = 'best_acc_epoch_1.pth'

const store = storeOfFile()
let worker: TestWorker

beforeEach(async () => {
  worker = await newWorker(store)
  await upload(worker, {
    'checkpoint_hook.json': { save_best: 'acc', published_keys: ['state_dict'] },
    'epoch_1.pth': checkpoint('epoch 1'),
    'epoch_2.pth': checkpoint('epoch 2'),
    'metrics/1.json': { epoch: 1, metrics: { acc: 0.9 } },
    'metrics/2.json': { epoch: 2, metrics: { acc: 0.8 } },
  })
  await drain(worker)
})

describe('a best copy that a person removes', () => {
  test('is not made again: best_ckpt names the next one, until the removal is undone', async () => {
    await remove(worker.bucket, keyIn(RUN, BEST))
    await look(worker, [BEST])
    await drain(worker)
    expect(await info()).toMatchObject({
      best_score: '0.8',
      best_ckpt: expect.stringMatching(/best_acc_epoch_2\.pth$/),
    })
    expect(await names()).not.toContain(BEST)
    const items = await itemsOf(worker.hub, RUN)
    expect(items.get(`artifact#${keyIn(RUN, BEST)}`)).toMatchObject({
      state: 'removed',
      removed_seconds: expect.any(Number),
    })

    await undoRemoval(BEST)
    await look(worker, [BEST])
    await drain(worker)
    expect(await info()).toMatchObject({
      best_score: '0.9',
      best_ckpt: expect.stringMatching(/best_acc_epoch_1\.pth$/),
    })
    expect(await names()).not.toContain('best_acc_epoch_2.pth')
  })
})

describe('a published file that a person removes', () => {
  test('is not published again', async () => {
    await upload(worker, { 'after_train.json': {} })
    await drain(worker)
    const published = (await names()).filter((name) => /-[0-9a-f]{8}\.pth$/.test(name))
    expect(published).toHaveLength(2)
    const [first = ''] = published
    await remove(worker.bucket, keyIn(RUN, first))
    await look(worker, [first])
    await upload(worker, { 'metrics/late.json': { epoch: 2, metrics: { other: 1 } } })
    await drain(worker)
    expect((await names()).filter((name) => published.includes(name))).toEqual(published.slice(1))
  })
})

describe('a pinned checkpoint that a person removes', () => {
  test('stays removed: the pin is reported as void, and the last is the next one', async () => {
    const pin = { name: 'epoch_2.pth', pinned: true, by: 'ada' }
    await settleRun(worker, RUN, { keys: [await statePin(worker.bucket, RUN, pin)] })
    await remove(worker.bucket, keyIn(RUN, 'epoch_2.pth'))
    await look(worker, ['epoch_2.pth'])
    expect(await names()).not.toContain('epoch_2.pth')
    const items = await itemsOf(worker.hub, RUN)
    expect(items.get(`step#${stepId('epoch', 2)}`)).toMatchObject({
      fate: 'removed',
      removed: { key: keyIn(RUN, 'epoch_2.pth'), seconds: expect.any(Number) },
    })
    expect((await info())['last_ckpt']).toMatch(/epoch_1\.pth$/)
    const problems = [...items].filter(([entry]) => entry.startsWith('problem#'))
    expect(problems.map(([, { reason }]) => reason)).toEqual([
      'is void, since epoch_2.pth was removed, not by the hub; upload it again, or unpin it',
    ])

    await upload(worker, { 'epoch_2.pth': checkpoint('epoch 2 again') })
    expect((await itemsOf(worker.hub, RUN)).get(`step#${stepId('epoch', 2)}`)).toMatchObject({
      fate: 'kept',
      reason: expect.stringMatching(/^kept: pinned by ada/),
    })
  })
})

describe('what a person removes an hour after it was brought back', () => {
  /** As if all that the worker does had been done an hour ago. */
  beforeEach(() => {
    worker.nowSeconds = () => Math.floor(Date.now() / 1000) - 3600
  })

  test('stays removed where it is a checkpoint', async () => {
    await upload(worker, { 'checkpoint_hook.json': { save_best: 'acc', max_keep_ckpts: 1 } })
    await drain(worker)
    expect(await names()).not.toContain('epoch_1.pth')
    const pin = { name: 'epoch_1.pth', pinned: true, by: 'ada' }
    await settleRun(worker, RUN, { keys: [await statePin(worker.bucket, RUN, pin)] })
    expect(await names()).toContain('epoch_1.pth')
    await remove(worker.bucket, keyIn(RUN, 'epoch_1.pth'))
    await look(worker, ['epoch_1.pth'])
    expect(await names()).not.toContain('epoch_1.pth')
    expect((await itemsOf(worker.hub, RUN)).get(`step#${stepId('epoch', 1)}`)).toMatchObject({
      fate: 'removed',
    })
  })

  test('stays removed where it is a best copy', async () => {
    for (const acc of [1, 0.1]) {
      await upload(worker, { 'metrics/2.json': { epoch: 2, metrics: { acc } } })
      await drain(worker)
    }
    expect(await names()).toContain(BEST)
    await remove(worker.bucket, keyIn(RUN, BEST))
    await look(worker, [BEST])
    await drain(worker)
    expect(await names()).not.toContain(BEST)
  })
})

async function info() {
  return (await itemsOf(worker.hub, RUN)).get('runtime_info') ?? {}
}

async function names(): Promise<string[]> {
  const prefix = keyIn(RUN, '')
  return (await liveKeys(worker.bucket, prefix)).map((key) => key.slice(prefix.length))
}

/** Deletes the delete marker, as a person does who thinks better of it. */
async function undoRemoval(name: string): Promise<void> {
  const { s3, name: Bucket } = worker.bucket
  const Prefix = keyIn(RUN, name)
  const { DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix }))
  for (const { Key = '', VersionId } of DeleteMarkers) await remove(worker.bucket, Key, VersionId)
}
