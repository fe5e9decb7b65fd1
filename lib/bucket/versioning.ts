/** Whether what is deleted can be had back. */
import { GetBucketVersioningCommand } from '@aws-sdk/client-s3'
import type { Bucket } from './bucket.ts'

/** True where the bucket keeps what is deleted as noncurrent versions: where its versioning is enabled. */
export async function keepsVersions(bucket: Bucket): Promise<boolean> {
  const { Status } = await bucket.s3.send(new GetBucketVersioningCommand({ Bucket: bucket.name }))
  return Status === 'Enabled'
}
