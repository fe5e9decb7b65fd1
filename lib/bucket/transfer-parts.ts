/** The parts of an object as they go over the wire: small enough to be sent from memory and copied at once. */
import {
  cutIntoParts,
  type LongestParts,
  type Part,
  type RewritePlan,
  S3_PART_RULES,
  splitParts,
} from '../checkpoint/rewrite.ts'

/** S3 copies a range at some 80 MB/s, and many at once: a part takes a second, and its request costs $0.000005. */
const COPY_BYTES = 64 * 1024 ** 2
/** What is sent is held. Two of the shortest parts fit in. */
const SEND_BYTES = 10 * 1024 ** 2

/** How long parts are where nobody says otherwise. */
export const TRANSFER_PARTS: LongestParts = { copyBytes: COPY_BYTES, sendBytes: SEND_BYTES }

/** The parts that make a rewritten file, in order. */
export function partsOfPlan(plan: RewritePlan, longest = TRANSFER_PARTS): Part[] {
  return splitParts(cutIntoParts(plan), longest)
}

/** The parts that make a copy of a whole object. */
export function partsOfCopy(sizeBytes: number, { copyBytes } = TRANSFER_PARTS): Part[] {
  const partBytes = Math.max(copyBytes, Math.ceil(sizeBytes / S3_PART_RULES.maxParts))
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => {
    const offset = index * partBytes
    return { kind: 'copy', offset, lengthBytes: Math.min(partBytes, sizeBytes - offset) }
  })
}
