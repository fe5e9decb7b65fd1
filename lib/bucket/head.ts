/** What is under a key now. */
import { HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { type Bucket, bareEtag, statusOf } from './bucket.ts'
import { patiently } from './patience.ts'
import type { ListedVersion } from './versions.ts'

/** The current object under a key; nothing where there is none. */
export async function headOf(
  bucket: Bucket,
  key: string,
): Promise<HeadObjectCommandOutput | undefined> {
  try {
    return await patiently(() =>
      bucket.s3.send(
        new HeadObjectCommand({ Bucket: bucket.name, Key: key, ChecksumMode: 'ENABLED' }),
      ),
    )
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

/** The version that an answer tells of, as a listing shows it. */
export function versionIn(head: HeadObjectCommandOutput, key: string): ListedVersion {
  return {
    key,
    versionId: head.VersionId ?? 'null',
    etag: bareEtag(head.ETag),
    sizeBytes: head.ContentLength ?? 0,
    seconds: Math.floor((head.LastModified?.getTime() ?? 0) / 1000),
  }
}
