import { type CopiedEntry, type Run, runsOf } from './runs.ts'
import { concatBytes } from './zip/byte-fields.ts'
import { BORROWED_BYTES, fillerOf } from './zip/filler.ts'
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
export const LAYOUT_VERSION = 2

/** What S3 can copy by itself; fixed here, so that the layout does not depend on how parts are cut. */
const LONG_RUN_BYTES = 5 * 1024 ** 2
/** Between long runs, data that nobody declared to be aligned further are aligned to this at least. */
const LEAST_ALIGNMENT_BYTES = 16

/** What goes into a rewritten file. */
export interface LayoutRequest {
  readonly pickleName: string
  readonly pickle: Uint8Array
  /** Entries to copy with header, data and descriptor as they are, up to their own ends. */
  readonly copied: readonly ZipEntry[]
  readonly alignmentBytes: number
  /** Whether the file says so itself; else it is only what torch does. */
  readonly alignmentIsDeclared: boolean
  /** Where in the source a local header stands that begins as a filler does. */
  readonly borrowable: ReadonlySet<number>
}

/** Where each byte of the output comes from. */
export interface Layout {
  readonly pieces: Piece[]
  readonly sizeBytes: number
  /** Ranges of the source that are copied as fillers, for `checkLocalHeaders`. */
  readonly borrowed: readonly { readonly offset: number; readonly lengthBytes: number }[]
}

/**
 * Lays out the rewritten file: the new pickle, so that it begins with a local header; the short runs of
 * copied entries, which are sent in one part with it; the long runs, which S3 copies; the directory.
 *
 * A run keeps its offset modulo the alignment, so that data aligned in the source stay aligned. Where that
 * would need bytes to be sent between two long runs, and the file declares no alignment, it is kept modulo
 * 16. Readers go by the directory and see no fillers.
 */
export function layOut(request: LayoutRequest): Layout {
  const { alignmentBytes, borrowable } = request
  const first = firstEntry(request.pickleName, request.pickle, alignmentBytes)
  const output = new Output(first.bytes)
  const placed: PlacedEntry[] = [first.entry]
  const borrowed: { offset: number; lengthBytes: number }[] = []
  const runs = runsOf(request.copied)
  let before: CopiedEntry | undefined
  for (const run of [...runs.filter((run) => !isLong(run)), ...runs.filter(isLong)]) {
    const fillerBytes = fillerBefore(run, output.sizeBytes, request, before !== undefined)
    if (before !== undefined && fillerBytes <= BORROWED_BYTES && borrowable.has(before.endOffset)) {
      const filler = { offset: before.endOffset, lengthBytes: fillerBytes }
      if (fillerBytes > 0) borrowed.push(filler)
      output.copy(filler.offset, filler.lengthBytes)
    } else output.add(fillerOf(fillerBytes))
    for (const entry of run.entries) {
      placed.push({ ...entry, headerOffset: output.sizeBytes })
      output.copy(entry.headerOffset, entry.endOffset - entry.headerOffset)
    }
    before = isLong(run) ? run.entries.at(-1) : undefined
  }
  output.add(directoryBytes(placed, output.sizeBytes))
  return { pieces: output.pieces(), sizeBytes: output.sizeBytes, borrowed }
}

function isLong({ origin }: Run): boolean {
  return origin.lengthBytes >= LONG_RUN_BYTES
}

/** How far a run has to be from what was placed last. */
function fillerBefore(
  { origin }: Run,
  placedBytes: number,
  { alignmentBytes, alignmentIsDeclared }: LayoutRequest,
  isBetweenLongRuns: boolean,
): number {
  const aligned = distance(placedBytes, origin.offset, alignmentBytes)
  const mustAlign = alignmentIsDeclared || !isBetweenLongRuns || aligned <= BORROWED_BYTES
  return mustAlign ? aligned : distance(placedBytes, origin.offset, LEAST_ALIGNMENT_BYTES)
}

/** How far from one offset to the next that equals another modulo the alignment. */
function distance(from: number, like: number, alignmentBytes: number): number {
  return (((like - from) % alignmentBytes) + alignmentBytes) % alignmentBytes
}

/** The pieces so far; what follows each other in the source is one range, and new bytes are one piece. */
class Output {
  sizeBytes = 0
  readonly #pieces: ({ kind: 'copy'; offset: number; lengthBytes: number } | Uint8Array[])[] = []

  constructor(bytes: Uint8Array) {
    this.add(bytes)
  }

  add(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.sizeBytes += bytes.byteLength
    const last = this.#pieces.at(-1)
    if (Array.isArray(last)) last.push(bytes)
    else this.#pieces.push([bytes])
  }

  copy(offset: number, lengthBytes: number): void {
    if (lengthBytes === 0) return
    this.sizeBytes += lengthBytes
    const last = this.#pieces.at(-1)
    const goesOn =
      last !== undefined && !Array.isArray(last) && last.offset + last.lengthBytes === offset
    if (goesOn) last.lengthBytes += lengthBytes
    else this.#pieces.push({ kind: 'copy', offset, lengthBytes })
  }

  pieces(): Piece[] {
    return this.#pieces.map((piece) =>
      Array.isArray(piece) ? { kind: 'bytes', bytes: concatBytes(piece) } : piece,
    )
  }
}
