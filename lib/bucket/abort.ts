/** Cleaning up after a multipart upload that did not end well. */
import { AbortMultipartUploadCommand } from '@aws-sdk/client-s3'
import { type Bucket, BucketError, statusOf } from './bucket.ts'

/** An upload as S3 names it. */
interface MultipartUpload {
  Bucket: string
  Key: string
  UploadId: string | undefined
}

/**
 * Aborts an upload that was plainly refused, by S3 or by our own check. After a 5xx or without an answer
 * it may be complete, so it is left; the bucket's lifecycle aborts what is stale.
 */
export async function abortRefused(
  bucket: Bucket,
  upload: MultipartUpload,
  error: unknown,
): Promise<void> {
  const status = statusOf(error)
  const isRefused = error instanceof BucketError || (status !== undefined && status < 500)
  if (!isRefused) return
  // The refusal is what the caller is told; an abort that fails changes nothing about it.
  await bucket.s3.send(new AbortMultipartUploadCommand(upload)).catch(() => {})
}
