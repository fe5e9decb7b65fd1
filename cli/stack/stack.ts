/** A deployed stack, as the commands that ask it or tell it something need it. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SQSClient } from '@aws-sdk/client-sqs'
import type { Bucket } from '../../lib/bucket/bucket.ts'
import type { Reach } from '../../lib/hook/out-dir.ts'
import type { MessageHub } from '../../lib/message-hub/message-hub.ts'
import { type ConnectionOptions, clientConfig, s3Client } from '../connection.ts'
import type { StackOption } from '../options.ts'
import { findStack } from './find-stack.ts'

/** The queues of a stack, by their URLs. */
export interface Queues {
  readonly sqs: SQSClient
  readonly eventsUrl: string
  readonly eventsDlqUrl: string
  readonly jobsUrl: string
  readonly jobsDlqUrl: string
}

/** A stack, with clients that have the caller's own rights. */
export interface Stack {
  readonly name: string
  readonly region: string
  readonly bucket: Bucket
  /** The table, with what the functions know of the stack when they decide. */
  readonly hub: MessageHub
  readonly queues: Queues
  /** Where else than into its runs the hub may write. */
  readonly reach: Omit<Reach, 'bucket'>
  /** How many evictions a change of the options may cause at once. */
  readonly brake: number
  /** Closes the connections. */
  close(): void
}

/**
 * Finds a stack by `--stack`, by `CKPT_STACK`, or by its default name.
 *
 * @throws {Failure} `no-stack`, `no-region`, `AccessDenied`, `older-stack`
 */
export async function connectStack(options: ConnectionOptions & StackOption): Promise<Stack> {
  const config = await clientConfig(options)
  const { name, outputs } = await findStack(config, options.stack)
  const { settings } = outputs
  const bucket = { s3: s3Client(options), name: outputs.bucket }
  const dynamodb = new DynamoDBClient(config)
  const sqs = new SQSClient(config)
  return {
    name,
    region: config.region,
    bucket,
    hub: {
      dynamodb,
      tableName: outputs.table,
      stackArguments: settings.hookArguments,
      setting: { bucket: bucket.name, noncurrentDays: settings.noncurrentDays },
    },
    queues: { sqs, ...outputs.queues },
    reach: { keyPrefix: settings.keyPrefix, outBuckets: settings.outBuckets },
    brake: settings.brake,
    close: () => {
      bucket.s3.destroy()
      dynamodb.destroy()
      sqs.destroy()
    },
  }
}
