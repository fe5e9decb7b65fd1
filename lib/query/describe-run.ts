/** Everything that a person asks about one run. */
import type { Run } from '../hook/names.ts'
import { type Attributes, entriesOf, runtimeInfo, withoutKeys } from './entries.ts'
import type { Stack } from './stack.ts'

/** What `runtime_info` holds for the hub itself. */
const BOOKKEEPING = [
  'stack_arguments',
  'next_effect',
  'last_checkpoint_text',
  'retired_etags',
  'answers',
]

/**
 * A run's options, its checkpoints and their fates, its files.
 *
 * @throws {QueryError} where the hub knows no such run
 */
export async function describeRun(stack: Stack, { run }: { run: Run }): Promise<Attributes> {
  const info = await runtimeInfo(stack, run)
  const steps = await entriesOf(stack, run, 'step#')
  const artifacts = await entriesOf(stack, run, 'artifact#')
  const problems = await entriesOf(stack, run, 'problem#')
  return {
    run,
    ...withoutKeys(info, BOOKKEEPING),
    steps: steps.map(({ series, step, fate, reason, metrics }) => ({
      series,
      step,
      fate,
      reason,
      metrics: shownMetrics(metrics as Attributes[]),
    })),
    artifacts,
    problems,
  }
}

/** A value of `metrics/…` outranks that of a log, and of one source the later stands. */
function shownMetrics(metrics: Attributes[]): Attributes {
  const logs = metrics.filter(({ source }) => source === 'log')
  const events = metrics.filter(({ source }) => source !== 'log')
  return Object.fromEntries(
    [...logs, ...events].map(({ metric, value }) => [metric, value ?? null]),
  )
}
