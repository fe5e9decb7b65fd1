/** Publishing into a bucket: under its name, if that is free. */
import type { Bucket } from '../../lib/bucket/bucket.ts'
import { writeIfAbsent } from '../../lib/bucket/write.ts'
import type { RewritePlan } from '../../lib/checkpoint/rewrite.ts'
import { s3Client } from '../connection.ts'
import { Failure } from '../failure.ts'
import { failureOf } from '../failure-of.ts'
import type { Source } from '../source.ts'
import { hashedFile } from './hashed-file.ts'
import type { Moving, Published } from './moving.ts'
import type { ObjectTarget } from './target.ts'

/**
 * Writes a planned file. Within S3 its bytes are copied by S3; from a file of this machine they are sent.
 *
 * @throws {Failure} `taken` where the name holds something else
 */
export async function writeToBucket(
  source: Source,
  plan: RewritePlan,
  target: ObjectTarget,
  moving: Moving,
): Promise<Published> {
  const s3 = source.object?.bucket.s3 ?? s3Client(moving.connection)
  const bucket: Bucket = { s3, name: target.bucket }
  const place = (sha256: string) => `s3://${target.bucket}/${target.keyOf(sha256)}`
  const file = await hashedFile(source, plan, bucket, moving)
  const { sha256, sizeBytes } = file
  let isMoved = false
  try {
    await source.requireUnchanged()
    const put: typeof file.put = (destination) => {
      isMoved = true
      return file.put(destination)
    }
    const content = { sizeBytes, sha256, put }
    const written = await writeIfAbsent(bucket, target.keyOf(sha256), content, undefined)
    if (written.kind === 'written') return { kind: isMoved ? 'written' : 'same', sha256 }
  } catch (error) {
    throw failureOf(error, place(sha256))
  } finally {
    await file.drop()
    s3.destroy()
  }
  const advice = 'Move it away, or name another --output.'
  throw new Failure('taken', `${place(sha256)}: holds another object, which was left`, { advice })
}
