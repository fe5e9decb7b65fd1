/** Reads what a rewrite is made from. */
import { type RangeReader, readerOver } from '../checkpoint/range-reader.ts'
import type { Bucket } from './bucket.ts'
import { rememberEnds } from './ends-reader.ts'
import { objectReader } from './object-reader.ts'
import type { ListedVersion } from './versions.ts'

/** Up to here a source is read by one request, whatever of it is needed. */
const WHOLE_BYTES = 16 * 1024 ** 2

/** A small source is read once, as a whole; of a large one first what its directory and pickle take. */
export async function sourceReader(
  bucket: Bucket,
  source: Pick<ListedVersion, 'key' | 'versionId' | 'etag' | 'sizeBytes'>,
): Promise<RangeReader> {
  const reader = objectReader(bucket, source)
  if (source.sizeBytes > WHOLE_BYTES) return rememberEnds(reader)
  return readerOver(await reader.read(0, source.sizeBytes))
}
