/**
 * The directory of a zip file, read from its end and checked as a whole.
 *
 * Decides whether the file is one that every reader sees alike; refuses it otherwise. Reads no entry's data.
 * Called for every upload: to see that it is whole, and to know it again by its fingerprint.
 */
import { createHash } from 'node:crypto'
import { CheckpointFormatError } from './checkpoint-format-error.ts'
import type { RangeReader } from './range-reader.ts'
import { type CentralHeader, parseCentralDirectory } from './zip/central-directory.ts'
import { locateDirectory } from './zip/end-record.ts'
import { MAX_DIRECTORY_BYTES, MAX_ENTRIES, TAIL_BYTES } from './zip/limits.ts'
import { LOCAL_HEADER_BYTES } from './zip/local-header.ts'
import type { ZipDirectory, ZipEntry } from './zip/zip-entry.ts'

export type { ZipDirectory, ZipEntry } from './zip/zip-entry.ts'

/**
 * Reads the central directory of a zip file with one read of its last 64 KiB, and a second one where the
 * directory begins before them.
 *
 * @throws {CheckpointFormatError} where the file is cut short (`no-end-record`, `truncated`), larger than the
 *   limits (`too-large`), damaged (`bad-zip`), or its entries overlap or share a name (`overlap`, `duplicate-name`)
 */
export async function readZipDirectory(reader: RangeReader): Promise<ZipDirectory> {
  const fileSizeBytes = reader.sizeBytes
  const tailBytes = Math.min(fileSizeBytes, TAIL_BYTES)
  const tailOffset = fileSizeBytes - tailBytes
  const tail = await reader.read(tailOffset, tailBytes)
  const location = locateDirectory(tail, tailOffset)
  requireLimit('entries in total', location.entryCount, MAX_ENTRIES)
  requireLimit('size of the directory', location.directorySizeBytes, MAX_DIRECTORY_BYTES)
  const { directoryOffset, directorySizeBytes } = location
  const bytes =
    directoryOffset >= tailOffset
      ? tail.subarray(
          directoryOffset - tailOffset,
          directoryOffset - tailOffset + directorySizeBytes,
        )
      : await reader.read(directoryOffset, directorySizeBytes)
  const headers = parseCentralDirectory(bytes, location.entryCount)
  refuseDuplicates(headers)
  return { entries: withEnds(headers, directoryOffset), directoryOffset, fileSizeBytes }
}

/**
 * What a file is known again by: SHA-256, in hex, over the names, sizes and CRCs of its entries in the order
 * of their names. The root folder's name is part of the names.
 *
 * Where torch was told to compute no CRCs (all are 0), it tells no more than the shapes of the tensors:
 * see `recordsChecksums`.
 */
export function fingerprintOf(directory: ZipDirectory): string {
  const hash = createHash('sha256')
  const byName = directory.entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of byName) {
    hash.update(`${entry.name}\0${entry.sizeBytes}\0${entry.crc32}\n`)
  }
  return hash.digest('hex')
}

/** Whether CRCs were computed when the file was written, so that its fingerprint speaks of its bytes. */
export function recordsChecksums(directory: ZipDirectory): boolean {
  return directory.entries.some((entry) => entry.crc32 !== 0)
}

/** torch matches names without regard to case; which of two it takes depends on their position. */
function refuseDuplicates(headers: readonly CentralHeader[]): void {
  const seen = new Set<string>()
  for (const { name } of headers) {
    const folded = name.toLowerCase()
    if (seen.has(folded)) {
      throw new CheckpointFormatError({
        code: 'duplicate-name',
        field: 'central header: file name',
        expected: 'every name once, without regard to case',
        found: `"${name}" twice`,
        meaning: 'Readers would differ in which of the two they take.',
      })
    }
    seen.add(folded)
  }
}

function withEnds(headers: readonly CentralHeader[], directoryOffset: number): ZipEntry[] {
  const inFileOrder = headers.toSorted((a, b) => a.headerOffset - b.headerOffset)
  const ends = new Map<CentralHeader, number>()
  inFileOrder.forEach((header, index) => {
    const end = inFileOrder[index + 1]?.headerOffset ?? directoryOffset
    const nameBytes = Buffer.byteLength(header.name)
    const least = header.headerOffset + LOCAL_HEADER_BYTES + nameBytes + header.compressedSizeBytes
    if (least > end) {
      throw new CheckpointFormatError({
        code: 'overlap',
        field: `"${header.name}": offset and compressed size`,
        expected: `an end at or before byte ${end}, where the next entry or the directory begins`,
        found: `byte ${least} or later`,
        meaning: 'Entries overlap: the file is damaged or made to deceive.',
      })
    }
    ends.set(header, end)
  })
  return headers.map((header) => ({ ...header, endOffset: ends.get(header) ?? directoryOffset }))
}

function requireLimit(field: string, found: number, limit: number): void {
  if (found <= limit) return
  throw new CheckpointFormatError({
    code: 'too-large',
    field: `end record: ${field}`,
    expected: `at most ${limit}`,
    found: String(found),
    meaning: 'No checkpoint needs so much: the file is damaged or made to exhaust its reader.',
  })
}
