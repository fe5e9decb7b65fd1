/**
 * A planned file cut into the parts of a multipart upload, so that the fewest bytes pass through the function.
 *
 * Decides which ranges S3 copies by itself and which bytes are read and sent; moves none of them.
 */
import { cutOfFewestBytes } from './cut/fit-parts.ts'
import { partsFor, type SourceRange } from './cut/stretch.ts'
import { lengthOf, type Piece } from './layout.ts'
import type { RewritePlan } from './plan-rewrite.ts'

/** A part of the multipart upload, in order. */
export type Part =
  /** One range of the source, for `UploadPartCopy`. */
  | { readonly kind: 'copy'; readonly offset: number; readonly lengthBytes: number }
  /** Goes through the function: its `copy` pieces are read by range, its `bytes` are new. */
  | { readonly kind: 'send'; readonly lengthBytes: number; readonly pieces: readonly Piece[] }

/** What a store allows of parts. A part of `maxPartBytes` has to hold two of `minPartBytes`. */
export interface PartRules {
  /** Of every part but the last. */
  readonly minPartBytes: number
  readonly maxPartBytes: number
  readonly maxParts: number
  /** A range can be copied of a source that is longer than this. */
  readonly minCopySourceBytes: number
}

const MIB = 1024 ** 2

/** S3's own (User Guide, "Amazon S3 multipart upload limits"; API reference, `UploadPartCopy`). */
export const S3_PART_RULES: PartRules = {
  minPartBytes: 5 * MIB,
  maxPartBytes: 5 * 1024 * MIB,
  maxParts: 10_000,
  minCopySourceBytes: 5 * MIB,
}

/**
 * Cuts a planned file into parts which, one after the other, are the file. Of all such cuts it is one that
 * sends the fewest bytes, and of those one with the fewest parts. Where that would be too many parts, it is
 * one than which no cut of as many or fewer parts sends less.
 *
 * Takes time in proportion to the pieces, but for files made to defy it.
 *
 * @throws {CheckpointFormatError} `too-large` where no parts could hold the file
 */
export function cutIntoParts(
  plan: Pick<RewritePlan, 'pieces' | 'sizeBytes' | 'sourceSizeBytes'>,
  rules: PartRules = S3_PART_RULES,
): Part[] {
  const ranges = plan.sourceSizeBytes > rules.minCopySourceBytes ? rangesIn(plan.pieces) : []
  const cut = cutOfFewestBytes(ranges, plan.sizeBytes, rules)
  const take = takerOf(plan.pieces)
  const send = (lengthBytes: number): Part => ({
    kind: 'send',
    lengthBytes,
    pieces: take(lengthBytes),
  })
  const parts: Part[] = []
  let at = 0
  for (const { range, from, to } of cut) {
    parts.push(...shares(from - at, rules).map(send))
    take(to - from)
    let offset = range.offset + from - range.start
    for (const lengthBytes of shares(to - from, rules)) {
      parts.push({ kind: 'copy', offset, lengthBytes })
      offset += lengthBytes
    }
    at = to
  }
  parts.push(...shares(plan.sizeBytes - at, rules).map(send))
  return parts
}

/** The stretches of the output that are ranges of the source, as long as they can be. */
function rangesIn(pieces: readonly Piece[]): SourceRange[] {
  const ranges: SourceRange[] = []
  let at = 0
  for (const piece of pieces) {
    const end = at + lengthOf(piece)
    if (piece.kind === 'copy') {
      const last = ranges.at(-1)
      if (last?.end === at && last.offset + last.end - last.start === piece.offset) {
        ranges[ranges.length - 1] = { ...last, end }
      } else ranges.push({ start: at, end, offset: piece.offset })
    }
    at = end
  }
  return ranges
}

/** As few lengths as the rules allow, equal but for a byte, and none too short. */
function shares(lengthBytes: number, rules: PartRules): number[] {
  const count = partsFor(lengthBytes, rules)
  const boundary = (index: number) => Math.floor((lengthBytes / count) * index)
  return Array.from({ length: count }, (_, index) =>
    index + 1 === count ? lengthBytes - boundary(index) : boundary(index + 1) - boundary(index),
  )
}

/** Takes the next bytes off the pieces, each time it is called. */
export function takerOf(pieces: readonly Piece[]): (lengthBytes: number) => Piece[] {
  let index = 0
  let taken = 0
  return (lengthBytes) => {
    const slices: Piece[] = []
    let missing = lengthBytes
    while (missing > 0) {
      const piece = pieces[index]
      if (piece === undefined) throw new RangeError('the pieces are shorter than the file')
      const count = Math.min(missing, lengthOf(piece) - taken)
      if (count > 0) slices.push(slice(piece, taken, count))
      missing -= count
      taken += count
      if (taken === lengthOf(piece)) {
        index += 1
        taken = 0
      }
    }
    return slices
  }
}

function slice(piece: Piece, from: number, lengthBytes: number): Piece {
  return piece.kind === 'copy'
    ? { kind: 'copy', offset: piece.offset + from, lengthBytes }
    : { kind: 'bytes', bytes: piece.bytes.subarray(from, from + lengthBytes) }
}
