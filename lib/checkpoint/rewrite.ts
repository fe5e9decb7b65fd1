/**
 * The checkpoint room: what a checkpoint file holds, and how one with fewer keys is made of it.
 *
 * Decides whether a file is a checkpoint that every torch reads alike, whether its pickle is harmless, and
 * where each byte of a rewritten file comes from. It never runs or imports what a pickle names, never asks
 * the clock or chance, and never moves a byte itself: a reader gives it ranges, a plan tells which to copy.
 *
 * `ingest` calls `lookInto` to see that an upload is whole; `publish` calls `planOutput`, and either `assemble`
 * or, where ranges are copied within S3, `checkLocalHeaders`; `ckpt inspect` calls `inspectCheckpoint`.
 *
 * @example
 * const wanted = (key: string) => key === 'meta' || key === 'state_dict'
 * const plan = await planOutput(reader, { wanted, format: 'pth' })
 * for await (const chunk of assemble(reader, plan)) hash.update(chunk)
 */
export { assemble, checkLocalHeaders } from './assemble.ts'
export { CheckpointFormatError, type CheckpointFormatErrorCode } from './checkpoint-format-error.ts'
export { type LongestParts, splitParts } from './cut/split-parts.ts'
export { formatOf } from './file-format.ts'
export { lengthOf, type Piece } from './layout.ts'
export {
  type OpenedCheckpoint,
  type OutputFormat,
  type OutputPlan,
  type OutputRequest,
  openCheckpoint,
  planOutput,
} from './open-checkpoint.ts'
export { cutIntoParts, type Part, type PartRules, S3_PART_RULES } from './parts.ts'
export { dottedName, type GlobalName, globalNamed } from './pickle/allow-list.ts'
export type { NamedGlobal } from './pickle/globals.ts'
export { planRewrite, type RewritePlan } from './plan-rewrite.ts'
export { type Checkpoint, type FormatFacts, readCheckpoint } from './read-checkpoint.ts'
