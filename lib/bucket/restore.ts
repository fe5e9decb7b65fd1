/** Restores: a noncurrent version becomes the current one again, by a copy under its own key. */
import { CopyObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { assembleObject } from './assemble-object.ts'
import { type Bucket, BucketError, statusOf } from './bucket.ts'
import { copySourceOf } from './copy-source.ts'
import { ALL_TIME } from './deadline.ts'
import { headOf, versionIn } from './head.ts'
import { objectReader } from './object-reader.ts'
import { type Condition, objectProperties, type Properties } from './properties.ts'
import { partsOfCopy } from './transfer-parts.ts'
import { type ListedVersion, versionsOf } from './versions.ts'

/** User metadata of a restored object: the version that it brings back. */
export const RESTORES = 'checkpoint-hub-restores'

/** User metadata of the restored marker of a directory: a hash of the versions of its files that lay there then. */
export const HOLDS = 'checkpoint-hub-holds'

/** What came of a restore. */
export type Restored =
  /** Something is there under the key, so there was nothing to restore. */
  | { kind: 'present' }
  | { kind: 'restored'; version: ListedVersion }
  /** The version has expired. */
  | { kind: 'gone' }

/** `CopyObject` takes no larger source; beyond, the copy is made of parts. */
export const COPY_LIMIT_BYTES = 5 * 1024 ** 3

/**
 * The version to restore, the ETag of the object that it takes the place of, if it does, and, of the marker of a
 * directory, the hash of the versions of its files.
 */
export interface RestoreRequest
  extends Pick<ListedVersion, 'key' | 'versionId' | 'etag' | 'sizeBytes'> {
  over?: string
  holds?: string
}

type Source = Omit<RestoreRequest, 'over'>

/**
 * Copies a version onto its own key, if nothing is there or the one object that it is to replace. What
 * was on top, a delete marker too, stays in the key's history.
 *
 * @param copyLimitBytes sources that are larger are copied in parts
 * @throws the S3 error where the outcome is not known; restoring again is safe
 */
export async function restoreVersion(
  bucket: Bucket,
  { over, ...source }: RestoreRequest,
  copyLimitBytes = COPY_LIMIT_BYTES,
): Promise<Restored> {
  const { uploads, marker } = await versionsOf(bucket, source.key)
  const top = marker === undefined ? uploads.at(-1) : undefined
  if (top?.etag !== over) return { kind: 'present' }
  const properties = await objectProperties(bucket, source)
  if (properties === undefined) return { kind: 'gone' }
  const copy = source.sizeBytes > copyLimitBytes ? copyInParts : copyWhole
  const condition: Condition = over === undefined ? { IfNoneMatch: '*' } : { IfMatch: `"${over}"` }
  try {
    await copy(bucket, source, withToken(properties, source), condition)
  } catch (error) {
    // The source may have gone, or what it was to replace: whoever looks again sees which.
    const isMissing = error instanceof BucketError && error.code === 'gone'
    if (isMissing || statusOf(error) === 404) {
      return { kind: over === undefined ? 'gone' : 'present' }
    }
    if (statusOf(error) !== 412) throw error
    // Either somebody uploaded meanwhile, or this is our own success whose answer was lost.
  }
  return restoredOrPresent(bucket, source)
}

/**
 * Copies the current version onto itself, so that it is newer than all that was restored beside it. Where
 * another one has taken its place, that one stays.
 *
 * @throws the S3 error where the outcome is not known; renewing again is safe
 */
export async function renewVersion(bucket: Bucket, source: Source): Promise<Restored> {
  const properties = await objectProperties(bucket, source)
  if (properties === undefined) return { kind: 'present' }
  try {
    const condition = { IfMatch: `"${source.etag}"` }
    await copyWhole(bucket, source, withToken(properties, source), condition)
  } catch (error) {
    const status = statusOf(error)
    if (status !== 404 && status !== 412) throw error
    return { kind: 'present' }
  }
  return restoredOrPresent(bucket, source)
}

/** The version that the hub restored by writing this one. */
export async function restoredFrom(
  bucket: Bucket,
  { key, versionId }: Pick<Source, 'key' | 'versionId'>,
): Promise<string | undefined> {
  const version = { Bucket: bucket.name, Key: key, VersionId: versionId }
  return (await bucket.s3.send(new HeadObjectCommand(version))).Metadata?.[RESTORES]
}

/** The trainer's own metadata, and the token by which the hub knows what it restored. */
function withToken({ Metadata, ...others }: Properties, { versionId, holds }: Source): Properties {
  const token = { [RESTORES]: versionId, ...(holds !== undefined && { [HOLDS]: holds }) }
  return { ...others, Metadata: { ...Metadata, ...token } }
}

async function copyWhole(
  bucket: Bucket,
  source: Source,
  properties: Properties,
  condition: Condition,
): Promise<void> {
  await bucket.s3.send(
    new CopyObjectCommand({
      Bucket: bucket.name,
      Key: source.key,
      ...copySourceOf({ bucket, ...source }),
      ...properties,
      ...condition,
      // Tags would need permissions of their own, and mean nothing to the hub.
      TaggingDirective: 'REPLACE',
      MetadataDirective: 'REPLACE',
    }),
  )
}

async function copyInParts(
  bucket: Bucket,
  source: Source,
  properties: Properties,
  condition: Condition,
): Promise<void> {
  await assembleObject({
    source: { bucket, ...source },
    reader: objectReader(bucket, source),
    parts: partsOfCopy(source.sizeBytes),
    destination: { bucket, key: source.key, condition, properties },
    timeLeft: ALL_TIME,
  })
}

async function restoredOrPresent(bucket: Bucket, { key, versionId }: Source): Promise<Restored> {
  const head = await headOf(bucket, key)
  if (head?.Metadata?.[RESTORES] !== versionId) return { kind: 'present' }
  return { kind: 'restored', version: versionIn(head, key) }
}
