/** Deletion, of the exact object that was decided on. */
import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { type Bucket, statusOf } from './bucket.ts'

/**
 * Puts a delete marker on a key, if its current version still has the ETag that was decided on.
 *
 * A delete that succeeded while its answer was lost meets 404 or 412 when the SDK sends it again, so
 * `other` is not a failure: look at the key to learn what is there.
 *
 * @param etag without quotes
 * @returns `deleted`, or `other` where the current version is another one or none
 */
export async function deleteIfMatch(
  bucket: Bucket,
  key: string,
  etag: string,
): Promise<'deleted' | 'other'> {
  try {
    await bucket.s3.send(
      new DeleteObjectCommand({ Bucket: bucket.name, Key: key, IfMatch: `"${etag}"` }),
    )
    return 'deleted'
  } catch (error) {
    const status = statusOf(error)
    if (status === 404 || status === 412) return 'other'
    throw error
  }
}
