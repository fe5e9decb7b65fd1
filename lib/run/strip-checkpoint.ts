/** Stripping a checkpoint: it is rewritten without some keys, in the place of the version that stands. */
import { type Bucket, BucketError } from '../bucket/bucket.ts'
import { replaceVersion } from '../bucket/replace.ts'
import { type Rewrite, unhashedFile } from '../bucket/rewritten-file.ts'
import { sourceReader } from '../bucket/source-reader.ts'
import { CheckpointFormatError, type GlobalName, planOutput } from '../checkpoint/rewrite.ts'
import type { Action } from '../hook/ledger.ts'
import type { Result } from '../hook/record-result.ts'
import { type Attempt, goOn, UNHURRIED } from './attempt.ts'
import { inspectUpload } from './inspect-upload.ts'
import { refusalOf } from './refusal.ts'

type Strip = Extract<Action, { kind: 'strip' }>

/**
 * Strips a checkpoint, whatever was left of an earlier attempt.
 *
 * @param action which version, and the top-level keys that go
 * @param allowed what its pickle may name beside the allow-list; it changes no byte of what is written
 * @returns `done` where another object had taken its place
 * @throws {OutOfTime} where another attempt may go on; what is there by then stays
 * @throws the S3 error where the outcome is not known; stripping again is safe
 */
export async function stripCheckpoint(
  bucket: Bucket,
  action: Strip,
  attempt: Attempt = UNHURRIED,
  allowed: readonly GlobalName[] = [],
): Promise<Result> {
  const { droppedKeys } = action
  try {
    const reader = await sourceReader(bucket, action)
    const plan = await planOutput(reader, {
      wanted: (key) => !droppedKeys.includes(key),
      format: 'pth',
      permitted: allowed,
    })
    if (plan.removedKeys.length === 0) return { kind: 'unstripped', refusal: undefined }
    const { key, versionId, etag, sizeBytes } = action
    const source = { bucket, key, versionId, etag, sizeBytes }
    const rewrite = { source, reader, plan, timeLeft: attempt.timeLeft }
    return await goOn(
      rewrite,
      attempt,
      () => strip(bucket, action, rewrite),
      (reason) => ({ kind: 'unstripped', refusal: { reason } }),
    )
  } catch (error) {
    if (error instanceof CheckpointFormatError) {
      return { kind: 'unstripped', refusal: refusalOf(error, allowed) }
    }
    if (error instanceof BucketError && error.code === 'gone') return { kind: 'done' }
    throw error
  }
}

async function strip(bucket: Bucket, action: Strip, rewrite: Rewrite): Promise<Result> {
  const file = await unhashedFile(rewrite)
  const replaced = await replaceVersion(bucket, action, file, action.droppedKeys)
  await file.drop()
  if (replaced.kind === 'other') return { kind: 'done' }
  const upload = await inspectUpload(bucket, replaced.version)
  return upload === undefined ? { kind: 'done' } : { kind: 'stripped', upload }
}
