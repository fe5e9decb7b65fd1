/** What cannot be had back, and since when. */
import { type Bucket, statusOf } from '../../lib/bucket/bucket.ts'
import { type KeyVersions, versionsOf } from '../../lib/bucket/versions.ts'
import { expirySeconds } from '../../lib/hook/expiry.ts'
import type { CheckpointFact } from '../../lib/hook/history.ts'
import { isEvicted, type Ledger } from '../../lib/hook/ledger.ts'
import { uriOf } from '../../lib/hook/names.ts'
import { Failure } from '../failure.ts'
import { readableTime } from '../output/times.ts'
import type { Stack } from '../stack/stack.ts'
import type { NamedCheckpoint } from './named-checkpoint.ts'

/**
 * Refuses a checkpoint that the hub cannot keep: one that a person removed, or whose last version has expired.
 *
 * @throws {Failure} `removed`, `expired`, with the time at which it went
 */
export async function refuseLost(
  stack: Stack,
  ledger: Ledger,
  checkpoint: NamedCheckpoint,
): Promise<void> {
  const { name, facts, fact, fate, state } = checkpoint
  if (fate.kind === 'removed') {
    const since = facts.removal === undefined ? '' : ` ${readableTime(facts.removal.seconds)}`
    throw new Failure('gone', `${name}: was removed${since}, not by the hub`, {
      code: 'removed',
      advice: 'The hub brings nothing back that somebody removed. Upload it again.',
    })
  }
  if (fact === undefined || !isEvicted(state, fact)) return
  const listed = await listedIfAllowed(stack.bucket, fact)
  const isLeft = listed?.uploads.some((version) =>
    fact.versions.some(({ versionId, gone }) => versionId === version.versionId && !gone),
  )
  const isKnownLost = fact.versions.every(({ gone }) => gone)
  if (isKnownLost || isLeft === false) throw expired(stack, ledger, checkpoint, fact, listed)
}

/** Of a directory its marker tells. Whoever may not list versions learns it from the hub instead. */
async function listedIfAllowed(
  bucket: Bucket,
  { key, live }: CheckpointFact,
): Promise<KeyVersions | undefined> {
  try {
    return await versionsOf(bucket, `${key}${live.directory?.marker ?? ''}`)
  } catch (error) {
    if (statusOf(error) === 403) return undefined
    throw error
  }
}

function expired(
  { bucket, hub }: Stack,
  { artifacts }: Ledger,
  { name, state }: NamedCheckpoint,
  fact: CheckpointFact,
  listed: KeyVersions | undefined,
): Failure {
  const { noncurrentDays } = hub.setting
  const evicted = state.evicted?.seconds ?? listed?.marker?.seconds
  const made = [...artifacts].flatMap(([key, artifact]) =>
    artifact.state === 'current' && artifact.identity.source.key === fact.key
      ? [uriOf(bucket.name, key)]
      : [],
  )
  const advice =
    made.length > 0
      ? `What was made of it is there: ${made.join(', ')}`
      : 'Upload it again, if there is another copy of it.'
  return new Failure('gone', `${name}: ${whenGone(evicted, noncurrentDays)}`, {
    code: 'expired',
    advice,
  })
}

function whenGone(evicted: number | undefined, noncurrentDays: number): string {
  const days = `the bucket keeps noncurrent versions for ${noncurrentDays} days`
  if (evicted === undefined) return `was evicted, and its noncurrent version is gone: ${days}`
  const due = expirySeconds(evicted, noncurrentDays)
  const then = `was evicted ${readableTime(evicted)}, and its noncurrent version`
  return due * 1000 <= Date.now()
    ? `${then} expired ${readableTime(due)}: ${days}`
    : `${then} is gone before ${readableTime(due)}, when it would have expired: ${days}`
}
