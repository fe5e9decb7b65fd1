/**
 * Deleting and restoring the files of a directory checkpoint.
 *
 * Each file is deleted by a call of its own. `DeleteObjects` takes a thousand keys and an ETag for each,
 * but in its body: the role allows deletes by their `If-Match` header alone, and AWS does not say that its
 * condition key is filled from the body. A role without that condition could delete anything.
 */
import type { DirectoryContent, FileVersion } from '../checkpoint/directory-content.ts'
import { CALLS_AT_ONCE, forEachAtOnce } from './at-once.ts'
import type { Bucket } from './bucket.ts'
import { deleteIfMatch } from './delete.ts'
import type { DirectoryListing } from './directory.ts'
import { restoredFrom, restoreVersion } from './restore.ts'
import { versionsBelow } from './versions.ts'

/** Copies of files at once; S3 makes them, so that no bytes pass through here. */
const COPIES_AT_ONCE = 20

/**
 * Deletes the files of a directory, those that are still the versions decided on or that the hub restored of these.
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
  { histories }: DirectoryListing,
  decidedSeconds: number,
): Promise<void> {
  const all = await forEachAtOnce([...content], CALLS_AT_ONCE, async ([name, { versionId }]) => {
    const key = `${directory}${name}`
    const { uploads = [], isDeleted = true } = histories.get(name) ?? {}
    const top = isDeleted ? undefined : uploads.at(-1)
    if (top === undefined || top.versionId === versionId) return top && { key, top, versionId }
    // What came back later is of a restore that was decided on since, and may be under way.
    if (top.seconds > decidedSeconds) return undefined
    return (await isRestored(bucket, key, uploads, versionId)) ? { key, top, versionId } : undefined
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
    if (!(await isRestored(bucket, key, uploads, versionId))) await restoreVersion(bucket, newest)
  })
}

/**
 * Whether the newest version of a file is what the hub restored of another. Such a one is newer than its marker where a
 * restore did not get that far.
 */
async function isRestored(
  bucket: Bucket,
  key: string,
  uploads: readonly FileVersion[],
  versionId: string,
): Promise<boolean> {
  let at = uploads.at(-1)
  while (at !== undefined && at.versionId !== versionId) {
    const from = await restoredFrom(bucket, { key, versionId: at.versionId })
    at = uploads.find((upload) => upload.versionId === from)
  }
  return at !== undefined
}

/**
 * Restores the files of a directory that are deleted.
 *
 * @param directory its key, with the slash at its end
 * @returns false where one has expired, or another upload has taken its place: then it is no more what
 *   it was
 * @throws the S3 error where an outcome is not known; restoring again is safe
 */
export async function restoreFiles(
  bucket: Bucket,
  directory: string,
  content: DirectoryContent,
  { histories }: DirectoryListing,
): Promise<boolean> {
  const absent = [...content].filter(([name]) => histories.get(name)?.isDeleted !== false)
  const odd = [...content].flatMap(([name, { versionId, etag, sizeBytes }]) => {
    const { uploads = [], isDeleted } = histories.get(name) ?? {}
    const current = uploads.at(-1)
    if (isDeleted !== false || current === undefined) return []
    const isSame = current.etag === etag && current.sizeBytes === sizeBytes
    return isSame ? [] : [{ key: `${directory}${name}`, current, versionId }]
  })
  // A copy of what was uploaded in parts has another ETag, and may be of an attempt that was interrupted.
  const origins = await forEachAtOnce(odd, CALLS_AT_ONCE, ({ key, current }) =>
    restoredFrom(bucket, { key, versionId: current.versionId }),
  )
  if (odd.some(({ versionId }, at) => origins[at] !== versionId)) return false
  const restored = await forEachAtOnce(absent, COPIES_AT_ONCE, ([name, version]) =>
    restoreVersion(bucket, { ...version, key: `${directory}${name}` }),
  )
  return restored.every(({ kind }) => kind !== 'gone')
}
