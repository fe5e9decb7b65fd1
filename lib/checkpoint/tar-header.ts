/**
 * Whether a file can be read as a tar archive, whatever else it is: torch tries that first with every file
 * that is no zip (`torch/serialization.py`, `legacy_load`), and runs the pickle that it finds in there.
 */
import { CheckpointFormatError } from './checkpoint-format-error.ts'
import { lengthOf, type Piece } from './layout.ts'
import type { RangeReader } from './range-reader.ts'

/** Bytes of a tar archive's header, all that tells it from other files. */
export const TAR_HEADER_BYTES = 512
/** Where the sum of the header's bytes is written (POSIX.1-1988, `ustar`), and how it is counted itself. */
const SUM_AT = 148
const SUM_BYTES = 8
const SUM_COUNTED = SUM_BYTES * 0x20
/** First bytes of a number that is not written in octal digits (`tarfile.py`, `nti`). */
const BINARY_NUMBER = new Set([0o200, 0o377])

/**
 * Whether Python's `tarfile` takes the first bytes of a file for a header: by their sum alone, and by more
 * spellings of that than it knows, rather than by fewer.
 *
 * @param firstBytes of the file, at least `TAR_HEADER_BYTES` of them where it has so many
 */
export function looksLikeTar(firstBytes: Uint8Array): boolean {
  if (firstBytes.byteLength < TAR_HEADER_BYTES) return false
  const header = firstBytes.subarray(0, TAR_HEADER_BYTES)
  const field = header.subarray(SUM_AT, SUM_AT + SUM_BYTES)
  const written = numbersIn(Buffer.from(field))
  // Some old archives have the sum of signed bytes.
  const sums = [header, new Int8Array(header.buffer, header.byteOffset, TAR_HEADER_BYTES)].map(
    (bytes) => SUM_COUNTED + sumOf(bytes) - sumOf(bytes.subarray(SUM_AT, SUM_AT + SUM_BYTES)),
  )
  return sums.some((sum) => written.includes(sum))
}

function sumOf(bytes: Uint8Array | Int8Array): number {
  let sum = 0
  for (const byte of bytes) sum += byte
  return sum
}

/**
 * Refuses to write a file that would be read as a tar archive: what it is made of can be chosen so that its
 * first bytes are a header, though the source's were none.
 *
 * @throws {CheckpointFormatError} `legacy-format`
 */
export async function refuseTar(reader: RangeReader, pieces: readonly Piece[]): Promise<void> {
  const parts: Uint8Array[] = []
  let missing = TAR_HEADER_BYTES
  for (const piece of pieces) {
    if (missing === 0) break
    const lengthBytes = Math.min(missing, lengthOf(piece))
    missing -= lengthBytes
    parts.push(
      piece.kind === 'bytes'
        ? piece.bytes.subarray(0, lengthBytes)
        : await reader.read(piece.offset, lengthBytes),
    )
  }
  if (!looksLikeTar(Buffer.concat(parts))) return
  throw new CheckpointFormatError({
    code: 'legacy-format',
    field: 'first bytes of the file to be written',
    expected: 'those of one format',
    found: 'the header of a tar file, too',
    meaning:
      'The file is made to deceive: torch would read it as a tar file, and run what lies in there.',
  })
}

/** What the field may say: its last bytes as a binary number, or its digits, of whichever sign. */
function numbersIn(field: Buffer): number[] {
  if (BINARY_NUMBER.has(field[0] ?? 0)) return [field.readIntBE(SUM_BYTES - 6, 6)]
  const text = field.toString('latin1').split('\0')[0] ?? ''
  const number = Number.parseInt(text.replace(/[^0-7]/g, ''), 8)
  return [number, -number]
}
