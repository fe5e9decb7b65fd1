import { setTimeout as sleep } from 'node:timers/promises'
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { beforeEach, describe, expect, test } from 'vitest'
import { bytesOf, stepId } from '../../../lib/hook/history.ts'
import type { Run } from '../../../lib/hook/names.ts'
import { findLost } from '../../../lib/run/find-lost.ts'
import type { EventsQueue } from '../../../lib/run/look.ts'
import { keysByRun } from '../../../lib/run/notification.ts'
import { settleRun } from '../../../lib/run/settle.ts'
import { CREDENTIALS, REGION } from '../../../local/environment.ts'
import { liveKeys, put, remove, textAt } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls, Unavailable } from '../bucket/wire.ts'
import { itemsOf, putByHand } from '../message-hub/hub-table.ts'
import { directory, putAll } from './directories.ts'
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

const store = storeOfFile()
let worker: TestWorker
let events: EventsQueue
let queues = 0
/** Then the next upload is newer: S3 tells time in whole seconds. */
const A_SECOND = 1_100

beforeEach(async () => {
  worker = await newWorker(store)
  queues += 1
  const sqs = new SQSClient({ endpoint: store.endpoint, region: REGION, credentials: CREDENTIALS })
  const made = await sqs.send(new CreateQueueCommand({ QueueName: `events-${queues}` }))
  events = { sqs, queueUrl: made.QueueUrl ?? '' }
})

/** A whole round; `ingest` then works off what it was asked. */
async function round(): Promise<string[]> {
  const { lost, round: state } = await findLost(worker, events, { begin: true })
  expect(state).toBe('done')
  await ingest()
  return lost
}

async function ingest(): Promise<void> {
  for (;;) {
    const { Messages = [] } = await events.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: events.queueUrl, MaxNumberOfMessages: 10 }),
    )
    if (Messages.length === 0) return drain(worker)
    const bodies = Messages.map(({ Body: body = '' }, at) => ({ messageId: `${at}`, body }))
    for (const [run, { keys }] of keysByRun(bodies, '')) {
      await settleRun(worker, run, { keys: [...keys] })
    }
  }
}

const key = (name: string, run: string = RUN) => `${run}/${name}`

describe('a round through the bucket finds', () => {
  test('an upload of a run that the hub has never met', async () => {
    await put(worker.bucket, key('epoch_1.pth'), checkpoint('one'))
    expect(await round()).toEqual([key('epoch_1.pth')])
    expect((await ledgerOf(worker)).history.steps.size).toBe(1)
  })

  test.each<[string, string, object | string | Uint8Array]>([
    ['a checkpoint', 'epoch_2.pth', checkpoint('two')],
    ['another upload of a step', 'epoch_1.pth', checkpoint('again')],
    ['the options', 'checkpoint_hook.json', { max_keep_ckpts: 2 }],
    ['the begin of a training', 'before_train.json', {}],
    ['its end', 'after_train.json', {}],
    ['metrics', 'metrics/1.json', { epoch: 1, metrics: { acc: 1 } }],
    ['a log', '20260101_120000/vis_data/scalars.json', '{"acc": 1, "step": 1}'],
    ['a directory by its marker', 'epoch_3/.complete.json', { files: [] }],
    ['a directory without one', 'epoch_3/rank_0.pt', 'bytes'],
  ])('%s of a run that it knows, once', async (_, name, content) => {
    await upload(worker, { 'epoch_1.pth': checkpoint('one') })
    const isBody = typeof content === 'string' || content instanceof Uint8Array
    await put(worker.bucket, key(name), isBody ? content : JSON.stringify(content))
    expect(await round()).toEqual([key(name)])
    expect(await round()).toEqual([])
  })

  test('the file that a directory waits for, whose marker came first', async () => {
    const files = directory('epoch_1', { 'a.bin': 'a', 'b.bin': 'b' })
    const { 'epoch_1/b.bin': last = '', 'epoch_1/.complete.json': marker = '', ...others } = files
    await upload(worker, { 'epoch_1/.complete.json': marker, ...others })
    expect(await textAt(worker.bucket, key('last_checkpoint'))).toBeUndefined()
    await put(worker.bucket, key('epoch_1/b.bin'), last)
    expect(await round()).toEqual([expect.stringContaining(key('epoch_1/'))])
    expect(await textAt(worker.bucket, key('last_checkpoint'))).toMatch(/epoch_1$/)
    expect(await round()).toEqual([])
  })

  test('files of a directory whose marker came first and looked like the save before, and nothing beside it', async () => {
    const saves = async () => {
      const { steps } = (await ledgerOf(worker)).history
      return new Set(steps.get(stepId('epoch', 1))?.uploads.map(bytesOf)).size
    }
    await upload(worker, directory('epoch_1', { 'a.bin': 'a' }))
    await upload(worker, directory('epoch_2', { 'a.bin': 'A' }))
    await sleep(A_SECOND)
    const next = directory('epoch_1', { 'a.bin': 'x' })
    await upload(worker, { 'epoch_1/.complete.json': next['epoch_1/.complete.json'] ?? '' })
    expect(await round()).toEqual([])
    await sleep(A_SECOND)
    await putAll(worker, { 'epoch_1/a.bin': 'x', 'epoch_2/notes.txt': 'of a person' })
    expect(await saves()).toBe(1)
    expect(await round()).toEqual([key('epoch_1/a.bin'), key('epoch_2/notes.txt')])
    expect(await saves()).toBe(2)
    expect(await round()).toEqual([])
  })

  test('files of a directory whose marker came first and was evicted with those of the save before', async () => {
    await upload(worker, {
      'checkpoint_hook.json': { max_keep_ckpts: 1 },
      ...directory('epoch_1', { 'a.bin': 'a' }),
    })
    await sleep(A_SECOND)
    await putAll(worker, directory('epoch_2', { 'a.bin': 'A' }))
    await sleep(A_SECOND)
    const next = directory('epoch_1', { 'a.bin': 'x' })
    await putAll(worker, { 'epoch_1/.complete.json': next['epoch_1/.complete.json'] ?? '' })
    await look(worker, ['epoch_1/.complete.json', 'epoch_2/.complete.json'])
    await look(worker, ['epoch_1/a.bin'])
    expect(await round()).toEqual([])
    await sleep(A_SECOND)
    await putAll(worker, { 'epoch_1/a.bin': 'x' })
    expect(await round()).toEqual([key('epoch_1/a.bin')])
    expect(await textAt(worker.bucket, key('epoch_1/.complete.json'))).toBeDefined()
  })

  test('a checkpoint by the run’s own template', async () => {
    await upload(worker, { 'checkpoint_hook.json': { filename_tmpl: 'detector_{}.pth' } })
    await put(worker.bucket, key('detector_1.pth'), checkpoint('one'))
    expect(await round()).toEqual([key('detector_1.pth')])
  })

  test('what a person removed, of uploads and of files of the hub', async () => {
    await upload(worker, {
      'checkpoint_hook.json': { save_best: 'acc' },
      'epoch_1.pth': checkpoint('one'),
      'metrics/1.json': { epoch: 1, metrics: { acc: 1 } },
    })
    await drain(worker)
    for (const name of ['epoch_1.pth', 'best_acc_epoch_1.pth']) {
      await remove(worker.bucket, key(name))
    }
    expect((await round()).toSorted()).toEqual([key('best_acc_epoch_1.pth'), key('epoch_1.pth')])
    expect((await ledgerOf(worker)).history.steps.values().next().value?.removal).toBeDefined()
    expect(await round()).toEqual([])
  })

  test('the removal of what was uploaded again where the upload before it was evicted', async () => {
    await upload(worker, {
      'checkpoint_hook.json': { max_keep_ckpts: 1 },
      'epoch_1.pth': checkpoint('one'),
      'epoch_2.pth': checkpoint('two'),
    })
    expect(await liveKeys(worker.bucket, key('epoch_1.pth'))).toEqual([])
    await sleep(A_SECOND)
    await upload(worker, { 'epoch_1.pth': checkpoint('again') })
    expect(await liveKeys(worker.bucket, key('epoch_1.pth'))).toEqual([key('epoch_1.pth')])
    await remove(worker.bucket, key('epoch_1.pth'))
    expect(await round()).toEqual([key('epoch_1.pth')])
    expect((await ledgerOf(worker)).history.steps.values().next().value?.removal).toBeDefined()
    expect(await round()).toEqual([])
  })

  test('what a slow worker, or a trainer, wrote over `last_checkpoint`, and puts it right', async () => {
    await upload(worker, { 'epoch_1.pth': checkpoint('one'), 'epoch_2.pth': checkpoint('two') })
    const right = `s3://${worker.bucket.name}/${key('epoch_2.pth')}`
    await put(worker.bucket, key('last_checkpoint'), right.replace('2.pth', '1.pth'))
    expect(await round()).toEqual([key('last_checkpoint')])
    expect(await textAt(worker.bucket, key('last_checkpoint'))).toBe(right)
    expect(await round()).toEqual([])
  })
})

describe('a round through the bucket leaves alone', () => {
  test('what the hub has, evicted checkpoints and its own files too', async () => {
    await upload(worker, {
      'checkpoint_hook.json': { save_best: 'acc', max_keep_ckpts: 1, published_keys: ['meta'] },
      'epoch_1.pth': checkpoint('one'),
      'metrics/1.json': { epoch: 1, metrics: { acc: 1 } },
      'epoch_2.pth': checkpoint('two'),
      'epoch_3.pth': 'torn',
      'after_train.json': {},
    })
    await drain(worker)
    expect(await liveKeys(worker.bucket, key('epoch_1.pth'))).toEqual([])
    expect(await round()).toEqual([])
  })

  test('a directory that is not whole, where nothing came after its marker, or that was removed', async () => {
    const { 'epoch_1/b.bin': _, ...torn } = directory('epoch_1', { 'a.bin': 'a', 'b.bin': 'b' })
    const { 'epoch_1/.complete.json': marker, ...files } = torn
    await putAll(worker, files)
    await sleep(A_SECOND)
    await upload(worker, { 'epoch_1/.complete.json': marker ?? '' })
    expect(await round()).toEqual([])
    await upload(worker, files)
    await remove(worker.bucket, key('epoch_1/.complete.json'))
    await round()
    expect(await round()).toEqual([])
  })

  test('what is none of the protocol, and never deletes it', async () => {
    const keys = [
      'notes.txt',
      'exp/run/last_checkpoint',
      'exp/model.bin',
      '.checkpoint-hub/staging/x',
      'exp/run/readme.md',
    ]
    for (const each of keys) await put(worker.bucket, each, 'bytes')
    expect(await round()).toEqual([])
    expect(await liveKeys(worker.bucket)).toEqual(keys.toSorted())
  })
})

describe('a round', () => {
  test('is begun once an hour, unless somebody begins one', async () => {
    expect(await go()).toMatchObject({ round: 'done' })
    expect(await go(3_500)).toMatchObject({ round: 'not due', listed: 0 })
    expect(await go(3_600)).toMatchObject({ round: 'done' })
    expect(await go(3_600, true)).toMatchObject({ round: 'done' })
  })

  test('goes on where the call before stopped, and a page that failed is gone through again', async () => {
    const runs = Array.from({ length: 4 }, (_, at) => `run-${at}` as Run)
    for (const run of runs) await put(worker.bucket, key('epoch_1.pth', run), checkpoint(run))
    onePageAtATime(worker)
    aroundCalls(events.sqs, async ({ go: send, input }) => {
      if (JSON.stringify(input).includes('run-2') && fails) {
        fails = false
        throw new Unavailable()
      }
      await send()
    })
    let fails = true
    await expect(findLost(worker, events, { begin: true })).rejects.toThrow(Unavailable)
    const rest = await findLost(worker, events, { begin: false })
    expect(rest).toMatchObject({
      round: 'done',
      lost: [key('epoch_1.pth', 'run-2'), key('epoch_1.pth', 'run-3')],
    })
    await ingest()
    for (const run of runs) expect((await ledgerOf(worker, run)).history.steps.size).toBe(1)
  })

  test('passes over a run whose entries cannot be read, and says so (invariant 9)', async () => {
    for (const run of ['poisoned', 'well'] as Run[]) {
      await upload(worker, { 'epoch_1.pth': checkpoint(run) }, run)
      await put(worker.bucket, key('epoch_2.pth', run), checkpoint(`${run} 2`))
    }
    const info = (await itemsOf(worker.hub, 'poisoned' as Run)).get('runtime_info')
    await putByHand(worker.hub, { ...info, next_effect: 'many' })
    expect(await findLost(worker, events, { begin: true })).toMatchObject({
      lost: [key('epoch_2.pth', 'well')],
      failed: [{ run: 'poisoned', reason: expect.stringContaining('field next_effect') }],
      round: 'done',
    })
  })

  test('keeps to a number of pages in one call', async () => {
    for (let at = 0; at < 12; at++) await put(worker.bucket, `notes/${at}`, 'bytes')
    onePageAtATime(worker)
    expect(await findLost(worker, events, { begin: true })).toMatchObject({
      listed: 10,
      round: 'goes on',
    })
    expect(await go()).toMatchObject({ listed: 2, round: 'done' })
  })

  test('keeps to the stack’s prefix', async () => {
    worker.reach = { ...worker.reach, keyPrefix: 'mine/' }
    for (const run of ['mine/a', 'other/a']) await put(worker.bucket, key('epoch_1.pth', run), 'x')
    expect((await findLost(worker, events, { begin: true })).lost).toEqual(['mine/a/epoch_1.pth'])
  })
})

function go(seconds = 0, begin = false) {
  const nowSeconds = () => Math.floor(Date.now() / 1000) + seconds
  return findLost({ ...worker, nowSeconds }, events, { begin })
}

/** Each page has one version. */
function onePageAtATime({ bucket }: TestWorker): void {
  bucket.s3.middlewareStack.add(
    (next) => (args) => next({ ...args, input: { ...args.input, MaxKeys: 1 } }),
    { step: 'initialize', name: 'one-key-a-page' },
  )
}
