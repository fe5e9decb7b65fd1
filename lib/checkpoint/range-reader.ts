/** Bytes of a file that can be read piece by piece, wherever the file lies. */
export interface RangeReader {
  /** Length of the whole file, in bytes. */
  readonly sizeBytes: number
  /**
   * Reads exactly `lengthBytes` bytes from `offset`.
   *
   * @param offset position in the file, in bytes from its start
   * @param lengthBytes how many bytes; the range must lie inside the file
   * @throws where the range is outside the file, or fewer bytes came than were asked for
   */
  read(offset: number, lengthBytes: number): Promise<Uint8Array>
  /**
   * As `read`, with the bytes given on as they come, so that nobody holds the whole range. Only readers that
   * get a range bit by bit have it: see `readChunks`.
   *
   * @throws as `read` does, and what `take` throws; some chunks may have been given on by then
   */
  readChunks?(offset: number, lengthBytes: number, take: TakeChunk): Promise<void>
}

/**
 * Takes bytes of a range, which follow each other.
 *
 * @param chunk the reader's own, to be used at once and not to be kept
 * @param at where it begins, in bytes from the start of the range
 */
export type TakeChunk = (chunk: Uint8Array, at: number) => void

/** Reads a range chunk by chunk, with a reader of either kind. */
export async function readChunks(
  reader: RangeReader,
  offset: number,
  lengthBytes: number,
  take: TakeChunk,
): Promise<void> {
  if (reader.readChunks !== undefined) return reader.readChunks(offset, lengthBytes, take)
  take(await reader.read(offset, lengthBytes), 0)
}

/** A reader over bytes that are in memory already. */
export function readerOver(bytes: Uint8Array): RangeReader {
  return {
    sizeBytes: bytes.byteLength,
    read: async (offset, lengthBytes) => {
      if (offset < 0 || lengthBytes < 0 || offset + lengthBytes > bytes.byteLength) {
        throw new RangeError(
          `bytes ${offset}+${lengthBytes} lie outside a file of ${bytes.byteLength} bytes`,
        )
      }
      return bytes.subarray(offset, offset + lengthBytes)
    },
  }
}
