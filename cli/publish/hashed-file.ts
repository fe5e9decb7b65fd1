/** A file to be published in a bucket whose hash, and so its name, is known. */
import { assembleObject } from '../../lib/bucket/assemble-object.ts'
import { type Bucket, statusOf } from '../../lib/bucket/bucket.ts'
import type { SourceVersion } from '../../lib/bucket/copy-source.ts'
import { abortUpload, type MultipartUpload } from '../../lib/bucket/multipart.ts'
import { readPieces } from '../../lib/bucket/read-pieces.ts'
import {
  discardFile,
  MOVE_LIMITS,
  prepareFile,
  type RewrittenFile,
} from '../../lib/bucket/rewritten-file.ts'
import { partsOfPlan } from '../../lib/bucket/transfer-parts.ts'
import { contentOf } from '../../lib/bucket/write.ts'
import type { RewritePlan } from '../../lib/checkpoint/rewrite.ts'
import type { Source } from '../source.ts'
import { clearStaging } from './clear-staging.ts'
import { hashOf, type Moving } from './moving.ts'
import { transferShown } from './transfer-shown.ts'

export type HashedFile = Omit<RewrittenFile, 'hashedBy'>

/**
 * Finds the hash of a planned file.
 *
 * Within one bucket the hub's own engine does it: S3 computes the hash of a staged copy where it can, and no
 * byte comes here. That takes the right to write below `.checkpoint-hub/staging/`; without it, and between two
 * buckets, what is copied is read once for the hash.
 */
export async function hashedFile(
  source: Source,
  plan: RewritePlan,
  target: Bucket,
  moving: Moving,
): Promise<HashedFile> {
  const { object } = source
  if (object === undefined || object.bucket.name !== target.name) {
    return readFile(source, plan, target, moving)
  }
  try {
    return await stagedFile(source, object, plan, moving)
  } catch (error) {
    if (statusOf(error) !== 403) throw error
    moving.terminal.note(`${target.name}: no right to stage there; reading the bytes instead`)
    return readFile(source, plan, target, moving)
  }
}

async function stagedFile(
  { reader }: Source,
  object: SourceVersion,
  plan: RewritePlan,
  moving: Moving,
): Promise<HashedFile> {
  const timeLeft = untilInterrupted(moving)
  const transfer = transferShown(moving.terminal, object.bucket.s3)
  const rewrite = { source: object, reader: transfer.counted(reader), plan, timeLeft }
  const isStaged = plan.sizeBytes > MOVE_LIMITS.wholeBytes
  const end = async () => {
    transfer.end()
    if (isStaged) await clearStaging(object, plan, moving.terminal)
  }
  try {
    const file = await prepareFile(rewrite)
    return {
      ...file,
      drop: async () => {
        if (moving.signal.aborted) await discardFile(rewrite)
        else await file.drop()
        await end()
      },
    }
  } catch (error) {
    if (moving.signal.aborted) await discardFile(rewrite).then(end)
    transfer.end()
    throw error
  }
}

async function readFile(
  source: Source,
  plan: RewritePlan,
  target: Bucket,
  moving: Moving,
): Promise<HashedFile> {
  const sha256 = await hashOf(source.reader, plan, moving)
  const { sizeBytes } = plan
  if (sizeBytes <= MOVE_LIMITS.wholeBytes) {
    const content = contentOf(await readPieces(source.reader, plan.pieces))
    return { ...content, drop: async () => {} }
  }
  const transfer = transferShown(moving.terminal, target.s3)
  let upload: MultipartUpload | undefined
  return {
    sizeBytes,
    sha256,
    put: (destination) =>
      assembleObject({
        source: source.object ?? { bucket: target, ...NOTHING_TO_COPY },
        reader: source.reader,
        // Of a source that is not in S3, no range can be copied there.
        parts: partsOfPlan(source.object === undefined ? { ...plan, sourceSizeBytes: 0 } : plan),
        destination,
        timeLeft: untilInterrupted(moving),
        onBegun: async (begun) => {
          upload = begun
        },
      }),
    drop: async () => {
      transfer.end()
      if (moving.signal.aborted && upload !== undefined) await abortUpload(upload)
    },
  }
}

const NOTHING_TO_COPY = { key: '', versionId: 'null', etag: '', sizeBytes: 0 }

/** Asked before each step that moves bytes. */
function untilInterrupted({ signal }: Moving): () => number {
  return () => {
    signal.throwIfAborted()
    return Number.POSITIVE_INFINITY
  }
}
