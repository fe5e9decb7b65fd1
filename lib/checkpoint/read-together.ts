import type { RangeReader } from './range-reader.ts'

/** A stretch of a file, in bytes. */
export interface Span {
  readonly offset: number
  readonly lengthBytes: number
}

/** Spans that lie within so many bytes are read together: a request costs more than these bytes. */
const TOGETHER_BYTES = 256 * 1024
/** Reads under way at a time. */
const READS_AT_ONCE = 16

/**
 * Reads many small spans, neighbours in one request.
 *
 * @returns their bytes, in the order in which they were asked for
 */
export async function readTogether(
  reader: RangeReader,
  spans: readonly Span[],
): Promise<Uint8Array[]> {
  const bytesOf = new Map<Span, Uint8Array>()
  const groups = grouped(spans)
  for (let first = 0; first < groups.length; first += READS_AT_ONCE) {
    await Promise.all(
      groups.slice(first, first + READS_AT_ONCE).map(async (group) => {
        const bytes = await reader.read(group.offset, group.end - group.offset)
        for (const span of group.spans) {
          const start = span.offset - group.offset
          // A copy, so that what is kept of a group is not the whole group.
          bytesOf.set(span, bytes.slice(start, start + span.lengthBytes))
        }
      }),
    )
  }
  return spans.map((span) => bytesOf.get(span) ?? new Uint8Array())
}

interface Group {
  readonly offset: number
  end: number
  readonly spans: Span[]
}

function grouped(spans: readonly Span[]): Group[] {
  const groups: Group[] = []
  for (const span of spans.toSorted((a, b) => a.offset - b.offset)) {
    const end = span.offset + span.lengthBytes
    const last = groups.at(-1)
    if (last !== undefined && end - last.offset <= TOGETHER_BYTES) {
      last.end = Math.max(last.end, end)
      last.spans.push(span)
    } else {
      groups.push({ offset: span.offset, end, spans: [span] })
    }
  }
  return groups
}
