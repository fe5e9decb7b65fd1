/** The text of a version, or why there is none. */
import { type Bucket, BucketError } from '../bucket/bucket.ts'
import { readText } from '../bucket/object-reader.ts'
import type { ListedVersion } from '../bucket/versions.ts'

/** What came of reading a version. */
export type VersionText =
  | { kind: 'text'; text: string }
  | { kind: 'refused'; reason: string }
  | { kind: 'gone' }

/**
 * Reads a version as text.
 *
 * @param limitBytes what is larger is refused
 * @throws the error of S3 where reading again may help
 */
export async function textOf(
  bucket: Bucket,
  version: ListedVersion,
  limitBytes: number,
): Promise<VersionText> {
  try {
    return { kind: 'text', text: await readText(bucket, version, limitBytes) }
  } catch (error) {
    if (!(error instanceof BucketError)) throw error
    if (error.code === 'too large') return { kind: 'refused', reason: error.message }
    if (error.code === 'gone') return { kind: 'gone' }
    throw error
  }
}
