/** Multipart uploads. */
import { hash } from 'node:crypto'
import type {
  AbortMultipartUploadCommandInput,
  CompleteMultipartUploadCommandInput,
  CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommandInput,
  CreateMultipartUploadCommandOutput,
  ListMultipartUploadsCommandInput,
  ListMultipartUploadsCommandOutput,
  ListPartsCommandInput,
  ListPartsCommandOutput,
  UploadPartCommandInput,
  UploadPartCommandOutput,
  UploadPartCopyCommandInput,
  UploadPartCopyCommandOutput,
} from '@aws-sdk/client-s3'
import { byUtf8 } from '../text-order.ts'
import { bare, quoted, requireConditions } from './conditions.ts'
import { s3Error } from './errors.ts'
import { bytesOf, copySource, wholeSeconds } from './objects.ts'
import type { Shelf, Upload } from './shelf.ts'
import { md5Of } from './versions.ts'

const ANSWERED = { $metadata: { httpStatusCode: 200 } }
/** Of every part but the last. */
const LEAST_PART_BYTES = 5 * 1024 ** 2

export function createUpload(
  shelf: Shelf,
  input: CreateMultipartUploadCommandInput,
): CreateMultipartUploadCommandOutput {
  const upload: Upload = {
    uploadId: shelf.newUploadId(),
    key: input.Key ?? '',
    by: shelf.by,
    begunMs: shelf.nowMs,
    metadata: input.Metadata ?? {},
    contentType: input.ContentType,
    parts: new Map(),
  }
  shelf.uploads.set(upload.uploadId, upload)
  return { ...ANSWERED, UploadId: upload.uploadId }
}

interface Where {
  readonly Key?: string | undefined
  readonly UploadId?: string | undefined
}

function uploadAt({ uploads }: Shelf, { Key, UploadId }: Where): Upload {
  const upload = uploads.get(UploadId ?? '')
  if (upload === undefined || upload.key !== Key) throw s3Error('NoSuchUpload', 404)
  return upload
}

export function uploadPart(shelf: Shelf, input: UploadPartCommandInput): UploadPartCommandOutput {
  const upload = uploadAt(shelf, input)
  const bytes = bytesOf(input.Body)
  const etag = md5Of(bytes)
  upload.parts.set(input.PartNumber ?? 0, { bytes, etag })
  return { ...ANSWERED, ETag: quoted(etag) }
}

export function uploadPartCopy(
  shelf: Shelf,
  input: UploadPartCopyCommandInput,
): UploadPartCopyCommandOutput {
  const upload = uploadAt(shelf, input)
  const source = copySource(shelf, input).object.bytes
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(input.CopySourceRange ?? '') ?? []
  // A range has to be closed and to lie within the source.
  if (first === undefined || last === undefined) throw s3Error('InvalidArgument', 400)
  if (Number(last) >= source.byteLength) throw s3Error('InvalidArgument', 400)
  const bytes = source.slice(Number(first), Number(last) + 1)
  const etag = md5Of(bytes)
  upload.parts.set(input.PartNumber ?? 0, { bytes, etag })
  return {
    ...ANSWERED,
    CopyPartResult: { ETag: quoted(etag), LastModified: wholeSeconds(shelf.nowMs) },
  }
}

export function completeUpload(
  shelf: Shelf,
  input: CompleteMultipartUploadCommandInput,
): CompleteMultipartUploadCommandOutput {
  const upload = uploadAt(shelf, input)
  const named = input.MultipartUpload?.Parts ?? []
  const parts = named.map(({ PartNumber = 0, ETag }) => {
    const part = upload.parts.get(PartNumber)
    if (part === undefined || part.etag !== bare(ETag)) throw s3Error('InvalidPart', 400)
    return part
  })
  if (parts.length === 0) throw s3Error('MalformedXML', 400)
  if (parts.slice(0, -1).some(({ bytes }) => bytes.byteLength < LEAST_PART_BYTES)) {
    throw s3Error('EntityTooSmall', 400)
  }
  const bytes = new Uint8Array(Buffer.concat(parts.map((part) => part.bytes)))
  const sizeBytes = input.MpuObjectSize
  if (sizeBytes !== undefined && Number(sizeBytes) !== bytes.byteLength) {
    throw s3Error('InvalidRequest', 400)
  }
  requireConditions(shelf.versions.top(upload.key), input)
  shelf.uploads.delete(upload.uploadId)
  const etag = etagOfParts(parts.map((part) => part.etag))
  const { metadata, contentType } = upload
  const object = { bytes, etag, metadata, contentType, sha256: undefined }
  const { versionId } = shelf.versions.add(upload.key, upload.begunMs, upload.by, object)
  return { ...ANSWERED, ETag: quoted(etag), VersionId: versionId, Key: upload.key }
}

/** The MD5 of the parts' own, and how many they are. */
export function etagOfParts(etags: readonly string[]): string {
  return `${hash('md5', Buffer.from(etags.join(''), 'hex'), 'hex')}-${etags.length}`
}

export function abortUpload(shelf: Shelf, input: AbortMultipartUploadCommandInput): object {
  shelf.uploads.delete(uploadAt(shelf, input).uploadId)
  return ANSWERED
}

export function listParts(shelf: Shelf, input: ListPartsCommandInput): ListPartsCommandOutput {
  const after = Number(input.PartNumberMarker ?? 0)
  const all = [...uploadAt(shelf, input).parts]
    .filter(([number]) => number > after)
    .toSorted(([a], [b]) => a - b)
  const page = all.slice(0, shelf.pageRows)
  const isTruncated = page.length < all.length
  return {
    ...ANSWERED,
    IsTruncated: isTruncated,
    ...(page.length > 0 && {
      Parts: page.map(([PartNumber, { bytes, etag }]) => ({
        PartNumber,
        ETag: quoted(etag),
        Size: bytes.byteLength,
      })),
      NextPartNumberMarker: String(page.at(-1)?.[0]),
    }),
  }
}

export function listUploads(
  shelf: Shelf,
  input: ListMultipartUploadsCommandInput,
): ListMultipartUploadsCommandOutput {
  const { Prefix = '', KeyMarker, UploadIdMarker } = input
  const isAfter = ({ key, uploadId }: Upload): boolean => {
    if (KeyMarker === undefined) return true
    const order = byUtf8(key, KeyMarker)
    return order > 0 || (order === 0 && UploadIdMarker !== undefined && uploadId > UploadIdMarker)
  }
  const all = [...shelf.uploads.values()]
    .filter(({ key }) => key.startsWith(Prefix))
    .toSorted((a, b) => byUtf8(a.key, b.key) || (a.uploadId < b.uploadId ? -1 : 1))
    .filter(isAfter)
  const page = all.slice(0, shelf.pageRows)
  const last = page.at(-1)
  const isTruncated = page.length < all.length
  return {
    ...ANSWERED,
    IsTruncated: isTruncated,
    ...(page.length > 0 && {
      Uploads: page.map(({ key, uploadId, begunMs }) => ({
        Key: key,
        UploadId: uploadId,
        Initiated: wholeSeconds(begunMs),
      })),
    }),
    ...(isTruncated && last && { NextKeyMarker: last.key, NextUploadIdMarker: last.uploadId }),
  }
}
