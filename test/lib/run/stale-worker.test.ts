/** Invariant 8: what a stale worker changes is found and undone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { deleteIfMatch } from '../../../lib/bucket/delete.ts'
import { SHA256 } from '../../../lib/bucket/write.ts'
import { factKey } from '../../../lib/hook/names.ts'
import { settleRun } from '../../../lib/run/settle.ts'
import { bytesAt, put } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls } from '../bucket/wire.ts'
import {
  anotherInvocation,
  checkpoint,
  drain,
  ledgerOf,
  look,
  newWorker,
  RUN,
  type TestWorker,
  upload,
} from './worker.ts'

/** Then what is written next is the newest: S3 tells time in whole seconds. */
const A_SECOND = 1_100
const store = storeOfFile()
let worker: TestWorker

beforeEach(async () => {
  worker = await newWorker(store)
})

describe('a worker that deletes after its effect was withdrawn', () => {
  test('learns of it when it ticks the effect off, and brings the checkpoint back', async () => {
    const third = checkpoint('three')
    await upload(worker, {
      'checkpoint_hook.json': { interval: 2, max_keep_ckpts: 2, save_best: 'acc' },
    })
    await upload(worker, { 'epoch_2.pth': checkpoint('two'), 'epoch_3.pth': third })
    await put(worker.bucket, `${RUN}/epoch_4.pth`, checkpoint('four'))

    // Step 3 is outside the series, so 4 evicts it. Just before that is done, its record is known.
    const slow = anotherInvocation(store, worker)
    const deleted: string[] = []
    aroundCalls(slow.bucket.s3, async ({ name, input, go }) => {
      if (name === 'DeleteObject' && 'Key' in input) {
        deleted.push(String(input.Key))
        await upload(worker, { 'metrics/3.json': { epoch: 3, metrics: { acc: 0.9 } } })
      }
      await go()
    })
    await settleRun(slow, RUN, { keys: [`${RUN}/epoch_4.pth`] })
    expect(deleted).toContain(`${RUN}/epoch_3.pth`)

    await drain(worker)
    expect(await bytesAt(worker.bucket, `${RUN}/epoch_3.pth`)).toEqual(third)
    const { effects, history } = await ledgerOf(worker)
    expect(effects).toEqual([])
    expect([...history.steps.values()].filter(({ removal }) => removal !== undefined)).toEqual([])
  })
})

describe('workers that delete a best copy after it was retired, wanted again and made again', () => {
  const COPY = `${RUN}/best_acc_epoch_1.pth`
  const score = (acc: number) =>
    upload(worker, { 'metrics/2.json': { epoch: 2, metrics: { acc } } })

  test('are never taken for a person, however many they are', async () => {
    await upload(worker, {
      'checkpoint_hook.json': { save_best: 'acc' },
      'epoch_1.pth': checkpoint('one'),
      'epoch_2.pth': checkpoint('two'),
      'metrics/1.json': { epoch: 1, metrics: { acc: 0.5 } },
    })
    await drain(worker)
    const copy = await bytesAt(worker.bucket, COPY)
    const { artifacts } = await ledgerOf(worker)
    const made = artifacts.get(COPY)
    if (made === undefined || !('object' in made)) throw new Error('no copy')
    await score(0.9)
    await drain(worker)
    await score(0.1)
    await drain(worker)

    for (let late = 0; late < 3; late++) {
      expect(await deleteIfMatch(worker.bucket, COPY, made.object.etag)).toBe('deleted')
      await look(worker, ['best_acc_epoch_1.pth'])
      await drain(worker)
      expect(await bytesAt(worker.bucket, COPY)).toEqual(copy)
    }
    expect((await ledgerOf(worker)).artifacts.get(COPY)).toMatchObject({ state: 'current' })
  })
})

describe('a worker that writes the best copy of an older upload over that of the newer one', () => {
  const COPY = `${RUN}/best_acc_epoch_1.pth`

  test('has its copy replaced, once somebody looks', async () => {
    await upload(worker, {
      'checkpoint_hook.json': { save_best: 'acc' },
      'epoch_1.pth': checkpoint('one'),
      'metrics/1.json': { epoch: 1, metrics: { acc: 0.5 } },
    })
    await drain(worker)
    const stale = (await bytesAt(worker.bucket, COPY)) ?? new Uint8Array()
    await upload(worker, { 'epoch_1.pth': checkpoint('one, trained for longer') })
    await drain(worker)
    const copy = await bytesAt(worker.bucket, COPY)
    expect(copy).not.toEqual(stale)

    await put(worker.bucket, COPY, stale, { [SHA256]: 'of the older upload' })
    await look(worker, ['best_acc_epoch_1.pth'])
    await drain(worker)
    expect(await bytesAt(worker.bucket, COPY)).toEqual(copy)
    expect((await ledgerOf(worker)).artifacts.get(COPY)).toMatchObject({ state: 'current' })
  })
})

describe('a worker that restores what was uploaded anew meanwhile', () => {
  test('leaves it on top for a moment: once the newer upload is evicted, it goes too', async () => {
    await upload(worker, {
      'checkpoint_hook.json': { max_keep_ckpts: 1 },
      'epoch_1.pth': checkpoint('one'),
      'epoch_2.pth': checkpoint('two'),
    })
    const pin = factKey(RUN, 'pin-epoch_1.pth.json')
    await put(worker.bucket, pin, JSON.stringify({ pin: 'epoch_1.pth' }))

    // The pin brings step 1 back. Just before that is done, it is unpinned, and is uploaded and evicted anew.
    const slow = anotherInvocation(store, worker)
    const restored: string[] = []
    aroundCalls(slow.bucket.s3, async ({ name, input, go }) => {
      if (name === 'CopyObject' && 'Key' in input) {
        restored.push(String(input.Key))
        await put(worker.bucket, pin, JSON.stringify({ unpin: 'epoch_1.pth' }))
        await put(worker.bucket, `${RUN}/epoch_1.pth`, checkpoint('one anew'))
        await put(worker.bucket, `${RUN}/epoch_3.pth`, checkpoint('three'))
        const keys = [pin, `${RUN}/epoch_1.pth`, `${RUN}/epoch_3.pth`]
        await settleRun(worker, RUN, { keys })
        expect(await bytesAt(worker.bucket, `${RUN}/epoch_1.pth`)).toBeUndefined()
        await sleep(A_SECOND)
      }
      await go()
    })
    await settleRun(slow, RUN, { keys: [pin] })
    expect(restored).toEqual([`${RUN}/epoch_1.pth`])

    await drain(worker)
    expect(await bytesAt(worker.bucket, `${RUN}/epoch_1.pth`)).toBeUndefined()
    const { effects, history } = await ledgerOf(worker)
    expect(effects).toEqual([])
    expect([...history.steps.values()].filter(({ removal }) => removal !== undefined)).toEqual([])
  })
})
