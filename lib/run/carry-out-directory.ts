/**
 * Carrying out the effects on a directory checkpoint.
 *
 * Deleted marker first: from then on the directory is torn, and nobody takes the rest for a checkpoint.
 * Restored marker last. An effect that was interrupted is begun again, and finds what is left to do.
 */
import type { Bucket } from '../bucket/bucket.ts'
import { deleteFiles, restoreFiles } from '../bucket/change-directory.ts'
import { deleteIfMatch } from '../bucket/delete.ts'
import { contentOf, type DirectoryListing } from '../bucket/directory.ts'
import {
  type Restored,
  type RestoreRequest,
  renewVersion,
  restoreVersion,
} from '../bucket/restore.ts'
import { versionsOf } from '../bucket/versions.ts'
import { versionsHash } from '../checkpoint/directory-content.ts'
import type { Upload } from '../hook/history.ts'
import type { Action } from '../hook/ledger.ts'
import { directoryOf, uploadsIn } from './observe-directory.ts'

type Evict = Extract<Action, { kind: 'evict' }>
type Restore = Extract<Action, { kind: 'restore' }>
/** An effect on a directory: it names the marker. */
type OnDirectory<Each> = Each & { marker: string }

/** Whether an effect is on a directory. */
export function isOnDirectory<Each extends Evict | Restore>(
  action: Each,
): action is OnDirectory<Each> {
  return action.marker !== undefined
}

/** The key of an effect's marker, which is where to look again. */
export function markerKey({ key, marker }: { key: string; marker: string }): string {
  return `${key}${marker}`
}

/**
 * Deletes a directory: its marker if it is still the one decided on, then the files that it names.
 *
 * @param decidedSeconds when that was decided, in seconds since 1970
 * @returns `other` where another version of the marker is the current one, now or once all is done, or where
 *   what it stands for is no longer what was decided on: then files of the next save may be among it
 * @throws the S3 error where an outcome is not known; evicting again is safe
 */
export async function evictDirectory(
  bucket: Bucket,
  action: OnDirectory<Evict>,
  decidedSeconds: number,
): Promise<'deleted' | 'other'> {
  // Two saves of files of the same sizes may have markers of the same bytes, which no ETag tells apart.
  if (await isOfAnotherSave(bucket, action)) return 'other'
  const before = await deleteIfMatch(bucket, markerKey(action), action.etag)
  const directory = await directoryOf(bucket, action)
  const content = contentOf(directory, action.versionId, action.fingerprint)
  if (!isDeletedAbove(directory, action.versionId) || content === undefined) return 'other'
  await deleteFiles(bucket, action.key, content, directory, decidedSeconds)
  const { marker } = await versionsOf(bucket, markerKey(action))
  // Restored while its files were being deleted: some of them are missing now.
  return marker === undefined ? 'other' : before
}

async function isOfAnotherSave(bucket: Bucket, action: OnDirectory<Evict>): Promise<boolean> {
  const { uploads, marker } = await versionsOf(bucket, markerKey(action))
  return marker === undefined && uploads.at(-1)?.versionId !== action.versionId
}

/** What came of a restore, looked into. */
export type RestoredUpload =
  | Exclude<Restored, { kind: 'restored' }>
  | { kind: 'restored'; upload: Upload }

/**
 * Restores a directory: its files that are deleted, then its marker.
 *
 * @throws the S3 error where an outcome is not known; restoring again is safe
 */
export async function restoreDirectory(
  bucket: Bucket,
  action: OnDirectory<Restore>,
): Promise<RestoredUpload> {
  const directory = await directoryOf(bucket, action)
  const marker = directory.listed.uploads.find(({ versionId }) => versionId === action.versionId)
  const content = contentOf(directory, action.versionId)
  if (marker === undefined || content === undefined) return { kind: 'gone' }
  const current = directory.listed.marker === undefined && directory.listed.uploads.at(-1)
  // Another upload has taken its place, whose files these are now.
  if (current && current.versionId !== action.versionId) return { kind: 'present' }
  const files = await restoreFiles(bucket, action.key, content, directory)
  if (files === 'gone') return { kind: 'gone' }
  // It is to go again: whoever looks sees what was decided since.
  if (files === 'deleted') return { kind: 'present' }
  const request = { ...marker, holds: versionsHash(files) }
  const restored = current
    ? await renewIfTorn(bucket, action, request)
    : await restoreVersion(bucket, request)
  if (restored.kind !== 'restored') return restored
  const after = await directoryOf(bucket, action)
  const { versionId } = restored.version
  const upload = uploadsIn(after, action.key).find((each) => each.versionId === versionId)
  return upload === undefined ? { kind: 'present' } : { kind: 'restored', upload }
}

/** A marker that stood all the while is older than the files that came back. */
async function renewIfTorn(
  bucket: Bucket,
  action: OnDirectory<Restore>,
  marker: RestoreRequest,
): Promise<Restored> {
  const uploads = uploadsIn(await directoryOf(bucket, action), action.key)
  const now = uploads.find(({ versionId }) => versionId === marker.versionId)
  return now?.fault === undefined ? { kind: 'present' } : renewVersion(bucket, marker)
}

function isDeletedAbove({ listed }: DirectoryListing, versionId: string): boolean {
  return listed.marker !== undefined && listed.marker.above === versionId
}
