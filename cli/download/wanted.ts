/** Which objects of a run are to be fetched, as people name them. */
import type { Bucket } from '../../lib/bucket/bucket.ts'
import { keyIn, nameOf, pathOf, type Run } from '../../lib/hook/names.ts'
import { bestOf } from '../../lib/query/best.ts'
import { lastOf } from '../../lib/query/last.ts'
import type { PointedCheckpoint, Pointer } from '../../lib/query/pointers.ts'
import { checkpointAt } from '../../lib/query/pointers.ts'
import { publishedOf } from '../../lib/query/published.ts'
import { checkpointNamed } from '../facts/named-checkpoint.ts'
import { Failure } from '../failure.ts'
import { askOfRun, loadNamedRun } from '../stack/run.ts'
import type { Stack } from '../stack/stack.ts'

/** What of a run is wanted; the last checkpoint where nothing is named. */
export interface Selection {
  /** A step, or the name of a checkpoint. */
  readonly step: string | undefined
  /** A metric, or whichever one the run tracks. */
  readonly best: string | true | undefined
  /** What was published of the last, or of the best by a metric. */
  readonly published: string | true | undefined
}

/** One object, with what the hub knows of it. */
export interface Wanted {
  readonly bucket: Bucket
  readonly object: Pointer
  /** The directory that it is the marker of, by its key without the slash at the end. */
  readonly directory: string | undefined
}

/**
 * Finds what is wanted.
 *
 * @throws {Failure} `no-run`, `no-step`, `not-found`
 * @throws {QueryError} where the run has no best or last
 */
export async function wantedOf(stack: Stack, text: string, selection: Selection): Promise<Wanted> {
  const { object, directory } = await pointedTo(stack, text, selection)
  const { bucket: other } = object
  const bucket = other === undefined ? stack.bucket : { ...stack.bucket, name: other }
  return { bucket, object, directory: directory?.key }
}

type Pointed = Pick<PointedCheckpoint, 'object' | 'directory'>

function pointedTo(
  stack: Stack,
  text: string,
  { step, best, published }: Selection,
): Promise<Pointed> {
  if (step !== undefined) return uploadOfStep(stack, text, step)
  return askOfRun<Pointed>(stack, text, (run) => {
    if (best !== undefined) return bestOf(stack, { run, metric: best === true ? undefined : best })
    if (published === undefined) return lastOf(stack, { run })
    return publishedFile(stack, run, published === true ? undefined : published)
  })
}

async function uploadOfStep(stack: Stack, text: string, step: string): Promise<Pointed> {
  const { ledger } = await loadNamedRun(stack, text)
  const { key, name } = checkpointNamed(ledger, stack.brake, step)
  const pointed = await checkpointAt(stack, ledger.run, pathOf(key))
  if (pointed !== undefined) return pointed
  throw new Failure('not-found', `${keyIn(ledger.run, name)}: has no upload that is left`)
}

async function publishedFile(stack: Stack, run: Run, of: string | undefined): Promise<Pointed> {
  const { published } = await publishedOf(stack, { run })
  const [only, ...others] = published.filter((file) => of === undefined || file.of === of)
  if (only !== undefined && others.length === 0) return only
  const there = published.map((file) => `${file.of} (${nameOf(file.object.key)})`).join(', ')
  throw new Failure('not-found', `${run}: has ${published.length} published files`, {
    advice: there === '' ? 'Say `ckpt done` once training ended.' : `Name one of: ${there}`,
  })
}
