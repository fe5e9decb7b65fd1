import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { readUint64, viewOf } from './byte-fields.ts'

/** Where the central directory lies, as the end of the file tells it. */
export interface DirectoryLocation {
  readonly entryCount: number
  readonly directorySizeBytes: number
  readonly directoryOffset: number
}

const END_RECORD_SIGNATURE = 0x06054b50
const END_RECORD_BYTES = 22
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50
const ZIP64_LOCATOR_BYTES = 20
const ZIP64_END_RECORD_SIGNATURE = 0x06064b50
const ZIP64_END_RECORD_BYTES = 56

/**
 * Finds the end record in a file's last bytes, and the zip64 end record before it (APPNOTE 4.3.14 to 4.3.16).
 *
 * torch takes the last signature that it finds from the end, whatever its comment's length says; this
 * takes the same one, and refuses where the comment would not end with the file.
 *
 * @param tail the last bytes of the file
 * @param tailOffset where they begin in the file, in bytes
 * @throws {CheckpointFormatError} `no-end-record`, `truncated` or `bad-zip`
 */
export function locateDirectory(tail: Uint8Array, tailOffset: number): DirectoryLocation {
  const view = viewOf(tail)
  const at = lastSignature(view)
  const commentBytes = view.getUint16(at + 20, true) // 20: comment length
  if (at + END_RECORD_BYTES + commentBytes !== tail.byteLength) {
    throw new CheckpointFormatError({
      code: 'bad-zip',
      field: 'end record: comment length',
      expected: `${tail.byteLength - at - END_RECORD_BYTES} bytes up to the end of the file`,
      found: `${commentBytes}`,
      meaning: 'Something was appended to the file, or its end is damaged.',
    })
  }
  const classic = {
    thisDisk: view.getUint16(at + 4, true), // 4: number of this disk
    directoryDisk: view.getUint16(at + 6, true), // 6: disk where the directory starts
    entriesHere: view.getUint16(at + 8, true), // 8: entries on this disk
    entryCount: view.getUint16(at + 10, true), // 10: entries in total
    directorySizeBytes: view.getUint32(at + 12, true), // 12: size of the directory
    directoryOffset: view.getUint32(at + 16, true), // 16: offset of the directory
  }
  const zip64 = zip64EndRecord(view, at, tailOffset)
  requireOneDisk(classic.thisDisk, classic.directoryDisk, classic.entriesHere, classic.entryCount)
  const location = zip64?.location ?? classic
  if (zip64 !== undefined) {
    requireSame('entries in total', classic.entryCount, 0xffff, location.entryCount)
    requireSame(
      'size of the directory',
      classic.directorySizeBytes,
      0xffffffff,
      location.directorySizeBytes,
    )
    requireSame(
      'offset of the directory',
      classic.directoryOffset,
      0xffffffff,
      location.directoryOffset,
    )
  }
  const endOffset = zip64?.offset ?? tailOffset + at
  if (location.directoryOffset + location.directorySizeBytes !== endOffset) {
    throw new CheckpointFormatError({
      code: 'bad-zip',
      field: 'end record: offset of the directory',
      expected: `a directory that ends at byte ${endOffset}, where its end record begins`,
      found: `${location.directorySizeBytes} bytes from byte ${location.directoryOffset}`,
      meaning: 'Bytes of the file are missing, or another file was put before or into it.',
    })
  }
  return {
    entryCount: location.entryCount,
    directorySizeBytes: location.directorySizeBytes,
    directoryOffset: location.directoryOffset,
  }
}

function lastSignature(view: DataView): number {
  for (let at = view.byteLength - END_RECORD_BYTES; at >= 0; at -= 1) {
    if (view.getUint32(at, true) === END_RECORD_SIGNATURE) return at
  }
  throw new CheckpointFormatError({
    code: 'no-end-record',
    field: 'end record',
    expected: 'its signature PK\\5\\6 within the last 64 KiB of the file',
    found: 'none',
    meaning: 'The upload was cut short, or the file is no zip file.',
  })
}

function zip64EndRecord(
  view: DataView,
  endRecordAt: number,
  tailOffset: number,
): { offset: number; location: DirectoryLocation } | undefined {
  const locatorAt = endRecordAt - ZIP64_LOCATOR_BYTES
  if (locatorAt < 0 || view.getUint32(locatorAt, true) !== ZIP64_LOCATOR_SIGNATURE) return undefined
  const offset = readUint64(view, locatorAt + 8, 'zip64 locator: offset of the end record') // 8
  const at = offset - tailOffset
  // torch's reader would fall back to the classic record where this signature is absent: refused instead.
  if (at !== locatorAt - ZIP64_END_RECORD_BYTES || at < 0) {
    throw badZip64('offset of the end record', 'directly before its locator', `byte ${offset}`)
  }
  if (view.getUint32(at, true) !== ZIP64_END_RECORD_SIGNATURE) {
    throw badZip64('signature', 'PK\\6\\6', `0x${view.getUint32(at, true).toString(16)}`)
  }
  const entriesHere = readUint64(view, at + 24, 'zip64 end record: entries on this disk') // 24
  const entryCount = readUint64(view, at + 32, 'zip64 end record: entries in total') // 32
  requireOneDisk(
    view.getUint32(at + 16, true),
    view.getUint32(at + 20, true),
    entriesHere,
    entryCount,
  ) // 16, 20: disks
  return {
    offset,
    location: {
      entryCount,
      directorySizeBytes: readUint64(view, at + 40, 'zip64 end record: size of the directory'), // 40
      directoryOffset: readUint64(view, at + 48, 'zip64 end record: offset of the directory'), // 48
    },
  }
}

function badZip64(field: string, expected: string, found: string): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'bad-zip',
    field: `zip64 end record: ${field}`,
    expected,
    found,
    meaning: 'Bytes of the file are missing, or its end is damaged.',
  })
}

function requireOneDisk(
  thisDisk: number,
  directoryDisk: number,
  entriesHere: number,
  entryCount: number,
): void {
  if (thisDisk === 0 && directoryDisk === 0 && entriesHere === entryCount) return
  throw new CheckpointFormatError({
    code: 'bad-zip',
    field: 'end record: number of this disk',
    expected: 'one disk with all entries',
    found: `disk ${thisDisk}, directory on disk ${directoryDisk}, ${entriesHere} of ${entryCount} entries`,
    meaning: 'The file is a part of a split archive, or damaged.',
  })
}

/** Two records that disagree would give two views of one file, each reader choosing its own. */
function requireSame(field: string, classic: number, saturated: number, zip64: number): void {
  if (classic === zip64 || classic === saturated) return
  throw new CheckpointFormatError({
    code: 'bad-zip',
    field: `end record: ${field}`,
    expected: `the zip64 end record's ${zip64}, or 0x${saturated.toString(16)}`,
    found: `${classic}`,
    meaning: 'The two end records contradict each other: the file is damaged or made to deceive.',
  })
}
