import type { S3Client } from '@aws-sdk/client-s3'
import { type RangeReader, readChunks } from '../../lib/checkpoint/range-reader.ts'
import type { Terminal } from '../output/terminal.ts'

/** Bytes on their way within S3 and through here. */
export interface Transfer {
  /** The reader, its bytes shown as they come. */
  counted(reader: RangeReader): RangeReader
  end(): void
}

const RANGE = /^bytes=(\d+)-(\d+)$/

/** Shows what a client moves, part by part: how often each byte has to move is the store's matter. */
export function transferShown(terminal: Terminal, s3: S3Client): Transfer {
  const progress = terminal.progress('publishing', undefined)
  s3.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args)
      progress.advance(bytesOf(args.input))
      return answer
    },
    { step: 'initialize', name: 'transfer-shown', override: true },
  )
  return {
    counted: (reader) => ({
      sizeBytes: reader.sizeBytes,
      read: async (offset, lengthBytes) => {
        const bytes = await reader.read(offset, lengthBytes)
        progress.advance(lengthBytes)
        return bytes
      },
      readChunks: (offset, lengthBytes, take) =>
        readChunks(reader, offset, lengthBytes, (chunk, at) => {
          take(chunk, at)
          progress.advance(chunk.byteLength)
        }),
    }),
    end: progress.end,
  }
}

function bytesOf(input: object): number {
  if ('CopySourceRange' in input) {
    const [, first, last] = RANGE.exec(String(input.CopySourceRange)) ?? []
    return first === undefined ? 0 : Number(last) - Number(first) + 1
  }
  const isSent = 'Body' in input && input.Body instanceof Uint8Array
  return isSent ? (input.Body as Uint8Array).byteLength : 0
}
