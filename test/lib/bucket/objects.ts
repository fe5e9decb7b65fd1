/** What trainers and other people do to a bucket, with any S3 client. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { type Bucket, bareEtag } from '../../../lib/bucket/bucket.ts'
import type { ListedVersion } from '../../../lib/bucket/versions.ts'

export interface Uploaded extends ListedVersion {
  metadata: Record<string, string>
}

/** Keys whose text some client, URL or XML reader is known to get wrong. */
export const AWKWARD_KEYS = [
  'a run/epoch_1.pth',
  'a+b/epoch_1.pth',
  '100%/epoch_1.pth',
  'a%20b/epoch_1.pth',
  'lr=0.1/epoch_1.pth',
  'größe/模型/🙂/epoch_1.pth',
  'issue#7/epoch_1.pth',
  'what?versionId=x/epoch_1.pth',
  'a&b<c>"d\'/epoch_1.pth',
  "it's (1)!*/epoch_1.pth",
  'a//b/epoch_1.pth',
  ' spaces around /epoch_1.pth',
]

/** Uploads an object. */
export async function put(
  bucket: Bucket,
  key: string,
  body: string | Uint8Array,
  metadata: Record<string, string> = {},
): Promise<Uploaded> {
  // Of an empty text the SDK would say that it does not know the length.
  const Body = typeof body === 'string' ? new TextEncoder().encode(body) : body
  await bucket.s3.send(
    new PutObjectCommand({ Bucket: bucket.name, Key: key, Body, Metadata: metadata }),
  )
  return head(bucket, key)
}

/** Uploads an object in one part, which gives it another ETag than one PUT of the same bytes. */
export async function putInParts(
  bucket: Bucket,
  key: string,
  Body: Uint8Array,
  metadata: Record<string, string> = {},
): Promise<void> {
  const where = { Bucket: bucket.name, Key: key }
  const begun = new CreateMultipartUploadCommand({ ...where, Metadata: metadata })
  const { UploadId } = await bucket.s3.send(begun)
  const part = { ...where, UploadId, PartNumber: 1 }
  const { ETag } = await bucket.s3.send(new UploadPartCommand({ ...part, Body }))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
  await bucket.s3.send(new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload }))
}

/** The current version of a key, or another. */
export async function head(bucket: Bucket, key: string, versionId?: string): Promise<Uploaded> {
  const version = versionId === undefined ? {} : { VersionId: versionId }
  const where = { Bucket: bucket.name, Key: key, ...version }
  const found = await bucket.s3.send(new HeadObjectCommand(where))
  return {
    key,
    versionId: found.VersionId ?? 'null',
    etag: bareEtag(found.ETag),
    sizeBytes: found.ContentLength ?? 0,
    seconds: Math.floor((found.LastModified?.getTime() ?? 0) / 1000),
    metadata: found.Metadata ?? {},
  }
}

/** Removes a key as a person does: a delete marker, or one version for good. */
export async function remove(bucket: Bucket, key: string, versionId?: string): Promise<void> {
  const version = versionId === undefined ? {} : { VersionId: versionId }
  await bucket.s3.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: key, ...version }))
}

/** The current bytes of a key; nothing where there is no object. */
export async function bytesAt(bucket: Bucket, key: string): Promise<Uint8Array | undefined> {
  try {
    const found = await bucket.s3.send(new GetObjectCommand({ Bucket: bucket.name, Key: key }))
    return await found.Body?.transformToByteArray()
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined
    throw error
  }
}

/** The current text of a key; nothing where there is no object. */
export async function textAt(bucket: Bucket, key: string): Promise<string | undefined> {
  const bytes = await bytesAt(bucket, key)
  return bytes && new TextDecoder().decode(bytes)
}

/** The keys that have a current version, below a prefix. */
export async function liveKeys(bucket: Bucket, prefix = ''): Promise<string[]> {
  const page = await bucket.s3.send(
    new ListObjectsV2Command({ Bucket: bucket.name, Prefix: prefix }),
  )
  return (page.Contents ?? []).map(({ Key = '' }) => Key)
}
