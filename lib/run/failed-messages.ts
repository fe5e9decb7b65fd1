/**
 * Messages that could not be worked off: they come again soon, and at last are put into the dead-letter queue
 * with the reason, by the function itself.
 *
 * A message that a function reports as failed stays hidden for as long as its queue hides what is worked on: six
 * times the function's time-out. Most failures are over sooner (a busy run, a 503), so the function shortens that.
 *
 * SQS moves a message that came back too often, and says nothing about why. So a function that fails with what it
 * knows to be the last attempt puts the message there itself, with run, key and reason beside the text, and
 * takes it off its queue by calling it done. Where the function ends before it can, or a queue cannot be
 * reached, SQS does as ever, later or without the reason: a message is never lost.
 */
import {
  ChangeMessageVisibilityCommand,
  type MessageAttributeValue,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'

/** The queue whose messages a function takes. */
export interface MessageSource {
  sqs: SQSClient
  queueUrl: string
  /** Where messages go that cannot be worked off. */
  deadLettersUrl: string
  /** How often a message is handed to the function before SQS moves it. */
  maxReceives: number
}

/** A message as Lambda hands it to a function. */
export interface ReceivedMessage {
  messageId: string
  receiptHandle: string
  body: string
  attributes: { ApproximateReceiveCount: string }
}

/** Why a message could not be worked off, as far as its text could be read. */
export interface MessageFailure {
  run?: string
  key?: string
  reason: string
}

/** Seconds until a message comes again, by how often it came; the last holds for all beyond. */
const PAUSES_SECONDS = [10, 60, 300, 1800]

/** SQS allows a message and its attributes 1 MiB together; a reason is read by people. */
const MAX_REASON_LETTERS = 2_000
const MAX_NAME_LETTERS = 1_100

/**
 * Has failed messages come again after a pause, and puts those away that came for the last time.
 *
 * @param failures by message id
 * @returns the ids of the messages that are to come again, as Lambda wants to be told of them
 */
export async function failuresToRetry(
  source: MessageSource,
  messages: readonly ReceivedMessage[],
  failures: ReadonlyMap<string, MessageFailure>,
): Promise<{ itemIdentifier: string }[]> {
  const retried: { itemIdentifier: string }[] = []
  for (const message of messages) {
    const failure = failures.get(message.messageId)
    if (failure === undefined || (await isPutAway(source, message, failure))) continue
    await comeAgainSoon(source, message)
    retried.push({ itemIdentifier: message.messageId })
  }
  return retried
}

async function isPutAway(
  { sqs, deadLettersUrl, maxReceives }: MessageSource,
  { body, attributes }: ReceivedMessage,
  failure: MessageFailure,
): Promise<boolean> {
  if (Number(attributes.ApproximateReceiveCount) < maxReceives) return false
  try {
    const MessageAttributes = attributesOf(failure)
    await sqs.send(
      new SendMessageCommand({ QueueUrl: deadLettersUrl, MessageBody: body, MessageAttributes }),
    )
    return true
  } catch {
    // SQS moves it in its stead; where the answer alone was lost, it lies there twice, which does no harm.
    return false
  }
}

async function comeAgainSoon(
  { sqs, queueUrl: QueueUrl }: MessageSource,
  { receiptHandle: ReceiptHandle, attributes }: ReceivedMessage,
): Promise<void> {
  const VisibilityTimeout = pauseSeconds(Number(attributes.ApproximateReceiveCount))
  try {
    await sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }),
    )
  } catch {
    // It comes as late as it would have.
  }
}

/** Between half of the pause and all of it, so that messages that failed together do not meet again. */
function pauseSeconds(received: number): number {
  const longest = PAUSES_SECONDS[Math.max(received, 1) - 1] ?? PAUSES_SECONDS.at(-1) ?? 0
  return Math.ceil(longest * (0.5 + Math.random() / 2))
}

function attributesOf({ run, key, reason }: MessageFailure): Record<string, MessageAttributeValue> {
  const texts = {
    run: run?.slice(0, MAX_NAME_LETTERS),
    key: key?.slice(0, MAX_NAME_LETTERS),
    reason: reason.slice(0, MAX_REASON_LETTERS),
  }
  return Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) =>
      text ? [[name, { DataType: 'String', StringValue: sendable(text) }]] : [],
    ),
  )
}

/** What SQS refuses in a text: controls, lone surrogates, and the last two of the first plane. */
const UNSENDABLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

function sendable(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(UNSENDABLE, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
