/**
 * A file that is written by chunks in any order, and gone on with after a stop.
 *
 * It lies as `<path>.part` until all of it is there. Beside it, `<path>.part.done` says of what it is a part, and
 * which chunks are written. A chunk is noted after its bytes: what is noted twice, or not, is fetched again.
 */
import { appendFile, type FileHandle, open, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { moveIfFree, syncFolder } from './write-file.ts'

/** A range of the file. */
export interface Chunk {
  readonly number: number
  readonly offset: number
  readonly lengthBytes: number
}

/** Of what a file is a part. */
export interface Whole {
  /** Changes with the content: a version and its ETag. */
  readonly identity: string
  readonly sizeBytes: number
}

export interface PartialFile {
  /** Where its bytes are for now. */
  readonly partPath: string
  /** Chunks that are still to be written, from the start. */
  readonly missing: readonly Chunk[]
  /** Writes some bytes of a chunk. */
  write(offset: number, bytes: Uint8Array): Promise<void>
  /** Notes that all bytes of a chunk are written. */
  note(chunk: Chunk): Promise<void>
  /** Has all bytes on the disk. */
  sync(): Promise<void>
  /**
   * Gives the file its name.
   *
   * @returns whether it has it: not where the name is taken
   */
  rename(): Promise<boolean>
  /** Removes what there is of it. */
  discard(): Promise<void>
  close(): Promise<void>
}

/** Large enough that asking costs little, small enough that little is fetched twice. */
export const CHUNK_BYTES = 8 * 1024 * 1024

/**
 * Opens a file that is written by chunks; what was written of the same whole before is gone on with.
 *
 * @param path its name once it is whole
 * @throws Node's error with a `code`
 */
export async function openPartialFile(path: string, whole: Whole): Promise<PartialFile> {
  const [partPath, notesPath] = [`${path}.part`, `${path}.part.done`]
  const head = JSON.stringify({ ...whole, chunk_bytes: CHUNK_BYTES })
  const noted = await notedChunks(notesPath, head)
  // Without its notes, nothing is known of what is there.
  const file = await openFor(partPath, noted !== undefined)
  if (noted === undefined) await writeFile(notesPath, `${head}\n`)
  await file.truncate(whole.sizeBytes)
  const done = noted ?? new Set<number>()
  return {
    partPath,
    missing: chunksOf(whole.sizeBytes).filter(({ number }) => !done.has(number)),
    write: async (offset, bytes) => {
      for (let written = 0; written < bytes.byteLength; ) {
        const { bytesWritten } = await file.write(bytes, written, undefined, offset + written)
        written += bytesWritten
      }
    },
    note: ({ number }) => appendFile(notesPath, `${number}\n`),
    sync: () => file.sync(),
    rename: async () => {
      if (!(await moveIfFree(partPath, path))) return false
      await rm(notesPath, { force: true })
      await rm(partPath, { force: true })
      await syncFolder(dirname(path))
      return true
    },
    discard: async () => {
      await rm(partPath, { force: true })
      await rm(notesPath, { force: true })
    },
    close: () => file.close(),
  }
}

/** The chunks of a file of so many bytes. */
export function chunksOf(sizeBytes: number): Chunk[] {
  return Array.from({ length: Math.ceil(sizeBytes / CHUNK_BYTES) }, (_, number) => {
    const offset = number * CHUNK_BYTES
    return { number, offset, lengthBytes: Math.min(CHUNK_BYTES, sizeBytes - offset) }
  })
}

function openFor(path: string, isKept: boolean): Promise<FileHandle> {
  return open(path, isKept ? 'r+' : 'w+')
}

/** The chunks that are there; nothing where none are, or of something else. */
async function notedChunks(path: string, head: string): Promise<Set<number> | undefined> {
  const text = await readFile(path, 'utf8').catch((error) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  })
  const [first, ...lines] = text.split('\n')
  if (first !== head) return undefined
  // A line that a crash cut short has no end.
  return new Set(lines.slice(0, -1).map(Number))
}
