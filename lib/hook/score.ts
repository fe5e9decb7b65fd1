/** Scores as text: DynamoDB's numbers know no NaN, no infinity and no 1e300. */

/** Shortest text that reads back as the same double; Python's `float()` reads it too. */
export function scoreText(score: number): string {
  return String(score)
}

/** Reads what {@link scoreText} wrote. */
export function scoreOf(text: string): number {
  return Number(text)
}

/**
 * A sort key in which texts stand in the order of the scores: the bits of an IEEE 754 double, the sign
 * bit turned for positive numbers and every bit turned for negative ones, as 16 hexadecimal digits.
 * NaN sorts after everything.
 */
export function scoreRank(score: number): string {
  if (Number.isNaN(score)) return 'f'.repeat(16)
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, score === 0 ? 0 : score)
  const bits = view.getBigUint64(0)
  const sign = 1n << 63n
  const ordered = bits & sign ? ~bits & (2n ** 64n - 1n) : bits | sign
  return ordered.toString(16).padStart(16, '0')
}
