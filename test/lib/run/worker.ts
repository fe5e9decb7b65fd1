/** A worker over a real bucket and a real table; the Jobs queue is a list. */
import { SQSClient } from '@aws-sdk/client-sqs'
import { keepsVersions } from '../../../lib/bucket/versioning.ts'
import type { NamedArguments } from '../../../lib/hook/hook-arguments.ts'
import type { Ledger } from '../../../lib/hook/ledger.ts'
import { keyIn, type Run } from '../../../lib/hook/names.ts'
import { loadRun } from '../../../lib/message-hub/message-hub.ts'
import type { Job } from '../../../lib/run/carry-out.ts'
import { carryOutJob, parseJob } from '../../../lib/run/job.ts'
import { settleRun } from '../../../lib/run/settle.ts'
import type { SweepOrder } from '../../../lib/run/sweep.ts'
import type { Worker } from '../../../lib/run/worker.ts'
import { CREDENTIALS, REGION } from '../../../local/environment.ts'
import { dict, floatTensor, pickleOf, text } from '../../fixtures/pickle-bytes.ts'
import { checkpointOf } from '../../fixtures/zip-bytes.ts'
import { put, type Uploaded } from '../bucket/objects.ts'
import type { Store } from '../bucket/store.ts'
import { aroundCalls } from '../bucket/wire.ts'
import { newHub } from '../message-hub/hub-table.ts'

export const RUN = 'exp/run' as Run

export interface TestWorker extends Worker {
  /** Jobs in the queue, the oldest first. */
  queue: Job[]
}

/** A worker with a bucket, a table and a queue of its own. */
export async function newWorker(
  store: Store,
  stackArguments: NamedArguments = { interval: 1 },
): Promise<TestWorker> {
  const bucket = await store.newBucket()
  const hub = await newHub(store.newDynamodb(), stackArguments)
  const queue: Job[] = []
  return {
    bucket,
    hub: { ...hub, setting: { bucket: bucket.name, noncurrentDays: 30 } },
    jobs: newJobs(queue),
    reach: { keyPrefix: '', outBuckets: [] },
    allowedGlobals: [],
    brake: 10,
    keepsVersions: (name) => keepsVersions({ ...bucket, name }),
    nowSeconds: () => Math.floor(Date.now() / 1000),
    queue,
  }
}

/** Another invocation on the same bucket, table and queue, with clients of its own. */
export function anotherInvocation(store: Store, worker: TestWorker): TestWorker {
  return {
    ...worker,
    bucket: { ...worker.bucket, s3: store.newS3() },
    hub: { ...worker.hub, dynamodb: store.newDynamodb() },
    jobs: newJobs(worker.queue),
  }
}

function newJobs(queue: Job[]): Worker['jobs'] {
  const sqs = new SQSClient({ region: REGION, credentials: CREDENTIALS, md5: false })
  // Innermost, so that faults put in later surround it.
  sqs.middlewareStack.add(
    () => async (args) => {
      if ('MessageBody' in args.input) queue.push(parseJob(String(args.input.MessageBody)))
      return { output: { $metadata: {} }, response: undefined }
    },
    { step: 'initialize', priority: 'low', name: 'jobs-queue' },
  )
  return { sqs, queueUrl: 'https://sqs.invalid/jobs' }
}

/** What a sweep is told in tests; what it asks to be looked at goes nowhere. */
export function sweepOrder(jobSeconds = 900): SweepOrder {
  const sqs = new SQSClient({ region: REGION, credentials: CREDENTIALS })
  sqs.middlewareStack.add(() => async () => ({ output: { $metadata: {} }, response: undefined }), {
    step: 'initialize',
    name: 'nowhere',
  })
  return { jobSeconds, events: { sqs, queueUrl: 'https://sqs.invalid/events' }, begin: false }
}

/** A small checkpoint that torch would load; other words give other bytes. */
export function checkpoint(words: string): Uint8Array {
  const weights = new Uint8Array(new Float32Array([words.length, 1, 2, 3]).buffer)
  const pickle = pickleOf(
    dict({
      meta: dict({ words: text(words) }),
      state_dict: dict({ weight: floatTensor('0', 4) }),
      optimizer: dict({ state: text(`of ${words}`) }),
    }),
  )
  return checkpointOf(pickle, { 0: weights })
}

/** Uploads files of a run, then tells the worker of all of them at once. */
export async function upload(
  worker: TestWorker,
  files: Record<string, string | Uint8Array | object>,
  run = RUN,
): Promise<Record<string, Uploaded>> {
  const uploaded: Record<string, Uploaded> = {}
  for (const [name, content] of Object.entries(files)) {
    const isBody = typeof content === 'string' || content instanceof Uint8Array
    const body = isBody ? content : JSON.stringify(content)
    uploaded[name] = await put(worker.bucket, keyIn(run, name), body)
  }
  await look(worker, Object.keys(files), run)
  return uploaded
}

/** Delivers events that name files of a run. */
export function look(worker: Worker, names: readonly string[], run = RUN): Promise<Ledger> {
  return settleRun(worker, run, { keys: names.map((name) => keyIn(run, name)) })
}

/** Lets `publish` take every job, and those that follow from them. */
export async function drain(worker: TestWorker): Promise<void> {
  for (let taken = 0; worker.queue.length > 0; taken++) {
    if (taken > 100) throw new Error('jobs hand themselves on and on')
    const [job] = worker.queue
    if (job !== undefined) await carryOutJob(worker, job)
    worker.queue.shift()
  }
}

/** The ledger of a run as the hub has it. */
export async function ledgerOf(worker: Worker, run = RUN): Promise<Ledger> {
  return (await loadRun(worker.hub, run)).ledger
}

/** The names of the calls that a worker makes from now on, of all three services. */
export function callsOfWorker(worker: Worker): string[] {
  const names: string[] = []
  const note = async ({ name, go }: { name: string; go: () => Promise<void> }) => {
    names.push(name)
    await go()
  }
  aroundCalls(worker.bucket.s3, note)
  aroundCalls(worker.hub.dynamodb, note)
  aroundCalls(worker.jobs.sqs, note)
  return names
}
