/** The files of a run that are published now. */
import type { Run } from '../hook/names.ts'
import { entriesOf, runtimeInfo } from './entries.ts'
import { type Pointer, pointerOf } from './pointers.ts'
import type { Stack } from './stack.ts'

export interface PublishedFile {
  /** The metric whose best it is, or `last`. */
  of: string
  step: number
  kept_keys: string[]
  removed_keys: string[]
  object: Pointer
}

export interface PublishedAnswer {
  run: Run
  published: PublishedFile[]
}

/** @throws {QueryError} where the hub knows no such run */
export async function publishedOf(stack: Stack, { run }: { run: Run }): Promise<PublishedAnswer> {
  await runtimeInfo(stack, run)
  const artifacts = await entriesOf(stack, run, 'artifact#')
  return {
    run,
    published: artifacts
      .filter(({ kind, state }) => kind === 'published' && state === 'current')
      .map((artifact) => ({
        of: (artifact['of_metric'] as string | undefined) ?? 'last',
        step: (artifact['source'] as { step: number }).step,
        kept_keys: artifact['kept_keys'] as string[],
        removed_keys: artifact['removed_keys'] as string[],
        object: pointerOf(artifact),
      })),
  }
}
