/** The SHA-256 of a file that is planned or staged: by reading its bytes, or by letting S3 do so. */
import { createHash } from 'node:crypto'
import { CopyObjectCommand, type CopyObjectResult, type HeadObjectOutput } from '@aws-sdk/client-s3'
import type { RangeReader } from '../checkpoint/range-reader.ts'
import { lengthOf, type Piece } from '../checkpoint/rewrite.ts'
import { bareEtag, statusOf } from './bucket.ts'
import { copySourceOf, type SourceVersion } from './copy-source.ts'
import { requireTime, type TimeLeft } from './deadline.ts'
import { headOf } from './head.ts'
import { patiently } from './patience.ts'
import { readPieces, stretchesOf } from './read-pieces.ts'

const STRETCH_BYTES = 8 * 1024 ** 2
/** One connection to S3 gives about as much as a function's line takes; the other bridges its pauses. */
const READS_AT_ONCE = 2
/** `CopyObject` was seen to take 12 s for a gibibyte (250 MB in 3 s); with a third of that it is given up. */
const COPY_BYTES_PER_MS = 28_000

/**
 * Reads the pieces of a file once, in order, and hashes them. Holds two stretches of 8 MiB, or less where the file is
 * shorter.
 *
 * @returns the SHA-256, in hexadecimal
 * @throws {OutOfTime} then nothing of it is kept: a hash cannot be gone on with
 */
export async function hashByReading(
  reader: RangeReader,
  pieces: readonly Piece[],
  timeLeft: TimeLeft,
): Promise<string> {
  const hash = createHash('sha256')
  const stretches = stretchesOf(pieces, STRETCH_BYTES)
  const ahead: Promise<Uint8Array>[] = []
  const read = (stretch: readonly Piece[], room: Uint8Array) => {
    const bytes = readPieces(reader, stretch, room)
    // One that fails is told when its turn comes, or not at all where an earlier one failed.
    bytes.catch(() => {})
    ahead.push(bytes)
  }
  // The last one is the shortest, and takes the room of another.
  const roomBytes = (stretches[0] ?? []).reduce((sum, piece) => sum + lengthOf(piece), 0)
  for (const stretch of stretches.slice(0, READS_AT_ONCE)) read(stretch, new Uint8Array(roomBytes))
  for (const [at] of stretches.entries()) {
    requireTime(timeLeft)
    const bytes = (await ahead.shift()) ?? new Uint8Array()
    hash.update(bytes)
    const next = stretches[at + READS_AT_ONCE]
    // Into the same memory: what is let go of stays with the process until its garbage is collected.
    if (next !== undefined) read(next, new Uint8Array(bytes.buffer))
  }
  return hash.digest('hex')
}

/** A staged object, and its SHA-256 where S3 computed one. */
export interface Hashed {
  readonly staged: SourceVersion
  readonly sha256: string | undefined
}

/**
 * Lets S3 copy a staged object onto itself and compute the SHA-256 of the whole. The copy of an object that
 * was made of parts has none, and its checksum is then of all of its bytes.
 *
 * @returns the object as it is now; without a hash where the store computed none
 * @throws {OutOfTime} where the copy may take longer than there is time
 */
export async function hashByStore(
  staged: SourceVersion,
  metadata: Readonly<Record<string, string>>,
  timeLeft: TimeLeft,
): Promise<Hashed> {
  requireTime(timeLeft, staged.sizeBytes / COPY_BYTES_PER_MS)
  const { bucket, key } = staged
  const command = new CopyObjectCommand({
    Bucket: bucket.name,
    Key: key,
    ...copySourceOf(staged),
    ChecksumAlgorithm: 'SHA256',
    // Onto itself an object can be copied only with something changed.
    MetadataDirective: 'REPLACE',
    Metadata: metadata,
    TaggingDirective: 'REPLACE',
  })
  try {
    const { CopyObjectResult, VersionId = 'null' } = await patiently(() => bucket.s3.send(command))
    const now = { ...staged, versionId: VersionId, etag: bareEtag(CopyObjectResult?.ETag) }
    return { staged: now, sha256: CopyObjectResult && wholeSha256(CopyObjectResult) }
  } catch (error) {
    // Another worker on the same job was faster: what it made is ours as well.
    if (statusOf(error) !== 412) throw error
    const head = await headOf(bucket, key)
    const sha256 = head && wholeSha256(head)
    if (head === undefined || sha256 === undefined) throw error
    const now = { ...staged, versionId: head.VersionId ?? 'null', etag: bareEtag(head.ETag) }
    return { staged: now, sha256 }
  }
}

/**
 * The SHA-256 of all bytes of an object, in hexadecimal, where S3 tells one. That of an object made of parts
 * is a hash of their hashes: it says `COMPOSITE`, and where a store tells no type, ends with their number.
 */
export function wholeSha256({
  ChecksumSHA256,
  ChecksumType,
}: Pick<CopyObjectResult & HeadObjectOutput, 'ChecksumSHA256' | 'ChecksumType'>):
  | string
  | undefined {
  if (ChecksumSHA256 === undefined) return undefined
  if (ChecksumType !== undefined && ChecksumType !== 'FULL_OBJECT') return undefined
  if (!/^[A-Za-z0-9+/]{43}=$/.test(ChecksumSHA256)) return undefined
  return Buffer.from(ChecksumSHA256, 'base64').toString('hex')
}
