/**
 * `ingest`: from the Events queue. Each record of an S3 notification names a key to look at; the records
 * of one run are settled together.
 */
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { requireTime } from '../lib/bucket/deadline.ts'
import { failuresToRetry, type MessageFailure } from '../lib/run/failed-messages.ts'
import { keysByRun } from '../lib/run/notification.ts'
import { messageSourceFromEnvironment, workerFromEnvironment } from '../lib/run/settings.ts'
import { settleRun } from '../lib/run/settle.ts'

const worker = workerFromEnvironment(process.env)
const source = messageSourceFromEnvironment(process.env, worker)
const keyPrefix = process.env['KEY_PREFIX'] ?? ''

export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const failures = new Map<string, MessageFailure>()
  const timeLeft = () => context.getRemainingTimeInMillis()
  for (const [at, [run, { keys, keyOf }]] of [...keysByRun(event.Records, keyPrefix)].entries()) {
    try {
      if (at > 0) requireTime(timeLeft)
      await settleRun(worker, run, { keys: [...keys], timeLeft })
    } catch (error) {
      const reason = String(error)
      console.error(JSON.stringify({ level: 'error', run, keys: [...keys], reason }))
      for (const [messageId, key] of keyOf) failures.set(messageId, { run, key, reason })
    }
  }
  return { batchItemFailures: await failuresToRetry(source, event.Records, failures) }
}
