/** Reads stretches of a rewritten file: what is new from the plan, what is copied from the source. */
import { type RangeReader, readChunks, type TakeChunk } from '../checkpoint/range-reader.ts'
import { lengthOf, type Piece } from '../checkpoint/rewrite.ts'
import { forEachAtOnce } from './at-once.ts'

/** What lies between two ranges is read too where that takes no longer than another request. */
const GAP_BYTES = 128 * 1024
/** The longest read, so that a long stretch is got by some of them at once. */
const READ_BYTES = 8 * 1024 * 1024
const READS_AT_ONCE = 4

/** A range of the source and where its bytes go. */
interface Wanted {
  readonly offset: number
  readonly lengthBytes: number
  readonly at: number
}

/**
 * Reads pieces that follow each other, as one stretch of bytes. Neighbours in the source are read together.
 *
 * @param room where the stretch goes, from its first byte on; new memory unless told
 * @returns the stretch, all of the room or its beginning
 * @throws what the reader throws; then the room may still be written to for a while
 */
export async function readPieces(
  reader: RangeReader,
  pieces: readonly Piece[],
  room?: Uint8Array,
): Promise<Uint8Array> {
  const lengthBytes = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0)
  const stretch = room?.subarray(0, lengthBytes) ?? new Uint8Array(lengthBytes)
  const wanted: Wanted[] = []
  let at = 0
  for (const piece of pieces) {
    if (piece.kind === 'bytes') stretch.set(piece.bytes, at)
    else wanted.push({ offset: piece.offset, lengthBytes: piece.lengthBytes, at })
    at += lengthOf(piece)
  }
  await forEachAtOnce(together(wanted), READS_AT_ONCE, async (group) => {
    const offset = group[0]?.offset ?? 0
    const place = placeOf(group, offset, stretch)
    await readChunks(reader, offset, endOf(group) - offset, place)
  })
  return stretch
}

/** Cuts pieces into stretches of exactly so many bytes, the last of what is left. */
export function stretchesOf(pieces: readonly Piece[], stretchBytes: number): Piece[][] {
  const stretches: Piece[][] = []
  let current: Piece[] = []
  let room = stretchBytes
  for (const piece of pieces) {
    const lengthBytes = lengthOf(piece)
    for (let at = 0; at < lengthBytes; ) {
      const size = Math.min(room, lengthBytes - at)
      current.push(partOf(piece, at, size))
      at += size
      room -= size
      if (room > 0) continue
      stretches.push(current)
      current = []
      room = stretchBytes
    }
  }
  if (current.length > 0) stretches.push(current)
  return stretches
}

function partOf(piece: Piece, at: number, lengthBytes: number): Piece {
  return piece.kind === 'copy'
    ? { kind: 'copy', offset: piece.offset + at, lengthBytes }
    : { kind: 'bytes', bytes: piece.bytes.subarray(at, at + lengthBytes) }
}

/** Puts each chunk of a group's range where its bytes go, and leaves out what lies between. */
function placeOf(group: readonly Wanted[], offset: number, stretch: Uint8Array): TakeChunk {
  let next = 0
  return (chunk, at) => {
    const start = offset + at
    const end = start + chunk.byteLength
    for (let each = group[next]; each !== undefined && each.offset < end; each = group[next]) {
      const from = Math.max(each.offset, start)
      const to = Math.min(each.offset + each.lengthBytes, end)
      stretch.set(chunk.subarray(from - start, to - start), each.at + from - each.offset)
      if (to < each.offset + each.lengthBytes) return
      next += 1
    }
  }
}

function together(wanted: readonly Wanted[]): Wanted[][] {
  const groups: Wanted[][] = []
  for (const whole of wanted) {
    for (const each of piecewise(whole)) {
      const group = groups.at(-1)
      const gapBytes = group === undefined ? -1 : each.offset - endOf(group)
      const spanBytes = each.offset + each.lengthBytes - (group?.[0]?.offset ?? 0)
      if (
        group !== undefined &&
        gapBytes >= 0 &&
        gapBytes <= GAP_BYTES &&
        spanBytes <= READ_BYTES
      ) {
        group.push(each)
      } else groups.push([each])
    }
  }
  return groups
}

function piecewise({ offset, lengthBytes, at }: Wanted): Wanted[] {
  return Array.from({ length: Math.ceil(lengthBytes / READ_BYTES) }, (_, index) => {
    const from = index * READ_BYTES
    const size = Math.min(READ_BYTES, lengthBytes - from)
    return { offset: offset + from, lengthBytes: size, at: at + from }
  })
}

function endOf(group: readonly Wanted[]): number {
  const last = group.at(-1)
  return last === undefined ? 0 : last.offset + last.lengthBytes
}
