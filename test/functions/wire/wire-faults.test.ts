/**
 * The bundled functions and the local cloud, with a wire between them that fails: the real SDK meets real
 * resets, short and stalled answers, and errors that come as a success.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keyIn } from '../../../lib/hook/names.ts'
import { CREDENTIALS, endpointVariables, REGION } from '../../../local/environment.ts'
import { dict, floatTensor, pickleOf, text } from '../../fixtures/pickle-bytes.ts'
import { checkpointOf } from '../../fixtures/zip-bytes.ts'
import { put } from '../../lib/bucket/objects.ts'
import { type StartedStore, startStore } from '../../lib/bucket/store.ts'
import { type End, endOf } from '../../lib/run/run-end.ts'
import { checkpoint, newWorker, RUN, type TestWorker } from '../../lib/run/worker.ts'
import { type BundledFunction, bundle, type Message, startFunction } from './bundled-function.ts'
import { type FaultyWire, startFaultyWire, type WireFault } from './faulty-wire.ts'

/** What is uploaded before the events of it come. */
type Chapter = Record<string, string | Uint8Array>

const score = (epoch: number, acc: number) => JSON.stringify({ epoch, metrics: { acc } })
const STORY: readonly Chapter[] = [
  {
    'checkpoint_hook.json':
      '{"max_keep_ckpts": 1, "save_best": "acc", "published_keys": ["meta", "state_dict"]}',
    'epoch_1.pth': checkpoint('one'),
    'metrics/1.json': score(1, 0.1),
  },
  // The best copy is replaced, and the first checkpoint evicted.
  { 'epoch_2.pth': checkpoint('two'), 'metrics/2.json': score(2, 0.2) },
  // Its best copy is put together by S3.
  { 'epoch_3.pth': largeCheckpoint(), 'metrics/3.json': score(3, 0.3) },
  // The second turns out to have been better than the third: it comes back.
  { 'metrics/2_again.json': score(2, 0.9) },
  { 'after_train.json': '{"last": "epoch_3.pth"}' },
]
/** Strikes of a fault in one story. Each stall costs the 15 s after which a connection is given up. */
const MOST: Record<WireFault, number> = {
  'reset before': 60,
  'reset after': 60,
  'short body': 60,
  'stalled body': 2,
  'error in 200': 60,
  'ignored range': 60,
  '503': 60,
}

/** Another one draws other requests. */
const SEED = Number(process.env['CHECKPOINT_HUB_WIRE_SEED'] ?? 20_260_101)
/** Until the next chapter: S3 tells whole seconds, and facts of one second have an order of their own. */
const A_SECOND_MS = 1_100

let store: StartedStore
let sqs: SQSClient
let folder: string
let bundles: { ingest: string; publish: string }
let undisturbed: End

beforeAll(async () => {
  store = await startStore()
  sqs = new SQSClient({ endpoint: store.endpoint, region: REGION, credentials: CREDENTIALS })
  folder = await mkdtemp(join(tmpdir(), 'wire-faults-'))
  const [ingest, publish] = await Promise.all([bundle('ingest', folder), bundle('publish', folder)])
  bundles = { ingest, publish }
  undisturbed = (await told()).end
})
afterAll(async () => {
  await store?.stop()
  await rm(folder, { recursive: true, force: true })
})

test('without a fault the functions leave nothing to do', () => {
  expect(undisturbed.effects).toBe(0)
  expect(Object.keys(undisturbed.objects)).toEqual(
    expect.arrayContaining(['best_acc_epoch_2.pth', 'epoch_3.pth', 'last_checkpoint']),
  )
})

describe.concurrent('with a wire that fails, the end is the same after redelivery:', () => {
  test.each(Object.keys(MOST) as WireFault[])(`%s, by seed ${SEED}`, async (fault) => {
    const { end, struck } = await told(fault)
    expect(struck.size).toBeGreaterThan(0)
    expect(comparable(end)).toEqual(comparable(undisturbed))
  })
})

/**
 * How many parts an object is put together of depends on what broke on the way, and its ETag with that. Its bytes
 * do not: the hub's entries have their SHA-256.
 */
function comparable(end: End): unknown {
  return JSON.parse(JSON.stringify(end).replaceAll(/[0-9a-f]{32}-\d+/g, 'ETAG OF PARTS'))
}

/** Tells the story to functions of its own, on a bucket, a table and queues of its own. */
async function told(fault?: WireFault): Promise<{ end: End; struck: ReadonlyMap<string, number> }> {
  const worker = await newWorker(store)
  const strikes = { most: fault ? MOST[fault] : 0, seed: SEED }
  const wire = await startFaultyWire(store.endpoint, fault ?? '503', strikes)
  const jobs = await newQueue('jobs')
  const environment = environmentOf(worker, wire, {
    jobs,
    source: await newQueue('source'),
    dead: await newQueue('dead'),
  })
  const ingest = startFunction(bundles.ingest, environment)
  const publish = startFunction(bundles.publish, environment)
  try {
    for (const chapter of STORY) {
      for (const [name, body] of Object.entries(chapter)) {
        await put(worker.bucket, keyIn(RUN, name), body)
      }
      await deliver(ingest, Object.keys(chapter).map(notification))
      await drainQueue(publish, jobs)
      await sleep(A_SECOND_MS)
    }
    return { end: await endOf(worker), struck: wire.struck }
  } finally {
    ingest.stop()
    publish.stop()
    await wire.stop()
  }
}

/** How often a message comes at most, before a story is given up. */
const DELIVERIES = 20

async function deliver(to: BundledFunction, messages: readonly Message[]): Promise<void> {
  let left = messages
  for (let delivery = 0; left.length > 0; delivery++) {
    if (delivery === DELIVERIES) throw new Error('the messages come again and again')
    const failed = new Set(await to.invoke(left))
    left = left.filter(({ messageId }) => failed.has(messageId))
  }
}

/** Hands every job to `publish`, and those that follow from them. */
async function drainQueue(publish: BundledFunction, QueueUrl: string): Promise<void> {
  for (;;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }))
    if (Messages.length === 0) return
    for (const { MessageId = '', Body = '', ReceiptHandle = '' } of Messages) {
      await deliver(publish, [message(MessageId, Body)])
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
    }
  }
}

function environmentOf(
  worker: TestWorker,
  wire: FaultyWire,
  queues: { jobs: string; source: string; dead: string },
): Record<string, string> {
  // Clients of SQS go where the queue's URL leads.
  const throughWire = (url: string) => url.replace(store.endpoint, wire.endpoint)
  return {
    ...endpointVariables(wire.endpoint),
    BUCKET_NAME: worker.bucket.name,
    TABLE_NAME: worker.hub.tableName,
    JOBS_QUEUE_URL: throughWire(queues.jobs),
    SOURCE_QUEUE_URL: throughWire(queues.source),
    DEAD_LETTERS_URL: throughWire(queues.dead),
    DEFAULT_HOOK_ARGUMENTS: '{"interval": 1}',
    NONCURRENT_DAYS: '30',
    BRAKE: '10',
    MAX_RECEIVES: '5',
  }
}

let queues = 0

async function newQueue(name: string): Promise<string> {
  queues += 1
  const made = await sqs.send(new CreateQueueCommand({ QueueName: `${name}-${queues}` }))
  return made.QueueUrl ?? ''
}

function notification(name: string): Message {
  const key = keyIn(RUN, name)
  return message(name, JSON.stringify({ Records: [{ s3: { object: { key } } }] }))
}

/** One that comes for the first time, so that none is put away. */
function message(messageId: string, body: string): Message {
  const attributes = { ApproximateReceiveCount: '1' }
  return { messageId, receiptHandle: `of ${messageId}`, body, attributes }
}

/** So large that its copies are not sent: S3 copies their parts. */
function largeCheckpoint(): Uint8Array {
  const weights = new Float32Array(5 << 20).map((_, at) => at)
  const pickle = pickleOf(
    dict({
      meta: dict({ words: text('large') }),
      state_dict: dict({ weight: floatTensor('0', weights.length) }),
      optimizer: dict({ state: text('of large') }),
    }),
  )
  return checkpointOf(pickle, { 0: new Uint8Array(weights.buffer) })
}
