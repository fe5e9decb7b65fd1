/**
 * Carrying out effects: what was committed is done to the bucket, each on the condition that the object
 * is still the one that was decided on.
 *
 * Decides nothing. Carrying out an effect twice does no more than once.
 */
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import type { Bucket } from '../bucket/bucket.ts'
import { deleteIfMatch } from '../bucket/delete.ts'
import { restoreVersion } from '../bucket/restore.ts'
import { writeText } from '../bucket/write.ts'
import type { Action, Effect, Ledger } from '../hook/ledger.ts'
import { keyIn, type Run } from '../hook/names.ts'
import type { Observation } from '../hook/record.ts'
import { claimFolder } from '../message-hub/claims.ts'
import {
  evictDirectory,
  isOnDirectory,
  markerKey,
  type RestoredUpload,
  restoreDirectory,
} from './carry-out-directory.ts'
import { inspectUpload } from './inspect-upload.ts'
import { whereIs } from './where-is.ts'
import type { Worker } from './worker.ts'

/** What came of an effect, and a key that has to be looked at because it was not as expected. */
export interface CarriedOut {
  observations: Observation[]
  lookAt: string | undefined
}

/** A message of the Jobs queue: the effect of a run that `publish` is to carry out. */
export interface Job {
  run: Run
  effect: number
  /** How many invocations ran out of time with it. */
  handedOn: number
}

/** What makes a checkpoint available again comes first, what deletes one last. */
const ORDER: Record<Action['kind'], number> = {
  restore: 0,
  'write last_checkpoint': 1,
  claim: 2,
  make: 3,
  strip: 4,
  evict: 5,
  retire: 6,
}

/** What reads or writes whole checkpoints is done by `publish`, not by whoever decided it. */
export function isJob(action: Action): action is Extract<Action, { kind: 'make' | 'strip' }> {
  return action.kind === 'make' || action.kind === 'strip'
}

/** The effects that are to be carried out now, in their order; a job that was sent is under way. */
export function outstanding(ledger: Ledger): Effect[] {
  return ledger.effects
    .filter(({ action, sentSeconds }) => !isJob(action) || sentSeconds === undefined)
    .toSorted((a, b) => ORDER[a.action.kind] - ORDER[b.action.kind] || a.number - b.number)
}

/**
 * Carries out one effect.
 *
 * @throws the error of S3 or SQS where the outcome is not known; the effect then stands
 */
export async function carryOut(worker: Worker, run: Run, effect: Effect): Promise<CarriedOut> {
  const { number, action } = effect
  switch (action.kind) {
    case 'write last_checkpoint':
      await writeText(worker.bucket, keyIn(run, 'last_checkpoint'), action.text)
      return done(number, action)
    case 'restore':
      return restore(worker, number, action)
    case 'evict':
    case 'retire':
      return remove(worker, effect, action)
    case 'make':
    case 'strip':
      return handJob(worker, { run, effect: number, handedOn: 0 })
    case 'claim':
      return claim(worker, run, number, action)
  }
}

function done(effect: number, action: Action): CarriedOut {
  const result = { kind: 'done' } as const
  return { observations: [{ kind: 'result', effect, action, result }], lookAt: undefined }
}

async function claim(
  { hub }: Worker,
  run: Run,
  effect: number,
  action: Extract<Action, { kind: 'claim' }>,
): Promise<CarriedOut> {
  const result = { kind: 'claimed', claim: await claimFolder(hub, run, action.folder) } as const
  return { observations: [{ kind: 'result', effect, action, result }], lookAt: undefined }
}

async function remove(
  { bucket }: Worker,
  { number, sinceSeconds }: Effect,
  action: Extract<Action, { kind: 'evict' | 'retire' }>,
): Promise<CarriedOut> {
  if (action.kind === 'evict' && isOnDirectory(action)) {
    const outcome = await evictDirectory(bucket, action, sinceSeconds)
    return { ...done(number, action), lookAt: outcome === 'other' ? markerKey(action) : undefined }
  }
  const at = whereIs(bucket, action.key)
  const outcome = await deleteIfMatch(at.bucket, at.key, action.etag)
  return { ...done(number, action), lookAt: outcome === 'other' ? action.key : undefined }
}

async function restore(
  worker: Worker,
  effect: number,
  action: Extract<Action, { kind: 'restore' }>,
): Promise<CarriedOut> {
  const restored = isOnDirectory(action)
    ? await restoreDirectory(worker.bucket, action)
    : await restoreFile(worker.bucket, action)
  if (restored.kind === 'present') {
    const lookAt = isOnDirectory(action) ? markerKey(action) : action.key
    return { ...done(effect, action), lookAt }
  }
  return {
    observations: [{ kind: 'result', effect, action, result: restored }],
    // What is below the marker may be other files than those known of it, where that came first of its save.
    lookAt: isOnDirectory(action) ? markerKey(action) : undefined,
  }
}

async function restoreFile(
  bucket: Bucket,
  action: Extract<Action, { kind: 'restore' }>,
): Promise<RestoredUpload> {
  const restored = await restoreVersion(bucket, action)
  if (restored.kind !== 'restored') return restored
  // Looked into like any upload, so that it is the same fact whether this or its own event records it.
  const upload = await inspectUpload(bucket, restored.version)
  return upload === undefined ? { kind: 'present' } : { kind: 'restored', upload }
}

/** Sends a job to the queue, and notes when, so that the sweep does not take it for lost. */
export async function handJob(worker: Worker, job: Job): Promise<CarriedOut> {
  const { run, effect, handedOn } = job
  const { sqs, queueUrl } = worker.jobs
  const message = handedOn === 0 ? { run, effect } : { run, effect, handed_on: handedOn }
  const MessageBody = JSON.stringify(message)
  await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }))
  const seconds = worker.nowSeconds()
  return { observations: [{ kind: 'sent', effect: job.effect, seconds }], lookAt: undefined }
}
