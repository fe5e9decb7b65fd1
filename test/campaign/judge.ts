/** What a training left on the stack, against MMEngine's hook, the pure core and the version history. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import { stepId } from '../../lib/hook/history.ts'
import type { StackOutputs } from '../../local/cloud.ts'
import { leftOnStack } from '../oracle/on-stack/left.ts'
import { factsOf, inOrder, nameIn } from '../oracle/ours.ts'
import { differ, differInLeft, type Verdict } from '../oracle/verdict.ts'
import { bucketHistory } from './bucket-history.ts'
import { type CheckpointFate, judgeHistory } from './judge-history.ts'
import type { Training } from './training.ts'

/** Where to look. */
export interface Place {
  s3: S3Client
  dynamodb: DynamoDBClient
  outputs: StackOutputs
}

/** Notes in the training's verdict all that differs. */
export async function judge(place: Place, training: Training): Promise<Verdict> {
  const { run, uploads, foreseen } = training
  const { verdict, traces, left } = foreseen
  const facts = factsOf(verdict.schedule, traces)
  const { fates } = facts.outcome()
  const expected: CheckpointFate[] = traces.flatMap(({ told, steps }) =>
    steps.map((step) => ({
      key: `${run}/${nameIn(told, step)}`,
      stays: fates.get(stepId('epoch', step))?.kind !== 'evicted',
    })),
  )
  const history = await bucketHistory(place.s3, place.outputs.BucketName, `${run}/`)
  differ(verdict, 'version history', [], judgeHistory(history, uploads, expected))
  const found = await leftOnStack({ ...place, run, outFolder: 'nowhere' }, traces)
  differInLeft(verdict, left, found.left)
  differ(verdict, 'problems', inOrder(facts).problems, found.problems)
  differ(verdict, 'what nobody accounts for', [], found.odd)
  return verdict
}
