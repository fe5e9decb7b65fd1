/** Writing what the hub makes: under its final name only, and only over what was decided on. */
import { createHash } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { abortRefused } from './abort.ts'
import { type Bucket, BucketError, bareEtag, statusOf } from './bucket.ts'
import type { Condition, Properties } from './properties.ts'
import { RESTORES } from './restore.ts'

/** User metadata by which the hub knows an object as its own: the SHA-256 that it wrote. */
export const SHA256 = 'checkpoint-hub-sha256'
/** Up to here one PUT is cheaper and checked by S3 as a whole; parts are as large. */
export const PART_BYTES = 64 * 1024 * 1024

/** The bytes to write and what is known of them. */
export interface Content {
  sizeBytes: number
  /** In hexadecimal. */
  sha256: string
  /** The bytes from the start; called again where a write is repeated. */
  chunks: () => AsyncIterable<Uint8Array>
}

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
 * @throws {BucketError} `changed` where the bytes are not those of the hash; then nothing is written
 * @throws the S3 error where the outcome is not known; writing again is safe
 */
export async function writeIfAbsent(
  bucket: Bucket,
  key: string,
  content: Content,
  replaces: string | undefined,
): Promise<Written> {
  const condition: Condition =
    replaces === undefined ? { IfNoneMatch: '*' } : { IfMatch: `"${replaces}"` }
  const properties = {
    ContentType: 'application/octet-stream',
    Metadata: { [SHA256]: content.sha256 },
  }
  try {
    await putContent(bucket, key, content, properties, condition)
  } catch (error) {
    const status = statusOf(error)
    if (status === 404 && replaces !== undefined) {
      return writeIfAbsent(bucket, key, content, undefined)
    }
    if (status !== 412) throw error
    // The name is taken, perhaps by this very write whose answer was lost: look whose object it is.
  }
  return whatIsThere(bucket, key, content)
}

/**
 * Writes content on a condition, in one request or in parts.
 *
 * @throws the S3 error: 412 or 404 where the condition does not hold; a success whose answer was lost and
 *   that was tried again gives 412 as well
 */
export async function putContent(
  bucket: Bucket,
  key: string,
  content: Content,
  properties: Properties,
  condition: Condition,
): Promise<void> {
  const where = { Bucket: bucket.name, Key: key }
  if (content.sizeBytes <= PART_BYTES) {
    await putWhole(bucket, { ...where, ...properties, ...condition }, content)
  } else await putParts(bucket, where, properties, condition, content)
}

async function whatIsThere(bucket: Bucket, key: string, content: Content): Promise<Written> {
  const head = await bucket.s3.send(new HeadObjectCommand({ Bucket: bucket.name, Key: key }))
  const etag = bareEtag(head.ETag)
  const written = head.Metadata?.[SHA256]
  if (written === content.sha256 && head.ContentLength === content.sizeBytes) {
    return { kind: 'written', versionId: head.VersionId ?? 'null', etag }
  }
  if (written !== undefined) return { kind: 'own', etag }
  return { kind: 'foreign', seconds: Math.floor((head.LastModified?.getTime() ?? 0) / 1000) }
}

/** Whether the current object under a key is one that the hub wrote, by its user metadata. */
export async function isOwn(bucket: Bucket, key: string, versionId: string): Promise<boolean> {
  const head = await bucket.s3.send(
    new HeadObjectCommand({ Bucket: bucket.name, Key: key, VersionId: versionId }),
  )
  return head.Metadata?.[SHA256] !== undefined || head.Metadata?.[RESTORES] !== undefined
}

async function putWhole(
  bucket: Bucket,
  input: ConstructorParameters<typeof PutObjectCommand>[0],
  content: Content,
): Promise<void> {
  const Body = Buffer.concat(await Array.fromAsync(content.chunks()))
  // S3 computes the hash of what arrives and refuses the write if it differs.
  const ChecksumSHA256 = Buffer.from(content.sha256, 'hex').toString('base64')
  await bucket.s3.send(new PutObjectCommand({ ...input, Body, ChecksumSHA256 }))
}

async function putParts(
  bucket: Bucket,
  where: { Bucket: string; Key: string },
  properties: Properties,
  condition: Condition,
  content: Content,
): Promise<void> {
  const { UploadId } = await bucket.s3.send(
    new CreateMultipartUploadCommand({ ...where, ...properties }),
  )
  try {
    const Parts: { PartNumber: number; ETag: string | undefined }[] = []
    // S3 has no SHA-256 of a whole multipart object to check against.
    const hash = createHash('sha256')
    for await (const Body of parts(content.chunks())) {
      hash.update(Body)
      const PartNumber = Parts.length + 1
      const part = new UploadPartCommand({ ...where, UploadId, PartNumber, Body })
      const { ETag } = await bucket.s3.send(part)
      Parts.push({ PartNumber, ETag })
    }
    if (hash.digest('hex') !== content.sha256) {
      const reason = 'the bytes to write are not those that were hashed before; try again'
      throw new BucketError('changed', where.Key, reason)
    }
    await bucket.s3.send(
      new CompleteMultipartUploadCommand({
        ...where,
        UploadId,
        MultipartUpload: { Parts },
        ...condition,
      }),
    )
  } catch (error) {
    await abortRefused(bucket, { ...where, UploadId }, error)
    throw error
  }
}

async function* parts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  for await (const chunk of chunks) {
    held.push(chunk)
    heldBytes += chunk.byteLength
    if (heldBytes >= PART_BYTES) {
      yield Buffer.concat(held)
      held = []
      heldBytes = 0
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held)
}
