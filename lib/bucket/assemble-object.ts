/**
 * Assembles an object from parts: ranges that S3 copies by itself, and stretches that are sent.
 *
 * Nothing is under the name before all of it is, and then only on its condition. What was begun and not
 * ended by a crash is gone on with, if the caller kept the upload's id.
 */
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import type { RangeReader } from '../checkpoint/range-reader.ts'
import type { Part } from '../checkpoint/rewrite.ts'
import { forEachAtOnce } from './at-once.ts'
import { BucketError, bareEtag, isTransient, statusOf } from './bucket.ts'
import type { SourceVersion } from './copy-source.ts'
import { OutOfTime, requireTime, type TimeLeft } from './deadline.ts'
import { headOf } from './head.ts'
import {
  abortUpload,
  type BegunUpload,
  beginUpload,
  completeUpload,
  type Destination,
  type MultipartUpload,
  type PartsThere,
  putPart,
  type Room,
} from './multipart.ts'

/** An object to assemble. */
export interface Assembly {
  readonly source: SourceVersion
  /** Over the source, for the parts that are sent. */
  readonly reader: RangeReader
  /** In order, without gaps. */
  readonly parts: readonly Part[]
  readonly destination: Destination
  readonly timeLeft: TimeLeft
  /** An upload of the very same parts that an earlier attempt began, if it was found. */
  readonly begun?: BegunUpload | undefined
  /** Called before the first part, so that another attempt can find the upload. */
  readonly onBegun?: (upload: MultipartUpload) => Promise<void>
}

/** What came of it. */
export type Assembled =
  | { kind: 'written'; versionId: string; etag: string }
  /** The condition does not hold: nothing was written. */
  | { kind: 'refused' }

/** Copies within S3 at once; they take none of the function's memory or line. */
const COPIES_AT_ONCE = 16
/** Parts sent at once, each of which is held: one is read while another is on its way. */
const SENDS_AT_ONCE = 2
/** Another write under the name at the same moment makes S3 refuse; then all is uploaded again. */
const CONFLICTS = 3

/**
 * Assembles an object.
 *
 * @throws {OutOfTime} what is there by then stays, for another attempt
 * @throws {BucketError} `gone` or `changed` where the source is no longer that version
 * @throws the S3 error where the outcome is not known; assembling again is safe
 */
export async function assembleObject(assembly: Assembly): Promise<Assembled> {
  for (let conflicts = 0; ; conflicts++) {
    try {
      return await assembleOnce(conflicts === 0 ? assembly : { ...assembly, begun: undefined })
    } catch (error) {
      if (statusOf(error) !== 409 || conflicts === CONFLICTS) throw error
    }
  }
}

async function assembleOnce(assembly: Assembly): Promise<Assembled> {
  const { destination, begun } = assembly
  const { upload, there } = begun ?? { upload: await begin(assembly), there: new Map() }
  let failure: unknown
  try {
    const etags = await putParts(assembly, upload, there)
    requireTime(assembly.timeLeft)
    await completeUpload(upload, etags, destination.condition, sizeOf(assembly))
  } catch (error) {
    if (error instanceof OutOfTime) throw error
    failure = error
  }
  return ending(assembly, upload, failure)
}

async function begin({ destination, onBegun }: Assembly): Promise<MultipartUpload> {
  const upload = await beginUpload(destination)
  try {
    await onBegun?.(upload)
    return upload
  } catch (error) {
    // Nothing is in it yet, and nobody would find it.
    await abortUpload(upload)
    throw error
  }
}

/**
 * What a completion came to. A refusal may be meeting our own success, whose answer was lost, or that of
 * another worker on the same object; and what is said to be written is looked at.
 */
async function ending(
  assembly: Assembly,
  upload: MultipartUpload,
  failure: unknown,
): Promise<Assembled> {
  const { destination } = assembly
  const head = await headOf(destination.bucket, destination.key)
  if (head !== undefined && isThis(head, destination, sizeOf(assembly))) {
    // Another worker may have completed an upload of its own.
    if (failure !== undefined) await abortUpload(upload)
    return { kind: 'written', versionId: head.VersionId ?? 'null', etag: bareEtag(head.ETag) }
  }
  if (failure === undefined) {
    const reason = 'another object took the place of what was just written; try again'
    throw new BucketError('changed', destination.key, reason)
  }
  // After a 5xx or without an answer it may still become the object, and its parts can be used again.
  if (failure instanceof BucketError || !isTransient(failure)) await abortUpload(upload)
  if (isUnmet(failure, destination)) return { kind: 'refused' }
  throw failure
}

async function putParts(
  { parts, source, reader, timeLeft }: Assembly,
  upload: MultipartUpload,
  there: PartsThere,
): Promise<string[]> {
  const etags: string[] = []
  const rooms: Room[] = []
  let failed = false
  const put = async (index: number) => {
    const part = parts[index]
    if (failed || part === undefined) return
    const earlier = there.get(index + 1)
    if (earlier?.sizeBytes === part.lengthBytes) {
      etags[index] = earlier.etag
      return
    }
    try {
      requireTime(timeLeft)
      etags[index] = await putPart(upload, index + 1, part, { source, reader, rooms })
    } catch (error) {
      failed = true
      throw error
    }
  }
  const ofKind = (kind: Part['kind']) => [...parts.keys()].filter((at) => parts[at]?.kind === kind)
  // Both to their end: a part that is still under way would outlive the upload that it belongs to.
  const lanes = await Promise.allSettled([
    forEachAtOnce(ofKind('copy'), COPIES_AT_ONCE, put),
    forEachAtOnce(ofKind('send'), SENDS_AT_ONCE, put),
  ])
  for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason
  return etags
}

function sizeOf({ parts }: Assembly): number {
  return parts.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
}

/** Another answer of 404 is that the upload is gone. */
function isUnmet(error: unknown, { condition }: Destination): boolean {
  if (statusOf(error) === 412) return true
  const isMissing = error instanceof Error && error.name !== 'NoSuchUpload'
  return condition?.IfMatch !== undefined && statusOf(error) === 404 && isMissing
}

/** A trainer's own metadata, which may come along, come back from S3 in another spelling. */
const OWN = 'checkpoint-hub-'

function isThis(
  head: HeadObjectCommandOutput,
  { properties }: Destination,
  sizeBytes: number,
): boolean {
  const tokens = Object.entries(properties.Metadata).filter(([name]) => name.startsWith(OWN))
  const isOurs = tokens.every(([name, value]) => head.Metadata?.[name] === value)
  return isOurs && tokens.length > 0 && head.ContentLength === sizeBytes
}
