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
