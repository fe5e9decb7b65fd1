import type { SQSClient } from '@aws-sdk/client-sqs'
import type { Bucket } from '../bucket/bucket.ts'
import type { GlobalName } from '../checkpoint/rewrite.ts'
import type { Reach } from '../hook/out-dir.ts'
import type { MessageHub } from '../message-hub/message-hub.ts'

/** What a function needs to work on runs: the bucket, the message hub, the Jobs queue, and a clock. */
export interface Worker {
  bucket: Bucket
  hub: MessageHub
  jobs: { sqs: SQSClient; queueUrl: string }
  /** Where else than into its runs the hub may write. */
  reach: Omit<Reach, 'bucket'>
  /** What the pickle of a checkpoint may name beside the allow-list, where it is rewritten. */
  allowedGlobals: readonly GlobalName[]
  /** How many evictions a change of the options may cause at once. */
  brake: number
  /** Whether a bucket keeps what is deleted; asked before each new deletion. */
  keepsVersions: (bucketName: string) => Promise<boolean>
  /** The time, in whole seconds since 1970. */
  nowSeconds: () => number
}
