/** `ckpt done`: training ended, publish. */
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { keyIn, nameOf, uriOf } from '../../lib/hook/names.ts'
import { Failure } from '../failure.ts'
import { printable } from '../output/printable.ts'
import type { Terminal } from '../output/terminal.ts'
import type { RunPlace } from './named-place.ts'

/**
 * Says that a run's training ended.
 *
 * @param last the name of the checkpoint whose upload publishing waits for
 * @throws {Failure} `usage` where that is no name
 */
export async function endTraining(
  { bucket, run }: RunPlace,
  terminal: Terminal,
  last: string | undefined,
): Promise<void> {
  if (last !== undefined && (last === '' || nameOf(last) !== last)) {
    throw new Failure('usage', `${last}: is no name of a checkpoint of this run`, {
      advice: 'Write it as it stands in the run, such as epoch_8.pth.',
    })
  }
  const Key = keyIn(run, 'after_train.json')
  const said = last === undefined ? {} : { last }
  await bucket.s3.send(
    new PutObjectCommand({
      Bucket: bucket.name,
      Key,
      Body: JSON.stringify(said),
      ContentType: 'application/json',
    }),
  )
  const end = uriOf(bucket.name, Key)
  terminal.answer({ run, ...said, end }, () => printable(end))
}
