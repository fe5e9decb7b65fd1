/** Fetches one version of an object into a file, by ranges at once. */
import type { Bucket } from '../../lib/bucket/bucket.ts'
import type { FoundObject } from '../../lib/bucket/look-up.ts'
import { objectReader } from '../../lib/bucket/object-reader.ts'
import type { Chunk, PartialFile } from '../../lib/files/partial-file.ts'
import type { Progress } from '../output/progress.ts'

/** Ranges under way at once: one connection to S3 brings some 80 MB/s. */
const AT_ONCE = 8

/**
 * Fetches what a file still lacks. Every range is of the same version, whatever is uploaded meanwhile.
 *
 * @throws {BucketError} `gone` where the version is no longer there; what was fetched stays, to be gone on with
 */
export async function fetchObject(
  bucket: Bucket,
  object: FoundObject,
  file: PartialFile,
  { signal, progress }: { signal: AbortSignal; progress: Progress },
): Promise<void> {
  const left = file.missing.values()
  const work = async () => {
    for (const chunk of left) {
      signal.throwIfAborted()
      await fetchChunk(bucket, object, file, chunk, progress)
    }
  }
  const workers = Array.from({ length: Math.min(AT_ONCE, file.missing.length) }, work)
  const ended = await Promise.allSettled(workers)
  const failed = ended.find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

async function fetchChunk(
  bucket: Bucket,
  object: FoundObject,
  file: PartialFile,
  chunk: Chunk,
  progress: Progress,
): Promise<void> {
  const bytes = await objectReader(bucket, object).read(chunk.offset, chunk.lengthBytes)
  await file.write(chunk.offset, bytes)
  await file.note(chunk)
  progress.advance(chunk.lengthBytes)
}
