/** What the bucket lists for one key: every version, and whether a delete marker lies on top. */
import {
  type DeleteMarkerEntry,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion,
} from '@aws-sdk/client-s3'
import { type Bucket, bareEtag } from './bucket.ts'

/** A version of an object, as a listing shows it. */
export interface ListedVersion {
  key: string
  versionId: string
  etag: string
  sizeBytes: number
  /** `Last-Modified`, in whole seconds since 1970. */
  seconds: number
}

/** All versions of one key. */
export interface KeyVersions {
  /** Objects from the oldest to the newest, in S3's own order. */
  uploads: ListedVersion[]
  /** Where the current version is a delete marker: its time, and the version right below it. */
  marker: { seconds: number; above: string | undefined } | undefined
}

interface Listed extends ListedVersion {
  isMarker: boolean
}

/**
 * Lists the versions of one key. Keys that merely begin with it come later in S3's order, so the first
 * of them ends the listing.
 */
export async function versionsOf(bucket: Bucket, key: string): Promise<KeyVersions> {
  const newestFirst: Listed[] = []
  for await (const listed of list(bucket, { Prefix: key })) {
    if (listed.key !== key) break
    newestFirst.push(listed)
  }
  return keyVersions(newestFirst)
}

/** Lists the versions of every key below a prefix, by key. */
export function versionsBelow(bucket: Bucket, prefix: string): Promise<Map<string, KeyVersions>> {
  return versionsByKey(bucket, { Prefix: prefix })
}

/** Lists the versions of every key right below a prefix, and of none in its folders, by key. */
export function versionsRightBelow(
  bucket: Bucket,
  prefix: string,
): Promise<Map<string, KeyVersions>> {
  return versionsByKey(bucket, { Prefix: prefix, Delimiter: '/' })
}

async function versionsByKey(
  bucket: Bucket,
  where: { Prefix: string; Delimiter?: string },
): Promise<Map<string, KeyVersions>> {
  const byKey = new Map<string, Listed[]>()
  for await (const listed of list(bucket, where)) {
    const ofKey = byKey.get(listed.key)
    if (ofKey === undefined) byKey.set(listed.key, [listed])
    else ofKey.push(listed)
  }
  return new Map([...byKey].map(([key, newestFirst]) => [key, keyVersions(newestFirst)]))
}

/** The first key below a prefix that has a current version, in S3's order. */
export async function firstBelow(
  bucket: Bucket,
  prefix: string,
): Promise<ListedVersion | undefined> {
  let newest: Listed | undefined
  for await (const listed of list(bucket, { Prefix: prefix })) {
    const isNewest = newest?.key !== listed.key
    newest = listed
    if (!isNewest || listed.isMarker) continue
    const { key, versionId, etag, sizeBytes, seconds } = listed
    return { key, versionId, etag, sizeBytes, seconds }
  }
  return undefined
}

function keyVersions(newestFirst: readonly Listed[]): KeyVersions {
  const uploads = newestFirst
    .filter(({ isMarker }) => !isMarker)
    .map(({ key, versionId, etag, sizeBytes, seconds }) => ({
      key,
      versionId,
      etag,
      sizeBytes,
      seconds,
    }))
    .toReversed()
  const [top] = newestFirst
  const marker = top?.isMarker
    ? { seconds: top.seconds, above: uploads.at(-1)?.versionId }
    : undefined
  return { uploads, marker }
}

/** Keys right below a prefix, deleted ones too, in S3's order. */
export async function keysBelow(bucket: Bucket, prefix: string): Promise<string[]> {
  const keys = new Set<string>()
  for await (const { key } of list(bucket, { Prefix: prefix, Delimiter: '/' })) keys.add(key)
  return [...keys]
}

/** Folders right below a prefix, each with the slash at its end, in S3's order. */
export async function foldersBelow(bucket: Bucket, prefix: string): Promise<string[]> {
  const folders: string[] = []
  for await (const page of pages(bucket, { Prefix: prefix, Delimiter: '/' })) {
    folders.push(...(page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix))
  }
  return folders
}

async function* list(
  bucket: Bucket,
  where: { Prefix: string; Delimiter?: string },
): AsyncGenerator<Listed> {
  for await (const page of pages(bucket, where)) {
    yield* inListOrder(rowsOf(page))
  }
}

async function* pages(
  bucket: Bucket,
  where: { Prefix: string; Delimiter?: string },
): AsyncGenerator<ListObjectVersionsCommandOutput> {
  let from: ListingPlace | undefined = {}
  while (from !== undefined) {
    const page: ListObjectVersionsCommandOutput = await pageFrom(bucket, where, from)
    yield page
    from = placeAfter(page)
  }
}

function pageFrom(
  bucket: Bucket,
  where: { Prefix: string; Delimiter?: string },
  { key, versionId }: ListingPlace,
): Promise<ListObjectVersionsCommandOutput> {
  return bucket.s3.send(
    new ListObjectVersionsCommand({
      Bucket: bucket.name,
      ...where,
      ...(key !== undefined && { KeyMarker: key }),
      ...(versionId !== undefined && { VersionIdMarker: versionId }),
    }),
  )
}

function placeAfter(page: ListObjectVersionsCommandOutput): ListingPlace | undefined {
  if (!page.IsTruncated) return undefined
  const { NextKeyMarker: key, NextVersionIdMarker: versionId } = page
  return { ...(key !== undefined && { key }), ...(versionId !== undefined && { versionId }) }
}

/** Where a listing of versions goes on: after this version of this key; from the first one, if empty. */
export interface ListingPlace {
  key?: string
  versionId?: string
}

/** A version or a delete marker, as a listing has it. */
export interface ListedRow extends ListedVersion {
  isMarker: boolean
  isLatest: boolean
}

/**
 * One page of a listing of all versions below a prefix, up to 1,000 of them.
 *
 * @returns its rows, and where the next page begins; nothing where this is the last
 */
export async function versionsPage(
  bucket: Bucket,
  prefix: string,
  from: ListingPlace,
): Promise<{ rows: ListedRow[]; next: ListingPlace | undefined }> {
  const page = await pageFrom(bucket, { Prefix: prefix }, from)
  return { rows: rowsOf(page), next: placeAfter(page) }
}

/** All rows of a listing below a prefix. */
export async function rowsBelow(bucket: Bucket, prefix: string): Promise<ListedRow[]> {
  const rows: ListedRow[] = []
  for await (const page of pages(bucket, { Prefix: prefix })) rows.push(...rowsOf(page))
  return rows
}

function rowsOf(page: ListObjectVersionsCommandOutput): ListedRow[] {
  return [
    ...(page.Versions ?? []).map((version) => listedOf(version, false)),
    ...(page.DeleteMarkers ?? []).map((marker) => listedOf(marker, true)),
  ]
}

function listedOf(version: ObjectVersion & DeleteMarkerEntry, isMarker: boolean): ListedRow {
  return {
    key: version.Key ?? '',
    versionId: version.VersionId ?? 'null',
    etag: bareEtag(version.ETag),
    sizeBytes: version.Size ?? 0,
    seconds: Math.floor((version.LastModified?.getTime() ?? 0) / 1000),
    isLatest: version.IsLatest ?? false,
    isMarker,
  }
}

/**
 * The SDK gives versions and delete markers apart, each in S3's order. Which of the two is on top the
 * `IsLatest` flag tells; below that their relative order does not matter to the hub.
 */
function inListOrder(rows: ListedRow[]): ListedRow[] {
  const byKey = Map.groupBy(rows, ({ key }) => key)
  return [...byKey]
    .toSorted(([a], [b]) => byUtf8(a, b))
    .flatMap(([, ofKey]) => [
      ...ofKey.filter(({ isLatest }) => isLatest),
      ...ofKey.filter(({ isLatest }) => !isLatest),
    ])
}

/** S3 sorts keys by their UTF-8 bytes. */
function byUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
