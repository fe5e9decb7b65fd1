/** Results of jobs that come late: what was made may be gone again, or another object in its place. */
import { BucketError } from '../bucket/bucket.ts'
import { versionsOf } from '../bucket/versions.ts'
import type { Ledger } from '../hook/ledger.ts'
import type { Observation } from '../hook/record.ts'
import { whereIs } from './where-is.ts'
import type { Worker } from './worker.ts'

/**
 * What was seen, without what was made by an effect that another worker ended as well, and was retired since. To
 * be asked after the run was read, so that a commit in between is a conflict.
 *
 * @throws {BucketError} `changed` where the effect stands, and another job has written over its object: it has to
 *   be made again
 * @throws the error of S3
 */
export async function stillThere(
  { bucket }: Worker,
  { effects }: Ledger,
  observations: readonly Observation[],
): Promise<Observation[]> {
  const kept: Observation[] = []
  for (const each of observations) {
    if (each.kind !== 'result' || each.result.kind !== 'made') kept.push(each)
    else if (await isCurrent(bucket, each.result)) kept.push(each)
    else if (effects.some(({ number }) => number === each.effect)) {
      const reason = 'another object took its place before it was recorded; try again'
      throw new BucketError('changed', each.result.key, reason)
    }
  }
  return kept
}

async function isCurrent(
  bucket: Worker['bucket'],
  { key, object }: { key: string; object: { versionId: string } },
): Promise<boolean> {
  const at = whereIs(bucket, key)
  const { uploads, marker } = await versionsOf(at.bucket, at.key)
  return marker === undefined && uploads.at(-1)?.versionId === object.versionId
}
