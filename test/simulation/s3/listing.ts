/** `ListObjectVersions`: by key, and of each key the newest first. */
import type {
  DeleteMarkerEntry,
  ListObjectsV2CommandInput,
  ListObjectsV2CommandOutput,
  ListObjectVersionsCommandInput,
  ListObjectVersionsCommandOutput,
  ObjectVersion,
} from '@aws-sdk/client-s3'
import { byUtf8 } from '../text-order.ts'
import { quoted } from './conditions.ts'
import { wholeSeconds } from './objects.ts'
import type { Shelf } from './shelf.ts'
import type { Version } from './versions.ts'

/** What S3 lists at most at once. */
const MOST_ROWS = 1000

interface Row {
  readonly version: Version
  readonly isLatest: boolean
}

export function listVersions(
  shelf: Shelf,
  input: ListObjectVersionsCommandInput,
): ListObjectVersionsCommandOutput {
  const { Prefix = '', Delimiter, KeyMarker } = input
  const most = Math.min(input.MaxKeys ?? MOST_ROWS, shelf.pageRows)
  const versions: ObjectVersion[] = []
  const markers: DeleteMarkerEntry[] = []
  const folders: string[] = []
  let last: { key: string; versionId: string | undefined } | undefined
  let isTruncated = false
  for (const row of rowsAfter(shelf, Prefix, input)) {
    const { key } = row.version
    const folder = folderIn(key, Prefix, Delimiter)
    if (folder !== undefined && (folder === folders.at(-1) || isPassed(folder, KeyMarker))) continue
    if (versions.length + markers.length + folders.length >= most) {
      isTruncated = true
      break
    }
    if (folder !== undefined) {
      folders.push(folder)
      last = { key: folder, versionId: undefined }
      continue
    }
    last = { key, versionId: row.version.versionId }
    if (row.version.object === undefined) markers.push(described(row))
    else versions.push({ ...described(row), ...sized(row.version.object) })
  }
  return {
    $metadata: { httpStatusCode: 200 },
    IsTruncated: isTruncated,
    ...(versions.length > 0 && { Versions: versions }),
    ...(markers.length > 0 && { DeleteMarkers: markers }),
    ...(folders.length > 0 && { CommonPrefixes: folders.map((folder) => ({ Prefix: folder })) }),
    ...(isTruncated &&
      last && {
        NextKeyMarker: last.key,
        ...(last.versionId !== undefined && { NextVersionIdMarker: last.versionId }),
      }),
  }
}

/** `ListObjectsV2`, of which the hub asks for a first page only: by key, without what is deleted. */
export function listObjects(
  shelf: Shelf,
  { Prefix = '', MaxKeys = MOST_ROWS, Delimiter, ContinuationToken }: ListObjectsV2CommandInput,
): ListObjectsV2CommandOutput {
  if (Delimiter !== undefined || ContinuationToken !== undefined) {
    throw new TypeError('the model of S3 lists a first page without folders only')
  }
  const present = [...rowsAfter(shelf, Prefix, { Bucket: shelf.bucketName })].flatMap(
    ({ version: { key, object }, isLatest }) =>
      isLatest && object !== undefined ? [{ Key: key, ...sized(object) }] : [],
  )
  const Contents = present.slice(0, Math.min(MaxKeys, shelf.pageRows))
  return {
    $metadata: { httpStatusCode: 200 },
    KeyCount: Contents.length,
    IsTruncated: present.length > Contents.length,
    ...(Contents.length > 0 && { Contents }),
  }
}

function* rowsAfter(
  { versions }: Shelf,
  prefix: string,
  { KeyMarker, VersionIdMarker }: ListObjectVersionsCommandInput,
): Generator<Row> {
  for (const key of versions.keys()) {
    if (!key.startsWith(prefix)) continue
    const order = KeyMarker === undefined ? 1 : byUtf8(key, KeyMarker)
    if (order < 0 || (order === 0 && VersionIdMarker === undefined)) continue
    const newestFirst = versions.of(key).toReversed()
    const from =
      order === 0 ? newestFirst.findIndex(({ versionId }) => versionId === VersionIdMarker) + 1 : 0
    for (const [at, version] of newestFirst.entries()) {
      if (at >= from) yield { version, isLatest: at === 0 }
    }
  }
}

function folderIn(key: string, prefix: string, delimiter: string | undefined): string | undefined {
  if (delimiter === undefined) return undefined
  const end = key.indexOf(delimiter, prefix.length)
  return end < 0 ? undefined : key.slice(0, end + delimiter.length)
}

/** A folder that a page ended with is not listed again. */
function isPassed(folder: string, marker: string | undefined): boolean {
  return marker !== undefined && byUtf8(folder, marker) <= 0
}

function described({ version: { key, versionId, createdMs }, isLatest }: Row): DeleteMarkerEntry {
  return {
    Key: key,
    VersionId: versionId,
    IsLatest: isLatest,
    LastModified: wholeSeconds(createdMs),
  }
}

function sized({ etag, bytes }: { etag: string; bytes: Uint8Array }): ObjectVersion {
  return { ETag: quoted(etag), Size: bytes.byteLength }
}
