/** Which of two scores is better: the hook's `rule`, given or inferred from the metric's name. */

/** `greater`: a higher score is better. `less`: a lower one is. */
export type Rule = 'greater' | 'less'

/** The hook's `_default_greater_keys`. */
export const DEFAULT_GREATER_KEYS: readonly string[] = [
  'acc',
  'top',
  'AR@',
  'auc',
  'precision',
  'mAP',
  'mDice',
  'mIoU',
  'mAcc',
  'aAcc',
]
/** The hook's `_default_less_keys`. */
export const DEFAULT_LESS_KEYS: readonly string[] = ['loss']

/**
 * Infers a metric's rule as the hook's `_init_rule` does, case-insensitively: the whole name among the
 * greater keys, then among the less keys, then a greater key inside the name, then a less key.
 *
 * @returns nothing where no stage answers: the hook then asks for an explicit rule
 */
export function inferRule(
  metric: string,
  greaterKeys: readonly string[],
  lessKeys: readonly string[],
): Rule | undefined {
  const name = metric.toLowerCase()
  const greater = greaterKeys.map((key) => key.toLowerCase())
  const less = lessKeys.map((key) => key.toLowerCase())
  if (greater.includes(name)) return 'greater'
  if (less.includes(name)) return 'less'
  if (greater.some((key) => name.includes(key))) return 'greater'
  if (less.some((key) => name.includes(key))) return 'less'
  return undefined
}

/** Strictly better, as the hook compares: a tie keeps the earlier, and NaN never wins. */
export function isBetter(rule: Rule, score: number, best: number): boolean {
  return rule === 'greater' ? score > best : score < best
}

/** What the first score has to beat: the hook's `init_value_map`, so that `-inf` never wins `greater`. */
export function initialScore(rule: Rule): number {
  return rule === 'greater' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}
