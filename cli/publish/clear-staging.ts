import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import type { SourceVersion } from '../../lib/bucket/copy-source.ts'
import { stagingKey } from '../../lib/bucket/staging.ts'
import { partsOfPlan } from '../../lib/bucket/transfer-parts.ts'
import { versionsBelow } from '../../lib/bucket/versions.ts'
import type { RewritePlan } from '../../lib/checkpoint/rewrite.ts'
import type { Terminal } from '../output/terminal.ts'

/**
 * Removes for good what publishing staged in a bucket with versions. The hub's own bucket forgets staged
 * versions after a day; any other would keep them, and bill for them.
 */
export async function clearStaging(
  object: SourceVersion,
  plan: RewritePlan,
  terminal: Terminal,
): Promise<void> {
  const { bucket } = object
  const prefix = stagingKey(object, partsOfPlan(plan))
  try {
    for (const [key, { uploads, marker }] of await versionsBelow(bucket, prefix)) {
      // A current version is another worker's, which is at the same file right now.
      if (marker === undefined) continue
      for (const { versionId } of uploads) {
        const version = { Bucket: bucket.name, Key: key, VersionId: versionId }
        await bucket.s3.send(new DeleteObjectCommand(version))
      }
    }
  } catch (error) {
    const reason = error instanceof Error ? error.name : String(error)
    terminal.note(
      `s3://${bucket.name}/${prefix}: old versions may be left there (${reason}); remove them, or let a lifecycle rule`,
    )
  }
}
