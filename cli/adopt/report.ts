/** What `ckpt adopt` and `ckpt rebuild` say. */
import type { Explanation } from '../../lib/hook/explain.ts'
import { type Run, uriOf } from '../../lib/hook/names.ts'
import { tableOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import type { Mode } from './adopt.ts'

/** What would come of looking at a run's keys. */
export interface Adoption {
  readonly run: Run
  /** Whether the hub has met the run before. */
  readonly isKnown: boolean
  /** Keys that it is to look at. */
  readonly keys: readonly string[]
  readonly checkpoints: readonly Explanation[]
  /** Keys that would be deleted. */
  readonly evicted: readonly string[]
  /** Keys that would be made; published files get their hash in addition. */
  readonly made: readonly string[]
  readonly best: readonly { metric: string; score: number; step: number }[]
  readonly lastStep: number | undefined
}

/** Prints the answer. */
export function reportAdoptions(
  terminal: Terminal,
  bucket: string,
  adoptions: readonly Adoption[],
  mode: Mode,
): void {
  const isAsked = mode === 'for real'
  const uris = (keys: readonly string[]) => keys.map((key) => uriOf(bucket, key))
  const json = {
    asked: isAsked,
    runs: adoptions.map(({ run, isKnown, keys, checkpoints, evicted, made, best, lastStep }) => ({
      run,
      is_known: isKnown,
      keys: uris(keys),
      checkpoints: checkpoints.map(({ step, key, fate, reason }) => ({
        step,
        checkpoint: uriOf(bucket, key),
        fate,
        reason,
      })),
      evicts: uris(evicted),
      makes: uris(made),
      best: best.map(({ metric, score, step }) => ({ metric, score: String(score), step })),
      last_step: lastStep ?? null,
    })),
  }
  terminal.answer(json, () => textOf(terminal, adoptions, isAsked))
}

function textOf(terminal: Terminal, adoptions: readonly Adoption[], isAsked: boolean): string {
  if (adoptions.length === 0) return 'The hub knows of everything that lies there.'
  const table = tableOf(
    terminal,
    ['run', 'to look at', 'checkpoints', 'kept', 'would evict', 'would make', 'last', 'best'],
    adoptions.map(({ run, keys, checkpoints, evicted, made, best, lastStep }) => [
      run,
      keys.length,
      checkpoints.length,
      checkpoints.filter(({ fate }) => fate === 'kept').length,
      evicted.length,
      made.length,
      lastStep === undefined ? '' : String(lastStep),
      best.map(({ metric, score, step }) => `${metric} ${score} at ${step}`).join(', '),
    ]),
  )
  return terminal.isForPeople ? `${table}\n\n${isAsked ? ASKED : DRY_RUN}` : table
}

const ASKED = 'The hub was asked to look. `ckpt explain <run>` says what came of it.'
const DRY_RUN = 'Nothing was done: this is what would come of it. Add --yes to ask the hub to look.'
