import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readPieces, stretchesOf } from '../../../lib/bucket/read-pieces.ts'
import type { RangeReader } from '../../../lib/checkpoint/range-reader.ts'
import { lengthOf, type Piece } from '../../../lib/checkpoint/rewrite.ts'
import { MIB, noise } from '../../fixtures/large-checkpoint.ts'

const SOURCE = noise(1000, 1)
const piece = fc.oneof(
  fc.tuple(fc.nat(999), fc.integer({ min: 1, max: 300 })).map(([offset, length]): Piece => {
    return { kind: 'copy', offset, lengthBytes: Math.min(length, 1000 - offset) }
  }),
  fc.uint8Array({ minLength: 1, maxLength: 50 }).map((bytes): Piece => ({ kind: 'bytes', bytes })),
)
const pieces = fc.array(piece, { maxLength: 12 })

test('pieces are read as the bytes that they stand for', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, async (planned) => {
      const { reader } = counting(SOURCE)
      expect(Buffer.from(await readPieces(reader, planned))).toEqual(plain(planned))
    }),
  )
})

test('in whatever chunks a reader gives them, and into room that was used before', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 1, max: 400 }), async (planned, chunkBytes) => {
      const expected = plain(planned)
      const room = new Uint8Array(expected.byteLength + 3).fill(0xff)
      const reader: RangeReader = {
        sizeBytes: SOURCE.byteLength,
        read: () => Promise.reject(new Error('reads a whole range')),
        readChunks: async (offset, lengthBytes, take) => {
          for (let at = 0; at < lengthBytes; at += chunkBytes) {
            const end = Math.min(lengthBytes, at + chunkBytes)
            take(SOURCE.subarray(offset + at, offset + end), at)
          }
        },
      }
      expect(Buffer.from(await readPieces(reader, planned, room))).toEqual(expected)
      expect(Buffer.from(room)).toEqual(Buffer.concat([expected, Buffer.alloc(3, 0xff)]))
    }),
  )
})

test('stretches are the pieces, each of the length that was asked for', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 1, max: 400 }), async (planned, bytes) => {
      const stretches = stretchesOf(planned, bytes)
      expect(plain(stretches.flat())).toEqual(plain(planned))
      const lengths = stretches.map((stretch) => stretch.reduce((sum, at) => sum + lengthOf(at), 0))
      for (const length of lengths.slice(0, -1)) expect(length).toBe(bytes)
      expect(lengths.at(-1) ?? 1).toBeGreaterThan(0)
    }),
  )
})

test('ranges that lie close together are read together, others apart', async () => {
  const far = 200 * 1024
  const { reader, reads } = counting(noise(far + 100, 2))
  await readPieces(reader, [copy(0, 10), copy(20, 10), copy(40, 10), copy(far, 10)])
  expect(reads).toEqual([
    [0, 50],
    [far, 10],
  ])
})

test('a long range is read in pieces of 8 MiB, four at a time', async () => {
  const source = noise(41 * MIB, 3)
  let underWay = 0
  let most = 0
  const reader: RangeReader = {
    sizeBytes: source.byteLength,
    read: async (offset, lengthBytes) => {
      expect(lengthBytes).toBeLessThanOrEqual(8 * MIB)
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise((resolve) => setImmediate(resolve))
      underWay -= 1
      return source.subarray(offset, offset + lengthBytes)
    },
  }
  const bytes = await readPieces(reader, [copy(1, 40 * MIB)])
  expect(Buffer.compare(bytes, source.subarray(1, 1 + 40 * MIB))).toBe(0)
  expect(most).toBe(4)
})

function copy(offset: number, lengthBytes: number): Piece {
  return { kind: 'copy', offset, lengthBytes }
}

function plain(planned: readonly Piece[]): Buffer {
  return Buffer.concat(
    planned.map((each) =>
      each.kind === 'bytes'
        ? each.bytes
        : SOURCE.subarray(each.offset, each.offset + each.lengthBytes),
    ),
  )
}

function counting(source: Uint8Array): { reader: RangeReader; reads: number[][] } {
  const reads: number[][] = []
  return {
    reads,
    reader: {
      sizeBytes: source.byteLength,
      read: async (offset, lengthBytes) => {
        reads.push([offset, lengthBytes])
        return source.subarray(offset, offset + lengthBytes)
      },
    },
  }
}
