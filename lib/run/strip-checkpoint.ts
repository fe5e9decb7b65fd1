/** Stripping a checkpoint: it is rewritten without some keys, in the place of the version that stands. */
import { type Bucket, BucketError } from '../bucket/bucket.ts'
import { replaceVersion } from '../bucket/replace.ts'
import { CheckpointFormatError, planOutput } from '../checkpoint/rewrite.ts'
import type { Action } from '../hook/ledger.ts'
import type { Result } from '../hook/record-result.ts'
import { inspectUpload } from './inspect-upload.ts'
import { contentOf, sourceReader } from './make-artifact.ts'

/**
 * Strips a checkpoint, whatever was left of an earlier attempt.
 *
 * @param action which version, and the top-level keys that go
 * @returns `done` where another object had taken its place
 * @throws the S3 error where the outcome is not known; stripping again is safe
 */
export async function stripCheckpoint(
  bucket: Bucket,
  action: Extract<Action, { kind: 'strip' }>,
): Promise<Result> {
  const { droppedKeys } = action
  try {
    const reader = await sourceReader(bucket, action)
    const plan = await planOutput(reader, {
      wanted: (key) => !droppedKeys.includes(key),
      format: 'pth',
    })
    if (plan.removedKeys.length === 0) return { kind: 'unstripped', refusal: undefined }
    const content = await contentOf(reader, plan)
    const replaced = await replaceVersion(bucket, action, content, droppedKeys)
    if (replaced.kind === 'other') return { kind: 'done' }
    const upload = await inspectUpload(bucket, replaced.version)
    return upload === undefined ? { kind: 'done' } : { kind: 'stripped', upload }
  } catch (error) {
    if (error instanceof CheckpointFormatError) {
      return { kind: 'unstripped', refusal: error.message }
    }
    if (error instanceof BucketError && error.code === 'gone') return { kind: 'done' }
    throw error
  }
}
