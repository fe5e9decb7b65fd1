/**
 * A rewritten checkpoint on its way from a version in the bucket to its own name, its bytes moved by S3.
 *
 * Its name may have its hash in it, so the hash comes first. Up to 5 GiB S3 computes it, of a staged copy;
 * beyond, and where the store computes none, the planned bytes are read once. Then the file is assembled
 * under its name. Each step can be gone on with after a crash: docs/decisions/0023.
 */
import type { RangeReader } from '../checkpoint/range-reader.ts'
import {
  checkLocalHeaders,
  type LongestParts,
  type Part,
  type Piece,
  type RewritePlan,
} from '../checkpoint/rewrite.ts'
import { type Assembled, assembleObject } from './assemble-object.ts'
import { bareEtag } from './bucket.ts'
import type { SourceVersion } from './copy-source.ts'
import type { TimeLeft } from './deadline.ts'
import { letGoOfAll } from './garbage.ts'
import { hashByReading, hashByStore, wholeSha256 } from './hash.ts'
import { headOf } from './head.ts'
import { abortUpload, type Destination, findUpload, type MultipartUpload } from './multipart.ts'
import { objectReader } from './object-reader.ts'
import { readPieces } from './read-pieces.ts'
import {
  dropStaged,
  type Hash,
  type Progress,
  readProgress,
  stagedUploads,
  stagingKey,
  writeProgress,
} from './staging.ts'
import { partsOfCopy, partsOfPlan, TRANSFER_PARTS } from './transfer-parts.ts'
import { type Content, contentOf, type Put } from './write.ts'

/** A file to be made of a version in the bucket. */
export interface Rewrite {
  readonly source: SourceVersion
  /** Over that version. */
  readonly reader: RangeReader
  readonly plan: RewritePlan
  readonly timeLeft: TimeLeft
}

/** A file whose hash is known, ready to be written. */
export interface RewrittenFile extends UnhashedFile, Hash, Content {}

/** A file to be written under a name that does not depend on it. */
export interface UnhashedFile {
  readonly put: Put
  /** Removes what was staged; to be called once the file is written, or is not to be. */
  readonly drop: () => Promise<void>
}

/** How large a file may be to go through the function, and to be hashed by S3; and how it is cut. */
export interface MoveLimits {
  /** Up to so many bytes one read and one PUT cost less than parts. */
  readonly wholeBytes: number
  /** `CopyObject` takes no larger source (S3 API reference). */
  readonly storeHashBytes: number
  /** How long parts may be, which changes no byte of the file; the attempts on one file share it. */
  readonly longestParts: LongestParts
}

export const MOVE_LIMITS: MoveLimits = {
  wholeBytes: 16 * 1024 ** 2,
  storeHashBytes: 5 * 1024 ** 3,
  longestParts: TRANSFER_PARTS,
}

/** User metadata of a staged object. */
const STAGED = 'checkpoint-hub-staged'
/** Clients of stores that computed no SHA-256 when they were asked to. */
const computingNone = new WeakSet<object>()

/**
 * Finds the hash of a rewritten file, which moves most of what there is to move.
 *
 * @throws {CheckpointFormatError} where the source's own headers say something else than its directory
 * @throws {OutOfTime} what was done so far is found by the next attempt
 * @throws {BucketError} `gone` or `changed` where the source is no longer that version
 * @throws the S3 error where the outcome is not known; doing it again is safe
 */
export async function prepareFile(
  rewrite: Rewrite,
  limits: MoveLimits = MOVE_LIMITS,
): Promise<RewrittenFile> {
  const { reader, plan } = rewrite
  if (plan.sizeBytes <= limits.wholeBytes) {
    await checkLocalHeaders(reader, plan)
    const content = contentOf(await readPieces(reader, plan.pieces))
    return { ...content, hashedBy: 'function', drop: async () => {} }
  }
  const move = await checkedMove(rewrite, limits)
  const ready = await hashed(move, limits)
  return { sizeBytes: plan.sizeBytes, ...ready.hash, ...fileOf(move, ready) }
}

/**
 * A rewritten file whose hash nobody needs, which is then assembled straight of its source.
 *
 * @throws as `prepareFile` does
 */
export async function unhashedFile(
  rewrite: Rewrite,
  limits: MoveLimits = MOVE_LIMITS,
): Promise<UnhashedFile> {
  const { reader, plan } = rewrite
  if (plan.sizeBytes <= limits.wholeBytes) {
    await checkLocalHeaders(reader, plan)
    const { put } = contentOf(await readPieces(reader, plan.pieces))
    return { put, drop: async () => {} }
  }
  return fileOf(await checkedMove(rewrite, limits), { hash: undefined, staged: undefined })
}

/** Where a rewrite stands, once it is known that its ranges are what the plan supposes. */
async function checkedMove(rewrite: Rewrite, { longestParts }: MoveLimits): Promise<Move> {
  const { source, reader, plan } = rewrite
  const parts = partsOfPlan(plan, longestParts)
  const key = stagingKey(source, parts)
  // At once, for both only look.
  const [progress] = await Promise.all([
    readProgress(source.bucket, key),
    checkLocalHeaders(reader, plan),
  ])
  // A pickle's graph and its file's directory are many times as large as the plan that came of them.
  letGoOfAll()
  return { ...rewrite, longestParts, parts, key, progress }
}

function fileOf(move: Move, ready: Ready): UnhashedFile {
  return {
    put: (destination) => put(move, ready, destination),
    drop: () => dropStaged(move.source.bucket, move.key),
  }
}

/** Lets go of all that earlier attempts on a file left under way. */
export async function discardFile(
  { source, plan }: Rewrite,
  { longestParts }: MoveLimits = MOVE_LIMITS,
): Promise<void> {
  const key = stagingKey(source, partsOfPlan(plan, longestParts))
  const progress = await readProgress(source.bucket, key)
  if (progress !== undefined) await abortUpload(uploadOf(source, progress))
  await dropStaged(source.bucket, key)
}

/** A rewrite, its parts, and where it stands under its staging key. */
interface Move extends Rewrite {
  readonly longestParts: LongestParts
  readonly parts: readonly Part[]
  readonly key: string
  readonly progress: Progress | undefined
}

/** What is known before the file is assembled under its name. */
interface Ready {
  readonly hash: Hash | undefined
  /** The whole file under its staging key, where it was staged. */
  readonly staged: SourceVersion | undefined
}

async function hashed(move: Move, { storeHashBytes }: MoveLimits): Promise<Ready & { hash: Hash }> {
  const { source, reader, plan, timeLeft, progress } = move
  const { hash } = progress ?? {}
  const read = async (file: RangeReader, pieces: readonly Piece[]) => {
    const sha256 = await hashByReading(file, pieces, timeLeft)
    return { sha256, hashedBy: 'function' } as const
  }
  if (hash !== undefined && progress?.from === 'source') return { hash, staged: undefined }
  if (hash !== undefined) return { hash, staged: (await stage(move)).staged }
  if (plan.sizeBytes > storeHashBytes || computingNone.has(source.bucket.s3)) {
    return { hash: await read(reader, plan.pieces), staged: undefined }
  }
  const { staged, sha256 } = await stage(move)
  if (sha256 !== undefined) return { hash: { sha256, hashedBy: 's3' }, staged }
  const copied = await hashByStore(staged, stagedMetadata(move.key), timeLeft)
  if (copied.sha256 !== undefined) {
    return { hash: { sha256: copied.sha256, hashedBy: 's3' }, staged: copied.staged }
  }
  computingNone.add(source.bucket.s3)
  // Of one stretch, which takes a few long reads; the planned ranges may be thousands of short ones.
  const whole: Piece = { kind: 'copy', offset: 0, lengthBytes: plan.sizeBytes }
  const hashOfStaged = await read(objectReader(source.bucket, copied.staged), [whole])
  return { hash: hashOfStaged, staged: copied.staged }
}

/** The file under its staging key, and its hash where S3 has computed it already. */
async function stage({ source, reader, plan, parts, key, timeLeft }: Move) {
  const { bucket } = source
  const asSource = (versionId: string, etag: string): SourceVersion => {
    return { bucket, key, versionId, etag, sizeBytes: plan.sizeBytes }
  }
  const [head, [begun]] = await Promise.all([headOf(bucket, key), stagedUploads(bucket, key)])
  if (head !== undefined && head.ContentLength === plan.sizeBytes) {
    const staged = asSource(head.VersionId ?? 'null', bareEtag(head.ETag))
    return { staged, sha256: wholeSha256(head) }
  }
  const assembled = await assembleObject({
    source,
    reader,
    parts,
    destination: {
      bucket,
      key,
      condition: undefined,
      properties: { Metadata: stagedMetadata(key) },
    },
    timeLeft,
    begun: begun && (await findUpload(begun.upload)),
  })
  if (assembled.kind === 'refused') throw new Error(`${key}: refused without a condition`)
  return { staged: asSource(assembled.versionId, assembled.etag), sha256: undefined }
}

function stagedMetadata(key: string): Record<string, string> {
  return { [STAGED]: key }
}

/** Assembles the file under its name: of the staged copy, or of the source's own ranges. */
async function put(
  { source, reader, timeLeft, longestParts, parts, key: stagedKey, progress }: Move,
  { hash, staged }: Ready,
  destination: Destination,
): Promise<Assembled> {
  const from = staged === undefined ? 'source' : 'staged'
  const earlier = progress && uploadOf(source, progress, destination)
  const isSame = earlier?.key === destination.key && progress?.from === from
  // Under another name, which was taken meanwhile, or of other parts.
  if (earlier !== undefined && !isSame) await abortUpload(earlier)
  return assembleObject({
    source: staged ?? source,
    reader,
    parts: staged === undefined ? parts : partsOfCopy(staged.sizeBytes, longestParts),
    destination,
    timeLeft,
    begun: isSame ? await findUpload(earlier) : undefined,
    onBegun: ({ bucket, key, uploadId }) => {
      const upload = { bucket: bucket.name, key, uploadId }
      return writeProgress(source.bucket, stagedKey, { hash, from, upload })
    },
  })
}

function uploadOf(
  { bucket }: SourceVersion,
  { upload }: Progress,
  destination?: Destination,
): MultipartUpload {
  const { s3 } = destination?.bucket.name === upload.bucket ? destination.bucket : bucket
  return { bucket: { s3, name: upload.bucket }, key: upload.key, uploadId: upload.uploadId }
}
