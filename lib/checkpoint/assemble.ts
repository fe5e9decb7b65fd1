import { CheckpointFormatError } from './checkpoint-format-error.ts'
import { lengthOf } from './layout.ts'
import type { RewritePlan } from './plan-rewrite.ts'
import type { RangeReader } from './range-reader.ts'
import { readTogether } from './read-together.ts'
import { fillerOf } from './zip/filler.ts'
import { dataOffsetOf, LOCAL_HEADER_BYTES } from './zip/local-header.ts'

/** Bytes held at a time: one S3 part of the usual size. */
const DEFAULT_CHUNK_BYTES = 8 * 1024 * 1024

/**
 * Sees that each entry to be copied begins with a local header of the same entry, that its data lie where
 * the plan supposes them, and that what is copied between entries is filler. To be called before ranges are
 * copied without being read; `assemble` calls it.
 *
 * @throws {CheckpointFormatError} `bad-zip`
 */
export async function checkLocalHeaders(reader: RangeReader, plan: RewritePlan): Promise<void> {
  requireSource(reader, plan)
  const headers = plan.copiedEntries.map(({ headerOffset, name }) => {
    return { offset: headerOffset, lengthBytes: LOCAL_HEADER_BYTES + Buffer.byteLength(name) }
  })
  const [found, fillers] = await Promise.all([
    readTogether(reader, headers),
    readTogether(reader, plan.borrowed),
  ])
  for (const [index, bytes] of found.entries()) {
    const entry = plan.copiedEntries[index]
    if (entry !== undefined) dataOffsetOf(entry, bytes, plan.alignmentBytes)
  }
  for (const [index, bytes] of fillers.entries()) {
    requireFiller(bytes, plan.borrowed[index]?.offset ?? 0)
  }
}

/**
 * Yields the rewritten file in order, reading the source as it goes. Its bytes do not depend on the chunks.
 *
 * @param chunkBytes the most that one chunk holds; 8 MiB unless told
 * @throws {CheckpointFormatError} `bad-zip`, before the first chunk
 */
export async function* assemble(
  reader: RangeReader,
  plan: RewritePlan,
  chunkBytes: number = DEFAULT_CHUNK_BYTES,
): AsyncGenerator<Uint8Array, void, undefined> {
  await checkLocalHeaders(reader, plan)
  for (const piece of plan.pieces) {
    const lengthBytes = lengthOf(piece)
    for (let at = 0; at < lengthBytes; at += chunkBytes) {
      const size = Math.min(chunkBytes, lengthBytes - at)
      yield piece.kind === 'copy'
        ? await reader.read(piece.offset + at, size)
        : piece.bytes.subarray(at, at + size)
    }
  }
}

/** Nothing of a removed entry is to be copied along but what is the same in every file. */
function requireFiller(bytes: Uint8Array, offset: number): void {
  const expected = Buffer.from(fillerOf(bytes.byteLength))
  if (expected.equals(bytes)) return
  throw new CheckpointFormatError({
    code: 'bad-zip',
    field: `local header at byte ${offset}`,
    expected: expected.toString('hex'),
    found: Buffer.from(bytes).toString('hex'),
    meaning: 'The header and the directory contradict each other: the file is damaged.',
  })
}

function requireSource(reader: RangeReader, plan: RewritePlan): void {
  if (reader.sizeBytes === plan.sourceSizeBytes) return
  throw new CheckpointFormatError({
    code: 'bad-zip',
    field: 'size of the source',
    expected: `${plan.sourceSizeBytes} bytes, as planned for`,
    found: `${reader.sizeBytes}`,
    meaning: 'The source is another file than the plan was made for.',
  })
}
