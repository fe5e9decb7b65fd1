/** Writing what the hub makes: under its final name only, and only over what was decided on. */
import { createHash } from 'node:crypto'
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import type { Assembled } from './assemble-object.ts'
import { type Bucket, bareEtag, statusOf } from './bucket.ts'
import { headOf } from './head.ts'
import type { Destination } from './multipart.ts'
import { RESTORES } from './restore.ts'

/** User metadata by which the hub knows an object as its own: the SHA-256 that it wrote. */
export const SHA256 = 'checkpoint-hub-sha256'

/** What is to be written, and how. */
export interface Content {
  readonly sizeBytes: number
  /** In hexadecimal. */
  readonly sha256: string
  readonly put: Put
}

/**
 * Writes something on a destination's condition; called again where a write is repeated.
 *
 * @throws the S3 error where the outcome is not known
 */
export type Put = (destination: Destination) => Promise<Assembled>

/** What is under the key afterwards. */
export type Written =
  | { kind: 'written'; versionId: string; etag: string }
  /** An object that the hub did not write. */
  | { kind: 'foreign'; seconds: number }
  /** An object of the hub with other bytes, which the caller may decide to replace. */
  | { kind: 'own'; etag: string }

/** Overwrites a small text, such as `last_checkpoint`. */
export async function writeText(bucket: Bucket, key: string, text: string): Promise<void> {
  await bucket.s3.send(
    new PutObjectCommand({ Bucket: bucket.name, Key: key, Body: text, ContentType: 'text/plain' }),
  )
}

/**
 * Writes an object if its name is free, or over the one version that it is to replace.
 *
 * @param replaces ETag of the object to replace, without quotes; nothing where the name must be free
 * @throws {BucketError} where the source is not what it was; then nothing is written
 * @throws the S3 error where the outcome is not known; writing again is safe
 */
export async function writeIfAbsent(
  bucket: Bucket,
  key: string,
  content: Content,
  replaces: string | undefined,
): Promise<Written> {
  // Before anything is moved: what is there may be ours already, or somebody else's.
  const before = await whatIsThere(bucket, key, content)
  const mayReplace = before !== undefined && before.etag === replaces
  if (before !== undefined && !mayReplace) return before.written
  const outcome = await content.put({
    bucket,
    key,
    condition: mayReplace ? { IfMatch: `"${before.etag}"` } : { IfNoneMatch: '*' },
    properties: {
      ContentType: 'application/octet-stream',
      Metadata: { [SHA256]: content.sha256 },
    },
  })
  if (outcome.kind === 'written') return outcome
  const after = await whatIsThere(bucket, key, content)
  // What was in the way is gone again.
  return after?.written ?? writeIfAbsent(bucket, key, content, undefined)
}

async function whatIsThere(
  bucket: Bucket,
  key: string,
  content: Content,
): Promise<{ etag: string; written: Written } | undefined> {
  const head = await headOf(bucket, key)
  if (head === undefined) return undefined
  const etag = bareEtag(head.ETag)
  const hash = head.Metadata?.[SHA256]
  if (hash === content.sha256 && head.ContentLength === content.sizeBytes) {
    return { etag, written: { kind: 'written', versionId: head.VersionId ?? 'null', etag } }
  }
  if (hash !== undefined) return { etag, written: { kind: 'own', etag } }
  const seconds = Math.floor((head.LastModified?.getTime() ?? 0) / 1000)
  return { etag, written: { kind: 'foreign', seconds } }
}

/** Who wrote an object: somebody else, or the hub, and then the SHA-256 of what it made, if that is what it is. */
export type Writer = { kind: 'somebody' } | { kind: 'hub'; sha256: string | undefined }

/** Who wrote a version, by its user metadata. */
export async function writerOf(bucket: Bucket, key: string, versionId: string): Promise<Writer> {
  const head = await bucket.s3.send(
    new HeadObjectCommand({ Bucket: bucket.name, Key: key, VersionId: versionId }),
  )
  const sha256 = head.Metadata?.[SHA256]
  const isOurs = sha256 !== undefined || head.Metadata?.[RESTORES] !== undefined
  return isOurs ? { kind: 'hub', sha256 } : { kind: 'somebody' }
}

/** What is small enough to be written by one PUT, which S3 checks as a whole. */
export function contentOf(bytes: Uint8Array): Content {
  const hash = createHash('sha256').update(bytes).digest()
  return {
    sizeBytes: bytes.byteLength,
    sha256: hash.toString('hex'),
    put: (destination) => putWhole(destination, bytes, hash.toString('base64')),
  }
}

async function putWhole(
  { bucket, key, condition, properties }: Destination,
  Body: Uint8Array,
  ChecksumSHA256: string,
): Promise<Assembled> {
  try {
    const { VersionId, ETag } = await bucket.s3.send(
      new PutObjectCommand({
        Bucket: bucket.name,
        Key: key,
        Body,
        // S3 computes the hash of what arrives and refuses the write if it differs.
        ChecksumSHA256,
        ...properties,
        ...condition,
      }),
    )
    // By the answer, not by a look at the key: another job may have written over it since.
    return { kind: 'written', versionId: VersionId ?? 'null', etag: bareEtag(ETag) }
  } catch (error) {
    const status = statusOf(error)
    // The name is taken, perhaps by this very write whose answer was lost: the caller looks whose it is.
    if (status === 412 || (status === 404 && condition?.IfMatch !== undefined)) {
      return { kind: 'refused' }
    }
    throw error
  }
}
