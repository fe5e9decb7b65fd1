import type { S3Client } from '@aws-sdk/client-s3'

/** A bucket and the client that reaches it. */
export interface Bucket {
  s3: S3Client
  name: string
}

/** Something in the bucket is not as an operation needs it; the message names key and reason. */
export class BucketError extends Error {
  override readonly name = 'BucketError'
  readonly code: 'gone' | 'cut short' | 'too large' | 'changed'
  readonly key: string
  constructor(code: BucketError['code'], key: string, reason: string) {
    super(`${JSON.stringify(key)}: ${reason}`)
    this.code = code
    this.key = key
  }
}

/** The HTTP status of an S3 answer that was an error; nothing where no answer came. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined
  return (error.$metadata as { httpStatusCode?: number }).httpStatusCode
}

/** ETags travel with and without their quotes; inside the hub they have none. */
export function bareEtag(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '')
}

/** Whether an error of S3 says that trying again later may help. */
export function isTransient(error: unknown): boolean {
  const status = statusOf(error)
  return status === undefined || status >= 500 || status === 429
}
