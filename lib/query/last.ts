/** Which checkpoint of a run is the last. */
import type { Run } from '../hook/names.ts'
import { runtimeInfo } from './entries.ts'
import { checkpointAt, type PointedCheckpoint, seriesIn } from './pointers.ts'
import { QueryError, quoted } from './problem-details.ts'
import type { Stack } from './stack.ts'

export interface LastAnswer extends PointedCheckpoint {
  run: Run
}

/**
 * The last checkpoint as the hub recorded it: the highest step of the newest life. `resumableOf` looks at the
 * bucket too.
 *
 * @throws {QueryError}
 */
export async function lastOf(stack: Stack, { run }: { run: Run }): Promise<LastAnswer> {
  const { last_ckpt, options } = await runtimeInfo(stack, run)
  const key = typeof last_ckpt === 'string' ? last_ckpt.replace(/^s3:\/\/[^/]+\//, '') : undefined
  const last =
    key === undefined ? undefined : await checkpointAt(stack, run, key, seriesIn(options))
  if (last !== undefined) return { run, ...last }
  throw new QueryError('no-checkpoint', `the run ${quoted(run)} has no complete checkpoint yet`)
}
