/** Invariant 14: where the bucket keeps no versions, nothing is deleted, and the hub says so. */
import { PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, test } from 'vitest'
import { settleRun } from '../../../lib/run/settle.ts'
import { liveKeys } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { itemsOf } from '../message-hub/hub-table.ts'
import { checkpoint, ledgerOf, newWorker, RUN, type TestWorker, upload } from './worker.ts'

const store = storeOfFile()
let worker: TestWorker

beforeEach(async () => {
  worker = await newWorker(store)
})

describe('a bucket whose versioning was suspended', () => {
  beforeEach(async () => {
    await setVersioning('Suspended')
    await upload(worker, { 'checkpoint_hook.json': { max_keep_ckpts: 1 } })
    for (const epoch of [1, 2, 3]) {
      await upload(worker, { [`epoch_${epoch}.pth`]: checkpoint(`epoch ${epoch}`) })
    }
  })

  test('loses no checkpoint to retention', async () => {
    expect(await checkpoints()).toEqual(['epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth'])
    expect((await ledgerOf(worker)).effects).toEqual([])
  })

  test('shows how many deletions are held, and what to do', async () => {
    const items = [...(await itemsOf(worker.hub, RUN))]
    const problems = items.filter(([entry]) => entry.startsWith('problem#'))
    expect(problems.map(([, problem]) => problem)).toMatchObject([
      {
        severity: 'error',
        field: 'versioning',
        reason: expect.stringMatching(/2 deletions.*enable/),
      },
    ])
  })

  test('is folded no more often for it, however many deletions are held', async () => {
    const many = Array.from({ length: 40 }, (_, at) => [`epoch_${at + 4}.pth`, checkpoint(`${at}`)])
    await upload(worker, Object.fromEntries(many))
    let asked = 0
    // The time is asked for at every decision, and when an attempt begins.
    const nowSeconds = () => {
      asked += 1
      return worker.nowSeconds()
    }
    await settleRun({ ...worker, nowSeconds }, RUN, {})
    expect(asked).toBeLessThanOrEqual(3)
    expect(await checkpoints()).toHaveLength(43)
  })

  test('is tidied once its versioning is enabled again', async () => {
    await setVersioning('Enabled')
    await settleRun(worker, RUN, {})
    expect(await checkpoints()).toEqual(['epoch_3.pth'])
  })
})

async function setVersioning(Status: 'Enabled' | 'Suspended'): Promise<void> {
  const { s3, name } = worker.bucket
  const VersioningConfiguration = { Status }
  await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }))
}

async function checkpoints(): Promise<string[]> {
  const keys = await liveKeys(worker.bucket, `${RUN}/`)
  return keys.map((key) => key.slice(RUN.length + 1)).filter((name) => name.startsWith('epoch_'))
}
