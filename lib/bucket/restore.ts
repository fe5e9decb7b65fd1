/** Restores: a noncurrent version becomes the current one again, by a copy under its own key. */
import { CopyObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { type Bucket, bareEtag, statusOf } from './bucket.ts'
import { type ListedVersion, versionsOf } from './versions.ts'

/** User metadata of a restored object: the version that it brings back. */
export const RESTORES = 'checkpoint-hub-restores'

/** What came of a restore. */
export type Restored =
  /** Something is there under the key, so there was nothing to restore. */
  | { kind: 'present' }
  | { kind: 'restored'; version: ListedVersion }
  /** The version has expired. */
  | { kind: 'gone' }

/**
 * Copies a version onto its own key, if nothing is there. The delete marker stays in the key's history.
 *
 * @throws the S3 error where the outcome is not known; restoring again is safe
 */
export async function restoreVersion(
  bucket: Bucket,
  source: Pick<ListedVersion, 'key' | 'versionId' | 'etag'>,
): Promise<Restored> {
  const before = await versionsOf(bucket, source.key)
  if (before.marker === undefined && before.uploads.length > 0) return { kind: 'present' }
  const { key, versionId } = source
  try {
    const head = await bucket.s3.send(
      new HeadObjectCommand({ Bucket: bucket.name, Key: key, VersionId: versionId }),
    )
    await bucket.s3.send(
      new CopyObjectCommand({
        Bucket: bucket.name,
        Key: key,
        CopySource: `${bucket.name}/${encodeKey(key)}?versionId=${encodeURIComponent(versionId)}`,
        CopySourceIfMatch: `"${source.etag}"`,
        IfNoneMatch: '*',
        // Tags would need permissions of their own, and mean nothing to the hub.
        TaggingDirective: 'REPLACE',
        MetadataDirective: 'REPLACE',
        Metadata: { ...head.Metadata, [RESTORES]: versionId },
        ...(head.ContentType !== undefined && { ContentType: head.ContentType }),
      }),
    )
  } catch (error) {
    if (statusOf(error) === 404) return { kind: 'gone' }
    if (statusOf(error) !== 412) throw error
    // Either somebody uploaded meanwhile, or this is our own success whose answer was lost.
  }
  return restoredOrPresent(bucket, key, versionId)
}

async function restoredOrPresent(
  bucket: Bucket,
  key: string,
  versionId: string,
): Promise<Restored> {
  const head = await bucket.s3.send(new HeadObjectCommand({ Bucket: bucket.name, Key: key }))
  if (head.Metadata?.[RESTORES] !== versionId) return { kind: 'present' }
  return {
    kind: 'restored',
    version: {
      key,
      versionId: head.VersionId ?? 'null',
      etag: bareEtag(head.ETag),
      sizeBytes: head.ContentLength ?? 0,
      seconds: Math.floor((head.LastModified?.getTime() ?? 0) / 1000),
    },
  }
}

/** A key as `CopySource` wants it: each part encoded, the slashes not. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}
