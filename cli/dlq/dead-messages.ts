/** The messages of a dead-letter queue: read without taking them, and sent back to be worked off. */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { parseJob } from '../../lib/run/job.ts'
import { keysByRun } from '../../lib/run/notification.ts'

/** A queue, and where its messages go that cannot be worked off. */
export interface DeadLetterQueue {
  readonly name: 'events' | 'jobs'
  readonly sqs: SQSClient
  readonly queueUrl: string
  readonly deadLettersUrl: string
}

/** A message that could not be worked off. */
export interface DeadMessage {
  readonly queue: DeadLetterQueue['name']
  readonly messageId: string
  readonly run: string | undefined
  readonly key: string | undefined
  /** Nothing where the function ended before it could say. */
  readonly reason: string | undefined
  /** When it was put there, or first sent, in seconds since 1970. */
  readonly sentSeconds: number
  readonly body: string
  /** Good for this process alone. */
  readonly receiptHandle: string
}

/** While they are read nobody else gets them; whoever dies meanwhile hides them for no longer. */
const HIDDEN_SECONDS = 60
/** SQS then asks all of its servers, so that an empty answer means an empty queue. */
const WAIT_SECONDS = 1
const AT_ONCE = 10

/**
 * Takes messages until there are no more, each once. They are hidden from others meanwhile.
 *
 * @param work is done with each batch as it comes
 */
export async function takeAll(
  queue: DeadLetterQueue,
  work: (messages: readonly DeadMessage[]) => Promise<void>,
): Promise<void> {
  const seen = new Set<string>()
  for (;;) {
    const { Messages = [] } = await queue.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queue.deadLettersUrl,
        MaxNumberOfMessages: AT_ONCE,
        VisibilityTimeout: HIDDEN_SECONDS,
        WaitTimeSeconds: WAIT_SECONDS,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['SentTimestamp'],
      }),
    )
    const fresh = Messages.filter(({ MessageId = '' }) => !seen.has(MessageId))
    if (fresh.length === 0) return
    for (const { MessageId = '' } of fresh) seen.add(MessageId)
    await work(fresh.map((message) => messageOf(queue, message)))
  }
}

/** Lets others see a message again. */
export async function putBack(queue: DeadLetterQueue, { receiptHandle }: DeadMessage) {
  await queue.sqs.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl: queue.deadLettersUrl,
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: 0,
    }),
  )
}

/**
 * Sends a message to its function again. It leaves the dead letters only when the queue has it: whoever dies in
 * between leaves it in both, and to look at a key or carry out a job twice does no more than once.
 */
export async function sendBack(queue: DeadLetterQueue, message: DeadMessage): Promise<void> {
  await queue.sqs.send(
    new SendMessageCommand({ QueueUrl: queue.queueUrl, MessageBody: message.body }),
  )
  await queue.sqs.send(
    new DeleteMessageCommand({
      QueueUrl: queue.deadLettersUrl,
      ReceiptHandle: message.receiptHandle,
    }),
  )
}

function messageOf(queue: DeadLetterQueue, message: Message): DeadMessage {
  const { MessageId = '', Body: body = '', ReceiptHandle: receiptHandle = '' } = message
  const said = (name: string) => message.MessageAttributes?.[name]?.StringValue
  const read = queue.name === 'events' ? eventIn(MessageId, body) : jobIn(body)
  return {
    queue: queue.name,
    messageId: MessageId,
    run: said('run') ?? read.run,
    key: said('key') ?? read.key,
    reason: said('reason'),
    sentSeconds: Math.floor(Number(message.Attributes?.['SentTimestamp'] ?? 0) / 1000),
    body,
    receiptHandle,
  }
}

/** What the text of a message itself says, where no function said more. */
function eventIn(messageId: string, body: string): { run?: string; key?: string } {
  const [first] = keysByRun([{ messageId, body }], '')
  if (first === undefined) return {}
  const [run, { keys }] = first
  const [key] = keys
  return { run, ...(key !== undefined && { key }) }
}

function jobIn(body: string): { run?: string; key?: string } {
  try {
    return { run: parseJob(body).run }
  } catch {
    return {}
  }
}
