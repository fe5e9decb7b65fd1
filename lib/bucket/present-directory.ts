/** A directory checkpoint as it is now: what `directory.ts` reads of all its versions, of the current ones. */
import {
  directoryFingerprint,
  type FileVersion,
  faultOf,
  type MarkerReading,
} from '../checkpoint/directory-content.ts'
import { filesIn, MAX_MARKER_BYTES } from '../checkpoint/directory-marker.ts'
import type { Bucket } from './bucket.ts'
import { objectReader } from './object-reader.ts'
import { objectsBelow } from './present.ts'
import type { ListedVersion } from './versions.ts'

/** A directory whose files are all there and as large as its marker says, or why not. */
export type PresentDirectory = { files: number; fingerprint: string } | { fault: string }

/**
 * Reads the marker and lists the directory, a request for each thousand objects below it.
 *
 * @param key the directory's, with the slash at its end
 * @param marker the name of its marker
 * @param version of the marker, which is the current one
 * @throws {CheckpointFormatError} where the marker is none
 * @throws {BucketError} where it is gone meanwhile
 */
export async function presentDirectory(
  bucket: Bucket,
  key: string,
  marker: string,
  version: ListedVersion,
): Promise<PresentDirectory> {
  if (version.sizeBytes > MAX_MARKER_BYTES) {
    return { fault: `${marker} has ${version.sizeBytes} bytes, which is too much to read` }
  }
  const bytes = await objectReader(bucket, version).read(0, version.sizeBytes)
  const reading: MarkerReading = { version, files: filesIn(marker, bytes) }
  const there = await currentFiles(bucket, key)
  const content = new Map(
    reading.files.flatMap(({ name }): [string, FileVersion][] => {
      const file = there.get(name)
      return file === undefined ? [] : [[name, file]]
    }),
  )
  const fault = faultOf(reading, content, new Map(), false)
  if (fault !== undefined) return { fault: `${marker}: ${fault.reason}` }
  const fingerprint = directoryFingerprint(marker, reading, content)
  return { files: reading.files.length, fingerprint }
}

/** By name within the directory; a listing names no versions, and nobody here asks for them. */
async function currentFiles(bucket: Bucket, key: string): Promise<Map<string, FileVersion>> {
  const files = new Map<string, FileVersion>()
  for await (const { key: each, etag, sizeBytes } of objectsBelow(bucket, key, 'everywhere')) {
    files.set(each.slice(key.length), { versionId: '', etag, sizeBytes, seconds: 0 })
  }
  return files
}
