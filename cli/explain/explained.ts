/** An explanation, with what the bucket knows of it and which fact decided. */
import type { Explanation } from '../../lib/hook/explain.ts'
import type { FactAt } from '../../lib/hook/history-until.ts'
import type { Run } from '../../lib/hook/names.ts'
import type { Remainder } from './restorable.ts'

export interface Explained extends Explanation {
  /** The fact with which its fate became what it is; nothing where none was sought, or none did. */
  readonly decidedBy: FactAt | undefined
  /** What is left of one that was evicted. */
  readonly remainder: Remainder | undefined
}

/** Explanations of a run. */
export interface ExplainedRun {
  readonly run: Run
  readonly bucket: string
  readonly checkpoints: readonly Explained[]
}
