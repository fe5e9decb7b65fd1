/**
 * Deleting and restoring the files of a directory checkpoint.
 *
 * Each file is deleted by a call of its own. `DeleteObjects` takes a thousand keys and an ETag for each,
 * but in its body: the role allows deletes by their `If-Match` header alone, and AWS does not say that its
 * condition key is filled from the body. A role without that condition could delete anything.
 */
import {
  type DirectoryContent,
  type FileVersion,
  isSameFile,
} from '../checkpoint/directory-content.ts'
import { CALLS_AT_ONCE, forEachAtOnce } from './at-once.ts'
import type { Bucket } from './bucket.ts'
import { deleteIfMatch } from './delete.ts'
import type { DirectoryListing } from './directory.ts'
import { headOf, versionIn } from './head.ts'
import { RESTORES, restoredFrom, restoreVersion } from './restore.ts'
import { type ListedVersion, versionsBelow } from './versions.ts'

/** Copies of files at once; S3 makes them, so that no bytes pass through here. */
const COPIES_AT_ONCE = 20

/** Files that one look reads the metadata of. A trainer's next save may have thousands, and is looked at each time. */
const LOOKED_INTO = 50

/**
 * Deletes the files of a directory, those that are still the versions decided on or that the hub restored.
 * What was uploaded since stays, also where its bytes are the same: what an unlucky moment deleted nevertheless comes
 * back.
 *
 * @param directory its key, with the slash at its end
 * @param decidedSeconds when that was decided, in seconds since 1970
 * @throws the S3 error where an outcome is not known; deleting again is safe
 */
export async function deleteFiles(
  bucket: Bucket,
  directory: string,
  content: DirectoryContent,
  listing: DirectoryListing,
  decidedSeconds: number,
): Promise<void> {
  const there = filesThere(directory, content, listing)
  const all = await forEachAtOnce(there, CALLS_AT_ONCE, async (file) => {
    if (file.top.versionId === file.versionId) return file
    // What came back later is of a restore that was decided on since, and may be under way.
    if (file.top.seconds > decidedSeconds) return undefined
    return (await isRestored(bucket, file)) ? file : undefined
  })
  const present = all.filter((each) => each !== undefined)
  await forEachAtOnce(present, CALLS_AT_ONCE, ({ key, top }) =>
    deleteIfMatch(bucket, key, top.etag),
  )
  if (present.length === 0) return
  const after = await versionsBelow(bucket, directory)
  await forEachAtOnce(present, COPIES_AT_ONCE, async ({ key, top, versionId }) => {
    const { uploads, marker } = after.get(key) ?? { uploads: [] }
    const newest = uploads.at(-1)
    if (marker === undefined || newest === undefined || newest.versionId === top.versionId) return
    // What a restore has brought back meanwhile goes with its directory, or comes back with it.
    const isOwn = await isRestored(bucket, { key, uploads, versionId })
    if (!isOwn) await restoreVersion(bucket, newest)
  })
}

/**
 * Whether files lie below the deleted marker of a directory that the hub restored, of this one or of an older save: by a
 * worker that did not know that it was to go again.
 *
 * @param directory its key, with the slash at its end
 */
export async function isAnyRestored(
  bucket: Bucket,
  directory: string,
  content: DirectoryContent,
  listing: DirectoryListing,
): Promise<boolean> {
  const odd = filesThere(directory, content, listing)
    .filter(({ top, versionId, uploads }) => {
      return top.versionId !== versionId && isAsLargeAsAnother(uploads, top)
    })
    .slice(0, LOOKED_INTO)
  const found = await forEachAtOnce(odd, CALLS_AT_ONCE, (file) => isRestored(bucket, file))
  return found.includes(true)
}

function isAsLargeAsAnother(uploads: readonly FileVersion[], version: FileVersion): boolean {
  return uploads.some(
    ({ versionId, sizeBytes }) =>
      versionId !== version.versionId && sizeBytes === version.sizeBytes,
  )
}

/** A file that is there, and the version of it that the directory consists of, which another may lie over. */
interface FileThere {
  key: string
  versionId: string
  uploads: readonly FileVersion[]
  top: FileVersion
}

/**
 * The files of a deleted directory that are there. What was uploaded after its marker was deleted may be of a save that
 * is under way, though its bytes are the same.
 */
function filesThere(
  directory: string,
  content: DirectoryContent,
  { listed, histories }: DirectoryListing,
): FileThere[] {
  const deletedSeconds = listed.marker?.seconds ?? Number.POSITIVE_INFINITY
  return [...content].flatMap(([name, { versionId, seconds }]) => {
    const { uploads = [], isDeleted = true } = histories.get(name) ?? {}
    const top = isDeleted ? undefined : uploads.at(-1)
    if (top === undefined || seconds > deletedSeconds) return []
    return [{ key: `${directory}${name}`, versionId, uploads, top }]
  })
}

/**
 * Whether the newest version of a file is what the hub restored of another one, of an older save of it, or of what that
 * one was restored of. Such a one is newer than its marker where a restore did not get that far.
 */
async function isRestored(
  bucket: Bucket,
  { key, uploads, versionId }: Pick<FileThere, 'key' | 'uploads' | 'versionId'>,
): Promise<boolean> {
  const newest = uploads.at(-1)
  if (newest === undefined) return false
  const line = await lineOf(bucket, key, uploads, newest.versionId)
  const [, ...origins] = line
  const own = uploads.findIndex((upload) => upload.versionId === versionId)
  const isOfOlder = uploads
    .slice(0, Math.max(own, 0))
    .some((upload) => origins.includes(upload.versionId))
  if (isOfOlder || line.includes(versionId)) return true
  if (origins.length === 0) return false
  return (await lineOf(bucket, key, uploads, versionId)).at(-1) === line.at(-1)
}

/** A version, what it was restored of, and so on; the origin itself may have expired. */
async function lineOf(
  bucket: Bucket,
  key: string,
  uploads: readonly FileVersion[],
  versionId: string,
): Promise<string[]> {
  const line: string[] = []
  let at: string | undefined = versionId
  while (at !== undefined && !line.includes(at)) {
    line.push(at)
    const isThere: boolean = uploads.some((upload) => upload.versionId === line.at(-1))
    at = isThere ? await restoredFrom(bucket, { key, versionId: at }) : undefined
  }
  return line
}

/**
 * Restores the files of a directory that are deleted.
 *
 * @param directory its key, with the slash at its end
 * @returns by name the versions that lie there now; `gone` where one has expired, or another upload has taken its
 *   place: then it is no more what it was; `deleted` where what came back was deleted again at once
 * @throws the S3 error where an outcome is not known; restoring again is safe
 */
export async function restoreFiles(
  bucket: Bucket,
  directory: string,
  content: DirectoryContent,
  { histories }: DirectoryListing,
): Promise<ReadonlyMap<string, FileVersion> | 'gone' | 'deleted'> {
  const files = [...content].map(([name, origin]) => {
    const { uploads = [], isDeleted = true } = histories.get(name) ?? {}
    return { name, origin, current: isDeleted ? undefined : uploads.at(-1) }
  })
  // A copy of what was uploaded in parts has another ETag, and may be of an attempt that was interrupted.
  const present = await forEachAtOnce(files, CALLS_AT_ONCE, async ({ name, origin, current }) => {
    if (current === undefined || isSameFile(current, origin)) return true
    const key = `${directory}${name}`
    return (await restoredFrom(bucket, { key, versionId: current.versionId })) === origin.versionId
  })
  if (present.includes(false)) return 'gone'
  const there = await forEachAtOnce(files, COPIES_AT_ONCE, async ({ name, origin, current }) => {
    const version =
      current ?? (await restoreFile(bucket, { ...origin, key: `${directory}${name}` }))
    return [name, version] as const
  })
  const versions = new Map<string, FileVersion>()
  for (const [name, version] of there) if (typeof version === 'object') versions.set(name, version)
  if (versions.size === files.length) return versions
  return there.some(([, version]) => version === 'gone') ? 'gone' : 'deleted'
}

/** The version that lies there then, which another worker may have brought back meanwhile. */
async function restoreFile(
  bucket: Bucket,
  origin: ListedVersion,
): Promise<FileVersion | 'gone' | 'deleted'> {
  const restored = await restoreVersion(bucket, origin)
  if (restored.kind !== 'present') return restored.kind === 'gone' ? 'gone' : restored.version
  const head = await headOf(bucket, origin.key)
  if (head === undefined) return 'deleted'
  const version = versionIn(head, origin.key)
  const isOfIt = isSameFile(version, origin) || head.Metadata?.[RESTORES] === origin.versionId
  return isOfIt ? version : 'gone'
}
