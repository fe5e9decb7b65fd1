import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { versionsOf } from '../../lib/bucket/versions.ts'
import { factKey, keyIn, type Run } from '../../lib/hook/names.ts'
import { liveKeys, remove, textAt } from '../lib/bucket/objects.ts'
import { type StartedStore, startStore } from '../lib/bucket/store.ts'
import { checkpoint, drain, look, upload } from '../lib/run/worker.ts'
import { ckptHere, jsonHere } from './ckpt-here.ts'
import { whileAtWork } from './hub-at-work.ts'
import { newStack, type StackOfTests } from './stack/a-stack.ts'

let store: StartedStore
let stack: StackOfTests
let runs = 0

beforeAll(async () => {
  store = await startStore()
  stack = await newStack(store)
})
afterAll(() => store?.stop())

describe('ckpt restore', () => {
  test('brings an evicted checkpoint back, pinned by whoever asks', async () => {
    const run = await trained()
    expect(await checkpoints(run)).toEqual(['epoch_3.pth'])
    const answer = await atWork(['restore', run, '1', '--by', 'ada'])
    expect(answer).toEqual({
      run,
      step: 1,
      checkpoint: `s3://${stack.worker.bucket.name}/${run}/epoch_1.pth`,
      pinned: true,
      fate: 'kept',
      reason: expect.stringMatching(/^kept: pinned by ada, since /),
      restored: true,
    })
    expect(await checkpoints(run)).toEqual(['epoch_1.pth', 'epoch_3.pth'])
    const said = await textAt(stack.worker.bucket, factKey(run, 'pin-epoch_1.pth.json'))
    expect(JSON.parse(said ?? '')).toEqual({ pin: 'epoch_1.pth', by: 'ada' })
  })

  test('says when the noncurrent version expired, and what was made of it', async () => {
    const run = await trained({ save_best: 'acc' })
    await upload(stack.worker, { 'metrics/1.json': { epoch: 1, metrics: { acc: 0.9 } } }, run)
    await drain(stack.worker)
    await expire(run, 'epoch_1.pth')
    const { code, out, err } = await ckptHere(['restore', run, 'epoch_1.pth'], stack)
    expect([code, out]).toEqual([6, ''])
    expect(err).toMatch(
      /epoch_1\.pth: was evicted \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ, and its noncurrent version is gone before \d{4}-\d\d-\d\d 00:00:00Z, when it would have expired: the bucket keeps noncurrent versions for 30 days\n/,
    )
    expect(err).toMatch(/What was made of it is there: s3:.*best_acc_epoch_1\.pth\n$/)
    expect(await liveKeys(stack.worker.bucket, factKey(run, ''))).toEqual([])
  })

  test('does not undo what a person removed', async () => {
    const run = await trained()
    await remove(stack.worker.bucket, keyIn(run, 'epoch_3.pth'))
    await look(stack.worker, ['epoch_3.pth'], run)
    const { code, err } = await ckptHere(['restore', run, '3'], stack)
    expect(code).toBe(6)
    expect(err).toMatch(/epoch_3\.pth: was removed .*Z, not by the hub\n.*Upload it again/)
  })

  test('of a step that was never uploaded names those that are there', async () => {
    const { code, err } = await ckptHere(['restore', await trained(), '7'], stack)
    expect(code).toBe(3)
    expect(err).toContain(
      'no checkpoint of the step 7 was uploaded\nSteps of this run: 3, from 1 to 3.',
    )
  })

  test('ends with what is written, where the hub does not follow in time', async () => {
    const run = await trained()
    const { code, err } = await ckptHere(['restore', run, '1', '--wait', '1'], stack)
    expect(code).toBe(1)
    expect(err).toContain('epoch_1.pth is pinned; the hub has not followed within 1 seconds')
    expect(await liveKeys(stack.worker.bucket, factKey(run, ''))).toHaveLength(1)
  })
})

describe('ckpt pin and ckpt unpin', () => {
  test('keep a checkpoint while it is pinned, and let it go afterwards', async () => {
    const run = await trained()
    const pinned = await atWork(['pin', run, 'epoch_3.pth'])
    expect(pinned).toMatchObject({ pinned: true, fate: 'kept', restored: false })
    await upload(stack.worker, { 'epoch_4.pth': checkpoint('epoch 4') }, run)
    expect(await checkpoints(run)).toEqual(['epoch_3.pth', 'epoch_4.pth'])

    const unpinned = await atWork(['unpin', run, '3'])
    expect(unpinned).toMatchObject({
      pinned: false,
      fate: 'evicted',
      reason: 'evicted: max_keep_ckpts=1, newer 4',
    })
    expect(await checkpoints(run)).toEqual(['epoch_4.pth'])
  })

  test('say what they say once, and the same again', async () => {
    const run = await trained()
    await atWork(['pin', run, '3'])
    await atWork(['pin', run, '3'])
    const { out } = await whileAtWork(stack.worker, ckptHere(['unpin', run, '2'], stack))
    expect(out).toMatch(/epoch_2\.pth: is not pinned\nevicted: /)
    const { uploads } = await versionsOf(stack.worker.bucket, factKey(run, 'pin-epoch_3.pth.json'))
    expect(uploads).toHaveLength(1)
  })

  test('do not wait where they are told so', async () => {
    const run = await trained()
    expect(await jsonHere(['pin', run, '3', '--wait', '0'], stack)).toMatchObject({ said: true })
  })
})

/** A run of three checkpoints, of which the last one is left. */
async function trained(options: object = {}): Promise<Run> {
  runs += 1
  const run = `exp/${runs}` as Run
  await upload(stack.worker, { 'checkpoint_hook.json': { max_keep_ckpts: 1, ...options } }, run)
  for (const step of [1, 2, 3]) {
    await upload(stack.worker, { [`epoch_${step}.pth`]: checkpoint(`epoch ${step}`) }, run)
  }
  return run
}

function atWork(args: string[]): Promise<object> {
  return whileAtWork(stack.worker, jsonHere<object>(args, stack))
}

async function checkpoints(run: Run): Promise<string[]> {
  const prefix = keyIn(run, '')
  const names = (await liveKeys(stack.worker.bucket, prefix)).map((key) => key.slice(prefix.length))
  return names.filter((name) => name.startsWith('epoch_'))
}

/** What the bucket's lifecycle does. */
async function expire(run: Run, name: string): Promise<void> {
  const key = keyIn(run, name)
  const { uploads } = await versionsOf(stack.worker.bucket, key)
  for (const { versionId } of uploads) await remove(stack.worker.bucket, key, versionId)
}
