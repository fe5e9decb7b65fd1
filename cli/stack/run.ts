/** A run of a stack, as people name it on the command line. */
import { distance } from 'fastest-levenshtein'
import { nameOf, parseRun, type Run, uriOf } from '../../lib/hook/names.ts'
import { runsNewestFirst } from '../../lib/message-hub/list-runs.ts'
import { type LoadedRun, loadRun } from '../../lib/message-hub/message-hub.ts'
import { QueryError } from '../../lib/query/problem-details.ts'
import { Failure } from '../failure.ts'
import { parsePlace } from '../place.ts'
import type { Stack } from './stack.ts'

/** Among more runs than these nobody looks for a name that is nearly right. */
const RUNS_COMPARED = 2_000
const NAMES_SHOWN = 3

/**
 * Reads the name of a run. Nothing in it is decoded; whether there is such a run is not asked.
 *
 * @param text the run's prefix, or `s3://bucket/prefix`
 * @throws {Failure} `usage` where it is empty, or a URI of another bucket than the stack's
 */
export function runNamed({ name, bucket }: Stack, text: string): Run {
  const place = parsePlace(text)
  if (place.kind === 'file') return parseRun(place.path)
  if (place.bucket === bucket.name) return parseRun(place.key)
  throw new Failure(
    'usage',
    `${text}: is not in the bucket of the stack ${JSON.stringify(name)}, which is ${bucket.name}`,
    { code: 'other-bucket', advice: 'Name the run alone, or another stack with --stack.' },
  )
}

/**
 * Reads what the hub knows of a run.
 *
 * @param text as `runNamed` reads it
 * @throws {Failure} `no-run` where it knows none of that name, with names that are near
 */
export async function loadNamedRun(stack: Stack, text: string): Promise<LoadedRun> {
  const run = runNamed(stack, text)
  const loaded = await loadRun(stack.hub, run)
  if (loaded.version > 0) return loaded
  const { claimedBy } = loaded.ledger
  const place = uriOf(stack.bucket.name, run)
  if (claimedBy !== undefined) {
    throw new Failure('not-found', `${place}: is no run, but a folder of out_dir`, {
      code: 'no-run',
      advice: `It holds what was made for the run ${claimedBy}: ask for that one.`,
    })
  }
  throw new Failure('not-found', `${place}: the hub knows no such run`, {
    code: 'no-run',
    advice: await adviceOn(stack, run),
  })
}

/**
 * Asks something about a run that is read for that alone; only where the hub knows none of that name is it looked
 * for which names are near.
 *
 * @param text as `runNamed` reads it
 * @throws {Failure} `no-run`
 * @throws {QueryError} where the question has no answer
 */
export async function askOfRun<T>(
  stack: Stack,
  text: string,
  ask: (run: Run) => Promise<T>,
): Promise<T> {
  try {
    return await ask(runNamed(stack, text))
  } catch (error) {
    if (error instanceof QueryError && error.code === 'unknown-run') await loadNamedRun(stack, text)
    throw error
  }
}

async function adviceOn(stack: Stack, run: Run): Promise<string> {
  const known: Run[] = []
  for await (const each of runsNewestFirst(stack.hub)) {
    known.push(each)
    if (known.length === RUNS_COMPARED) break
  }
  if (known.length === 0) return 'It knows none yet: upload a checkpoint.'
  const near = nearest(run, known)
  return near.length > 0 ? `Near to it: ${near.join(', ')}` : `The newest is ${known[0]}`
}

/** Of several runs those whose names are nearly this one, the nearest first. */
export function nearest(run: Run, known: readonly Run[]): Run[] {
  return known
    .map((each) => ({ each, far: farness(run, each) }))
    .filter(({ far }) => far <= 0.4)
    .toSorted((a, b) => a.far - b.far)
    .slice(0, NAMES_SHOWN)
    .map(({ each }) => each)
}

/** From 0, the same, to 1. A folder that was left out, or put before, is a small mistake. */
function farness(a: string, b: string): number {
  if (b.endsWith(`/${nameOf(a)}`) || a.endsWith(`/${b}`)) return 0.1
  return distance(a.toLowerCase(), b.toLowerCase()) / Math.max(a.length, b.length)
}
