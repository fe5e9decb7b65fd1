/**
 * Parts made shorter than S3 would take them: sent ones are held in memory, and copied ones go faster side by
 * side.
 */
import { type Part, type PartRules, S3_PART_RULES, takerOf } from '../parts.ts'

/** The longest parts wanted, in bytes; each at least twice as long as the shortest that the rules allow. */
export interface LongestParts {
  readonly copyBytes: number
  readonly sendBytes: number
}

/**
 * Splits long parts into equal ones, each no longer than wanted. The bytes that are sent stay the same.
 *
 * Where that would make too many parts, they may be twice as long, and so on.
 */
export function splitParts(
  parts: readonly Part[],
  longest: LongestParts,
  rules: PartRules = S3_PART_RULES,
): Part[] {
  const counts = parts.map(({ kind, lengthBytes }) =>
    Math.ceil(lengthBytes / (kind === 'copy' ? longest.copyBytes : longest.sendBytes)),
  )
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total > rules.maxParts && total > parts.length) {
    const doubled = { copyBytes: 2 * longest.copyBytes, sendBytes: 2 * longest.sendBytes }
    return splitParts(parts, doubled, rules)
  }
  return parts.flatMap((part, index) => split(part, counts[index] ?? 1))
}

function split(part: Part, count: number): Part[] {
  const step = Math.ceil(part.lengthBytes / count)
  const take = takerOf(part.kind === 'copy' ? [part] : part.pieces)
  return Array.from({ length: count }, (_, index): Part => {
    const lengthBytes = Math.min(step, part.lengthBytes - index * step)
    const pieces = take(lengthBytes)
    return part.kind === 'send'
      ? { kind: 'send', lengthBytes, pieces }
      : { kind: 'copy', offset: part.offset + index * step, lengthBytes }
  })
}
