/** Which checkpoint of a run is best. */
import { isDirectory, pathOf, type Run } from '../hook/names.ts'
import { runtimeInfo } from './entries.ts'
import {
  artifactAt,
  checkpointAt,
  type PointedCheckpoint,
  pointerOf,
  seriesIn,
} from './pointers.ts'
import { QueryError, quoted } from './problem-details.ts'
import type { Stack } from './stack.ts'

export interface BestAnswer extends PointedCheckpoint {
  run: Run
  metric: string
  /** A text, as in the table: `Number()` reads it. */
  score: string
}

/**
 * The best copy of a metric, or of the only one that the run tracks. A best that is a directory has no copy:
 * the object is its marker.
 *
 * @throws {QueryError}
 */
export async function bestOf(
  stack: Stack,
  { run, metric }: { run: Run; metric?: string | undefined },
): Promise<BestAnswer> {
  const { answers, options } = await runtimeInfo(stack, run)
  const known = answers as Record<string, { score: string; key: string }>
  const asked = metric ?? onlyMetric(run, Object.keys(known), options)
  const answer = Object.hasOwn(known, asked) ? known[asked] : undefined
  if (answer === undefined) {
    const choice = Object.keys(known).map(quoted).join(', ') || 'none yet'
    throw new QueryError(
      'unknown-metric',
      `the run ${quoted(run)} has no best ${quoted(asked)}; it has ${choice}`,
    )
  }
  const best = { run, metric: asked, score: answer.score }
  if (isDirectory(answer.key)) {
    const directory = await checkpointAt(stack, run, pathOf(answer.key), seriesIn(options))
    if (directory !== undefined) return { ...best, ...directory }
  }
  const artifact = await artifactAt(stack, run, answer.key)
  const source = artifact['source'] as { step: number }
  return { ...best, step: source.step, object: pointerOf(artifact) }
}

/** The metric that a question means which names none. */
function onlyMetric(run: Run, scored: string[], options: unknown): string {
  const { save_best: tracked = [] } = options as { save_best?: string[] }
  if (tracked.length > 1) {
    const choice = tracked.map(quoted).join(', ')
    throw new QueryError(
      'several-metrics',
      `the run ${quoted(run)} tracks several metrics; name one of ${choice}`,
    )
  }
  const [only] = scored
  if (only !== undefined) return only
  throw new QueryError('no-checkpoint', `the run ${quoted(run)} has no best checkpoint yet`)
}
