/**
 * One process that runs a function as Lambda does: takes messages from its queue, hands them to the bundled
 * handler, and deletes those that did not fail. Started by pollers.ts, with the function's own variables; tells it
 * when an invocation begins and when its messages are deleted.
 *
 * Usage: poller.ts BUNDLE QUEUE_URL BATCH_SIZE TIMEOUT_SECONDS VISIBILITY_SECONDS
 */
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'

type Handler = (
  event: { Records: object[] },
  context: { getRemainingTimeInMillis: () => number },
) => Promise<{ batchItemFailures: { itemIdentifier: string }[] }>

const [bundle = '', QueueUrl = '', ...numbers] = process.argv.slice(2)
const [batchSize = 1, timeoutSeconds = 30, visibilitySeconds = 30] = numbers.map(Number)
const { handler } = (await import(bundle)) as { handler: Handler }
const sqs = new SQSClient({})

for (;;) {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: batchSize,
      WaitTimeSeconds: 1,
      VisibilityTimeout: visibilitySeconds,
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
    }),
  )
  if (Messages.length === 0) continue
  process.send?.('begins')
  await invoke(Messages)
  process.send?.('ended')
}

async function invoke(messages: readonly Message[]): Promise<void> {
  const deadline = Date.now() + timeoutSeconds * 1000
  // Lambda ends what takes too long; whoever started this process starts another.
  const alarm = setTimeout(() => process.exit(1), timeoutSeconds * 1000)
  const Records = messages.map(({ MessageId, Body, ReceiptHandle, Attributes }) => ({
    messageId: MessageId,
    body: Body,
    receiptHandle: ReceiptHandle,
    attributes: Attributes,
  }))
  const context = { getRemainingTimeInMillis: () => deadline - Date.now() }
  const { batchItemFailures } = await handler({ Records }, context)
  clearTimeout(alarm)
  const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
  const Entries = messages
    .filter(({ MessageId = '' }) => !failed.has(MessageId))
    .map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }))
  if (Entries.length > 0) await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
}
