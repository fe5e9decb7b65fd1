/** What the entries `best#<metric>` of the table say, of one run or of many. */
import type { Attributes } from './entries.ts'

/** The best of a metric. */
export interface ScoredBest {
  /** A text, as in the table: `Number()` reads it. */
  score: string
  step: number
  /** Position among the run's lives, from 0. */
  life: number
  /** URI of the trainer's upload, which may be evicted. */
  source: string
  /** URI of the best copy; missing while it is being made. */
  copy?: string
  state: string
}

/** Without what else the entry holds. */
export function scoredBest(entry: Attributes): ScoredBest {
  const { score, step, life, source, copy, state } = entry as unknown as ScoredBest
  return { score, step, life, source, ...(copy !== undefined && { copy }), state }
}
