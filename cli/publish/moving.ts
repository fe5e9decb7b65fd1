/** What moving bytes needs beside what is moved: where to show it, how to reach S3, when to stop. */
import { createHash } from 'node:crypto'
import type { RangeReader } from '../../lib/checkpoint/range-reader.ts'
import { assemble, type RewritePlan } from '../../lib/checkpoint/rewrite.ts'
import type { ConnectionOptions } from '../connection.ts'
import type { Terminal } from '../output/terminal.ts'

export interface Moving {
  readonly terminal: Terminal
  readonly connection: ConnectionOptions
  /** Its reason is thrown before the next step. */
  readonly signal: AbortSignal
}

/** What is there afterwards; `same`: it was there before, and was left. */
export interface Published {
  readonly kind: 'written' | 'same'
  readonly sha256: string
}

/** A chunk is a request where the source is an object, and memory in any case. */
const CHUNK_BYTES = 8 * 1024 * 1024

/** The bytes of the file that a plan makes, in order, shown as they go. */
export async function* shownChunks(
  title: string,
  reader: RangeReader,
  plan: RewritePlan,
  { terminal, signal }: Moving,
): AsyncGenerator<Uint8Array, void, undefined> {
  const progress = terminal.progress(title, plan.sizeBytes)
  try {
    for await (const chunk of assemble(reader, plan, CHUNK_BYTES)) {
      signal.throwIfAborted()
      progress.advance(chunk.byteLength)
      yield chunk
    }
  } finally {
    progress.end()
  }
}

/** The SHA-256 of the file that a plan makes; reads all that it copies. */
export async function hashOf(
  reader: RangeReader,
  plan: RewritePlan,
  moving: Moving,
): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of shownChunks('hashing', reader, plan, moving)) hash.update(chunk)
  return hash.digest('hex')
}
