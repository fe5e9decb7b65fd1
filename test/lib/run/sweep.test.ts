import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3'
import { beforeEach, expect, test } from 'vitest'
import type { Run } from '../../../lib/hook/names.ts'
import { sweep } from '../../../lib/run/sweep.ts'
import { liveKeys, put, textAt } from '../bucket/objects.ts'
import { uploadsLeft } from '../bucket/rewrites.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls, Unavailable } from '../bucket/wire.ts'
import { itemsOf, putByHand } from '../message-hub/hub-table.ts'
import {
  anotherInvocation,
  checkpoint,
  drain,
  ledgerOf,
  look,
  newWorker,
  RUN,
  sweepOrder,
  type TestWorker,
  upload,
} from './worker.ts'

const JOB_SECONDS = 900
const store = storeOfFile()
let worker: TestWorker

beforeEach(async () => {
  worker = await newWorker(store)
})

test('a settled hub leaves nothing to do', async () => {
  await upload(worker, { 'epoch_1.pth': checkpoint('one') })
  const report = await sweep(later(3600), sweepOrder(JOB_SECONDS))
  expect(report).toEqual({
    settled: [],
    failed: [],
    more: false,
    aborted: 0,
    listed: expect.any(Number),
    lost: 0,
    lostKeys: [],
    round: 'done',
  })
})

test('what a crash left over is carried out', async () => {
  await crashAfterCommit(RUN)
  expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toBeUndefined()
  expect(await sweep(later(120), sweepOrder(JOB_SECONDS))).toMatchObject({
    settled: [RUN],
    failed: [],
    more: false,
    aborted: 0,
  })
  expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toMatch(/epoch_1\.pth$/)
  expect((await ledgerOf(worker)).effects).toEqual([])
  expect((await sweep(later(120), sweepOrder(JOB_SECONDS))).settled).toEqual([])
})

test('what is just being carried out is left to its worker', async () => {
  await crashAfterCommit(RUN)
  expect((await sweep(worker, sweepOrder(JOB_SECONDS))).settled).toEqual([])
})

test('a job that was sent long ago is sent again, and one that may be running is not', async () => {
  await upload(worker, {
    'checkpoint_hook.json': { save_best: 'acc' },
    'epoch_1.pth': checkpoint('one'),
    'metrics/1.json': { epoch: 1, metrics: { acc: 1 } },
  })
  const [lost] = worker.queue.splice(0)
  await sweep(later(JOB_SECONDS), sweepOrder(JOB_SECONDS))
  expect(worker.queue).toEqual([])
  await sweep(later(2 * JOB_SECONDS + 60), sweepOrder(JOB_SECONDS))
  expect(worker.queue).toEqual([lost])
  await drain(worker)
  expect(await liveKeys(worker.bucket, `${RUN}/best`)).toHaveLength(1)
  expect((await ledgerOf(worker)).effects).toEqual([])
})

test('a run that cannot be settled is reported, and the others are settled', async () => {
  const broken = 'broken' as Run
  await crashAfterCommit(broken)
  await crashAfterCommit(RUN)
  const info = (await itemsOf(worker.hub, broken)).get('runtime_info')
  await putByHand(worker.hub, { ...info, next_effect: 'many' })
  expect(await sweep(later(120), sweepOrder(JOB_SECONDS))).toMatchObject({
    settled: [RUN],
    failed: expect.arrayContaining([
      { run: broken, reason: expect.stringContaining('run "broken", entry runtime_info') },
    ]),
    more: false,
    aborted: 0,
  })
})

test('uploads of staged files that nobody goes on with are aborted, and no others', async () => {
  const { s3, name: Bucket } = worker.bucket
  for (const Key of ['.checkpoint-hub/staging/left', `${RUN}/epoch_9.pth`]) {
    await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  }
  expect(await sweep(later(8 * JOB_SECONDS - 60), sweepOrder(JOB_SECONDS))).toMatchObject({
    aborted: 0,
  })
  expect(await sweep(later(8 * JOB_SECONDS + 60), sweepOrder(JOB_SECONDS))).toMatchObject({
    aborted: 1,
  })
  expect(await uploadsLeft(worker.bucket)).toEqual([`${RUN}/epoch_9.pth`])
})

test('more runs than one sweep takes are said to be there', async () => {
  for (let at = 0; at < 102; at++) {
    const number = '0000000000000001'
    await putByHand(worker.hub, {
      run: `run-${at}`,
      entry: `effect#${number}`,
      pending: 'effects',
      due: '2020-01-01T00:00:00.000Z',
    })
  }
  const report = await sweep(worker, sweepOrder(JOB_SECONDS))
  expect(report.more).toBe(true)
  expect(report.settled.length + report.failed.length).toBe(100)
})

function later(seconds: number): TestWorker {
  return { ...worker, nowSeconds: () => Math.floor(Date.now() / 1000) + seconds }
}

/** A worker that commits what follows from an upload, and dies before it does it. */
async function crashAfterCommit(run: Run): Promise<void> {
  const dying = anotherInvocation(store, worker)
  aroundCalls(dying.bucket.s3, async ({ name, go }) => {
    if (name === 'PutObject') throw new Unavailable()
    await go()
  })
  await put(worker.bucket, `${run}/epoch_1.pth`, checkpoint('one'))
  await expect(look(dying, ['epoch_1.pth'], run)).rejects.toThrow(Unavailable)
}
