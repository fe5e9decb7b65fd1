/**
 * What is under way: `.checkpoint-hub/staging/<plan>`, where a file lies while S3 computes its hash, and
 * `<plan>.json`, which says where it stands.
 *
 * The names follow from the plan, so that another attempt finds what an earlier one left, and so that two
 * workers on one job do the same. Nobody but the hub writes here.
 */
import { createHash } from 'node:crypto'
import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import * as z from 'zod/mini'
import type { Part, Piece } from '../checkpoint/rewrite.ts'
import { type Bucket, bareEtag, statusOf } from './bucket.ts'
import type { SourceVersion } from './copy-source.ts'
import { deleteIfMatch } from './delete.ts'
import { headOf } from './head.ts'
import { abortUpload, type MultipartUpload } from './multipart.ts'
import { patiently } from './patience.ts'

export const STAGING_PREFIX = '.checkpoint-hub/staging/'

/** How the hash of a file was got: S3 computed it, or the bytes went through the function. */
export type HashedBy = 's3' | 'function'

export interface Hash {
  /** In hexadecimal. */
  readonly sha256: string
  readonly hashedBy: HashedBy
}

/** Where a file stands that is being assembled under its name. */
export interface Progress {
  /** Nothing of a file whose hash nobody asked for. */
  readonly hash?: Hash | undefined
  /** Whether the upload's parts come from the staged object or from the source. */
  readonly from: 'staged' | 'source'
  /** The upload that is to become the file. */
  readonly upload: { readonly bucket: string; readonly key: string; readonly uploadId: string }
}

const progressSchema = z.object({
  hash: z.optional(
    z.object({
      sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
      hashedBy: z.enum(['s3', 'function']),
    }),
  ),
  from: z.enum(['staged', 'source']),
  upload: z.object({ bucket: z.string(), key: z.string(), uploadId: z.string() }),
})

/** The key under which the parts of one plan are staged: the same source and parts, the same key. */
export function stagingKey(source: SourceVersion, parts: readonly Part[]): string {
  const hash = createHash('sha256')
  const { bucket, key, versionId, etag, sizeBytes } = source
  hash.update(JSON.stringify([bucket.name, key, versionId, etag, sizeBytes]))
  for (const part of parts) {
    hash.update(`\n${part.kind} ${part.lengthBytes}`)
    if (part.kind === 'copy') hash.update(` ${part.offset}`)
    else for (const piece of part.pieces) addPiece(hash, piece)
  }
  return `${STAGING_PREFIX}${hash.digest('hex')}`
}

function addPiece(hash: ReturnType<typeof createHash>, piece: Piece): void {
  if (piece.kind === 'copy') hash.update(`\ncopy ${piece.offset} ${piece.lengthBytes}`)
  else hash.update(`\nbytes ${piece.bytes.byteLength}\n`).update(piece.bytes)
}

/** Where a file stands; nothing where that was not written down. */
export async function readProgress(bucket: Bucket, key: string): Promise<Progress | undefined> {
  const record = await readRecord(bucket, key)
  if (record === undefined) return undefined
  try {
    return progressSchema.parse(JSON.parse(record))
  } catch {
    // Of another version of the hub: begun anew, which costs no more than time.
    return undefined
  }
}

/** Writes down where a file stands. */
export async function writeProgress(
  bucket: Bucket,
  key: string,
  progress: Progress,
): Promise<void> {
  const Body = JSON.stringify(progress)
  const record = { Bucket: bucket.name, Key: recordKey(key), Body, ContentType: 'application/json' }
  await bucket.s3.send(new PutObjectCommand(record))
}

/** Removes what is staged under a key: the object, the uploads, and what was written down. */
export async function dropStaged(bucket: Bucket, key: string): Promise<void> {
  const record = recordKey(key)
  const [uploads, recorded] = await Promise.all([
    stagedUploads(bucket, key),
    headOf(bucket, record),
  ])
  for (const { upload } of uploads) await abortUpload(upload)
  // What says that something is staged goes first, so that nobody looks for it in vain. The object is looked
  // at after the uploads, one of which may just have become it.
  const [staged] = await Promise.all([
    headOf(bucket, key),
    recorded && deleteIfMatch(bucket, record, bareEtag(recorded.ETag)),
  ])
  if (staged !== undefined) await deleteIfMatch(bucket, key, bareEtag(staged.ETag))
}

/** Uploads that are under way below a prefix of the staging area, the oldest first. */
export async function stagedUploads(
  bucket: Bucket,
  prefix: string,
): Promise<{ upload: MultipartUpload; begunSeconds: number }[]> {
  const found: { upload: MultipartUpload; begunSeconds: number }[] = []
  let from: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
  while (from !== undefined) {
    const page: ListMultipartUploadsCommandOutput = await bucket.s3.send(
      new ListMultipartUploadsCommand({ Bucket: bucket.name, Prefix: prefix, ...from }),
    )
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined) continue
      const begunSeconds = Math.floor((Initiated?.getTime() ?? 0) / 1000)
      found.push({ upload: { bucket, key: Key, uploadId: UploadId }, begunSeconds })
    }
    from = page.IsTruncated
      ? {
          ...(page.NextKeyMarker !== undefined && { KeyMarker: page.NextKeyMarker }),
          ...(page.NextUploadIdMarker !== undefined && { UploadIdMarker: page.NextUploadIdMarker }),
        }
      : undefined
  }
  return found.toSorted((a, b) => a.begunSeconds - b.begunSeconds)
}

async function readRecord(bucket: Bucket, key: string): Promise<string | undefined> {
  try {
    return await patiently(async () => {
      const get = new GetObjectCommand({ Bucket: bucket.name, Key: recordKey(key) })
      return (await bucket.s3.send(get)).Body?.transformToString()
    })
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

function recordKey(key: string): string {
  return `${key}.json`
}
