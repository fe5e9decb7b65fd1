import type { Bucket } from '../bucket/bucket.ts'
import type { MessageHub } from '../message-hub/message-hub.ts'

/** A stack to ask, with clients whose rights are those of whoever asks. */
export interface Stack {
  readonly bucket: Bucket
  readonly hub: Pick<MessageHub, 'dynamodb' | 'tableName'>
  /** How many evictions a change of the options may cause at once. */
  readonly brake: number
}
