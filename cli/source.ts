/** What a command reads: a file or an object, opened, by ranges, with what it took counted. */
import type { SourceVersion } from '../lib/bucket/copy-source.ts'
import { type RangeReader, readChunks } from '../lib/checkpoint/range-reader.ts'
import type { Place } from './place.ts'

/** What was asked of the disk or the store so far. */
export interface Traffic {
  requests: number
  bytes: number
}

export interface Source {
  readonly place: Place
  /** The last part of its path or key. */
  readonly fileName: string
  readonly reader: RangeReader
  /** The version that is read, where it is an object. */
  readonly object?: SourceVersion
  readonly traffic: Readonly<Traffic>
  /** @throws where it is no longer what was opened */
  requireUnchanged(): Promise<void>
  close(): Promise<void>
}

/** The reader, with what it is asked for added to a count. */
export function counted(reader: RangeReader, traffic: Traffic): RangeReader {
  const count = (lengthBytes: number) => {
    traffic.requests += 1
    traffic.bytes += lengthBytes
  }
  return {
    sizeBytes: reader.sizeBytes,
    read: (offset, lengthBytes) => {
      count(lengthBytes)
      return reader.read(offset, lengthBytes)
    },
    readChunks: (offset, lengthBytes, take) => {
      count(lengthBytes)
      return readChunks(reader, offset, lengthBytes, take)
    },
  }
}
