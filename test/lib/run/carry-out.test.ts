import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Action, type Effect, emptyLedger } from '../../../lib/hook/ledger.ts'
import { carryOut, outstanding } from '../../../lib/run/carry-out.ts'
import { bytesAt, put, remove, textAt } from '../bucket/objects.ts'
import { type StartedStore, startStore } from '../bucket/store.ts'
import { aroundCalls, Unavailable } from '../bucket/wire.ts'
import { newWorker, RUN, type TestWorker } from './worker.ts'

const KEY = `${RUN}/epoch_1.pth`
let store: StartedStore
let worker: TestWorker

beforeAll(async () => {
  store = await startStore()
  worker = await newWorker(store)
})
afterAll(() => store?.stop())
beforeEach(async () => {
  worker = { ...worker, bucket: await store.newBucket(), queue: [] }
})

const MAKE: Action = {
  kind: 'make',
  key: `${RUN}/best_acc_epoch_1.pth`,
  identity: {
    kind: 'best',
    folder: RUN,
    metric: 'acc',
    name: 'best_acc_epoch_1.pth',
    source: { key: KEY, versionId: 'v', step: 1, bytes: 'b' },
    publishedKeys: undefined,
    droppedKeys: ['optimizer'],
  },
  replaces: undefined,
}

describe('what is outstanding', () => {
  test('comes in an order in which nothing goes before what it waits for', () => {
    const version = { key: KEY, versionId: 'v', etag: 'e' }
    const effects = [
      effect(1, { kind: 'evict', id: 'a', ...version }),
      effect(2, { kind: 'retire', ...version }),
      effect(3, MAKE),
      effect(4, { kind: 'write last_checkpoint', text: 't' }),
      effect(5, { kind: 'restore', id: 'a', ...version, sizeBytes: 1 }),
      effect(6, { kind: 'evict', id: 'b', ...version }),
    ]
    const ledger = { ...emptyLedger(RUN, {}), effects }
    expect(outstanding(ledger).map(({ number }) => number)).toEqual([5, 4, 3, 1, 6, 2])
  })

  test('is not a job that was sent, until it is to be sent again', () => {
    const sent = { ...effect(1, MAKE), sentSeconds: 5 }
    expect(outstanding({ ...emptyLedger(RUN, {}), effects: [sent] })).toEqual([])
    const again = { ...sent, sentSeconds: undefined }
    expect(outstanding({ ...emptyLedger(RUN, {}), effects: [again] })).toEqual([again])
  })
})

describe('an eviction', () => {
  test('deletes the object, and twice does no more than once', async () => {
    const { versionId, etag } = await put(worker.bucket, KEY, 'weights')
    const evict = effect(1, { kind: 'evict', id: 'a', key: KEY, versionId, etag })
    const done = { kind: 'result', effect: 1, action: evict.action, result: { kind: 'done' } }
    expect(await carryOut(worker, RUN, evict)).toEqual({ observations: [done], lookAt: undefined })
    expect(await bytesAt(worker.bucket, KEY)).toBeUndefined()
    expect(await carryOut(worker, RUN, evict)).toEqual({ observations: [done], lookAt: KEY })
  })

  test('leaves another upload, and says that it has to be looked at', async () => {
    const { versionId, etag } = await put(worker.bucket, KEY, 'weights')
    await put(worker.bucket, KEY, 'other weights')
    const evict = effect(1, { kind: 'evict', id: 'a', key: KEY, versionId, etag })
    expect((await carryOut(worker, RUN, evict)).lookAt).toBe(KEY)
    expect(await textAt(worker.bucket, KEY)).toBe('other weights')
  })

  test('that S3 did not answer is thrown', async () => {
    const failing = { ...worker, bucket: { ...worker.bucket, s3: store.newS3() } }
    aroundCalls(failing.bucket.s3, async () => {
      throw new Unavailable()
    })
    const evict = effect(1, { kind: 'evict', id: 'a', key: KEY, versionId: 'v', etag: 'e' })
    await expect(carryOut(failing, RUN, evict)).rejects.toThrow(Unavailable)
  })
})

describe('a restore', () => {
  test('brings the version back, and tells which upload it became', async () => {
    const source = await put(worker.bucket, KEY, 'weights')
    await remove(worker.bucket, KEY)
    const { versionId, etag, sizeBytes } = source
    const restore = effect(1, { kind: 'restore', id: 'a', key: KEY, versionId, etag, sizeBytes })
    const { observations, lookAt } = await carryOut(worker, RUN, restore)
    expect(observations).toMatchObject([
      { result: { kind: 'restored', upload: { key: KEY, restores: versionId, sizeBytes: 7 } } },
    ])
    expect(lookAt).toBeUndefined()
    // Once more: it is there, and what is there is looked at.
    expect(await carryOut(worker, RUN, restore)).toMatchObject({
      observations: [{ result: { kind: 'done' } }],
      lookAt: KEY,
    })
  })

  test('of what has expired says so', async () => {
    const action = { kind: 'restore', id: 'a', key: KEY, versionId: 'v', etag: 'e' } as const
    const restore = effect(1, { ...action, sizeBytes: 1 })
    expect(await carryOut(worker, RUN, restore)).toMatchObject({
      observations: [{ result: { kind: 'gone' } }],
    })
  })
})

test('last_checkpoint is written into the run itself', async () => {
  const text = `s3://${worker.bucket.name}/${KEY}`
  await carryOut(worker, RUN, effect(1, { kind: 'write last_checkpoint', text }))
  expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toBe(text)
})

test('an artifact is asked of publish by its number alone', async () => {
  const fresh = await newWorker(store)
  const seen = await carryOut({ ...fresh, nowSeconds: () => 77 }, RUN, effect(9, MAKE))
  expect(fresh.queue).toEqual([{ run: RUN, effect: 9, handedOn: 0 }])
  expect(seen.observations).toEqual([{ kind: 'sent', effect: 9, seconds: 77 }])
})

function effect(number: number, action: Action): Effect {
  return { number, action, sinceSeconds: 1, sentSeconds: undefined }
}
