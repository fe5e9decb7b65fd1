/** Asking `ingest` to look at keys, as a notification does. */
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'

/** The Events queue. */
export interface EventsQueue {
  sqs: SQSClient
  queueUrl: string
}

/** Keys have up to 1,024 bytes, and a message of SQS has room for 1 MiB; one that fails fails for all its keys. */
const KEYS_A_MESSAGE = 100

/** Sends the keys of one run to be looked at. To look twice does no more than once. */
export async function askToLook({ sqs, queueUrl }: EventsQueue, keys: readonly string[]) {
  for (let at = 0; at < keys.length; at += KEYS_A_MESSAGE) {
    const MessageBody = JSON.stringify({ look: keys.slice(at, at + KEYS_A_MESSAGE) })
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }))
  }
}
