/** Everything that a bucket holds under a prefix: all versions and delete markers of each key. */
import {
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion,
  type S3Client,
} from '@aws-sdk/client-s3'

/** A version of a key, or a delete marker. */
export interface Version {
  versionId: string
  /** Without quotes; nothing for a delete marker. */
  etag: string | undefined
  /** `Last-Modified`, in milliseconds since 1970. */
  at: number
}

/** By key, from the oldest to the current one. */
export type BucketHistory = ReadonlyMap<string, readonly Version[]>

/** Lists it, page by page. */
export async function bucketHistory(
  s3: S3Client,
  Bucket: string,
  Prefix: string,
): Promise<BucketHistory> {
  const found = new Map<string, (Version & { isLatest: boolean })[]>()
  const add = (Key: string | undefined, version: Version & { isLatest: boolean }) => {
    if (Key !== undefined) found.set(Key, [...(found.get(Key) ?? []), version])
  }
  let from: Pick<ListObjectVersionsCommandOutput, 'NextKeyMarker' | 'NextVersionIdMarker'> = {}
  do {
    const page: ListObjectVersionsCommandOutput = await s3.send(
      new ListObjectVersionsCommand({
        Bucket,
        Prefix,
        KeyMarker: from.NextKeyMarker,
        VersionIdMarker: from.NextVersionIdMarker,
      }),
    )
    for (const { Key, ETag, ...each } of page.Versions ?? []) {
      add(Key, { ...place(each), etag: ETag?.replaceAll('"', '') })
    }
    for (const { Key, ...each } of page.DeleteMarkers ?? []) {
      add(Key, { ...place(each), etag: undefined })
    }
    from = page
  } while (from.NextKeyMarker !== undefined && from.NextKeyMarker !== '')
  return new Map(
    [...found].map(([key, versions]) => [
      key,
      versions
        .toSorted((a, b) => a.at - b.at || Number(a.isLatest) - Number(b.isLatest))
        .map(({ versionId, etag, at }) => ({ versionId, etag, at })),
    ]),
  )
}

function place({ VersionId = '', LastModified, IsLatest = false }: ObjectVersion) {
  return { versionId: VersionId, at: LastModified?.getTime() ?? 0, isLatest: IsLatest }
}
