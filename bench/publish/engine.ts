/** What the engines that run on Node have in common. */
import { S3Client } from '@aws-sdk/client-s3'
import { CREDENTIALS, REGION } from '../../local/environment.ts'
import type { Count } from './counted.ts'
import type { Figures } from './figures.ts'

const PUBLISHED_KEYS = ['meta', 'state_dict']

export function clientOf(endpoint: string): S3Client {
  return new S3Client({ endpoint, region: REGION, credentials: CREDENTIALS, forcePathStyle: true })
}

export function isPublished(key: string): boolean {
  return PUBLISHED_KEYS.includes(key)
}

/** @param started as `performance.now()` told it, in milliseconds */
export function printFigures({
  started,
  count,
  hashedBytes,
  processorSeconds,
  spent,
}: {
  started: number
  count: Count
  hashedBytes: number
  processorSeconds: number
  spent: Figures['spent']
}): void {
  const figures: Figures = {
    seconds: (performance.now() - started) / 1000,
    processorSeconds,
    spent,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    readBytes: count.readBytes - hashedBytes,
    sentBytes: count.sentBytes,
    hashedBytes,
    partCopiedBytes: count.partCopiedBytes,
    partCopies: count.partCopies,
    requests: count.requests,
  }
  console.log(JSON.stringify(figures))
}
