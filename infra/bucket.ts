/** The bucket: trainers upload to it, and everything else follows from what is in it. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { BlockPublicAccess, Bucket, BucketEncryption, CfnBucket } from 'aws-cdk-lib/aws-s3'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import { allowAnnouncements } from './queues.ts'

/** A trainer's multipart upload that stands still for a week has been given up. */
const STALE_UPLOAD_DAYS = 7
/** Staged objects and uploads are gone within an hour or so; what a crash left behind goes as soon as can be. */
const STAGING_LEFTOVER_DAYS = 1
const STAGING_PREFIX = '.checkpoint-hub/staging/'
const FACTS_PREFIX = '.checkpoint-hub/facts/'

/**
 * The versioned bucket, kept when the stack goes.
 *
 * @param noncurrentDays how long an evicted object's version stays, in days: until then it can be restored
 */
export function bucketOf(scope: Construct, noncurrentDays: number): Bucket {
  return new Bucket(scope, 'Bucket', {
    versioned: true,
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.RETAIN,
    lifecycleRules: [
      {
        id: 'abort-stale-uploads',
        abortIncompleteMultipartUploadAfter: Duration.days(STALE_UPLOAD_DAYS),
      },
      {
        id: 'expire-evicted',
        noncurrentVersionExpiration: Duration.days(noncurrentDays),
        // A marker with nothing under it says no more than an absent key, and slows every list.
        expiredObjectDeleteMarker: true,
      },
      {
        id: 'expire-staging',
        prefix: STAGING_PREFIX,
        expiration: Duration.days(STAGING_LEFTOVER_DAYS),
        noncurrentVersionExpiration: Duration.days(STAGING_LEFTOVER_DAYS),
        abortIncompleteMultipartUploadAfter: Duration.days(STAGING_LEFTOVER_DAYS),
      },
    ],
  })
}

/**
 * Announces created and removed objects to a queue, by the bucket's own property: CDK's
 * `addEventNotification` would make a custom resource, with a function and a role, for the same.
 *
 * @param keyPrefix only keys that begin with it are announced, and the hub's own facts; empty for all
 */
export function announceObjects(bucket: Bucket, queue: Queue, keyPrefix: string): void {
  const resource = bucket.node.defaultChild
  if (!(resource instanceof CfnBucket)) throw new TypeError('a Bucket is made of a CfnBucket')
  // Rules may not overlap: without a prefix, one rule announces all.
  const prefixes = keyPrefix === '' ? [undefined] : [keyPrefix, FACTS_PREFIX]
  resource.notificationConfiguration = {
    queueConfigurations: prefixes.flatMap((prefix) =>
      ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'].map((event) => ({
        event,
        queue: queue.queueArn,
        ...(prefix !== undefined && {
          filter: { s3Key: { rules: [{ name: 'prefix', value: prefix }] } },
        }),
      })),
    ),
  }
  allowAnnouncements(queue)
  // S3 tries to send when the notifications are set: the queue's policy comes first.
  resource.node.addDependency(queue)
}
