import fc from 'fast-check'
import { expect, test } from 'vitest'
import { partsOfCopy, partsOfPlan } from '../../../lib/bucket/transfer-parts.ts'
import {
  lengthOf,
  type Part,
  type Piece,
  type RewritePlan,
  S3_PART_RULES,
} from '../../../lib/checkpoint/rewrite.ts'
import { MIB } from '../../fixtures/large-checkpoint.ts'

const pieces = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('copy' as const),
      offset: fc.nat(2 ** 40),
      lengthBytes: fc.oneof(
        fc.integer({ min: 1, max: 20 * MIB }),
        fc.integer({ min: 1, max: 20_000 * MIB }),
      ),
    }),
    fc.record({
      kind: fc.constant('bytes' as const),
      bytes: fc.integer({ min: 1, max: 200 }).map((length) => new Uint8Array(length)),
    }),
  ),
  { minLength: 1, maxLength: 40 },
)

test('parts are the file, by the rules of S3, and what is sent at once is small', () => {
  fc.assert(
    fc.property(pieces, (planned) => {
      const plan = planOf(planned)
      const parts = partsOfPlan(plan)
      expect(joined(parts)).toEqual(joined([{ kind: 'send', lengthBytes: 0, pieces: planned }]))
      expect(parts.length).toBeLessThanOrEqual(S3_PART_RULES.maxParts)
      for (const part of parts.slice(0, -1)) {
        expect(part.lengthBytes).toBeGreaterThanOrEqual(S3_PART_RULES.minPartBytes)
      }
      for (const part of parts) {
        expect(part.lengthBytes).toBeLessThanOrEqual(
          part.kind === 'send' ? 16 * MIB : S3_PART_RULES.maxPartBytes,
        )
        if (part.kind !== 'send') continue
        expect(part.pieces.reduce((sum, piece) => sum + lengthOf(piece), 0)).toBe(part.lengthBytes)
      }
    }),
  )
})

test.each([
  [17 * MIB, 1],
  [64 * MIB, 1],
  [64 * MIB + 1, 2],
  [5120 * MIB, 80],
  [10_000 * 64 * MIB + 1, 10_000],
])('a copy of %i bytes has %i parts', (sizeBytes, count) => {
  const parts = partsOfCopy(sizeBytes)
  expect(parts).toHaveLength(count)
  expect(joined(parts)).toEqual([`copy 0 ${sizeBytes}`])
})

function planOf(planned: Piece[]): RewritePlan {
  const sizeBytes = planned.reduce((sum, piece) => sum + lengthOf(piece), 0)
  return { pieces: planned, sizeBytes, sourceSizeBytes: 2 ** 41 } as unknown as RewritePlan
}

/** The stretches of a file in words, neighbours as one. */
function joined(parts: readonly Part[]): string[] {
  const stretches: { kind: string; offset: number; lengthBytes: number }[] = []
  for (const part of parts) {
    for (const piece of part.kind === 'copy' ? [part] : part.pieces) {
      const offset = piece.kind === 'copy' ? piece.offset : 0
      const last = stretches.at(-1)
      const follows =
        last?.kind === piece.kind &&
        (piece.kind === 'bytes' || last.offset + last.lengthBytes === offset)
      if (follows) last.lengthBytes += lengthOf(piece)
      else stretches.push({ kind: piece.kind, offset, lengthBytes: lengthOf(piece) })
    }
  }
  return stretches.map(({ kind, offset, lengthBytes }) => `${kind} ${offset} ${lengthBytes}`)
}
