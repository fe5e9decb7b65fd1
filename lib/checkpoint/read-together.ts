import { type RangeReader, readChunks } from './range-reader.ts'

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
  const wanted = inOneRoom(spans)
  const groups = grouped(wanted.toSorted((a, b) => a.offset - b.offset))
  for (let first = 0; first < groups.length; first += READS_AT_ONCE) {
    await Promise.all(
      groups.slice(first, first + READS_AT_ONCE).map(({ offset, end, spans }) =>
        readChunks(reader, offset, end - offset, (chunk, at) => {
          for (const span of spans) place(chunk, offset + at, span)
        }),
      ),
    )
  }
  return wanted.map(({ bytes }) => bytes)
}

interface WantedSpan extends Span {
  readonly bytes: Uint8Array
}

/** So that of what is read with them nothing is kept, and they are one allocation. */
function inOneRoom(spans: readonly Span[]): WantedSpan[] {
  const room = new Uint8Array(spans.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0))
  let at = 0
  return spans.map(({ offset, lengthBytes }) => {
    at += lengthBytes
    return { offset, lengthBytes, bytes: room.subarray(at - lengthBytes, at) }
  })
}

function place(chunk: Uint8Array, start: number, { offset, lengthBytes, bytes }: WantedSpan): void {
  const from = Math.max(offset, start)
  const to = Math.min(offset + lengthBytes, start + chunk.byteLength)
  if (from < to) bytes.set(chunk.subarray(from - start, to - start), from - offset)
}

interface Group {
  readonly offset: number
  end: number
  readonly spans: WantedSpan[]
}

/** @param spans in the order of the file */
function grouped(spans: readonly WantedSpan[]): Group[] {
  const groups: Group[] = []
  for (const span of spans) {
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
