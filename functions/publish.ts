/** `publish`: from the Jobs queue. Makes one artifact, and settles its run with the result. */
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { keepYoungSpaceSmall } from '../lib/bucket/garbage.ts'
import { failuresToRetry, type MessageFailure } from '../lib/run/failed-messages.ts'
import { carryOutJob, failureOfJob, parseJob } from '../lib/run/job.ts'
import { messageSourceFromEnvironment, workerFromEnvironment } from '../lib/run/settings.ts'

keepYoungSpaceSmall()
const worker = workerFromEnvironment(process.env)
const source = messageSourceFromEnvironment(process.env, worker)

export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const failures = new Map<string, MessageFailure>()
  for (const { messageId, body } of event.Records) {
    try {
      await carryOutJob(worker, parseJob(body), () => context.getRemainingTimeInMillis())
    } catch (error) {
      const reason = String(error)
      console.error(JSON.stringify({ level: 'error', job: body, reason }))
      failures.set(messageId, await failureOfJob(worker, body, reason))
    }
  }
  return { batchItemFailures: await failuresToRetry(source, event.Records, failures) }
}
