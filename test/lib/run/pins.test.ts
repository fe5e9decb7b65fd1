/** Pins, over a real bucket and a real table. */
import { beforeEach, describe, expect, test } from 'vitest'
import { stepId } from '../../../lib/hook/history.ts'
import { factKey, keyIn } from '../../../lib/hook/names.ts'
import { keysByRun } from '../../../lib/run/notification.ts'
import { settleRun } from '../../../lib/run/settle.ts'
import { bytesAt, liveKeys, put } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { itemsOf } from '../message-hub/hub-table.ts'
import { checkpoint, ledgerOf, newWorker, RUN, type TestWorker, upload } from './worker.ts'

const store = storeOfFile()
let worker: TestWorker

beforeEach(async () => {
  worker = await newWorker(store, { interval: 1, max_keep_ckpts: 1 })
})

describe('a pin', () => {
  test('brings an evicted checkpoint back and keeps it, until it is unpinned', async () => {
    for (const step of [1, 2]) {
      await upload(worker, { [`epoch_${step}.pth`]: checkpoint(`epoch ${step}`) })
    }
    expect(await checkpoints()).toEqual(['epoch_2.pth'])

    await say('pin-epoch_1.pth.json', { pin: 'epoch_1.pth', by: 'ada' })
    await upload(worker, { 'epoch_3.pth': checkpoint('epoch 3') })
    expect(await checkpoints()).toEqual(['epoch_1.pth', 'epoch_3.pth'])
    const bytes = await bytesAt(worker.bucket, keyIn(RUN, 'epoch_1.pth'))
    expect(bytes).toEqual(checkpoint('epoch 1'))
    const entry = (await itemsOf(worker.hub, RUN)).get(`step#${stepId('epoch', 1)}`)
    expect(entry).toMatchObject({
      fate: 'kept',
      reason: expect.stringMatching(/^kept: pinned by ada, since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    })

    await say('pin-epoch_1.pth.json', { unpin: 'epoch_1.pth' })
    expect(await checkpoints()).toEqual(['epoch_3.pth'])
    expect((await ledgerOf(worker)).effects).toEqual([])
  })

  test('that cannot be read is a problem, and changes nothing', async () => {
    await upload(worker, { 'epoch_1.pth': checkpoint('epoch 1') })
    await say('pin-epoch_1.pth.json', { pin: 'epoch_1.pth' })
    await say('pin-epoch_1.pth.json', { unpin: 7 })
    await upload(worker, { 'epoch_2.pth': checkpoint('epoch 2') })
    expect(await checkpoints()).toEqual(['epoch_1.pth', 'epoch_2.pth'])
    const problems = [...(await itemsOf(worker.hub, RUN))].filter(([entry]) =>
      entry.startsWith('problem#'),
    )
    expect(problems.map(([, { key, field }]) => ({ key, field }))).toEqual([
      { key: factKey(RUN, 'pin-epoch_1.pth.json'), field: 'pin' },
    ])
  })
})

/** Writes a fact, and tells the worker of it as the bucket's notification does. */
async function say(name: string, fact: object): Promise<void> {
  const key = factKey(RUN, name)
  await put(worker.bucket, key, JSON.stringify(fact))
  const body = JSON.stringify({ Records: [{ s3: { object: { key: encodeURIComponent(key) } } }] })
  for (const [run, { keys }] of keysByRun([{ messageId: '1', body }], '')) {
    await settleRun(worker, run, { keys: [...keys] })
  }
}

async function checkpoints(): Promise<string[]> {
  const prefix = keyIn(RUN, '')
  const names = (await liveKeys(worker.bucket, prefix)).map((key) => key.slice(prefix.length))
  return names.filter((name) => name.startsWith('epoch_'))
}
