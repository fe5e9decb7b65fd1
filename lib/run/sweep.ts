/** The sweep: carries out effects that were left over by a crash, and aborts uploads that nobody goes on with. */
import { paginateQuery } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import { abortUpload } from '../bucket/multipart.ts'
import { STAGING_PREFIX, stagedUploads } from '../bucket/staging.ts'
import type { Run } from '../hook/names.ts'
import type { MessageHub } from '../message-hub/message-hub.ts'
import { settleRun } from './settle.ts'
import type { Worker } from './worker.ts'

/** What a sweep did. */
export interface SweepReport {
  /** Runs that had effects left. */
  settled: string[]
  /** Runs that could not be settled, and why; the next sweep tries again. */
  failed: { run: string; reason: string }[]
  /** True where there are more runs than one sweep takes. */
  more: boolean
  /** Uploads of staged files that were begun so long ago that no job goes on with them. */
  aborted: number
}

/** An effect younger than this is most likely being carried out. */
const GRACE_SECONDS = 60
/** Runs in one sweep, so that its work is bounded. */
const RUNS_AT_ONCE = 100
/** As many jobs one after the other as one job may hand itself on to, and as long again for what waits. */
const STALE_JOBS = 8

/**
 * Settles every run that has effects left.
 *
 * @param jobSeconds how long a job may take; one that was sent longer ago is sent again
 */
export async function sweep(worker: Worker, jobSeconds: number): Promise<SweepReport> {
  const now = worker.nowSeconds()
  const runs = await runsWithEffects(worker.hub, now - GRACE_SECONDS)
  const report: SweepReport = {
    settled: [],
    failed: [],
    more: runs.length > RUNS_AT_ONCE,
    aborted: 0,
  }
  for (const run of runs.slice(0, RUNS_AT_ONCE)) {
    try {
      await settleRun(worker, run, { resendBefore: now - 2 * jobSeconds })
      report.settled.push(run)
    } catch (error) {
      report.failed.push({ run, reason: String(error) })
    }
  }
  for (const { upload, begunSeconds } of await stagedUploads(worker.bucket, STAGING_PREFIX)) {
    if (begunSeconds >= now - STALE_JOBS * jobSeconds) continue
    await abortUpload(upload)
    report.aborted += 1
  }
  return report
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
