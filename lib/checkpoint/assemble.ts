import { CheckpointFormatError } from './checkpoint-format-error.ts'
import { lengthOf } from './layout.ts'
import type { RewritePlan } from './plan-rewrite.ts'
import type { RangeReader } from './range-reader.ts'
import { fillerOf } from './zip/filler.ts'
import { dataOffsetOf, LOCAL_HEADER_BYTES } from './zip/local-header.ts'
import type { ZipEntry } from './zip/zip-entry.ts'

/** Bytes held at a time: one S3 part of the usual size. */
const DEFAULT_CHUNK_BYTES = 8 * 1024 * 1024
/** Headers that lie within so many bytes are read together: a request costs more than these bytes. */
const HEADERS_TOGETHER_BYTES = 256 * 1024
/** Reads under way at a time. */
const READS_AT_ONCE = 16

/**
 * Sees that each entry to be copied begins with a local header of the same entry, that its data lie where
 * the plan supposes them, and that what is copied between entries is filler. To be called before ranges are copied without being read; `assemble` calls it.
 *
 * @throws {CheckpointFormatError} `bad-zip`
 */
export async function checkLocalHeaders(reader: RangeReader, plan: RewritePlan): Promise<void> {
  requireSource(reader, plan)
  const groups = together(plan.copiedEntries)
  for (let first = 0; first < groups.length; first += READS_AT_ONCE) {
    const batch = groups.slice(first, first + READS_AT_ONCE)
    await Promise.all(
      batch.map(async ({ offset, end, entries }) => {
        const bytes = await reader.read(offset, end - offset)
        for (const entry of entries) {
          dataOffsetOf(entry, bytes.subarray(entry.headerOffset - offset), plan.alignmentBytes)
        }
      }),
    )
  }
  for (let first = 0; first < plan.borrowed.length; first += READS_AT_ONCE) {
    const batch = plan.borrowed.slice(first, first + READS_AT_ONCE)
    await Promise.all(
      batch.map(async ({ offset, lengthBytes }) => {
        requireFiller(await reader.read(offset, lengthBytes), offset)
      }),
    )
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

interface HeaderGroup {
  readonly offset: number
  end: number
  readonly entries: ZipEntry[]
}

function together(entries: readonly ZipEntry[]): HeaderGroup[] {
  const groups: HeaderGroup[] = []
  for (const entry of entries.toSorted((a, b) => a.headerOffset - b.headerOffset)) {
    const end = entry.headerOffset + LOCAL_HEADER_BYTES + Buffer.byteLength(entry.name)
    const last = groups.at(-1)
    if (last !== undefined && end - last.offset <= HEADERS_TOGETHER_BYTES) {
      last.end = end
      last.entries.push(entry)
    } else {
      groups.push({ offset: entry.headerOffset, end, entries: [entry] })
    }
  }
  return groups
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
