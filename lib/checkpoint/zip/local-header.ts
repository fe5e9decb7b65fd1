import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { viewOf } from './byte-fields.ts'
import { FLAG_DESCRIPTOR, type ZipEntry } from './zip-entry.ts'

/** The fixed part of a local file header (APPNOTE 4.3.7); the name and the extra field follow. */
export const LOCAL_HEADER_BYTES = 30
/** `PK\3\4` */
export const LOCAL_HEADER_SIGNATURE = 0x04034b50
/** A size that stands in a zip64 field (APPNOTE 4.5.3). */
const ELSEWHERE = 0xffffffff
/** A data descriptor with signature: 16 bytes, 24 with zip64 (APPNOTE 4.3.9). */
const MAX_DESCRIPTOR_BYTES = 24

/**
 * Where an entry's data begin in the file, from its local header; the header must tell of the same entry as
 * the central directory.
 *
 * @param bytes the file from the entry's header on, at least to the end of the name
 * @param maxGapBytes how many bytes may lie unexplained between this entry and the next
 * @throws {CheckpointFormatError} `bad-zip` where another signature, name, method, CRC or size stands there, or
 *   the data would reach into the next entry
 */
export function dataOffsetOf(entry: ZipEntry, bytes: Uint8Array, maxGapBytes: number): number {
  const field = `"${entry.name}": local header`
  const view = viewOf(bytes)
  if (bytes.byteLength < LOCAL_HEADER_BYTES || view.getUint32(0, true) !== LOCAL_HEADER_SIGNATURE) {
    throw contradiction(field, 'the signature PK\\3\\4', 'other bytes')
  }
  const method = view.getUint16(8, true) // 8: compression method
  if (method !== entry.method) throw contradiction(field, `method ${entry.method}`, `${method}`)
  requireSameFacts(entry, view, field)
  const nameBytes = view.getUint16(26, true) // 26: file name length
  const extraBytes = view.getUint16(28, true) // 28: extra field length
  const name = bytes.subarray(LOCAL_HEADER_BYTES, LOCAL_HEADER_BYTES + nameBytes)
  if (!Buffer.from(entry.name).equals(name)) {
    throw contradiction(field, 'the same name', `"${Buffer.from(name).toString('latin1')}"`)
  }
  const dataOffset = entry.headerOffset + LOCAL_HEADER_BYTES + nameBytes + extraBytes
  const afterData = dataOffset + entry.compressedSizeBytes
  if (afterData > entry.endOffset) {
    throw contradiction(field, `data that end at or before ${entry.endOffset}`, `${afterData}`)
  }
  const gapBytes = entry.endOffset - afterData
  if (gapBytes > MAX_DESCRIPTOR_BYTES + maxGapBytes) {
    throw contradiction(field, `no more than ${maxGapBytes} unused bytes after it`, `${gapBytes}`)
  }
  return dataOffset
}

/** torch goes by the directory, a reader of streams by the local headers: they would see two files. */
function requireSameFacts(entry: ZipEntry, view: DataView, field: string): void {
  const isLeft = (view.getUint16(6, true) & FLAG_DESCRIPTOR) !== 0 // 6: general purpose bit flag
  const facts: [string, number, number][] = [
    ['CRC-32', view.getUint32(14, true), entry.crc32], // 14
    ['compressed size', view.getUint32(18, true), entry.compressedSizeBytes], // 18
    ['uncompressed size', view.getUint32(22, true), entry.sizeBytes], // 22
  ]
  for (const [fact, found, expected] of facts) {
    if (found === expected || (isLeft && found === 0)) continue
    if (fact !== 'CRC-32' && found === ELSEWHERE) continue
    throw contradiction(`${field}: ${fact}`, `${expected}`, `${found}`)
  }
}

function contradiction(field: string, expected: string, found: string): CheckpointFormatError {
  const meaning =
    'The header and the directory contradict each other: the file is damaged or made to deceive.'
  return new CheckpointFormatError({ code: 'bad-zip', field, expected, found, meaning })
}
