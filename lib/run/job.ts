/** A job: an artifact to make or a checkpoint to strip, named by its effect in the message hub. */
import * as z from 'zod/mini'
import { BucketError } from '../bucket/bucket.ts'
import { ALL_TIME, OutOfTime, type TimeLeft } from '../bucket/deadline.ts'
import { versionsOf } from '../bucket/versions.ts'
import type { Action, Ledger } from '../hook/ledger.ts'
import type { Run } from '../hook/names.ts'
import { isStillBest } from '../hook/plan-artifacts.ts'
import type { Result } from '../hook/record-result.ts'
import { loadRun } from '../message-hub/message-hub.ts'
import type { Attempt } from './attempt.ts'
import { handJob, isJob, type Job, outstanding } from './carry-out.ts'
import type { MessageFailure } from './failed-messages.ts'
import { makeArtifact } from './make-artifact.ts'
import { decideOn, settleRun } from './settle.ts'
import { stripCheckpoint } from './strip-checkpoint.ts'
import { whereIs } from './where-is.ts'
import type { Worker } from './worker.ts'

type JobAction = Extract<Action, { kind: 'make' | 'strip' }>
type MakeAction = Extract<Action, { kind: 'make' }>

const jobSchema = z.object({
  run: z.string(),
  effect: z.number(),
  handed_on: z.optional(z.number()),
})

/**
 * Invocations that a job may use beside the first. Lambda stops a chain of functions that call each other
 * through a queue after some 16 (Lambda guide, recursive loop detection).
 */
const MOST_HANDED_ON = 3

/** A message of the Jobs queue is none of the hub's. */
export class JobError extends Error {
  override readonly name = 'JobError'
  readonly code = 'job'
}

/**
 * Reads a message of the Jobs queue.
 *
 * @throws {JobError} with the text that was found
 */
export function parseJob(body: string): Job {
  try {
    const { run, effect, handed_on = 0 } = jobSchema.parse(JSON.parse(body))
    return { run: run as Run, effect, handedOn: handed_on }
  } catch {
    throw new JobError(`expected {"run": …, "effect": …}, got ${body.slice(0, 200)}`)
  }
}

/** What is known of a job that failed, whose message may be anything. */
export async function failureOfJob(
  worker: Worker,
  body: string,
  reason: string,
): Promise<MessageFailure> {
  try {
    const job = parseJob(body)
    const action = await actionOf(worker, job)
    const key = action !== undefined && 'key' in action ? action.key : undefined
    return { run: job.run, reason, ...(key !== undefined && { key }) }
  } catch (error) {
    if (error instanceof JobError) return { reason }
    throw error
  }
}

/** Nothing where the run cannot be read, which may be why the job failed. */
async function actionOf(worker: Worker, { run, effect }: Job): Promise<Action | undefined> {
  try {
    const { ledger } = await loadRun(worker.hub, run)
    return ledger.effects.find(({ number }) => number === effect)?.action
  } catch {
    return undefined
  }
}

/**
 * Makes or strips what a job asks for, if its effect still stands, and settles the run.
 *
 * Where the time does not suffice, what is there by then stays, and the job is sent again, to be gone on
 * with; a few times, then the artifact is refused.
 *
 * @throws the error of S3, SQS or DynamoDB where an outcome is not known; the job may be repeated
 */
export async function carryOutJob(
  worker: Worker,
  job: Job,
  timeLeft: TimeLeft = ALL_TIME,
): Promise<void> {
  const { ledger } = await loadRun(worker.hub, job.run)
  const effect = ledger.effects.find(({ number }) => number === job.effect)
  if (effect === undefined || !isJob(effect.action)) {
    // Delivered again, perhaps because a crash came between its result and what followed from that.
    if (outstanding(ledger).length > 0) await settleRun(worker, job.run, {})
    return
  }
  const { action } = effect
  const attempt = { timeLeft, isLast: job.handedOn >= MOST_HANDED_ON }
  try {
    const result = await resultOf(worker, ledger, action, attempt)
    await settleRun(worker, job.run, {
      observations: [{ kind: 'result', effect: job.effect, action, result }],
      // Where another object was in the way, it is to be known before anything is decided again.
      ...(action.kind === 'strip' && result.kind === 'done' && { keys: [action.key] }),
    })
  } catch (error) {
    if (!(error instanceof OutOfTime)) throw error
    const { observations } = await handJob(worker, { ...job, handedOn: job.handedOn + 1 })
    await settleRun(worker, job.run, { observations })
  }
}

async function resultOf(
  worker: Worker,
  ledger: Ledger,
  action: JobAction,
  attempt: Attempt,
): Promise<Result> {
  if (action.kind === 'strip')
    return stripCheckpoint(worker.bucket, action, attempt, worker.allowedGlobals)
  return (await isUnwanted(worker, ledger, action))
    ? { kind: 'done' }
    : make(worker, ledger, action, attempt)
}

/** Jobs on one name at once, or one whose end nobody recorded, do not follow each other for ever. */
const MOST_TAKEN = 5

/**
 * Makes an artifact. Where another job has written under its name, by now the run knows what that was for:
 * only what is still wanted takes its place.
 */
async function make(
  worker: Worker,
  ledger: Ledger,
  action: MakeAction,
  attempt: Attempt,
): Promise<Result> {
  let current = action
  for (let taken = 0; taken < MOST_TAKEN; taken++) {
    const made = await makeArtifact(worker.bucket, ledger, current, attempt, worker.allowedGlobals)
    if (made.kind !== 'taken') return made
    const { ledger: now } = await loadRun(worker.hub, ledger.run)
    if (!isStillBest(decideOn(worker, now), action.identity)) return { kind: 'done' }
    current = { ...action, replaces: made.etag }
  }
  const reason = 'other jobs write under this name again and again; try again'
  throw new BucketError('changed', action.key, reason)
}

/** What was overtaken while it waited need not be made, unless an earlier attempt began to. */
async function isUnwanted(worker: Worker, ledger: Ledger, action: MakeAction): Promise<boolean> {
  if (action.identity.kind === 'published') return false
  if (isStillBest(decideOn(worker, ledger), action.identity)) return false
  const at = whereIs(worker.bucket, action.key)
  const { uploads, marker } = await versionsOf(at.bucket, at.key)
  return uploads.length === 0 || marker !== undefined
}
