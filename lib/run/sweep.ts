/**
 * The sweep: carries out effects that were left over by a crash, aborts uploads that nobody goes on with, and goes
 * on with its round through the bucket, for uploads whose event was lost.
 */
import { paginateQuery } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import * as z from 'zod/mini'
import { abortUpload } from '../bucket/multipart.ts'
import { STAGING_PREFIX, stagedUploads } from '../bucket/staging.ts'
import type { Run } from '../hook/names.ts'
import type { MessageHub } from '../message-hub/message-hub.ts'
import { type Found, findLost } from './find-lost.ts'
import type { EventsQueue } from './look.ts'
import { settleRun } from './settle.ts'
import type { Worker } from './worker.ts'

/** What a sweep did. */
export interface SweepReport {
  /** Runs that had effects left. */
  settled: string[]
  /** Runs that could not be settled or read, and why; the next sweep tries again. */
  failed: { run: string; reason: string }[]
  /** True where there are more runs than one sweep takes. */
  more: boolean
  /** Uploads of staged files that were begun so long ago that no job goes on with them. */
  aborted: number
  /** Versions of the bucket that this sweep went through. */
  listed: number
  /** How many keys `ingest` was asked to look at, since the hub does not have what is there, and some of them. */
  lost: number
  lostKeys: string[]
  /** Whether the round through the bucket is at its end, goes on with the next sweep, or is not due. */
  round: Found['round']
}

/** What a sweep is told. */
export interface SweepOrder {
  /** How long a job may take; one that was sent longer ago is sent again. */
  jobSeconds: number
  /** Where to send keys that are to be looked at. */
  events: EventsQueue
  /** Begins a round through the bucket now, whether it is due or not. */
  begin: boolean
}

/** An effect younger than this is most likely being carried out. */
const GRACE_SECONDS = 60
/** Runs in one sweep, so that its work is bounded. */
const RUNS_AT_ONCE = 100
/** A report is read by people. */
const KEYS_REPORTED = 100
/** As many jobs one after the other as one job may hand itself on to, and as long again for what waits. */
const STALE_JOBS = 8

const requestSchema = z.looseObject({ begin: z.optional(z.boolean()) })

/** Whether an invocation asks to begin a round: `{"begin": true}`, as somebody may send; the schedule does not. */
export function asksToBegin(event: unknown): boolean {
  const request = requestSchema.safeParse(event)
  return request.success && request.data.begin === true
}

/** Does what is left to do, as much as fits into a call. */
export async function sweep(worker: Worker, order: SweepOrder): Promise<SweepReport> {
  const left = await settleLeftOvers(worker, order)
  const aborted = await abortStale(worker, order)
  // Last, and with a place of its own to go on: what fails here is done by the next sweep.
  const { listed, lost, round, failed } = await findLost(worker, order.events, order)
  const lostKeys = lost.slice(0, KEYS_REPORTED)
  return {
    ...left,
    failed: [...left.failed, ...failed],
    aborted,
    listed,
    lost: lost.length,
    lostKeys,
    round,
  }
}

/** Settles every run that has effects left. */
async function settleLeftOvers(
  worker: Worker,
  { jobSeconds }: SweepOrder,
): Promise<Pick<SweepReport, 'settled' | 'failed' | 'more'>> {
  const now = worker.nowSeconds()
  const runs = await runsWithEffects(worker.hub, now - GRACE_SECONDS)
  const report: Pick<SweepReport, 'settled' | 'failed' | 'more'> = {
    settled: [],
    failed: [],
    more: runs.length > RUNS_AT_ONCE,
  }
  for (const run of runs.slice(0, RUNS_AT_ONCE)) {
    try {
      await settleRun(worker, run, { resendBefore: now - 2 * jobSeconds })
      report.settled.push(run)
    } catch (error) {
      report.failed.push({ run, reason: String(error) })
    }
  }
  return report
}

async function abortStale(worker: Worker, { jobSeconds }: SweepOrder): Promise<number> {
  const before = worker.nowSeconds() - STALE_JOBS * jobSeconds
  const staged = await stagedUploads(worker.bucket, STAGING_PREFIX)
  const stale = staged.filter(({ begunSeconds }) => begunSeconds < before)
  for (const { upload } of stale) await abortUpload(upload)
  return stale.length
}

async function runsWithEffects(hub: MessageHub, before: number): Promise<Run[]> {
  const runs = new Set<Run>()
  const pages = paginateQuery(
    { client: hub.dynamodb },
    {
      TableName: hub.tableName,
      IndexName: 'outbox',
      KeyConditionExpression: 'pending = :effects AND due < :before',
      ExpressionAttributeValues: {
        ':effects': { S: 'effects' },
        ':before': { S: new Date(before * 1000).toISOString() },
      },
    },
  )
  for await (const { Items = [] } of pages) {
    for (const item of Items) runs.add(String(unmarshall(item)['run']) as Run)
    if (runs.size > RUNS_AT_ONCE) break
  }
  return [...runs]
}
