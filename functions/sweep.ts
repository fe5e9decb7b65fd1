/** `sweep`: on a schedule. Carries out effects that a crash left over. */

import { wholeNumber, workerFromEnvironment } from '../lib/run/settings.ts'
import { type SweepReport, sweep } from '../lib/run/sweep.ts'

const worker = workerFromEnvironment(process.env)
const jobSeconds = wholeNumber(process.env, 'PUBLISH_TIMEOUT_SECONDS')

export async function handler(): Promise<SweepReport> {
  const report = await sweep(worker, jobSeconds)
  console.log(JSON.stringify({ level: 'info', ...report }))
  return report
}
