/**
 * How far an entry reaches, by the rule by which torch writes: up to the next header there may be filler
 * that is no part of it, in a file that was rewritten before.
 */
import { LOCAL_HEADER_BYTES } from './local-header.ts'
import { FLAG_DESCRIPTOR, type ZipEntry } from './zip-entry.ts'

/** Sizes and offsets from here on are in a zip64 field (APPNOTE 4.5.3). */
const ZIP64_FROM = 0xffffffff
/** A data descriptor with signature (APPNOTE 4.3.9), without and with zip64. */
const DESCRIPTOR_BYTES = { plain: 16, zip64: 24 }
/** Id and length of an extra field (APPNOTE 4.5.1). */
const EXTRA_HEADER_BYTES = 4

/**
 * Where an entry itself ends: where a rewritten file tells it, or after its data and descriptor, if that
 * and torch's padding to the alignment explain all but a filler of less than the alignment; else where the
 * next header begins.
 *
 * @param alignmentBytes what the file's data are aligned to
 * @returns an offset from the start of the file, in bytes, never behind `entry.endOffset`
 */
export function ownEndOf(entry: ZipEntry, alignmentBytes: number): number {
  const end =
    entry.origin === undefined
      ? dataOffsetByTorch(entry, alignmentBytes) +
        entry.compressedSizeBytes +
        descriptorBytes(entry)
      : entry.headerOffset + entry.origin.lengthBytes
  const fillerBytes = entry.endOffset - end
  return fillerBytes >= 0 && fillerBytes < alignmentBytes ? end : entry.endOffset
}

/** torch pads with an extra field `FB` until the data are aligned; a zip64 field stands before it. */
function dataOffsetByTorch(
  { headerOffset, name, compressedSizeBytes }: ZipEntry,
  to: number,
): number {
  const sizes = compressedSizeBytes >= ZIP64_FROM ? 16 : 0
  const offset = headerOffset >= ZIP64_FROM ? 8 : 0
  const zip64Bytes = sizes + offset > 0 ? EXTRA_HEADER_BYTES + sizes + offset : 0
  const least =
    headerOffset + LOCAL_HEADER_BYTES + Buffer.byteLength(name) + zip64Bytes + EXTRA_HEADER_BYTES
  return Math.ceil(least / to) * to
}

function descriptorBytes({ flags, compressedSizeBytes, headerOffset }: ZipEntry): number {
  if ((flags & FLAG_DESCRIPTOR) === 0) return 0
  const isZip64 = compressedSizeBytes >= ZIP64_FROM || headerOffset >= ZIP64_FROM
  return isZip64 ? DESCRIPTOR_BYTES.zip64 : DESCRIPTOR_BYTES.plain
}
