import { crc32 } from 'node:zlib'
import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import type { RangeReader } from '../range-reader.ts'
import { dataOffsetOf } from './local-header.ts'
import { STORED, type ZipEntry } from './zip-entry.ts'

/**
 * Reads the data of one stored entry in one read, and checks its CRC where one was recorded.
 *
 * @param maxBytes refuses a longer entry before anything is read
 * @throws {CheckpointFormatError} `compressed-entry`, `too-large`, `checksum`, or `bad-zip` where its local
 *   header tells of another entry
 */
export async function readEntry(
  reader: RangeReader,
  entry: ZipEntry,
  maxBytes: number,
): Promise<Uint8Array> {
  requireStored(entry)
  const bytesOfEntry = entry.endOffset - entry.headerOffset
  // Beside its data an entry has a header, a name, an extra field and a descriptor, each of them bounded.
  const beside = bytesOfEntry - entry.sizeBytes
  if (entry.sizeBytes > maxBytes || beside > MAX_BESIDE_DATA_BYTES) {
    throw new CheckpointFormatError({
      code: 'too-large',
      field: `"${entry.name}": size`,
      expected: `at most ${maxBytes} bytes, and ${MAX_BESIDE_DATA_BYTES} beside them`,
      found: `${entry.sizeBytes}, and ${beside}`,
      meaning:
        'No checkpoint needs so much here: the file is damaged or made to exhaust its reader.',
    })
  }
  const bytes = await reader.read(entry.headerOffset, bytesOfEntry)
  const start = dataOffsetOf(entry, bytes, MAX_BESIDE_DATA_BYTES) - entry.headerOffset
  const data = bytes.subarray(start, start + entry.sizeBytes)
  // torch records 0 where it was told to compute no CRCs.
  if (entry.crc32 !== 0 && crc32(data) !== entry.crc32) {
    throw new CheckpointFormatError({
      code: 'checksum',
      field: `"${entry.name}": CRC-32`,
      expected: hex(entry.crc32),
      found: hex(crc32(data)),
      meaning: 'The bytes changed after they were written: the file is damaged.',
    })
  }
  return data
}

/** @throws {CheckpointFormatError} `compressed-entry`; torch writes none, and a range of one is no data */
export function requireStored(entry: ZipEntry): void {
  if (entry.method === STORED && entry.compressedSizeBytes === entry.sizeBytes) return
  throw new CheckpointFormatError({
    code: 'compressed-entry',
    field: `"${entry.name}": compression method`,
    expected: 'a stored entry of one size',
    found: `method ${entry.method}, ${entry.compressedSizeBytes} of ${entry.sizeBytes} bytes`,
    meaning: 'The checkpoint was packed again by a zip tool; torch.save compresses nothing.',
  })
}

/** Extra field (65,535 at most), name, header, descriptor, and the filler of an aligned neighbour. */
const MAX_BESIDE_DATA_BYTES = 4 * 65_536

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`
}
