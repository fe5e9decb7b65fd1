/** `sweep`: on a schedule. Carries out what a crash left over, and finds uploads whose event was lost. */

import { required, wholeNumber, workerFromEnvironment } from '../lib/run/settings.ts'
import { asksToBegin, type SweepReport, sweep } from '../lib/run/sweep.ts'

const worker = workerFromEnvironment(process.env)
const jobSeconds = wholeNumber(process.env, 'PUBLISH_TIMEOUT_SECONDS')
const events = { sqs: worker.jobs.sqs, queueUrl: required(process.env, 'EVENTS_QUEUE_URL') }

export async function handler(event?: unknown): Promise<SweepReport> {
  const report = await sweep(worker, { jobSeconds, events, begin: asksToBegin(event) })
  console.log(JSON.stringify({ level: 'info', ...report }))
  return report
}
