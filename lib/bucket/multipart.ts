/** One multipart upload: begun, found again after a crash, filled, and ended. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type ListPartsCommandOutput,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import type { RangeReader } from '../checkpoint/range-reader.ts'
import type { Part } from '../checkpoint/rewrite.ts'
import { type Bucket, BucketError, bareEtag, statusOf } from './bucket.ts'
import { copySourceOf, type SourceVersion } from './copy-source.ts'
import { patiently } from './patience.ts'
import type { Condition, Properties } from './properties.ts'
import { readPieces } from './read-pieces.ts'

/** An upload as S3 names it. */
export interface MultipartUpload {
  readonly bucket: Bucket
  readonly key: string
  readonly uploadId: string
}

/** Where an object goes. */
export interface Destination {
  readonly bucket: Bucket
  readonly key: string
  /** Nothing only for names that nobody else uses. Where an ETag is named, nothing is made where no object is. */
  readonly condition: Condition | undefined
  /** By its metadata the object is known again, so that no other one may have the same. */
  readonly properties: Properties
}

/** A part that S3 has, by its number. */
export type PartsThere = Map<number, { etag: string; sizeBytes: number }>

export async function beginUpload(destination: Destination): Promise<MultipartUpload> {
  const { bucket, key, properties } = destination
  const { UploadId } = await bucket.s3.send(
    new CreateMultipartUploadCommand({ Bucket: bucket.name, Key: key, ...properties }),
  )
  if (UploadId === undefined) throw new BucketError('gone', key, 'S3 gave no upload id; try again')
  return { bucket, key, uploadId: UploadId }
}

/** An upload that an earlier attempt began, and what is in it. */
export interface BegunUpload {
  readonly upload: MultipartUpload
  readonly there: PartsThere
}

/** Finds an upload with the parts that it has already; nothing where there is no such upload any more. */
export async function findUpload(upload: MultipartUpload): Promise<BegunUpload | undefined> {
  const there: PartsThere = new Map()
  try {
    // The SDK's own paginator goes by the marker, which some stores give after the last page too.
    let PartNumberMarker: string | undefined
    do {
      const list = new ListPartsCommand({
        ...where(upload),
        ...(PartNumberMarker !== undefined && { PartNumberMarker }),
      })
      const page: ListPartsCommandOutput = await patiently(() => upload.bucket.s3.send(list))
      for (const { PartNumber = 0, ETag, Size = 0 } of page.Parts ?? []) {
        there.set(PartNumber, { etag: bareEtag(ETag), sizeBytes: Size })
      }
      PartNumberMarker = page.IsTruncated ? page.NextPartNumberMarker : undefined
    } while (PartNumberMarker !== undefined)
    return { upload, there }
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

/** Memory that a part was sent from and another can be: what is let go of stays until garbage is collected. */
export type Room = Uint8Array

/** What parts are made from. */
export interface PartOrigin {
  readonly source: SourceVersion
  /** Over the source, for the parts that are sent. */
  readonly reader: RangeReader
  /** What no part needs at the moment; shared by the parts of one upload. */
  readonly rooms: Room[]
}

/**
 * Makes one part, by a copy within S3 or by sending it.
 *
 * @param number from 1
 * @returns its ETag, without quotes
 * @throws {BucketError} `gone` or `changed` where the source is no longer that version
 */
export function putPart(
  upload: MultipartUpload,
  number: number,
  part: Part,
  origin: PartOrigin,
): Promise<string> {
  return part.kind === 'copy'
    ? copyPart(upload, number, part, origin.source)
    : sendPart(upload, number, part, origin)
}

async function copyPart(
  upload: MultipartUpload,
  PartNumber: number,
  { offset, lengthBytes }: Extract<Part, { kind: 'copy' }>,
  source: SourceVersion,
): Promise<string> {
  const command = new UploadPartCopyCommand({
    ...where(upload),
    PartNumber,
    ...copySourceOf(source),
    CopySourceRange: `bytes=${offset}-${offset + lengthBytes - 1}`,
  })
  try {
    const { CopyPartResult } = await patiently(() => upload.bucket.s3.send(command))
    return bareEtag(CopyPartResult?.ETag)
  } catch (error) {
    const isGone = error instanceof Error && /^NoSuch(Key|Version)$/.test(error.name)
    if (isGone) {
      throw new BucketError('gone', source.key, `version ${source.versionId} is no longer there`)
    }
    if (statusOf(error) !== 412) throw error
    const reason = `version ${source.versionId} no longer has the ETag ${source.etag}`
    throw new BucketError('changed', source.key, reason)
  }
}

async function sendPart(
  upload: MultipartUpload,
  PartNumber: number,
  { pieces, lengthBytes }: Extract<Part, { kind: 'send' }>,
  { reader, rooms }: PartOrigin,
): Promise<string> {
  const spare = rooms.pop()
  const room = spare && spare.byteLength >= lengthBytes ? spare : new Uint8Array(lengthBytes)
  const Body = await readPieces(reader, pieces, room)
  const command = new UploadPartCommand({ ...where(upload), PartNumber, Body })
  const { ETag } = await patiently(() => upload.bucket.s3.send(command))
  // Not after a failure: something may still read it or write to it.
  rooms.push(room)
  return bareEtag(ETag)
}

/**
 * Makes the object of its parts.
 *
 * @param etags of the parts, in order
 * @throws the S3 error; after a 5xx or none the object may be there
 */
export async function completeUpload(
  upload: MultipartUpload,
  etags: readonly string[],
  condition: Condition | undefined,
  sizeBytes: number,
): Promise<void> {
  const Parts = etags.map((etag, index) => ({ PartNumber: index + 1, ETag: `"${etag}"` }))
  await upload.bucket.s3.send(
    new CompleteMultipartUploadCommand({
      ...where(upload),
      MultipartUpload: { Parts },
      // S3 refuses where the parts are together of another size.
      MpuObjectSize: sizeBytes,
      ...condition,
    }),
  )
}

/** Lets go of an upload and its parts. One that is no longer there is no failure, nor is one that stays. */
export async function abortUpload(upload: MultipartUpload): Promise<void> {
  // What is left after a failure is aborted by the sweep, or by the bucket's lifecycle.
  await upload.bucket.s3.send(new AbortMultipartUploadCommand(where(upload))).catch(() => {})
}

function where({ bucket, key, uploadId }: MultipartUpload) {
  return { Bucket: bucket.name, Key: key, UploadId: uploadId }
}
