/** Findings of cdk-nag that are meant to be so, each by its exact id and with the reason. */
import { Stack, Validations } from 'aws-cdk-lib'
import { CfnBucket } from 'aws-cdk-lib/aws-s3'
import type { CheckpointHub } from './checkpoint-hub.ts'

/**
 * @param objectKeys the patterns of keys that the roles' object ARNs end with
 * @param outBuckets the names of other buckets whose objects the roles name
 */
export function acknowledgeFindings(
  hub: CheckpointHub,
  objectKeys: readonly string[],
  outBuckets: readonly string[],
): void {
  const bucket = hub.bucket.node.defaultChild
  if (!(bucket instanceof CfnBucket)) throw new TypeError('a Bucket is made of a CfnBucket')
  Validations.of(hub.bucket).acknowledge({
    id: 'AwsSolutions::AwsSolutions-S1',
    reason:
      'Access logs need a second bucket, and say less than CloudTrail data events, which an account turns on for itself; what the hub changed and why is in the message hub.',
  })
  const bucketArn = `<${Stack.of(hub).getLogicalId(bucket)}.Arn>`
  for (const { role } of Object.values(hub.functions)) {
    if (role === undefined) throw new TypeError('a function of the hub has a role')
    const objects = [
      ...objectKeys.map((keys) => `${bucketArn}/${keys}`),
      ...outBuckets.map((name) => `arn:<AWS::Partition>:s3:::${name}/*`),
    ]
    for (const arn of objects) {
      Validations.of(role).acknowledge({
        id: `AwsSolutions::AwsSolutions-IAM5[Resource::${arn}]`,
        reason:
          'Trainers choose the keys: objects have no names that a template could list. Within them, deletes are held to one named ETag.',
      })
    }
  }
}
