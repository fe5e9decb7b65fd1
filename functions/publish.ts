/** `publish`: from the Jobs queue. Makes one artifact, and settles its run with the result. */
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { carryOutJob, parseJob } from '../lib/run/job.ts'
import { workerFromEnvironment } from '../lib/run/settings.ts'

const worker = workerFromEnvironment(process.env)

export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = []
  for (const { messageId, body } of event.Records) {
    try {
      await carryOutJob(worker, parseJob(body), () => context.getRemainingTimeInMillis())
    } catch (error) {
      console.error(JSON.stringify({ level: 'error', job: body, reason: String(error) }))
      batchItemFailures.push({ itemIdentifier: messageId })
    }
  }
  return { batchItemFailures }
}
