/** Until when what was evicted can be had back: the bucket knows since when a version is noncurrent. */
import type { Bucket } from '../../lib/bucket/bucket.ts'
import { type KeyVersions, versionsOf, versionsRightBelow } from '../../lib/bucket/versions.ts'
import { expirySeconds } from '../../lib/hook/expiry.ts'
import type { Explanation } from '../../lib/hook/explain.ts'
import { isDirectory, keyIn, type Run } from '../../lib/hook/names.ts'

/** What is left of an evicted checkpoint: nothing, or a version until some time. */
export type Remainder =
  | { readonly state: 'gone' }
  | { readonly state: 'restorable'; readonly untilSeconds: number }

/**
 * Looks up what is left of checkpoints that were evicted, by step id. A directory is told by its marker.
 *
 * @param noncurrentDays for how many days the bucket keeps noncurrent versions
 * @throws the error of S3 where the caller may not list versions
 */
export async function remaindersOf(
  bucket: Bucket,
  run: Run,
  explanations: readonly Explanation[],
  noncurrentDays: number,
): Promise<Map<string, Remainder>> {
  const evicted = explanations.flatMap(({ id, deletion }) =>
    deletion.state === 'done' ? [{ id, ...deletion }] : [],
  )
  const found = new Map<string, Remainder>()
  const [only, ...others] = evicted
  if (only === undefined) return found
  // Of a long run one listing takes fewer requests than a look at each.
  const all = others.length > 0 && (await versionsRightBelow(bucket, keyIn(run, '')))
  for (const { id, key, marker, versionId, isGone } of evicted) {
    const at = marker === undefined ? key : `${key}${marker}`
    const listed = (!isDirectory(key) && all && all.get(at)) || (await versionsOf(bucket, at))
    found.set(id, isGone ? { state: 'gone' } : remainderIn(listed, versionId, noncurrentDays))
  }
  return found
}

/** S3 counts from when something took its place. */
function remainderIn({ uploads, marker }: KeyVersions, versionId: string, days: number): Remainder {
  const at = uploads.findIndex((version) => version.versionId === versionId)
  const since = (uploads[at + 1] ?? marker)?.seconds
  if (at < 0) return { state: 'gone' }
  // Not deleted yet: an upper bound would be a guess, and this is none.
  const from = since ?? uploads[at]?.seconds ?? 0
  return { state: 'restorable', untilSeconds: expirySeconds(from, days) }
}
