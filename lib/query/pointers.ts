/** Where the objects are that an answer points at. */
import { bareKey, pathOf, type Run, type Series } from '../hook/names.ts'
import { type Attributes, entriesOf, pagesOf } from './entries.ts'
import { QueryError, quoted } from './problem-details.ts'
import type { Stack } from './stack.ts'

/** An object that an answer points at: the exact version, so that a later one is not taken for it. */
export interface Pointer {
  /** Where it is not that of the hub. */
  bucket?: string
  key: string
  version_id: string
  etag: string
  /** Not of the marker of a directory: the hub records the size of the whole. */
  size_bytes?: number
  sha256?: string
}

/** A checkpoint and its object; of a directory, the object is its marker. */
export interface PointedCheckpoint {
  step: number
  directory?: { key: string; files: number; size_bytes: number }
  object: Pointer
}

/** An upload of a step's entry, as far as it says where a checkpoint is. */
interface StoredUpload extends Required<Omit<Pointer, 'bucket' | 'sha256'>> {
  directory?: { marker: string; files: number }
}

/**
 * The newest upload of a checkpoint. The highest steps are read first, where mostly it is.
 *
 * @param path its key, without the slash at a directory's end
 * @param series the counter of the run's checkpoints, where that is known: only its steps are read
 */
export async function checkpointAt(
  stack: Stack,
  run: Run,
  path: string,
  series?: Series,
): Promise<PointedCheckpoint | undefined> {
  const prefix = series === undefined ? 'step#' : `step#${series}#`
  for await (const page of pagesOf(stack, run, prefix, 'backwards')) {
    for (const { step, uploads } of page) {
      const live = (uploads as StoredUpload[]).findLast(({ key }) => pathOf(key) === path)
      if (live !== undefined) return { step: step as number, ...pointedUpload(live) }
    }
  }
  return undefined
}

/** The counter that the options in force name, as the table has them; nothing while there is no checkpoint. */
export function seriesIn(options: unknown): Series | undefined {
  const { by_epoch } = options as { by_epoch?: boolean }
  if (by_epoch === undefined) return undefined
  return by_epoch ? 'epoch' : 'iter'
}

function pointedUpload(upload: StoredUpload): Omit<PointedCheckpoint, 'step'> {
  const { key, version_id, etag, size_bytes, directory } = upload
  if (directory === undefined) return { object: { key, version_id, etag, size_bytes } }
  const { marker, files } = directory
  return {
    directory: { key: pathOf(key), files, size_bytes },
    object: { key: `${key}${marker}`, version_id, etag },
  }
}

/** @throws {QueryError} where the run has no such file of the hub's */
export async function artifactAt(stack: Stack, run: Run, key: string): Promise<Attributes> {
  const artifacts = await entriesOf(stack, run, 'artifact#')
  const found = artifacts.find((artifact) => artifact['key'] === key)
  if (found !== undefined) return found
  throw new QueryError('no-checkpoint', `the run ${quoted(run)} has no ${quoted(key)}`)
}

/** Where a file of the hub's is that exists. */
export function pointerOf(artifact: Attributes): Pointer {
  const { key: named, ...object } = artifact as unknown as Required<Pointer>
  const { version_id, etag, size_bytes, sha256 } = object
  const { bucket, key } = bareKey(named)
  return { ...(bucket !== undefined && { bucket }), key, version_id, etag, size_bytes, sha256 }
}
