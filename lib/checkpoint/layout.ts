import { concatBytes } from './zip/byte-fields.ts'
import { directoryBytes, firstEntry, type PlacedEntry } from './zip/write-zip.ts'
import type { ZipEntry } from './zip/zip-entry.ts'

/** A stretch of the output: bytes of the source, or bytes that are new. */
export type Piece =
  | { readonly kind: 'copy'; readonly offset: number; readonly lengthBytes: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

/** How many bytes of the output a piece is. */
export function lengthOf(piece: Piece): number {
  return piece.kind === 'copy' ? piece.lengthBytes : piece.bytes.byteLength
}

/** Changes whenever the same source and keys would give other bytes. */
export const LAYOUT_VERSION = 1

/** What goes into a rewritten file. */
export interface LayoutRequest {
  readonly pickleName: string
  readonly pickle: Uint8Array
  /** Entries to copy with header, data and descriptor as they are. */
  readonly copied: readonly ZipEntry[]
  readonly alignmentBytes: number
}

/**
 * Lays out the rewritten file: the new pickle first, so that it begins with a local header; then the copied
 * entries in the order of the source, neighbours as one range; then the directory.
 *
 * A range keeps its offset modulo the alignment, so that data aligned in the source stay aligned; zero bytes
 * fill the gap before it. Readers go by the directory and see no gaps.
 */
export function layOut(request: LayoutRequest): { pieces: Piece[]; sizeBytes: number } {
  const { alignmentBytes } = request
  const first = firstEntry(request.pickleName, request.pickle, alignmentBytes)
  const pieces: Piece[] = []
  const placed: PlacedEntry[] = [first.entry]
  let fresh = [first.bytes]
  let end = first.bytes.byteLength
  for (const range of neighbours(request.copied)) {
    const gapBytes = distance(end, range.offset, alignmentBytes)
    if (gapBytes > 0) fresh.push(new Uint8Array(gapBytes))
    if (fresh.length > 0) pieces.push({ kind: 'bytes', bytes: concatBytes(fresh) })
    fresh = []
    end += gapBytes
    for (const entry of range.entries) {
      placed.push({ ...entry, headerOffset: entry.headerOffset - range.offset + end })
    }
    pieces.push({ kind: 'copy', offset: range.offset, lengthBytes: range.lengthBytes })
    end += range.lengthBytes
  }
  const directory = directoryBytes(placed, end)
  pieces.push({ kind: 'bytes', bytes: concatBytes([...fresh, directory]) })
  return { pieces, sizeBytes: end + directory.byteLength }
}

interface SourceRange {
  readonly offset: number
  lengthBytes: number
  readonly entries: ZipEntry[]
}

/** Entries that follow each other in the source go as one range. */
function neighbours(copied: readonly ZipEntry[]): SourceRange[] {
  const ranges: SourceRange[] = []
  for (const entry of copied.toSorted((a, b) => a.headerOffset - b.headerOffset)) {
    const lengthBytes = entry.endOffset - entry.headerOffset
    const last = ranges.at(-1)
    if (last !== undefined && last.offset + last.lengthBytes === entry.headerOffset) {
      last.lengthBytes += lengthBytes
      last.entries.push(entry)
    } else {
      ranges.push({ offset: entry.headerOffset, lengthBytes, entries: [entry] })
    }
  }
  return ranges
}

/** How far from one offset to the next that equals another modulo the alignment. */
function distance(from: number, like: number, alignmentBytes: number): number {
  return (((like - from) % alignmentBytes) + alignmentBytes) % alignmentBytes
}
