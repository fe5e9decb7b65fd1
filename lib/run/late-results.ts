/** Results of jobs that another worker ended as well: what they made may be gone again. */
import { versionsOf } from '../bucket/versions.ts'
import type { Ledger } from '../hook/ledger.ts'
import type { Observation } from '../hook/record.ts'
import { whereIs } from './where-is.ts'
import type { Worker } from './worker.ts'

/**
 * Leaves out what was made by an effect that no longer stands and is not there any more: it was recorded before,
 * and retired since. To be asked after the run was read, so that a commit in between is a conflict.
 *
 * @throws the error of S3
 */
export async function stillThere(
  { bucket }: Worker,
  { effects }: Ledger,
  observations: readonly Observation[],
): Promise<Observation[]> {
  const kept: Observation[] = []
  for (const each of observations) {
    const isLate =
      each.kind === 'result' &&
      each.result.kind === 'made' &&
      !effects.some(({ number }) => number === each.effect)
    if (!isLate || each.result.kind !== 'made') kept.push(each)
    else if (await isCurrent(bucket, each.result.key, each.result.object.versionId)) kept.push(each)
  }
  return kept
}

async function isCurrent(
  bucket: Worker['bucket'],
  key: string,
  versionId: string,
): Promise<boolean> {
  const at = whereIs(bucket, key)
  const { uploads, marker } = await versionsOf(at.bucket, at.key)
  return marker === undefined && uploads.at(-1)?.versionId === versionId
}
