/** The functions as Lambda runs them: a batch of messages in, those that failed out. As in `functions/`. */
import { carryOutJob, parseJob } from '../../lib/run/job.ts'
import { keysByRun } from '../../lib/run/notification.ts'
import { settleRun } from '../../lib/run/settle.ts'
import { sweep } from '../../lib/run/sweep.ts'
import type { Worker } from '../../lib/run/worker.ts'

export const TIMEOUT_SECONDS = { ingest: 120, publish: 900, sweep: 300 } as const
export const EVENTS_URL = 'https://sqs.invalid/events'
export type FunctionName = keyof typeof TIMEOUT_SECONDS

/** What a function is handed. */
export interface Batch {
  readonly messages: readonly { messageId: string; body: string }[]
  readonly remainingMs: () => number
}

/** What came of it. */
export interface BatchResult {
  readonly failedIds: ReadonlySet<string>
  readonly reasons: readonly string[]
}

type Handler = (worker: Worker, batch: Batch) => Promise<BatchResult>

export const HANDLERS: Record<FunctionName, Handler> = {
  ingest: async (worker, { messages }) => {
    const failedIds = new Set<string>()
    const reasons: string[] = []
    for (const [run, { keys, keyOf }] of keysByRun(messages, worker.reach.keyPrefix)) {
      try {
        await settleRun(worker, run, { keys: [...keys] })
      } catch (error) {
        reasons.push(String(error))
        for (const messageId of keyOf.keys()) failedIds.add(messageId)
      }
    }
    return { failedIds, reasons }
  },
  publish: async (worker, { messages, remainingMs }) => {
    const failedIds = new Set<string>()
    const reasons: string[] = []
    for (const { messageId, body } of messages) {
      try {
        await carryOutJob(worker, parseJob(body), remainingMs)
      } catch (error) {
        reasons.push(String(error))
        failedIds.add(messageId)
      }
    }
    return { failedIds, reasons }
  },
  sweep: async (worker) => {
    const events = { sqs: worker.jobs.sqs, queueUrl: EVENTS_URL }
    const order = { jobSeconds: TIMEOUT_SECONDS.publish, events, begin: false }
    const { failed } = await sweep(worker, order)
    return { failedIds: new Set(), reasons: failed.map(({ reason }) => reason) }
  },
}
