/** Looks at a run, again and again: an unchanged one costs one entry of the table. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Run } from '../../lib/hook/names.ts'
import { ConflictError } from '../../lib/message-hub/message-hub-error.ts'
import { describeRun, type RunAnswer } from '../../lib/query/describe-run.ts'
import { entriesOf, runtimeInfo } from '../../lib/query/entries.ts'
import { QueryError } from '../../lib/query/problem-details.ts'
import type { Failure } from '../failure.ts'
import { failureOf } from '../failure-of.ts'
import type { Stack } from '../stack/stack.ts'
import type { Look } from './changes.ts'

/** What a look gave: the run as it now is, or why there is nothing to see. */
export type Seen =
  | { readonly kind: 'look'; readonly look: Look }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** Steps that are compared, as the query API has it. */
const MOST_STEPS = 2_000
/** A network that is away for a while comes back; one that stays away is told at last. */
const MOST_FAILURES = 100

/**
 * Looks until somebody stops asking, or the signal comes.
 *
 * @param intervalMs between two looks
 * @throws {Failure} where the first look fails, or very many in a row
 */
export async function* looksAt(
  stack: Stack,
  run: Run,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<Seen> {
  let version: unknown
  let failures = 0
  let isFirst = true
  while (!signal.aborted) {
    try {
      const seen = await lookFor(stack, run, version)
      failures = 0
      if (seen.kind === 'look') version = seen.version
      yield seen
    } catch (error) {
      failures += 1
      const failure = failureOf(error)
      const isBusy = error instanceof ConflictError
      if ((isFirst && !isBusy) || failures === MOST_FAILURES) throw failure
      yield { kind: 'failed', failure }
    }
    isFirst = false
    await sleep(intervalMs, undefined, { signal }).catch(() => {})
  }
}

type Versioned = Exclude<Seen, { kind: 'look' }> | { kind: 'look'; look: Look; version: unknown }

/** @param known the version of the run when it was last read */
async function lookFor(stack: Stack, run: Run, known: unknown): Promise<Versioned> {
  try {
    // First, so that what is read afterwards is at least as new.
    const { version } = await runtimeInfo(stack, run)
    if (version === known) return { kind: 'unchanged' }
    const described = await describeRun(stack, { run, limit: MOST_STEPS })
    const isEnded = await hasEnded(stack, described)
    return { kind: 'look', look: { run: described, isEnded }, version }
  } catch (error) {
    if (error instanceof QueryError && error.code === 'unknown-run') return { kind: 'unknown' }
    throw error
  }
}

/** Whether training ended and nothing is left to do: a checkpoint after the end means that it goes on. */
async function hasEnded(stack: Stack, described: RunAnswer): Promise<boolean> {
  const { run, steps, waits_for } = described
  if (waits_for !== undefined) return false
  const ends = (await entriesOf(stack, run, 'end#')) as { seconds: number; fault?: object }[]
  const ended = Math.max(...ends.filter((end) => !end.fault).map(({ seconds }) => seconds))
  const newest = Math.max(...steps.map(({ uploaded }) => Date.parse(uploaded) / 1000))
  if (ended === Number.NEGATIVE_INFINITY || newest > ended) return false
  return (await entriesOf(stack, run, 'effect#')).length === 0
}
