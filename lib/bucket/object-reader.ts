/** Reads one version of an object by ranges, and small objects whole. */
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import type { RangeReader } from '../checkpoint/range-reader.ts'
import { type Bucket, BucketError, statusOf } from './bucket.ts'
import type { ListedVersion } from './versions.ts'

/** A body that sends nothing for this long is given up; the SDK itself would wait for ever. */
const IDLE_MILLISECONDS = 30_000

/** A reader over one version, and the user metadata that its first answer brought. */
export interface ObjectReader extends RangeReader {
  metadata(): Record<string, string>
}

/**
 * A reader over one version of an object.
 *
 * @throws {BucketError} from `read`: `gone` where the version is no longer there, `cut short` where
 *   fewer bytes came than were asked for
 */
export function objectReader(
  bucket: Bucket,
  { key, versionId, sizeBytes }: Pick<ListedVersion, 'key' | 'versionId' | 'sizeBytes'>,
): ObjectReader {
  let metadata: Record<string, string> = {}
  return {
    sizeBytes,
    metadata: () => metadata,
    read: async (offset, lengthBytes) => {
      if (lengthBytes === 0) return new Uint8Array()
      const range = `bytes=${offset}-${offset + lengthBytes - 1}`
      const answer = await getVersion(bucket, key, versionId, range)
      metadata = answer.Metadata ?? {}
      // HTTP lets a server ignore a range and send everything; then what comes before it is skipped.
      const skipBytes = answer.ContentRange === undefined ? offset : 0
      const bytes = await bodyOf(answer, key, skipBytes, lengthBytes)
      if (bytes.byteLength !== lengthBytes) {
        const reason = `${bytes.byteLength} bytes came of ${lengthBytes} that were asked for; try again`
        throw new BucketError('cut short', key, reason)
      }
      return bytes
    },
  }
}

/**
 * Reads a version whole, as UTF-8.
 *
 * @param limitBytes what is larger is refused without being read
 * @throws {BucketError} `too large`, `gone` or `cut short`
 */
export async function readText(
  bucket: Bucket,
  version: Pick<ListedVersion, 'key' | 'versionId' | 'sizeBytes'>,
  limitBytes: number,
): Promise<string> {
  if (version.sizeBytes > limitBytes) {
    const reason = `has ${version.sizeBytes} bytes, more than the ${limitBytes} that are read`
    throw new BucketError('too large', version.key, reason)
  }
  const bytes = await objectReader(bucket, version).read(0, version.sizeBytes)
  return new TextDecoder().decode(bytes)
}

async function getVersion(
  bucket: Bucket,
  key: string,
  versionId: string,
  range: string,
): Promise<GetObjectCommandOutput> {
  try {
    return await bucket.s3.send(
      new GetObjectCommand({ Bucket: bucket.name, Key: key, VersionId: versionId, Range: range }),
    )
  } catch (error) {
    if (statusOf(error) !== 404) throw error
    throw new BucketError('gone', key, `version ${versionId} is no longer in the bucket`)
  }
}

async function bodyOf(
  answer: GetObjectCommandOutput,
  key: string,
  skipBytes: number,
  lengthBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const endBytes = skipBytes + lengthBytes
  let received = 0
  const body = answer.Body as
    | (AsyncIterable<Uint8Array> & { destroy(error?: Error): void })
    | undefined
  if (body === undefined) return new Uint8Array()
  const stalled = () =>
    body.destroy(
      new BucketError('cut short', key, `nothing came for ${IDLE_MILLISECONDS} ms; try again`),
    )
  let timer = setTimeout(stalled, IDLE_MILLISECONDS)
  try {
    for await (const chunk of body) {
      clearTimeout(timer)
      timer = setTimeout(stalled, IDLE_MILLISECONDS)
      chunks.push(chunk.subarray(Math.max(0, skipBytes - received), endBytes - received))
      received += chunk.byteLength
      if (received >= endBytes) break
    }
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks)
}
