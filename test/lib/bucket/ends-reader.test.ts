import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rememberEnds } from '../../../lib/bucket/ends-reader.ts'
import { type RangeReader, readChunks } from '../../../lib/checkpoint/range-reader.ts'
import { planRewrite, readCheckpoint } from '../../../lib/checkpoint/rewrite.ts'
import {
  directoryBytes,
  firstEntry,
  type PlacedEntry,
} from '../../../lib/checkpoint/zip/write-zip.ts'
import { noise } from '../../fixtures/large-checkpoint.ts'
import { dict, floatTensor, pickleOf, text } from '../../fixtures/pickle-bytes.ts'

describe('a reader that remembers the ends', () => {
  test('gives the bytes of the file, whatever is read', async () => {
    const range = fc.tuple(fc.nat(100), fc.nat(100))
    await fc.assert(
      fc.asyncProperty(fc.nat(100), fc.nat(120), fc.array(range), async (size, window, ranges) => {
        const file = noise(size + 1, 1)
        const { reader } = counting(file.byteLength, (at, length) => file.subarray(at, at + length))
        const remembering = rememberEnds(reader, window + 1)
        for (const [from, length] of ranges) {
          const at = from % file.byteLength
          const end = Math.min(at + length, file.byteLength)
          expect(await remembering.read(at, end - at)).toEqual(file.subarray(at, end))
          const chunks: Uint8Array[] = []
          await readChunks(remembering, at, end - at, (chunk) => chunks.push(chunk))
          expect(new Uint8Array(Buffer.concat(chunks))).toEqual(file.subarray(at, end))
        }
      }),
    )
  })

  test('reads each end once, whoever asks at the same time', async () => {
    const file = noise(1000, 1)
    const { reader, reads } = counting(1000, (at, length) => file.subarray(at, at + length))
    const remembering = rememberEnds(reader, 100)
    const asked = [0, 10, 50, 900, 990].map((at) => remembering.read(at, 10))
    await Promise.all([...asked, remembering.read(500, 10)])
    expect(reads.toSorted((a, b) => a[0] - b[0])).toEqual([
      [0, 100],
      [500, 10],
      [900, 100],
    ])
  })

  test('asks again for what failed', async () => {
    let failures = 1
    const reader = {
      sizeBytes: 10,
      read: async (_: number, length: number) => {
        if (failures-- > 0) throw new Error('torn')
        return new Uint8Array(length)
      },
    }
    const remembering = rememberEnds(reader)
    await expect(remembering.read(0, 1)).rejects.toThrow('torn')
    expect(await remembering.read(0, 1)).toHaveLength(1)
  })
})

describe('a checkpoint of 10 GB with Adam’s state: 300 parameters, 900 storages', () => {
  test('is read by two requests where its small entries are at its ends', async () => {
    const { reader, reads } = virtualCheckpoint({ parameters: 300, gibibytes: 10 })
    const checkpoint = await readCheckpoint(rememberEnds(reader))
    expect(checkpoint.entries.map(({ key }) => key)).toEqual(['meta', 'state_dict', 'optimizer'])
    expect(reads).toHaveLength(2)
    expect(reads.reduce((sum, [, length]) => sum + length, 0)).toBe(2 * 256 * 1024)
    expect(planRewrite(checkpoint, (key) => key !== 'optimizer').sizeBytes).toBeGreaterThan(
      3 * 1024 ** 3,
    )
  })

  test('with ten times as many storages it takes six: its pickle, its directory and what lies behind them', async () => {
    const { reader, reads } = virtualCheckpoint({ parameters: 3000, gibibytes: 10 })
    await readCheckpoint(rememberEnds(reader))
    expect(reads).toHaveLength(6)
  })
})

/** A checkpoint whose tensors are zeros that nobody wrote; what describes them is real. */
function virtualCheckpoint({ parameters, gibibytes }: { parameters: number; gibibytes: number }) {
  const count = 3 * parameters
  const each = Math.floor((gibibytes * 1024 ** 3) / count / 64) * 64
  const tensor = (at: number) => [text(`layer.${at}.weight`), floatTensor(String(at), each / 4)]
  const named = (from: number, to: number) => [
    '}(',
    Array.from({ length: to - from }, (_, at) => tensor(from + at)),
    'u',
  ]
  const pickle = pickleOf(
    dict({
      meta: dict({}),
      state_dict: named(0, parameters),
      optimizer: named(parameters, count),
    }),
  )
  const written: { at: number; bytes: Uint8Array }[] = []
  const placed: PlacedEntry[] = []
  let end = 0
  const write = (name: string, data: Uint8Array) => {
    const { bytes, entry } = firstEntry(name, data, 64)
    written.push({ at: end, bytes })
    placed.push({ ...entry, headerOffset: end })
    end += bytes.byteLength
  }
  write('archive/data.pkl', pickle)
  write('archive/byteorder', Buffer.from('little'))
  for (let at = 0; at < count; at++) {
    const { bytes, entry } = firstEntry(`archive/data/${at}`, new Uint8Array(), 64)
    const sizes = { compressedSizeBytes: each, sizeBytes: each, crc32: 0 }
    placed.push({ ...entry, ...sizes, headerOffset: end })
    end += bytes.byteLength + each
  }
  write('archive/version', Buffer.from('3\n'))
  const directory = directoryBytes(placed, end)
  written.push({ at: end, bytes: directory })
  return counting(end + directory.byteLength, (offset, lengthBytes) => {
    const range = new Uint8Array(lengthBytes)
    for (const { at, bytes } of written) {
      const from = Math.max(at, offset)
      const to = Math.min(at + bytes.byteLength, offset + lengthBytes)
      if (from < to) range.set(bytes.subarray(from - at, to - at), from - offset)
    }
    return range
  })
}

function counting(
  sizeBytes: number,
  rangeOf: (offset: number, lengthBytes: number) => Uint8Array,
): { reader: RangeReader; reads: [number, number][] } {
  const reads: [number, number][] = []
  const reader: RangeReader = {
    sizeBytes,
    read: async (offset, lengthBytes) => {
      reads.push([offset, lengthBytes])
      return rangeOf(offset, lengthBytes)
    },
  }
  return { reader, reads }
}
