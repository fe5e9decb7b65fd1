/** Reads one version of an object by ranges, and small objects whole. */
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import type { RangeReader, TakeChunk } from '../checkpoint/range-reader.ts'
import { type Bucket, BucketError, bareEtag, statusOf } from './bucket.ts'
import { letGoOfChunk } from './garbage.ts'
import type { ListedVersion } from './versions.ts'

/** A body that sends nothing for this long is given up; the SDK itself would wait for ever. */
const IDLE_MILLISECONDS = 30_000

/** How often a body may break off in one reading before its error is passed on. */
const MOST_BROKEN = 3

/** A connection ended, or stalled, in the middle of a body; the cause says how. */
class BrokenOff extends Error {
  override readonly name = 'BrokenOff'
}

/** A version, and its ETag where it is known. */
type Version = Pick<ListedVersion, 'key' | 'versionId' | 'sizeBytes'> &
  Partial<Pick<ListedVersion, 'etag'>>

/** A reader over one version, and the user metadata that its first answer brought. */
export interface ObjectReader extends RangeReader {
  readChunks(offset: number, lengthBytes: number, take: TakeChunk): Promise<void>
  metadata(): Record<string, string>
}

/**
 * A reader over one version of an object.
 *
 * Where the ETag is known, the current version is asked for first, on the condition that it has it: some
 * stores send the whole of a noncurrent version, whatever range is asked for.
 *
 * @throws {BucketError} from a read: `gone` where the version is no longer there, `cut short` where
 *   fewer bytes came than were asked for
 */
export function objectReader(bucket: Bucket, version: Version): ObjectReader {
  const { key, sizeBytes } = version
  let metadata: Record<string, string> = {}
  let mayBeCurrent = version.etag !== undefined
  const get = async (range: string) => {
    const answer = mayBeCurrent ? await getCurrent(bucket, version, range) : undefined
    mayBeCurrent = answer !== undefined
    return answer ?? getVersion(bucket, version, range)
  }
  /** Where a body breaks off, the rest of it is asked for, a few times: it is the same version. */
  const readChunks = async (offset: number, lengthBytes: number, take: TakeChunk) => {
    let taken = 0
    for (let broken = 0; taken < lengthBytes; broken++) {
      try {
        await readOnce(offset + taken, lengthBytes - taken, (chunk) => {
          take(chunk, taken)
          taken += chunk.byteLength
        })
      } catch (error) {
        if (!(error instanceof BrokenOff)) throw error
        if (broken === MOST_BROKEN) throw error.cause
      }
    }
  }
  const readOnce = async (offset: number, lengthBytes: number, take: TakeChunk) => {
    const range = `bytes=${offset}-${offset + lengthBytes - 1}`
    const answer = await get(range)
    metadata = answer.Metadata ?? {}
    // HTTP lets a server ignore a range and send everything; then what comes before it is skipped.
    const skipBytes = answer.ContentRange === undefined ? offset : 0
    const cameBytes = await takeBody(answer, { key, skipBytes, lengthBytes, take })
    if (cameBytes === lengthBytes) return
    const reason = `${cameBytes} bytes came of ${lengthBytes} that were asked for; try again`
    throw new BucketError('cut short', key, reason)
  }
  return {
    sizeBytes,
    metadata: () => metadata,
    readChunks,
    read: async (offset, lengthBytes) => {
      // Filled as it comes: chunks that are kept to be joined would take the memory twice.
      const bytes = new Uint8Array(lengthBytes)
      await readChunks(offset, lengthBytes, (chunk, at) => bytes.set(chunk, at))
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
  version: Version,
  limitBytes: number,
): Promise<string> {
  if (version.sizeBytes > limitBytes) {
    const reason = `has ${version.sizeBytes} bytes, more than the ${limitBytes} that are read`
    throw new BucketError('too large', version.key, reason)
  }
  const bytes = await objectReader(bucket, version).read(0, version.sizeBytes)
  return new TextDecoder().decode(bytes)
}

/** From the current version; nothing where that is another one, be it of the same bytes. */
async function getCurrent(
  bucket: Bucket,
  { key, versionId, etag }: Version,
  range: string,
): Promise<GetObjectCommandOutput | undefined> {
  try {
    const answer = await bucket.s3.send(
      new GetObjectCommand({
        Bucket: bucket.name,
        Key: key,
        IfMatch: `"${bareEtag(etag)}"`,
        Range: range,
      }),
    )
    if ((answer.VersionId ?? 'null') === versionId) return answer
    streamOf(answer)?.destroy()
    return undefined
  } catch (error) {
    const status = statusOf(error)
    if (status !== 404 && status !== 412) throw error
    return undefined
  }
}

async function getVersion(
  bucket: Bucket,
  { key, versionId }: Version,
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

type BodyStream = AsyncIterable<Uint8Array> & { destroy(error?: Error): void }

function streamOf(answer: GetObjectCommandOutput): BodyStream | undefined {
  return answer.Body as BodyStream | undefined
}

/** What of a body is taken, and by whom. */
interface Wanted {
  readonly key: string
  /** Of the body's first bytes, how many are passed over. */
  readonly skipBytes: number
  readonly lengthBytes: number
  readonly take: TakeChunk
}

/** @returns how many bytes were taken, which are fewer than wanted where the body ended early */
async function takeBody(
  answer: GetObjectCommandOutput,
  { key, skipBytes, lengthBytes, take }: Wanted,
): Promise<number> {
  const body = streamOf(answer)
  if (body === undefined) return 0
  const endBytes = skipBytes + lengthBytes
  let received = 0
  const stalled = () =>
    body.destroy(
      new BucketError('cut short', key, `nothing came for ${IDLE_MILLISECONDS} ms; try again`),
    )
  let timer = setTimeout(stalled, IDLE_MILLISECONDS)
  try {
    for await (const chunk of body) {
      clearTimeout(timer)
      timer = setTimeout(stalled, IDLE_MILLISECONDS)
      const wanted = chunk.subarray(Math.max(0, skipBytes - received), endBytes - received)
      if (wanted.byteLength > 0) take(wanted, Math.max(0, received - skipBytes))
      received += chunk.byteLength
      letGoOfChunk(chunk.byteLength)
      if (received >= endBytes) break
    }
  } catch (error) {
    throw new BrokenOff('the body broke off', { cause: error })
  } finally {
    clearTimeout(timer)
  }
  return Math.min(Math.max(0, received - skipBytes), lengthBytes)
}
