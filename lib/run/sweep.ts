/** The sweep: carries out effects that were left over by a crash. */
import { paginateQuery } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
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
}

/** An effect younger than this is most likely being carried out. */
const GRACE_SECONDS = 60
/** Runs in one sweep, so that its work is bounded. */
const RUNS_AT_ONCE = 100

/**
 * Settles every run that has effects left.
 *
 * @param jobSeconds how long a job may take; one that was sent longer ago is sent again
 */
export async function sweep(worker: Worker, jobSeconds: number): Promise<SweepReport> {
  const now = worker.nowSeconds()
  const runs = await runsWithEffects(worker.hub, now - GRACE_SECONDS)
  const report: SweepReport = { settled: [], failed: [], more: runs.length > RUNS_AT_ONCE }
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
