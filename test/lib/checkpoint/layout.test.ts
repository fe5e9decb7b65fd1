import { describe, expect, test } from 'vitest'
import { type LayoutRequest, layOut, type Piece } from '../../../lib/checkpoint/layout.ts'
import type { RangeReader } from '../../../lib/checkpoint/range-reader.ts'
import { fillerOf } from '../../../lib/checkpoint/zip/filler.ts'
import type { ZipEntry } from '../../../lib/checkpoint/zip/zip-entry.ts'
import { readZipDirectory } from '../../../lib/checkpoint/zip-directory.ts'

const GIB = 1024 ** 3
const MIB = 1024 ** 2

function entryAt(name: string, headerOffset: number, sizeBytes: number): ZipEntry {
  return {
    name,
    versionMadeBy: 0,
    versionNeeded: 0,
    flags: 0x0808,
    method: 0,
    dosTime: 0,
    dosDate: 0,
    crc32: 7,
    compressedSizeBytes: sizeBytes,
    sizeBytes,
    internalAttributes: 0,
    externalAttributes: 0,
    headerOffset,
    endOffset: headerOffset + sizeBytes + 128,
  }
}

const request = (copied: readonly ZipEntry[]): LayoutRequest => ({
  pickleName: 'run/data.pkl',
  pickle: Buffer.from('pickle'),
  copied,
  alignmentBytes: 64,
  alignmentIsDeclared: false,
  borrowable: new Set(),
})

test('beyond 4 GiB sizes and offsets go into zip64 fields, and are read back', async () => {
  const copied = [
    entryAt('run/data/0', 128, 5 * GIB),
    entryAt('run/data/1', 6 * GIB, GIB),
    entryAt('run/version', 7 * GIB + 128, 2),
  ]
  const layout = layOut(request(copied))
  const { entries } = await readZipDirectory(virtualFile(layout.pieces, layout.sizeBytes))
  expect(entries.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
    ['run/data.pkl', 6],
    ['run/data/0', 5 * GIB],
    ['run/data/1', GIB],
    ['run/version', 2],
  ])
  expect(entries[3]?.headerOffset).toBeGreaterThan(5 * GIB)
})

test('65,535 entries and more are counted in a zip64 end record', async () => {
  const copied = Array.from({ length: 70_000 }, (_, n) =>
    entryAt(`run/data/${n}`, 200 + n * 132, 4),
  )
  const layout = layOut(request(copied))
  const { entries } = await readZipDirectory(virtualFile(layout.pieces, layout.sizeBytes))
  expect(entries).toHaveLength(70_001)
})

test('neighbours are one range, and a gap ends it', () => {
  const a = entryAt('run/data/0', 1000, 4)
  const b = entryAt('run/data/1', a.endOffset, 4)
  const c = entryAt('run/data/2', b.endOffset + 1, 4)
  const copies = layOut(request([c, a, b])).pieces.filter(({ kind }) => kind === 'copy')
  expect(copies).toEqual([
    { kind: 'copy', offset: 1000, lengthBytes: 264 },
    { kind: 'copy', offset: c.headerOffset, lengthBytes: 132 },
  ])
})

test('runs of less than 5 MiB come first, so that one part holds them and the pickle', () => {
  const long = entryAt('run/data/0', 1024, 5 * MIB)
  const short = entryAt('run/data/1', 8 * MIB, 4 * MIB)
  const version = entryAt('run/version', 16 * MIB, 2)
  const { pieces } = layOut(request([long, short, version]))
  expect(copiedFrom(pieces)).toEqual([8 * MIB, 16 * MIB, 1024])
})

test('many short neighbours are a long run', () => {
  const neighbours = [0, 1, 2, 3, 4, 5].map((n) =>
    entryAt(`run/data/${n}`, 1024 + n * (MIB + 128), MIB),
  )
  const short = entryAt('run/data/6', 16 * MIB, 4 * MIB)
  expect(copiedFrom(layOut(request([...neighbours, short])).pieces)).toEqual([16 * MIB, 1024])
})

describe('a filler', () => {
  const first = entryAt('run/data/0', 1024 + 16, 6 * MIB)
  const end = first.endOffset
  const second = (bytes: number) => entryAt('run/data/2', 16 * MIB + (end % 64) + bytes, 6 * MIB)
  const fillers = (skewBytes: number, more: Partial<LayoutRequest> = {}) =>
    layOut({ ...request([first, second(skewBytes)]), ...more })

  test('begins as the local headers of torch do, and is shorter than the alignment', () => {
    const [filler] = fillers(12).pieces.slice(2)
    expect(filler).toEqual({ kind: 'bytes', bytes: fillerOf(12) })
    expect(Buffer.from(fillerOf(12)).toString('hex')).toBe('504b03040000080800000000')
  })

  test('is copied along where such a header follows in the source', () => {
    const { pieces, borrowed } = fillers(12, { borrowable: new Set([end]) })
    expect(borrowed).toEqual([{ offset: end, lengthBytes: 12 }])
    expect(pieces.slice(1, 3)).toEqual([
      { kind: 'copy', offset: first.headerOffset, lengthBytes: end + 12 - first.headerOffset },
      { kind: 'copy', offset: second(12).headerOffset, lengthBytes: 6 * MIB + 128 },
    ])
  })

  test('is the same bytes, whether they are copied or new', () => {
    expect(fillers(12, { borrowable: new Set([end]) }).sizeBytes).toBe(fillers(12).sizeBytes)
  })

  test('brings data to a multiple of 16 alone where more could not be copied along', () => {
    expect(fillers(36, { borrowable: new Set([end]) }).borrowed).toEqual([
      { offset: end, lengthBytes: 4 },
    ])
  })

  test('keeps an alignment that the file declares, at the price of a joint', () => {
    const { pieces, borrowed } = fillers(36, {
      borrowable: new Set([end]),
      alignmentIsDeclared: true,
    })
    expect(borrowed).toEqual([])
    expect(pieces[2]).toEqual({ kind: 'bytes', bytes: fillerOf(36) })
  })

  test('is new before what is sent anyway', () => {
    const { borrowed } = layOut({
      ...request([entryAt('run/data/0', 1040, 6), entryAt('run/data/1', 5044, 6)]),
      borrowable: new Set([1040 + 6 + 128]),
    })
    expect(borrowed).toEqual([])
  })
})

test('the directory tells where each copied entry stood, for the next rewrite', async () => {
  const copied = [entryAt('run/data/0', 1000, 4), entryAt('run/data/1', 5 * GIB, 6 * MIB)]
  const layout = layOut(request(copied))
  const { entries } = await readZipDirectory(virtualFile(layout.pieces, layout.sizeBytes))
  expect(entries.map(({ origin }) => origin)).toEqual([
    undefined,
    { offset: 1000, lengthBytes: 132 },
    { offset: 5 * GIB, lengthBytes: 6 * MIB + 128 },
  ])
})

const copiedFrom = (pieces: readonly Piece[]) =>
  pieces.flatMap((piece) => (piece.kind === 'copy' ? [piece.offset] : []))

/** The planned file with zeros where the source's bytes would be. */
function virtualFile(pieces: readonly Piece[], sizeBytes: number): RangeReader {
  return {
    sizeBytes,
    read: async (offset, lengthBytes) => {
      const bytes = new Uint8Array(lengthBytes)
      let at = 0
      for (const piece of pieces) {
        const length = piece.kind === 'copy' ? piece.lengthBytes : piece.bytes.byteLength
        const from = Math.max(offset, at)
        const to = Math.min(offset + lengthBytes, at + length)
        if (piece.kind === 'bytes' && from < to) {
          bytes.set(piece.bytes.subarray(from - at, to - at), from - offset)
        }
        at += length
      }
      return bytes
    },
  }
}
