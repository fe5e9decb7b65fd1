/** The exact version that a copy within S3 is made from. */
import type { Bucket } from './bucket.ts'
import type { ListedVersion } from './versions.ts'

/** A version of an object, and the bucket that it is in. */
export interface SourceVersion
  extends Readonly<Pick<ListedVersion, 'key' | 'versionId' | 'etag' | 'sizeBytes'>> {
  readonly bucket: Bucket
}

/** What a copy says of its source: this version, and only if it still has the ETag. */
export function copySourceOf({ bucket, key, versionId, etag }: SourceVersion) {
  return {
    CopySource: `${bucket.name}/${encodeKey(key)}?versionId=${encodeURIComponent(versionId)}`,
    CopySourceIfMatch: `"${etag}"`,
  }
}

/** A key as `CopySource` wants it: each part encoded, the slashes not. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}
