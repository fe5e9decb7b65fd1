/**
 * `ingest`: from the Events queue. Each record of an S3 notification names a key to look at; the records
 * of one run are settled together.
 */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { keysByRun } from '../lib/run/notification.ts'
import { workerFromEnvironment } from '../lib/run/settings.ts'
import { settleRun } from '../lib/run/settle.ts'

const worker = workerFromEnvironment(process.env)
const keyPrefix = process.env['KEY_PREFIX'] ?? ''

export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const failed = new Set<string>()
  for (const [run, { keys, messageIds }] of keysByRun(event.Records, keyPrefix)) {
    try {
      await settleRun(worker, run, { keys: [...keys] })
    } catch (error) {
      console.error(JSON.stringify({ level: 'error', run, keys: [...keys], reason: String(error) }))
      for (const messageId of messageIds) failed.add(messageId)
    }
  }
  return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) }
}
