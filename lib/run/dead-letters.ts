/**
 * Messages that cannot be worked off: put into the dead-letter queue with the reason, by the function itself.
 *
 * SQS moves a message that came back too often, and says nothing about why. So a function that fails with what it
 * knows to be the last attempt puts the message there itself, with run, key and reason beside the text, and
 * takes it off its queue by calling it done. Where the function ends before it can, or that queue cannot be
 * reached, SQS moves the message as ever, without the reason: it is never lost.
 */
import { type MessageAttributeValue, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'

/** Where messages go that cannot be worked off. */
export interface DeadLetters {
  sqs: SQSClient
  queueUrl: string
  /** How often a message is handed to the function before SQS moves it. */
  maxReceives: number
}

/** A message as Lambda hands it to a function. */
export interface ReceivedMessage {
  messageId: string
  body: string
  attributes: { ApproximateReceiveCount: string }
}

/** Why a message could not be worked off, as far as its text could be read. */
export interface MessageFailure {
  run?: string
  key?: string
  reason: string
}

/** SQS allows a message and its attributes 1 MiB together; a reason is read by people. */
const MAX_REASON_LETTERS = 2_000
const MAX_NAME_LETTERS = 1_100

/**
 * Puts those failed messages away that come for the last time.
 *
 * @param failures by message id
 * @returns the ids of the messages that are to come again, as Lambda wants to be told of them
 */
export async function failuresToRetry(
  deadLetters: DeadLetters,
  messages: readonly ReceivedMessage[],
  failures: ReadonlyMap<string, MessageFailure>,
): Promise<{ itemIdentifier: string }[]> {
  const retried: { itemIdentifier: string }[] = []
  for (const message of messages) {
    const failure = failures.get(message.messageId)
    if (failure === undefined || (await isPutAway(deadLetters, message, failure))) continue
    retried.push({ itemIdentifier: message.messageId })
  }
  return retried
}

async function isPutAway(
  { sqs, queueUrl, maxReceives }: DeadLetters,
  { body, attributes }: ReceivedMessage,
  failure: MessageFailure,
): Promise<boolean> {
  if (Number(attributes.ApproximateReceiveCount) < maxReceives) return false
  try {
    const MessageAttributes = attributesOf(failure)
    await sqs.send(
      new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body, MessageAttributes }),
    )
    return true
  } catch {
    // SQS moves it in its stead; where the answer alone was lost, it lies there twice, which does no harm.
    return false
  }
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
