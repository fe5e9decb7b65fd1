/** What one bucket holds while somebody works on it, and what of S3's freedom it takes. */
import type { StoredObject, Version, Versions, Writer } from './versions.ts'

/** A multipart upload that is under way. */
export interface Upload {
  readonly uploadId: string
  readonly key: string
  readonly by: Writer
  readonly begunMs: number
  readonly metadata: Readonly<Record<string, string>>
  readonly contentType: string | undefined
  readonly parts: Map<number, { bytes: Uint8Array; etag: string }>
}

/** A bucket, and who asks. */
export interface Shelf {
  readonly bucketName: string
  readonly versions: Versions
  readonly uploads: Map<string, Upload>
  readonly by: Writer
  readonly nowMs: number
  /** At most so many rows a listing gives at once: S3 may give fewer than it is asked for. */
  readonly pageRows: number
  /** Some stores compute no SHA-256 when they copy. */
  readonly computesHashes: boolean
  /** Writes a version that begins now; without an object, a delete marker. */
  add(key: string, object: StoredObject | undefined): Version
  newUploadId(): string
}
