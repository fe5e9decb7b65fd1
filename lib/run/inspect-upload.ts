/** Looks into a new version of a checkpoint: is it whole, and which bytes are they. */
import { type Bucket, BucketError } from '../bucket/bucket.ts'
import { objectReader } from '../bucket/object-reader.ts'
import { stripIn } from '../bucket/replace.ts'
import { RESTORES } from '../bucket/restore.ts'
import type { ListedVersion } from '../bucket/versions.ts'
import { CheckpointFormatError } from '../checkpoint/checkpoint-format-error.ts'
import { FIRST_BYTES, refuseOtherFormats, torchContainerIn } from '../checkpoint/torch-container.ts'
import { fingerprintOf, readZipDirectory, recordsChecksums } from '../checkpoint/zip-directory.ts'
import type { Upload } from '../hook/history.ts'

/**
 * Reads the zip directory of an upload.
 *
 * @returns the upload, with the reason where it is no whole checkpoint; nothing where the version is
 *   gone from the bucket
 */
export async function inspectUpload(
  bucket: Bucket,
  version: ListedVersion,
): Promise<Upload | undefined> {
  const reader = objectReader(bucket, version)
  const upload: Upload = {
    ...version,
    fingerprint: undefined,
    fault: undefined,
    restores: undefined,
    gone: false,
  }
  try {
    refuseOtherFormats(await reader.read(0, Math.min(FIRST_BYTES, version.sizeBytes)))
    const directory = await readZipDirectory(reader)
    // Without checksums the directory tells names and sizes only, which other bytes have too.
    if (recordsChecksums(directory)) upload.fingerprint = fingerprintOf(directory)
    torchContainerIn(directory)
  } catch (error) {
    if (error instanceof BucketError && error.code === 'gone') return undefined
    if (!(error instanceof CheckpointFormatError)) throw error
    upload.fault = error.message
  }
  const metadata = reader.metadata()
  upload.restores = metadata[RESTORES]
  const strips = stripIn(metadata)
  return strips === undefined ? upload : { ...upload, strips }
}
