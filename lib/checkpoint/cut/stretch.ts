/**
 * What a cut is made of: the stretches of the output that S3 copies. Whatever lies between them is sent.
 */
import type { PartRules } from '../parts.ts'

/** A stretch of the output that is one range of the source; positions are bytes from the output's start. */
export interface SourceRange {
  readonly start: number
  readonly end: number
  /** Where `start` lies in the source, in bytes. */
  readonly offset: number
}

/** The bytes `from` to `to` of the output, copied out of one range. */
export interface Stretch {
  readonly range: SourceRange
  readonly from: number
  readonly to: number
}

/** In the order of the output, not overlapping. */
export type Cut = readonly Stretch[]

/** What a cut costs: bytes that pass through the function, and parts. */
export interface Cost {
  readonly bytes: number
  readonly parts: number
}

/** How many parts a stretch takes; as many equal ones are never too short, since two of the least fit in one. */
export function partsFor(lengthBytes: number, rules: PartRules): number {
  return Math.ceil(lengthBytes / rules.maxPartBytes)
}

/** The least that can be copied of a range: only what ends the output may be shorter than a part. */
export function leastOf(range: SourceRange, sizeBytes: number, rules: PartRules): number {
  return range.end === sizeBytes ? 1 : rules.minPartBytes
}

/**
 * What a cut costs.
 *
 * @returns undefined where a part other than the last would be too short
 */
export function costOf(cut: Cut, sizeBytes: number, rules: PartRules): Cost | undefined {
  let bytes = 0
  let parts = 0
  let at = 0
  for (const { from, to } of cut) {
    const sent = from - at
    if ((sent > 0 && sent < rules.minPartBytes) || sent < 0) return undefined
    if (to - from < (to === sizeBytes ? 1 : rules.minPartBytes)) return undefined
    bytes += sent
    parts += partsFor(sent, rules) + partsFor(to - from, rules)
    at = to
  }
  return { bytes: bytes + sizeBytes - at, parts: parts + partsFor(sizeBytes - at, rules) }
}
