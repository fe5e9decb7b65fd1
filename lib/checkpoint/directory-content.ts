/**
 * Which versions of its files a directory checkpoint consists of, for every version of its marker.
 *
 * S3 knows no directories: all there is are versions of keys with times in whole seconds. A trainer may
 * write the marker last, a recursive copy first or in between, and either may overwrite the directory. So
 * a version of the marker stands for the files that were uploaded around it and belong to none before. The
 * answer depends on what is listed alone, and what is uploaded after a whole save changes nothing about it.
 */
import { createHash } from 'node:crypto'
import { isPartOfCheckpoint, type ListedFile } from './directory-marker.ts'

/** One version of a file. */
export interface FileVersion {
  versionId: string
  etag: string
  sizeBytes: number
  /** `Last-Modified`, in whole seconds since 1970. */
  seconds: number
}

/** What the bucket lists for one file. */
export interface FileHistory {
  /** From the oldest to the newest. */
  uploads: readonly FileVersion[]
  /** True where a delete marker lies on top. */
  isDeleted: boolean
}

/** A version of the marker and the files that it names. */
export interface MarkerReading {
  version: FileVersion
  /** The version that the hub restored by writing this one, its files before it. */
  restores?: string | undefined
  /** The hash of the versions of its files that lay there then, where the hub restored it. */
  holds?: string | undefined
  files: readonly ListedFile[]
}

/** The version of each file that is part of a directory, by name; what is not there yet is missing. */
export type DirectoryContent = ReadonlyMap<string, FileVersion>

/**
 * The content of every version of a marker.
 *
 * @param readings versions of one marker, from the oldest
 * @param histories what the bucket lists, by name within the directory
 * @param copies versions of files that the hub made of older ones: they are of no save of their own
 */
export function contentsOf(
  readings: readonly MarkerReading[],
  histories: ReadonlyMap<string, FileHistory>,
  copies: ReadonlySet<string> = new Set(),
): DirectoryContent[] {
  const contents: DirectoryContent[] = []
  for (const reading of readings) {
    const origin = readings.findIndex(({ version }) => version.versionId === reading.restores)
    const restored = contents[origin]
    contents.push(
      restored === undefined
        ? ownContentOf(reading, contents, histories, copies)
        : restoredContentOf(reading, restored, histories),
    )
  }
  return contents
}

/**
 * Of each file the newest version up to the marker, else the first one after it. Versions that an earlier
 * marker stands for count only where not every file was uploaded again, or where the marker was restored: what is
 * uploaded after that is of the next save.
 */
function ownContentOf(
  { version, files, restores }: MarkerReading,
  before: readonly DirectoryContent[],
  histories: ReadonlyMap<string, FileHistory>,
  copies: ReadonlySet<string>,
): DirectoryContent {
  const all = new Map<string, FileVersion>()
  const again = new Map<string, FileVersion>()
  for (const { name } of files) {
    const uploads = histories.get(name)?.uploads ?? []
    const later = uploadsSince(uploads, name, before).filter(
      ({ versionId }) => !copies.has(versionId),
    )
    const chosen = around(uploads, version.seconds)
    const fresh = around(later, version.seconds)
    if (chosen !== undefined) all.set(name, chosen)
    if (fresh !== undefined) again.set(name, fresh)
  }
  return restores === undefined && again.size === files.length ? again : all
}

/** The versions of a file that come after all that earlier markers stand for. */
function uploadsSince(
  uploads: readonly FileVersion[],
  name: string,
  before: readonly DirectoryContent[],
): readonly FileVersion[] {
  const counted = new Set(before.map((content) => content.get(name)?.versionId))
  return uploads.slice(uploads.findLastIndex(({ versionId }) => counted.has(versionId)) + 1)
}

/**
 * What the hub brought back of what the marker stood for that it restored. Where the next save has put files over those
 * before the marker was there, what lies around the marker is of that one. Where the marker that was restored had come
 * first of its save, and the files of that came later than both, it stands for those.
 */
function restoredContentOf(
  { version: { seconds }, holds }: MarkerReading,
  restored: DirectoryContent,
  histories: ReadonlyMap<string, FileHistory>,
): DirectoryContent {
  const uploadsOf = (name: string) => histories.get(name)?.uploads ?? []
  const entries = [...restored]
  if (entries.every(([, origin]) => origin.seconds > seconds)) return restored
  const there = new Map(
    entries.map(([name, origin]) => [name, around(uploadsOf(name), seconds) ?? origin]),
  )
  if (holds === undefined || versionsHash(there) === holds) return there
  return new Map(
    entries.map(([name, origin]) => {
      const same = uploadsOf(name).filter((upload) => isSameFile(upload, origin))
      return [name, around(same, seconds) ?? origin]
    }),
  )
}

/** A version of a file that the hub may have made of an older one. */
export interface PossibleCopy {
  name: string
  version: FileVersion
}

/**
 * Versions of files of which it is to be told whether the hub made them, as the next save's marker may have been
 * uploaded while they were restored, and its files after that. Few are: the same bytes as those of an earlier marker, and
 * only where others came after the marker.
 */
export function possibleCopies(
  readings: readonly MarkerReading[],
  histories: ReadonlyMap<string, FileHistory>,
): PossibleCopy[] {
  const contents = contentsOf(readings, histories)
  return readings.flatMap(({ version: { seconds }, files, restores }, at) => {
    const before = contents.slice(0, at)
    const uploads = files.flatMap(({ name }) =>
      uploadsSince(histories.get(name)?.uploads ?? [], name, before).map((version) => {
        const isRepeat = before.some((content) => isSameFile(version, content.get(name)))
        return { name, version, isRepeat }
      }),
    )
    const isFollowed = uploads.some(({ version, isRepeat }) => {
      return !isRepeat && version.seconds > seconds
    })
    if (restores !== undefined || !isFollowed) return []
    return uploads.flatMap(({ name, version, isRepeat }) => (isRepeat ? [{ name, version }] : []))
  })
}

function around(uploads: readonly FileVersion[], seconds: number): FileVersion | undefined {
  return (
    uploads.findLast((upload) => upload.seconds <= seconds) ??
    uploads.find((upload) => upload.seconds > seconds)
  )
}

/** What is wrong with a directory, for a person; nothing where it is whole. */
export interface DirectoryFault {
  reason: string
  /** How many of its files were deleted although its marker is there. */
  removed: number
}

/**
 * Whether a directory is whole: every file there and as large as its marker says, and, where the marker is
 * the current one, none of them deleted or overwritten since.
 */
export function faultOf(
  { files }: MarkerReading,
  content: DirectoryContent,
  histories: ReadonlyMap<string, FileHistory>,
  isCurrent: boolean,
): DirectoryFault | undefined {
  const named = (names: readonly string[]) =>
    `${names.length} of its ${files.length} files: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`
  const missing = files.filter(({ name }) => !content.has(name)).map(({ name }) => name)
  if (missing.length > 0) return { reason: `waits for ${named(missing)}`, removed: 0 }
  const odd = files.find((file) => !fits(file, content.get(file.name)))
  if (odd !== undefined) return { reason: oddSize(odd, content.get(odd.name)), removed: 0 }
  if (!isCurrent) return undefined
  const names = files.map(({ name }) => name)
  const removed = names.filter((name) => histories.get(name)?.isDeleted)
  if (removed.length > 0) {
    return { reason: `lacks ${named(removed)}, deleted since`, removed: removed.length }
  }
  const replaced = names.filter(
    (name) => !isSameFile(histories.get(name)?.uploads.at(-1), content.get(name)),
  )
  if (replaced.length === 0) return undefined
  const reason = `${named(replaced)} were uploaded again since; its marker is to follow`
  return { reason, removed: 0 }
}

function fits({ size }: ListedFile, version: FileVersion | undefined): boolean {
  if (version === undefined) return false
  return 'exactBytes' in size
    ? version.sizeBytes === size.exactBytes
    : version.sizeBytes >= size.leastBytes
}

function oddSize({ name, size }: ListedFile, version: FileVersion | undefined): string {
  const said = 'exactBytes' in size ? `${size.exactBytes}` : `at least ${size.leastBytes}`
  return `${name} has ${version?.sizeBytes} bytes, its marker says ${said}`
}

/** The same file uploaded once more is no other one. */
export function isSameFile(a: FileVersion | undefined, b: FileVersion | undefined): boolean {
  return a?.etag === b?.etag && a?.sizeBytes === b?.sizeBytes
}

/** Tells which versions of its files lie in a directory: a hash of names and version ids. */
export function versionsHash(files: ReadonlyMap<string, Pick<FileVersion, 'versionId'>>): string {
  const hash = createHash('sha256')
  for (const [name, { versionId }] of files) hash.update(`${JSON.stringify([name, versionId])}\n`)
  return hash.digest('hex')
}

/** Bytes of a whole directory, its marker included. */
export function totalBytes({ version }: MarkerReading, content: DirectoryContent): number {
  return [...content.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, version.sizeBytes)
}

/**
 * Tells a directory's bytes from others: a hash of names, sizes and ETags. DCP's marker is a part of the
 * checkpoint; one that only lists the files is not.
 */
export function directoryFingerprint(
  marker: string,
  { version }: MarkerReading,
  content: DirectoryContent,
): string {
  const hash = createHash('sha256')
  const own: [string, FileVersion][] = isPartOfCheckpoint(marker) ? [[marker, version]] : []
  for (const [name, { sizeBytes, etag }] of [...own, ...content]) {
    hash.update(`${JSON.stringify([name, sizeBytes, etag])}\n`)
  }
  return hash.digest('hex')
}
