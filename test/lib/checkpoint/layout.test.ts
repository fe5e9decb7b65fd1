import { expect, test } from 'vitest'
import { layOut, type Piece } from '../../../lib/checkpoint/layout.ts'
import type { RangeReader } from '../../../lib/checkpoint/range-reader.ts'
import type { ZipEntry } from '../../../lib/checkpoint/zip/zip-entry.ts'
import { readZipDirectory } from '../../../lib/checkpoint/zip-directory.ts'

const GIB = 1024 ** 3

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

const request = (copied: readonly ZipEntry[]) => ({
  pickleName: 'run/data.pkl',
  pickle: Buffer.from('pickle'),
  copied,
  alignmentBytes: 64,
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
  expect(entries[2]?.headerOffset).toBeGreaterThan(5 * GIB)
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

test('what is new between two ranges is zero, and shorter than the alignment', () => {
  const copied = [entryAt('run/data/0', 1000, 4), entryAt('run/data/1', 5000, 4)]
  const [, , filler] = layOut(request(copied)).pieces
  if (filler?.kind !== 'bytes') throw new Error('no filler')
  expect(filler.bytes.byteLength).toBeLessThan(64)
  expect(filler.bytes.every((byte) => byte === 0)).toBe(true)
})

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
