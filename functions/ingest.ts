/**
 * `ingest`: from the Events queue. Each record of an S3 notification names a key to look at; the records
 * of one run are settled together.
 */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { failuresToRetry, type MessageFailure } from '../lib/run/dead-letters.ts'
import { keysByRun } from '../lib/run/notification.ts'
import { deadLettersFromEnvironment, workerFromEnvironment } from '../lib/run/settings.ts'
import { settleRun } from '../lib/run/settle.ts'

const worker = workerFromEnvironment(process.env)
const deadLetters = deadLettersFromEnvironment(process.env, worker)
const keyPrefix = process.env['KEY_PREFIX'] ?? ''

export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const failures = new Map<string, MessageFailure>()
  for (const [run, { keys, keyOf }] of keysByRun(event.Records, keyPrefix)) {
    try {
      await settleRun(worker, run, { keys: [...keys] })
    } catch (error) {
      const reason = String(error)
      console.error(JSON.stringify({ level: 'error', run, keys: [...keys], reason }))
      for (const [messageId, key] of keyOf) failures.set(messageId, { run, key, reason })
    }
  }
  return { batchItemFailures: await failuresToRetry(deadLetters, event.Records, failures) }
}
