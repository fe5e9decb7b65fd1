/**
 * A directory checkpoint in the bucket: its marker, the files that the marker names, and all versions of
 * them. Read as a whole, so that whoever decides about it and whoever deletes it see the same.
 */
import { CheckpointFormatError } from '../checkpoint/checkpoint-format-error.ts'
import {
  contentsOf,
  type DirectoryContent,
  directoryFingerprint,
  type FileHistory,
  type MarkerReading,
  possibleCopies,
} from '../checkpoint/directory-content.ts'
import { filesIn, MAX_MARKER_BYTES } from '../checkpoint/directory-marker.ts'
import { CALLS_AT_ONCE, forEachAtOnce } from './at-once.ts'
import { type Bucket, BucketError } from './bucket.ts'
import { objectReader } from './object-reader.ts'
import { HOLDS, RESTORES, restoredFrom } from './restore.ts'
import { type KeyVersions, type ListedVersion, versionsBelow, versionsOf } from './versions.ts'

/** One version of a marker, read. */
export type DirectoryVersion = {
  version: ListedVersion
  /** The version that the hub restored by writing this one. */
  restores: string | undefined
} & ({ reading: MarkerReading; content: DirectoryContent } | { fault: string })

/** A directory as the bucket has it. */
export interface DirectoryListing {
  marker: string
  /** Of the marker itself. */
  listed: KeyVersions
  /** From the oldest; versions that are gone from the bucket meanwhile are left out. */
  versions: DirectoryVersion[]
  /** By name within the directory. */
  histories: ReadonlyMap<string, FileHistory>
}

/**
 * Each marker's own versions, the one that counts first.
 *
 * @param names of the markers that a directory may have, the one that counts first
 */
export async function markersOf(
  bucket: Bucket,
  directory: string,
  names: readonly string[],
): Promise<{ marker: string; listed: KeyVersions }[]> {
  const found = await Promise.all(
    names.map(async (marker) => ({
      marker,
      listed: await versionsOf(bucket, `${directory}${marker}`),
    })),
  )
  return found.filter(({ listed }) => listed.uploads.length > 0)
}

/**
 * Reads a directory whole.
 *
 * @param directory its key, with the slash at its end
 * @param owns whether a name within it is that of one of its files: one may hold a run of its own
 */
export async function readDirectory(
  bucket: Bucket,
  directory: string,
  marker: string,
  owns: (name: string) => boolean,
): Promise<DirectoryListing> {
  const below = await versionsBelow(bucket, directory)
  const histories = new Map(
    [...below].map(([key, { uploads, marker: deleted }]): [string, FileHistory] => [
      key.slice(directory.length),
      { uploads, isDeleted: deleted !== undefined },
    ]),
  )
  const listed = below.get(`${directory}${marker}`) ?? { uploads: [], marker: undefined }
  const read: Awaited<ReturnType<typeof readMarker>>[] = []
  for (const version of listed.uploads) read.push(await readMarker(bucket, marker, version, owns))
  const present = read.filter((each) => each !== undefined)
  const readings = present.flatMap((each) => ('reading' in each ? each.reading : []))
  const copies = await copiesIn(bucket, directory, readings, histories)
  const contents = contentsOf(readings, histories, copies)
  const versions = present.map((each): DirectoryVersion => {
    if (!('reading' in each)) return each
    return { ...each, content: contents[readings.indexOf(each.reading)] ?? new Map() }
  })
  return { marker, listed, versions, histories }
}

/**
 * What a version of the marker stands for, if all of it is still in the bucket.
 *
 * @param fingerprint of what it stood for when that was decided; another one may have files of the next save
 */
export function contentOf(
  { marker, versions }: DirectoryListing,
  versionId: string,
  fingerprint?: string,
): DirectoryContent | undefined {
  const found = versions.find(({ version }) => version.versionId === versionId)
  if (found === undefined || !('content' in found)) return undefined
  const { reading, content } = found
  const isAnother =
    fingerprint !== undefined && directoryFingerprint(marker, reading, content) !== fingerprint
  return isAnother ? undefined : content
}

/** Versions of files that the hub made, of those of which it may be told by nothing else. */
async function copiesIn(
  bucket: Bucket,
  directory: string,
  readings: readonly MarkerReading[],
  histories: ReadonlyMap<string, FileHistory>,
): Promise<Set<string>> {
  const possible = possibleCopies(readings, histories)
  const copied = await forEachAtOnce(possible, CALLS_AT_ONCE, async ({ name, version }) => {
    const { versionId } = version
    const from = await restoredFrom(bucket, { key: `${directory}${name}`, versionId })
    return from === undefined ? [] : [versionId]
  })
  return new Set(copied.flat())
}

async function readMarker(
  bucket: Bucket,
  marker: string,
  version: ListedVersion,
  owns: (name: string) => boolean,
) {
  if (version.sizeBytes > MAX_MARKER_BYTES) {
    const fault = `${marker} has ${version.sizeBytes} bytes, more than the ${MAX_MARKER_BYTES} that are read`
    return { version, restores: undefined, fault }
  }
  const reader = objectReader(bucket, version)
  try {
    const files = filesIn(marker, await reader.read(0, version.sizeBytes))
    const { [RESTORES]: restores, [HOLDS]: holds } = reader.metadata()
    const stray = files.find(({ name }) => !owns(name))
    const reading = { version, restores, holds, files }
    if (stray === undefined) return { version, restores, reading }
    return { version, restores, fault: `${marker} names ${stray.name}, which is no file of it` }
  } catch (error) {
    if (error instanceof BucketError && error.code === 'gone') return undefined
    if (!(error instanceof CheckpointFormatError)) throw error
    return { version, restores: reader.metadata()[RESTORES], fault: error.message }
  }
}
