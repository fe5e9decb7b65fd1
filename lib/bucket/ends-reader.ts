/** What begins and ends a file, read once. */
import { type RangeReader, readChunks } from '../checkpoint/range-reader.ts'

/**
 * A checkpoint's directory is at its end and its pickle mostly at its start, each some 100 KB for a model
 * of a few hundred tensors with Adam's state. Reading so much takes 3 ms, a tenth of what a request takes.
 */
export const WINDOW_BYTES = 256 * 1024

/**
 * A reader that answers from the first and the last 256 KiB of a file where it can; each of the two is read
 * when it is first asked for. Other ranges are read as they are asked for. Holds the two windows.
 */
export function rememberEnds(reader: RangeReader, windowBytes = WINDOW_BYTES): RangeReader {
  const { sizeBytes } = reader
  const lengthBytes = Math.min(windowBytes, sizeBytes)
  const windows = [...new Set([sizeBytes - lengthBytes, 0])].map((offset) => {
    return { offset, read: once(() => reader.read(offset, lengthBytes)) }
  })
  const remembered = async (offset: number, length: number) => {
    const window = windows.find(
      (each) => offset >= each.offset && offset + length <= each.offset + lengthBytes,
    )
    if (window === undefined) return undefined
    return (await window.read()).subarray(offset - window.offset, offset - window.offset + length)
  }
  return {
    sizeBytes,
    read: async (offset, length) =>
      (await remembered(offset, length)) ?? reader.read(offset, length),
    readChunks: async (offset, length, take) => {
      const bytes = await remembered(offset, length)
      if (bytes !== undefined) take(bytes, 0)
      else await readChunks(reader, offset, length, take)
    },
  }
}

/** What fails is tried again when it is asked for again. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => {
    result ??= work().catch((error: unknown) => {
      result = undefined
      throw error
    })
    return result
  }
}
