/** Calls on one object: put, get, head, delete, copy. */
import type {
  CopyObjectCommandInput,
  CopyObjectCommandOutput,
  DeleteObjectCommandInput,
  DeleteObjectCommandOutput,
  GetObjectCommandInput,
  HeadObjectCommandInput,
  HeadObjectCommandOutput,
  PutObjectCommandInput,
  PutObjectCommandOutput,
} from '@aws-sdk/client-s3'
import { type Body, bodyOf } from './body.ts'
import { bare, quoted, requireConditions } from './conditions.ts'
import { noSuchKey, preconditionFailed, s3Error } from './errors.ts'
import type { Shelf } from './shelf.ts'
import { md5Of, type StoredObject, sha256Of, type Version } from './versions.ts'

const ANSWERED = { $metadata: { httpStatusCode: 200 } }
/** `CopyObject` takes no larger source. */
const COPY_LIMIT_BYTES = 5 * 1024 ** 3

type Answer = HeadObjectCommandOutput & { Body?: Body; ContentRange?: string | undefined }

export function putObject(shelf: Shelf, input: PutObjectCommandInput): PutObjectCommandOutput {
  const key = input.Key ?? ''
  const bytes = bytesOf(input.Body)
  const sha256 = input.ChecksumSHA256
  if (sha256 !== undefined && sha256 !== sha256Of(bytes)) throw s3Error('BadDigest', 400)
  requireConditions(shelf.versions.top(key), input)
  const etag = md5Of(bytes)
  const version = shelf.add(key, {
    bytes,
    etag,
    metadata: input.Metadata ?? {},
    contentType: input.ContentType,
    sha256,
  })
  return { ...ANSWERED, ETag: quoted(etag), VersionId: version.versionId }
}

/** The version that a read asks for, or the current one. */
function readable(
  shelf: Shelf,
  key: string,
  { VersionId, IfMatch }: { VersionId?: string | undefined; IfMatch?: string | undefined },
): Version & { object: StoredObject } {
  const version =
    VersionId === undefined ? shelf.versions.top(key) : shelf.versions.find(key, VersionId)
  if (version === undefined)
    throw s3Error(VersionId === undefined ? 'NoSuchKey' : 'NoSuchVersion', 404)
  const { object } = version
  if (object === undefined) {
    throw VersionId === undefined ? noSuchKey() : s3Error('MethodNotAllowed', 405)
  }
  if (IfMatch !== undefined && bare(IfMatch) !== object.etag) throw preconditionFailed()
  return { ...version, object }
}

export function headObject(shelf: Shelf, input: HeadObjectCommandInput): HeadObjectCommandOutput {
  try {
    return described(readable(shelf, input.Key ?? '', input), input.ChecksumMode)
  } catch (error) {
    // A HEAD has no body to say more than the status.
    throw error instanceof Error && error.name.startsWith('NoSuch')
      ? s3Error('NotFound', 404)
      : error
  }
}

function described(
  { versionId, createdMs, object }: Version & { object: StoredObject },
  checksums: string | undefined,
): HeadObjectCommandOutput {
  const { bytes, etag, metadata, contentType, sha256 } = object
  return {
    ...ANSWERED,
    VersionId: versionId,
    ETag: quoted(etag),
    ContentLength: bytes.byteLength,
    LastModified: wholeSeconds(createdMs),
    Metadata: { ...metadata },
    ...(contentType !== undefined && { ContentType: contentType }),
    ...(checksums === 'ENABLED' &&
      sha256 !== undefined && { ChecksumSHA256: sha256, ChecksumType: 'FULL_OBJECT' as const }),
  }
}

export function getObject(shelf: Shelf, input: GetObjectCommandInput): Answer {
  const version = readable(shelf, input.Key ?? '', input)
  const { bytes } = version.object
  const range = input.Range === undefined ? undefined : rangeOf(input.Range, bytes.byteLength)
  const part = range === undefined ? bytes : bytes.subarray(range.first, range.last + 1)
  return {
    ...described(version, input.ChecksumMode),
    ContentLength: part.byteLength,
    Body: bodyOf(part),
    ...(range !== undefined && {
      ContentRange: `bytes ${range.first}-${range.last}/${bytes.byteLength}`,
    }),
  }
}

function rangeOf(text: string, sizeBytes: number): { first: number; last: number } {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(text) ?? []
  if (first === undefined || last === undefined) throw s3Error('InvalidArgument', 400)
  if (Number(first) >= sizeBytes) throw s3Error('InvalidRange', 416)
  return { first: Number(first), last: Math.min(Number(last), sizeBytes - 1) }
}

export function deleteObject(
  shelf: Shelf,
  input: DeleteObjectCommandInput,
): DeleteObjectCommandOutput {
  const key = input.Key ?? ''
  if (input.VersionId !== undefined) {
    shelf.versions.remove(key, input.VersionId)
    return ANSWERED
  }
  requireConditions(shelf.versions.top(key), input)
  const { versionId } = shelf.add(key, undefined)
  return { ...ANSWERED, DeleteMarker: true, VersionId: versionId }
}

export function copyObject(shelf: Shelf, input: CopyObjectCommandInput): CopyObjectCommandOutput {
  const key = input.Key ?? ''
  const source = copySource(shelf, input)
  if (source.object.bytes.byteLength > COPY_LIMIT_BYTES) throw s3Error('InvalidRequest', 400)
  requireConditions(shelf.versions.top(key), input)
  const isReplaced = input.MetadataDirective === 'REPLACE'
  const isItself = source.key === key && shelf.versions.top(key)?.versionId === source.versionId
  // Onto itself an object can be copied only with something changed.
  if (isItself && !isReplaced) throw s3Error('InvalidRequest', 400)
  const { bytes, metadata, contentType } = source.object
  const etag = md5Of(bytes)
  const sha256 =
    input.ChecksumAlgorithm === 'SHA256' && shelf.computesHashes ? sha256Of(bytes) : undefined
  const { versionId, createdMs } = shelf.add(key, {
    bytes,
    etag,
    metadata: isReplaced ? (input.Metadata ?? {}) : metadata,
    contentType: isReplaced ? input.ContentType : contentType,
    sha256,
  })
  return {
    ...ANSWERED,
    VersionId: versionId,
    CopySourceVersionId: source.versionId,
    CopyObjectResult: {
      ETag: quoted(etag),
      LastModified: wholeSeconds(createdMs),
      ...(sha256 !== undefined && { ChecksumSHA256: sha256, ChecksumType: 'FULL_OBJECT' as const }),
    },
  }
}

/** The version that a copy is made from, on its condition. */
export function copySource(
  shelf: Shelf,
  input: { CopySource?: string | undefined; CopySourceIfMatch?: string | undefined },
): Version & { object: StoredObject } {
  const [path = '', versionId] = (input.CopySource ?? '').split('?versionId=')
  const [bucket = '', ...key] = path.split('/')
  if (bucket !== shelf.bucketName) throw s3Error('NoSuchBucket', 404)
  return readable(shelf, key.map(decodeURIComponent).join('/'), {
    VersionId: versionId && decodeURIComponent(versionId),
    IfMatch: input.CopySourceIfMatch,
  })
}

export function wholeSeconds(milliseconds: number): Date {
  return new Date(Math.floor(milliseconds / 1000) * 1000)
}

/** What the hub sends is in memory. */
export function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body
  if (typeof body === 'string') return new TextEncoder().encode(body)
  if (body === undefined) return new Uint8Array()
  throw new TypeError('expected a body that is in memory')
}
