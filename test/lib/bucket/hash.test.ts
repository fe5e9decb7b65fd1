import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ALL_TIME } from '../../../lib/bucket/deadline.ts'
import { hashByReading, wholeSha256 } from '../../../lib/bucket/hash.ts'
import type { Piece } from '../../../lib/checkpoint/rewrite.ts'
import { MIB, noise } from '../../fixtures/large-checkpoint.ts'

const digest = createHash('sha256').update('bytes').digest()
const ChecksumSHA256 = digest.toString('base64')

describe('what a store says of a checksum', () => {
  test('is the hash of the file where it is of the whole object', () => {
    expect(wholeSha256({ ChecksumSHA256, ChecksumType: 'FULL_OBJECT' })).toBe(
      digest.toString('hex'),
    )
  })

  test('is the hash of the file where no type is told, and no number of parts', () => {
    expect(wholeSha256({ ChecksumSHA256 })).toBe(digest.toString('hex'))
  })

  test.each([
    ['that is a hash of hashes', { ChecksumSHA256, ChecksumType: 'COMPOSITE' }],
    ['that ends with the number of parts', { ChecksumSHA256: `${ChecksumSHA256}-3` }],
    ['of another length', { ChecksumSHA256: 'AAAA', ChecksumType: 'FULL_OBJECT' }],
    ['that is none', {}],
  ] as const)('%s is not taken for the hash of the file', (_, answer) => {
    expect(wholeSha256(answer)).toBeUndefined()
  })
})

describe('a hash by reading', () => {
  const source = noise(50 * MIB, 1)
  const pieces: Piece[] = [
    { kind: 'bytes', bytes: Buffer.from('first') },
    { kind: 'copy', offset: 3, lengthBytes: 44 * MIB },
    { kind: 'bytes', bytes: Buffer.from('last') },
  ]
  const expected = createHash('sha256')
    .update('first')
    .update(source.subarray(3, 3 + 44 * MIB))
    .update('last')
    .digest('hex')

  test('is that of the pieces in order, and holds a few stretches at a time', async () => {
    let held = 0
    let most = 0
    const reader = {
      sizeBytes: source.byteLength,
      read: async (offset: number, lengthBytes: number) => {
        held += lengthBytes
        most = Math.max(most, held)
        await new Promise((resolve) => setImmediate(resolve))
        held -= lengthBytes
        return source.subarray(offset, offset + lengthBytes)
      },
    }
    expect(await hashByReading(reader, pieces, ALL_TIME)).toBe(expected)
    expect(most).toBeLessThanOrEqual(2 * 8 * MIB)
  })

  test('stops where the time is over', async () => {
    let reads = 0
    const reader = {
      sizeBytes: source.byteLength,
      read: async (offset: number, lengthBytes: number) => {
        reads += 1
        return source.subarray(offset, offset + lengthBytes)
      },
    }
    const timeLeft = () => (reads > 4 ? 10_000 : 20_000)
    await expect(hashByReading(reader, pieces, timeLeft)).rejects.toThrow('ms are left')
    expect(reads).toBeLessThan(7)
  })

  test('whose source fails says so', async () => {
    const reader = {
      sizeBytes: source.byteLength,
      read: async () => {
        throw new Error('torn')
      },
    }
    await expect(hashByReading(reader, pieces, ALL_TIME)).rejects.toThrow('torn')
  })
})
