/** Finding one object by its key, with no right but to read it. */
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { type Bucket, bareEtag, statusOf } from './bucket.ts'

/** An object as a HEAD shows it. */
export interface FoundObject {
  readonly key: string
  /** `null` where the bucket has no versions. */
  readonly versionId: string
  readonly etag: string
  readonly sizeBytes: number
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Looks up an object; nothing where there is none.
 *
 * @param versionId the current version unless told
 */
export async function lookUp(
  bucket: Bucket,
  key: string,
  versionId?: string,
): Promise<FoundObject | undefined> {
  const version = versionId === undefined ? {} : { VersionId: versionId }
  try {
    const head = await bucket.s3.send(
      new HeadObjectCommand({ Bucket: bucket.name, Key: key, ...version }),
    )
    return {
      key,
      versionId: head.VersionId ?? 'null',
      etag: bareEtag(head.ETag),
      sizeBytes: head.ContentLength ?? 0,
      metadata: head.Metadata ?? {},
    }
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}
