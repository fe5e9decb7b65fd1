import { CheckpointFormatError } from '../checkpoint-format-error.ts'

/** A view for little-endian fields, which is what every number in a zip file is. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * Reads an 8-byte zip64 number as a safe integer.
 *
 * @throws {CheckpointFormatError} `bad-zip` beyond 2^53 - 1, far beyond any object of S3
 */
export function readUint64(view: DataView, offset: number, field: string): number {
  const value = view.getBigUint64(offset, true)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new CheckpointFormatError({
      code: 'bad-zip',
      field,
      expected: 'a number below 2^53',
      found: String(value),
      meaning: 'The file is damaged.',
    })
  }
  return Number(value)
}

/** Joins pieces of bytes to one. */
export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0))
  let offset = 0
  for (const piece of pieces) {
    joined.set(piece, offset)
    offset += piece.byteLength
  }
  return joined
}
