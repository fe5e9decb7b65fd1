/** Reads a file of this machine by ranges. */
import { type FileHandle, open } from 'node:fs/promises'
import type { RangeReader } from '../checkpoint/range-reader.ts'

/** A reader over an open file. */
export interface FileReader extends RangeReader {
  /**
   * Sees that the file is still as it was when it was opened: a trainer may be writing it.
   *
   * @throws {FileChangedError} where its size or time is another
   */
  requireUnchanged(): Promise<void>
  close(): Promise<void>
}

/** A file changed while it was read; what was read of it belongs to no one file. */
export class FileChangedError extends Error {
  override readonly name = 'FileChangedError'
  readonly path: string
  constructor(path: string, reason: string) {
    super(`${path}: ${reason}; wait until it is written, and try again`)
    this.path = path
  }
}

/**
 * Opens a file to be read by ranges.
 *
 * @throws Node's error with a `code`: `ENOENT`, `EACCES`, `EISDIR` where it is a folder
 */
export async function openFile(path: string): Promise<FileReader> {
  const file = await open(path, 'r')
  try {
    const opened = await file.stat()
    if (opened.isDirectory()) {
      throw Object.assign(new Error(`${path} is a folder`), { code: 'EISDIR', path })
    }
    return {
      sizeBytes: opened.size,
      read: (offset, lengthBytes) => readRange(file, path, offset, lengthBytes),
      requireUnchanged: async () => {
        const now = await file.stat()
        if (now.size !== opened.size || now.mtimeMs !== opened.mtimeMs) {
          throw new FileChangedError(path, 'changed while it was read')
        }
      },
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function readRange(
  file: FileHandle,
  path: string,
  offset: number,
  lengthBytes: number,
): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(lengthBytes)
  let filled = 0
  while (filled < lengthBytes) {
    const { bytesRead } = await file.read(bytes, filled, lengthBytes - filled, offset + filled)
    if (bytesRead === 0) throw new FileChangedError(path, 'became shorter while it was read')
    filled += bytesRead
  }
  return bytes
}
