import { beforeEach, describe, expect, test } from 'vitest'
import { readCheckpoint } from '../../../lib/checkpoint/rewrite.ts'
import { settleRun } from '../../../lib/run/settle.ts'
import { stripCheckpoint } from '../../../lib/run/strip-checkpoint.ts'
import { largeCheckpoint, MIB } from '../../fixtures/large-checkpoint.ts'
import { bytesAt, head, liveKeys, put, remove } from '../bucket/objects.ts'
import { callsTo, uploadsLeft } from '../bucket/rewrites.ts'
import { storeOfFile } from '../bucket/store.ts'
import { loseFirstAnswer } from '../bucket/wire.ts'
import {
  checkpoint,
  drain,
  ledgerOf,
  look,
  newWorker,
  RUN,
  type TestWorker,
  upload,
} from './worker.ts'

const FIRST = `${RUN}/epoch_1.pth`
const SECOND = `${RUN}/epoch_2.pth`
const OPTIMIZER = ['optimizer', 'optim_wrapper']
const store = storeOfFile()
let worker: TestWorker

beforeEach(async () => {
  worker = await newWorker(store, { interval: 1, save_optimizer: false })
})

async function keysAt(key: string): Promise<string[]> {
  const bytes = await bytesAt(worker.bucket, key)
  if (bytes === undefined) return []
  const { entries } = await readCheckpoint({
    sizeBytes: bytes.byteLength,
    read: async (offset, lengthBytes) => bytes.subarray(offset, offset + lengthBytes),
  })
  return entries.map(({ key }) => key)
}

const actionOn = async (key: string) => {
  const { versionId, etag, sizeBytes } = await head(worker.bucket, key)
  const object = { key, versionId, etag, sizeBytes }
  return { kind: 'strip', id: 'epoch#1', ...object, droppedKeys: OPTIMIZER } as const
}

describe('a run with save_optimizer=False', () => {
  test('has its older checkpoints stripped, and the newest whole', async () => {
    const two = checkpoint('two')
    await upload(worker, { 'epoch_1.pth': checkpoint('one') })
    await upload(worker, { 'epoch_2.pth': two })
    await drain(worker)
    expect(await keysAt(FIRST)).toEqual(['meta', 'state_dict'])
    expect(await bytesAt(worker.bucket, SECOND)).toEqual(two)
  })

  test('has no more facts, lives or jobs for it, whenever the event of the write comes', async () => {
    await upload(worker, { 'epoch_1.pth': checkpoint('one'), 'epoch_2.pth': checkpoint('two') })
    await drain(worker)
    const before = await ledgerOf(worker)
    await look(worker, ['epoch_1.pth', 'epoch_1.pth'])
    const after = await ledgerOf(worker)
    expect(after.history).toEqual(before.history)
    expect([after.effects, worker.queue]).toEqual([[], []])
  })

  test('gets back what its trainer uploaded once somebody removes the newest', async () => {
    const one = checkpoint('one')
    await upload(worker, { 'epoch_1.pth': one, 'epoch_2.pth': checkpoint('two') })
    await drain(worker)
    await remove(worker.bucket, SECOND)
    await look(worker, ['epoch_2.pth'])
    expect(await bytesAt(worker.bucket, FIRST)).toEqual(one)
    expect((await ledgerOf(worker)).effects).toEqual([])
  })

  test('keeps what its trainer said of an object besides the bytes', async () => {
    await put(worker.bucket, FIRST, checkpoint('one'), { host: 'gpu-7' })
    await upload(worker, { 'epoch_2.pth': checkpoint('two') })
    await look(worker, ['epoch_1.pth'])
    await drain(worker)
    expect((await head(worker.bucket, FIRST)).metadata).toMatchObject({ host: 'gpu-7' })
  })
})

describe('a strip', () => {
  test('of a large checkpoint is put together by S3 in its place, and gone on with', async () => {
    const large = largeCheckpoint({ weights: [17 * MIB], optimizer: [MIB] })
    await put(worker.bucket, FIRST, large, { host: 'größe' })
    const action = await actionOn(FIRST)
    const calls = callsTo(worker.bucket)
    const parts = () => calls.filter(({ name }) => name.startsWith('UploadPart'))
    const timeLeft = () => (parts().length > 0 ? 1_000 : 60_000)
    const hurried = stripCheckpoint(worker.bucket, action, { timeLeft, isLast: false })
    await expect(hurried).rejects.toMatchObject({ name: 'OutOfTime' })
    expect(await bytesAt(worker.bucket, FIRST)).toHaveLength(large.byteLength)
    expect(await stripCheckpoint(worker.bucket, action)).toMatchObject({ kind: 'stripped' })
    expect(await keysAt(FIRST)).toEqual(['meta', 'state_dict'])
    expect(parts()).toHaveLength(3)
    expect(await uploadsLeft(worker.bucket)).toEqual([])
    expect(await liveKeys(worker.bucket)).toEqual([FIRST])
  })

  test('whose answer is lost knows its own write', async () => {
    await put(worker.bucket, FIRST, checkpoint('one'))
    loseFirstAnswer(worker.bucket.s3, 'PutObject')
    const result = await stripCheckpoint(worker.bucket, await actionOn(FIRST))
    expect(result).toMatchObject({
      kind: 'stripped',
      upload: { strips: { droppedKeys: OPTIMIZER } },
    })
  })

  test('leaves alone what has been uploaded since', async () => {
    await put(worker.bucket, FIRST, checkpoint('one'))
    const action = await actionOn(FIRST)
    const other = checkpoint('one, other bytes')
    await put(worker.bucket, FIRST, other)
    expect(await stripCheckpoint(worker.bucket, action)).toEqual({ kind: 'done' })
    expect(await bytesAt(worker.bucket, FIRST)).toEqual(other)
  })

  test('brings nothing back that has been deleted since', async () => {
    await put(worker.bucket, FIRST, checkpoint('one'))
    const action = await actionOn(FIRST)
    await remove(worker.bucket, FIRST)
    expect(await stripCheckpoint(worker.bucket, action)).toEqual({ kind: 'done' })
    expect(await bytesAt(worker.bucket, FIRST)).toBeUndefined()
  })

  test('of a version that is gone for good does nothing', async () => {
    await put(worker.bucket, FIRST, checkpoint('one'))
    const action = await actionOn(FIRST)
    await remove(worker.bucket, FIRST, action.versionId)
    expect(await stripCheckpoint(worker.bucket, action)).toEqual({ kind: 'done' })
  })

  test('of a checkpoint without such keys writes nothing', async () => {
    await put(worker.bucket, FIRST, checkpoint('one'))
    await stripCheckpoint(worker.bucket, await actionOn(FIRST))
    const { versionId } = await head(worker.bucket, FIRST)
    const again = await stripCheckpoint(worker.bucket, await actionOn(FIRST))
    expect(again).toEqual({ kind: 'unstripped', refusal: undefined })
    expect((await head(worker.bucket, FIRST)).versionId).toBe(versionId)
  })

  test('that is withdrawn while a slow worker writes is undone', async () => {
    const one = checkpoint('one')
    await upload(worker, { 'epoch_1.pth': one, 'epoch_2.pth': checkpoint('two') })
    const { effects } = await ledgerOf(worker)
    const strip = effects.map(({ action }) => action).find(({ kind }) => kind === 'strip')
    if (strip?.kind !== 'strip') throw new Error('nothing is stripped')
    await remove(worker.bucket, SECOND)
    await look(worker, ['epoch_2.pth'])
    expect((await ledgerOf(worker)).effects).toEqual([])
    await stripCheckpoint(worker.bucket, strip)
    await settleRun(worker, RUN, { keys: [FIRST] })
    expect(await bytesAt(worker.bucket, FIRST)).toEqual(one)
  })
})
