/** Looks into a new version of a checkpoint: is it whole, and which bytes are they. */
import { type Bucket, BucketError } from '../bucket/bucket.ts'
import { rememberEnds } from '../bucket/ends-reader.ts'
import { objectReader } from '../bucket/object-reader.ts'
import { stripIn } from '../bucket/replace.ts'
import { RESTORES } from '../bucket/restore.ts'
import type { ListedVersion } from '../bucket/versions.ts'
import { lookInto } from '../checkpoint/look-into.ts'
import type { Upload } from '../hook/history.ts'

/**
 * Reads the parts of an upload that tell whether all of it is there.
 *
 * @returns the upload, with the reason where it is no whole checkpoint; nothing where the version is
 *   gone from the bucket
 */
export async function inspectUpload(
  bucket: Bucket,
  version: ListedVersion,
): Promise<Upload | undefined> {
  const object = objectReader(bucket, version)
  const reader = rememberEnds(object)
  try {
    const { fingerprint, fault } = await lookInto(reader)
    const metadata = object.metadata()
    const strips = stripIn(metadata)
    return {
      ...version,
      fingerprint,
      fault,
      restores: metadata[RESTORES],
      gone: false,
      ...(strips !== undefined && { strips }),
    }
  } catch (error) {
    if (error instanceof BucketError && error.code === 'gone') return undefined
    throw error
  }
}
