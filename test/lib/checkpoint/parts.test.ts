import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitParts } from '../../../lib/checkpoint/cut/split-parts.ts'
import { lengthOf, type Piece } from '../../../lib/checkpoint/layout.ts'
import {
  cutIntoParts,
  type Part,
  type PartRules,
  S3_PART_RULES,
} from '../../../lib/checkpoint/parts.ts'
import { complaintOf } from '../../fixtures/complaint.ts'
import { fewestSentBytes, originsOf } from '../../fixtures/every-cut.ts'

/** S3's rules, small enough that every cut can be tried. */
const SMALL: PartRules = {
  minPartBytes: 5,
  maxPartBytes: 50,
  maxParts: 10_000,
  minCopySourceBytes: 5,
}

describe('the parts of a planned file', () => {
  it('are the file, one after the other', () => {
    fc.assert(
      fc.property(plans(200, 0, 3), maxParts(), (pieces, maxParts) => {
        const plan = planOf(pieces)
        const origins = originsOf(piecesOf(cut(plan, { ...SMALL, maxParts })))
        expect(origins).toEqual(originsOf(plan.pieces))
      }),
      { numRuns: 2000 },
    )
  })

  it('are none too short, too long or too many', () => {
    fc.assert(
      fc.property(plans(200, 0, 3), maxParts(), (pieces, maxParts) => {
        const parts = cut(planOf(pieces), { ...SMALL, maxParts })
        expect(parts.length).toBeLessThanOrEqual(maxParts)
        const lengths = parts.map(({ lengthBytes }) => lengthBytes)
        expect(lengths.filter((length) => length < 1 || length > SMALL.maxPartBytes)).toEqual([])
        expect(lengths.slice(0, -1).filter((length) => length < SMALL.minPartBytes)).toEqual([])
        for (const part of parts) {
          if (part.kind === 'send') expect(sum(part.pieces.map(lengthOf))).toBe(part.lengthBytes)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('send no byte more than the best of all cuts, and are no more than they need be', () => {
    fc.assert(
      fc.property(plans(45, 3), (pieces) => {
        const plan = planOf(pieces)
        const parts = cut(plan, SMALL)
        const fewest = fewestSentBytes(plan.pieces, SMALL)
        const least = Math.min(...fewest)
        expect([sentBytes(parts), parts.length]).toEqual([least, fewest.indexOf(least)])
      }),
      { numRuns: 3000 },
    )
  })

  it('send no byte more than the best where ranges are longer than a part may be', () => {
    fc.assert(
      fc.property(plans(120, 0, 3), (pieces) => {
        const plan = planOf(pieces)
        expect(sentBytes(cut(plan, SMALL))).toBe(Math.min(...fewestSentBytes(plan.pieces, SMALL)))
      }),
      { numRuns: 500 },
    )
  })

  it('are, where the best cut has too many, such that none of as many sends less', () => {
    fc.assert(
      fc.property(plans(45, 3), fc.nat(), (pieces, seed) => {
        const plan = planOf(pieces)
        const least = Math.ceil(plan.sizeBytes / SMALL.maxPartBytes)
        const best = cut(plan, SMALL).length
        fc.pre(best > least)
        const maxParts = least + (seed % (best - least))
        const parts = cut(plan, { ...SMALL, maxParts })
        expect(parts.length).toBeLessThanOrEqual(maxParts)
        const fewest = fewestSentBytes(plan.pieces, SMALL)
        expect(sentBytes(parts)).toBe(Math.min(...fewest.slice(0, parts.length + 1)))
      }),
      { numRuns: 2000 },
    )
  })

  it('are all sent where the source is too short to copy ranges of it', () => {
    const pieces: Piece[] = [{ kind: 'copy', offset: 0, lengthBytes: 40 }]
    expect(cut({ ...planOf(pieces), sourceSizeBytes: 5 }, SMALL)).toEqual([
      { kind: 'send', lengthBytes: 40, pieces },
    ])
    expect(cut({ ...planOf(pieces), sourceSizeBytes: 6 }, SMALL)).toEqual(pieces)
  })

  it('cannot be those of a file that is larger than an object can be', async () => {
    const plan = planOf([{ kind: 'copy', offset: 0, lengthBytes: 101 }])
    expect(await complaintOf(async () => cut(plan, { ...SMALL, maxParts: 2 }))).toBe('too-large')
  })
})

describe('split parts', () => {
  const longest = { copyBytes: 20, sendBytes: 10 }

  it('are the same file, with as many bytes sent, and none longer than wanted or too short', () => {
    fc.assert(
      fc.property(plans(200, 0, 3), (pieces) => {
        const parts = cut(planOf(pieces), SMALL)
        const shorter = splitParts(parts, longest, SMALL)
        expect(originsOf(piecesOf(shorter))).toEqual(originsOf(pieces))
        expect(sentBytes(shorter)).toBe(sentBytes(parts))
        for (const [index, { kind, lengthBytes }] of shorter.entries()) {
          expect(lengthBytes).toBeLessThanOrEqual(kind === 'copy' ? 20 : 10)
          const isLast = index === shorter.length - 1
          expect(lengthBytes).toBeGreaterThanOrEqual(isLast ? 1 : SMALL.minPartBytes)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('are longer than wanted where there would be too many', () => {
    const parts: Part[] = [{ kind: 'copy', offset: 7, lengthBytes: 100 }]
    expect(splitParts(parts, longest, { ...SMALL, maxParts: 3 })).toEqual([
      { kind: 'copy', offset: 7, lengthBytes: 34 },
      { kind: 'copy', offset: 41, lengthBytes: 34 },
      { kind: 'copy', offset: 75, lengthBytes: 32 },
    ])
  })
})

describe("under S3's rules", () => {
  const MIB = 1024 ** 2
  /** Ranges of so many bytes with so many new bytes before each. */
  const combed = (count: number, rangeBytes: number, newBytes: number): Planned => {
    const bytes = new Uint8Array(newBytes)
    const pieces = Array.from({ length: count }, (_, at): Piece[] => [
      { kind: 'bytes', bytes },
      { kind: 'copy', offset: at * (rangeBytes + 1), lengthBytes: rangeBytes },
    ])
    return { ...planOf(pieces.flat()), sourceSizeBytes: count * (rangeBytes + 1) }
  }

  it('a joint costs one part of 5 MiB, which ranges beside it fill', () => {
    const parts = cutIntoParts(combed(3, 100 * MIB, 64))
    expect(parts.map(({ kind, lengthBytes }) => [kind, lengthBytes])).toEqual([
      ['send', 5 * MIB],
      ['copy', 90 * MIB + 128],
      ['send', 5 * MIB],
      ['copy', 95 * MIB + 64],
      ['send', 5 * MIB],
      ['copy', 100 * MIB],
    ])
  })

  it('100,000 pieces are cut, and 10,000 parts are used to the last', () => {
    const parts = cutIntoParts(combed(50_000, 7 * MIB, 64))
    expect(parts.length).toBeGreaterThan(9_990)
    expect(parts.length).toBeLessThanOrEqual(10_000)
    const copied = parts.filter(({ kind }) => kind === 'copy')
    expect(copied.length).toBeGreaterThanOrEqual(4_990)
  })

  it('a range over 5 GiB is several parts', () => {
    const parts = cutIntoParts(combed(1, 11 * 1024 * MIB, 64))
    expect(parts.map(({ kind }) => kind)).toEqual(['send', 'copy', 'copy', 'copy'])
    expect(Math.max(...parts.map(({ lengthBytes }) => lengthBytes))).toBeLessThanOrEqual(
      S3_PART_RULES.maxPartBytes,
    )
  })
})

const cut = cutIntoParts

interface Planned {
  readonly pieces: readonly Piece[]
  readonly sizeBytes: number
  readonly sourceSizeBytes: number
}

function planOf(pieces: readonly Piece[]): Planned {
  return { pieces, sizeBytes: sum(pieces.map(lengthOf)), sourceSizeBytes: 100_000 }
}

/**
 * Ranges and new bytes in any order.
 *
 * @param skipped bytes of the source between two ranges; 0 makes one range of them
 */
function plans(longestBytes: number, ...skipped: number[]): fc.Arbitrary<Piece[]> {
  const lengths = fc.oneof(
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: longestBytes }),
  )
  const steps = fc.record({
    kind: fc.constantFrom('copy', 'copy', 'bytes'),
    lengthBytes: lengths,
    skippedBytes: fc.constantFrom(...skipped),
  })
  return fc.array(steps, { minLength: 1, maxLength: 12 }).map((made) => {
    let offset = 0
    let fresh = 0
    return made.map(({ kind, lengthBytes, skippedBytes }): Piece => {
      if (kind === 'bytes') {
        fresh += 1
        return { kind: 'bytes', bytes: new Uint8Array(lengthBytes).fill(fresh) }
      }
      offset += skippedBytes
      const piece: Piece = { kind: 'copy', offset, lengthBytes }
      offset += lengthBytes
      return piece
    })
  })
}

const maxParts = () => fc.constantFrom(60, 60, 100)

function piecesOf(parts: readonly Part[]): Piece[] {
  return parts.flatMap((part) => (part.kind === 'send' ? part.pieces : [part]))
}

function sentBytes(parts: readonly Part[]): number {
  return sum(parts.filter(({ kind }) => kind === 'send').map(({ lengthBytes }) => lengthBytes))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
