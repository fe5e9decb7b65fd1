/** Whether a checkpoint that the hub recorded is there now, whole, and the same. */
import { type Bucket, BucketError } from '../bucket/bucket.ts'
import { rememberEnds } from '../bucket/ends-reader.ts'
import { type FoundObject, lookUp } from '../bucket/look-up.ts'
import { objectReader } from '../bucket/object-reader.ts'
import { presentDirectory } from '../bucket/present-directory.ts'
import { CheckpointFormatError } from '../checkpoint/checkpoint-format-error.ts'
import { verifyFile } from '../checkpoint/verify-file.ts'
import type { Upload } from '../hook/history.ts'
import { pathOf } from '../hook/names.ts'
import type { PointedCheckpoint } from './pointers.ts'

/** What was looked at just now. */
export interface Verified {
  format: 'zip' | 'legacy' | 'safetensors' | 'directory'
  /** What its bytes are known by; missing where the file holds no checksums of them. */
  fingerprint?: string
  /** Only of a file with a pickle: false where that is too large to be read for an answer. */
  pickle_read?: boolean
}

/** Where the checkpoint is and what was looked at, or why it cannot be resumed from. */
export type Verdict =
  | (Omit<PointedCheckpoint, 'step'> & { verified: Verified })
  | { reason: string }

/**
 * Looks at what is under the checkpoint's key now: size and ETag as recorded, the file's directory and pickle
 * readable, its fingerprint as recorded. Of a directory, the marker and every file that it names.
 */
export async function verify(bucket: Bucket, upload: Upload): Promise<Verdict> {
  const marker = upload.directory?.marker
  const found = await lookUp(bucket, `${upload.key}${marker ?? ''}`)
  if (found === undefined) {
    return { reason: `${marker ?? 'it'} is not there any more, which the hub has not seen yet` }
  }
  if (found.etag !== upload.etag) {
    const reason = `another object was uploaded since: ETag ${found.etag}, recorded is ${upload.etag}`
    return { reason }
  }
  try {
    return marker === undefined
      ? await verifyObject(bucket, upload, found)
      : await verifyDirectory(bucket, upload, marker, found)
  } catch (error) {
    const reason = reasonOf(error)
    if (reason === undefined) throw error
    return { reason }
  }
}

async function verifyObject(bucket: Bucket, upload: Upload, found: FoundObject): Promise<Verdict> {
  const { key, versionId, etag, sizeBytes } = found
  if (sizeBytes !== upload.sizeBytes) {
    return { reason: `it has ${sizeBytes} bytes, recorded are ${upload.sizeBytes}` }
  }
  const reader = rememberEnds(objectReader(bucket, found))
  const { format, fingerprint, isPickleRead } = await verifyFile(reader)
  if (isOther(fingerprint, upload)) {
    return { reason: `it has other bytes than were recorded: fingerprint ${fingerprint}` }
  }
  return {
    object: { key, version_id: versionId, etag, size_bytes: sizeBytes },
    verified: {
      format,
      ...(fingerprint !== undefined && { fingerprint }),
      ...(format !== 'safetensors' && { pickle_read: isPickleRead }),
    },
  }
}

async function verifyDirectory(
  bucket: Bucket,
  { key, sizeBytes, fingerprint }: Upload,
  marker: string,
  found: FoundObject,
): Promise<Verdict> {
  const now = await presentDirectory(bucket, key, marker, { ...found, seconds: 0 })
  if ('fault' in now) return { reason: now.fault }
  if (now.fingerprint !== fingerprint) {
    return { reason: `${marker}: some of its files were uploaded again since` }
  }
  return {
    directory: { key: pathOf(key), files: now.files, size_bytes: sizeBytes },
    object: { key: found.key, version_id: found.versionId, etag: found.etag },
    verified: { format: 'directory', fingerprint: now.fingerprint },
  }
}

function isOther(fingerprint: string | undefined, recorded: Upload): boolean {
  return recorded.fingerprint !== undefined && fingerprint !== recorded.fingerprint
}

/** Nothing where the store itself is at fault, and asking again would help. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof CheckpointFormatError) return error.message
  if (error instanceof BucketError && error.code === 'gone') return error.message
  if (error instanceof Error && error.name === 'InvalidObjectState') {
    return 'it is archived: restore it from its storage class first'
  }
  return undefined
}
