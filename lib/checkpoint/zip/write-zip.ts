import { crc32 } from 'node:zlib'
import { concatBytes, viewOf } from './byte-fields.ts'
import { LOCAL_HEADER_BYTES } from './local-header.ts'
import { ORIGIN_EXTRA_BYTES, writeOrigin } from './origin.ts'
import { FLAG_UTF8, STORED, type ZipEntry } from './zip-entry.ts'

/** An entry as it will stand in the new directory. */
export type PlacedEntry = Omit<ZipEntry, 'endOffset'>

/** The largest values of the classic fields' own; they say "look into zip64". */
const FULL_16 = 0xffff
const FULL_32 = 0xffffffff
/** `FB`, the extra field in which torch pads, and the byte that it pads with. */
const PADDING_EXTRA_ID = 0x4246
const PADDING_BYTE = 0x5a
/** APPNOTE 4.4.3: 4.5 and newer read zip64. torch writes 0 elsewhere. */
const VERSION_ZIP64 = 45

/**
 * A new stored entry at the start of a file: local header, name, padding and data (APPNOTE 4.3.7).
 *
 * @param alignmentBytes the data begin at a multiple of this
 */
export function firstEntry(
  name: string,
  data: Uint8Array,
  alignmentBytes: number,
): { bytes: Uint8Array; entry: PlacedEntry } {
  const nameBytes = new TextEncoder().encode(name)
  const unpadded = LOCAL_HEADER_BYTES + nameBytes.byteLength + 4
  const paddingBytes = (alignmentBytes - (unpadded % alignmentBytes)) % alignmentBytes
  const header = new Uint8Array(unpadded + paddingBytes).fill(PADDING_BYTE)
  const view = viewOf(header)
  const checksum = crc32(data)
  view.setUint32(0, 0x04034b50, true) // 0: signature
  view.setUint16(4, 0, true) // 4: version needed to extract
  view.setUint16(6, FLAG_UTF8, true) // 6: flags; the sizes are known, so no descriptor follows
  view.setUint16(8, STORED, true) // 8: compression method
  view.setUint32(10, 0, true) // 10: time and date; torch writes none
  view.setUint32(14, checksum, true) // 14: CRC-32
  view.setUint32(18, data.byteLength, true) // 18: compressed size
  view.setUint32(22, data.byteLength, true) // 22: uncompressed size
  view.setUint16(26, nameBytes.byteLength, true) // 26: file name length
  view.setUint16(28, 4 + paddingBytes, true) // 28: extra field length
  header.set(nameBytes, LOCAL_HEADER_BYTES)
  view.setUint16(unpadded - 4, PADDING_EXTRA_ID, true)
  view.setUint16(unpadded - 2, paddingBytes, true)
  const entry: PlacedEntry = {
    name,
    versionMadeBy: 0,
    versionNeeded: 0,
    flags: FLAG_UTF8,
    method: STORED,
    dosTime: 0,
    dosDate: 0,
    crc32: checksum,
    compressedSizeBytes: data.byteLength,
    sizeBytes: data.byteLength,
    internalAttributes: 0,
    externalAttributes: 0,
    headerOffset: 0,
  }
  return { bytes: concatBytes([header, data]), entry }
}

/**
 * The central directory and the end records, with zip64 only where a number needs it.
 *
 * @param directoryOffset where the directory will begin in the file, in bytes
 */
export function directoryBytes(
  entries: readonly PlacedEntry[],
  directoryOffset: number,
): Uint8Array {
  const headers = concatBytes(entries.map(centralHeader))
  const isZip64 =
    entries.length >= FULL_16 || headers.byteLength >= FULL_32 || directoryOffset >= FULL_32
  const pieces = [headers]
  if (isZip64) pieces.push(zip64EndRecords(entries.length, headers.byteLength, directoryOffset))
  const end = new Uint8Array(22)
  const view = viewOf(end)
  view.setUint32(0, 0x06054b50, true) // 0: signature; 4 and 6: disks, 0
  view.setUint16(8, Math.min(entries.length, FULL_16), true) // 8: entries on this disk
  view.setUint16(10, Math.min(entries.length, FULL_16), true) // 10: entries in total
  view.setUint32(12, Math.min(headers.byteLength, FULL_32), true) // 12: size of the directory
  view.setUint32(16, Math.min(directoryOffset, FULL_32), true) // 16: offset of the directory
  pieces.push(end)
  return concatBytes(pieces)
}

/** One central file header (APPNOTE 4.3.12). */
function centralHeader(entry: PlacedEntry): Uint8Array {
  const name = new TextEncoder().encode(entry.name)
  const large = [entry.sizeBytes, entry.compressedSizeBytes, entry.headerOffset].filter(
    (value) => value >= FULL_32,
  )
  const zip64Bytes = large.length === 0 ? 0 : 4 + 8 * large.length
  const extraBytes = zip64Bytes + (entry.origin === undefined ? 0 : ORIGIN_EXTRA_BYTES)
  const header = new Uint8Array(46 + name.byteLength + extraBytes)
  const view = viewOf(header)
  view.setUint32(0, 0x02014b50, true) // 0: signature
  view.setUint16(4, entry.versionMadeBy, true) // 4: version made by
  view.setUint16(6, entry.versionNeeded, true) // 6: version needed; torch leaves it at 0 for zip64 as well
  view.setUint16(8, entry.flags, true) // 8: flags
  view.setUint16(10, entry.method, true) // 10: compression method
  view.setUint16(12, entry.dosTime, true) // 12: time
  view.setUint16(14, entry.dosDate, true) // 14: date
  view.setUint32(16, entry.crc32, true) // 16: CRC-32
  view.setUint32(20, Math.min(entry.compressedSizeBytes, FULL_32), true) // 20: compressed size
  view.setUint32(24, Math.min(entry.sizeBytes, FULL_32), true) // 24: uncompressed size
  view.setUint16(28, name.byteLength, true) // 28: file name length
  view.setUint16(30, extraBytes, true) // 30: extra field length
  view.setUint16(36, entry.internalAttributes, true) // 36: internal attributes
  view.setUint32(38, entry.externalAttributes, true) // 38: external attributes
  view.setUint32(42, Math.min(entry.headerOffset, FULL_32), true) // 42: offset of the local header
  header.set(name, 46)
  const at = 46 + name.byteLength
  if (zip64Bytes > 0) {
    view.setUint16(at, 0x0001, true) // the zip64 extra field (APPNOTE 4.5.3)
    view.setUint16(at + 2, 8 * large.length, true)
    for (const [index, value] of large.entries()) {
      view.setBigUint64(at + 4 + 8 * index, BigInt(value), true)
    }
  }
  if (entry.origin !== undefined) writeOrigin(view, at + zip64Bytes, entry.origin)
  return header
}

/** The zip64 end record and its locator (APPNOTE 4.3.14 and 4.3.15). */
function zip64EndRecords(entryCount: number, sizeBytes: number, offset: number): Uint8Array {
  const records = new Uint8Array(56 + 20)
  const view = viewOf(records)
  view.setUint32(0, 0x06064b50, true) // 0: signature
  view.setBigUint64(4, 44n, true) // 4: size of the rest of the record
  view.setUint16(12, VERSION_ZIP64, true) // 12: version made by
  view.setUint16(14, VERSION_ZIP64, true) // 14: version needed; 16 and 20: disks, 0
  view.setBigUint64(24, BigInt(entryCount), true) // 24: entries on this disk
  view.setBigUint64(32, BigInt(entryCount), true) // 32: entries in total
  view.setBigUint64(40, BigInt(sizeBytes), true) // 40: size of the directory
  view.setBigUint64(48, BigInt(offset), true) // 48: offset of the directory
  view.setUint32(56, 0x07064b50, true) // locator 0: signature; 4: disk, 0
  view.setBigUint64(64, BigInt(offset + sizeBytes), true) // locator 8: offset of the end record
  view.setUint32(72, 1, true) // locator 16: number of disks
  return records
}
