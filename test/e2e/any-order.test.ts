/** The same notifications in any order, and each of them twice, end in the same objects and the same hub. */
import {
  InvokeCommand,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda'
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import { beforeAll, describe, expect, it } from 'vitest'
import { readRecording, uploadBody } from '../../examples/train/recording.ts'
import { hubSettled, lambda, outputs, Run, sqs } from './deployed.ts'
import { comparableState } from './same-hub.ts'

type Notification = string

const { order } = await readRecording()
const live = new Run()
const orders: [string, Run, (notifications: Notification[]) => Notification[]][] = [
  ['in reverse order', new Run(), (notifications) => notifications.toReversed()],
  ['in a shuffled order', new Run(), (notifications) => shuffled(notifications)],
  ['each of them twice', new Run(), (notifications) => notifications.flatMap((n) => [n, n])],
]

describe('the notifications of a recorded run, as they were, delivered', () => {
  const captured = new Map<Run, Notification[]>()
  let expected: unknown

  beforeAll(async () => {
    await upload(live)
    await hubSettled()
    expected = await comparableState(live)

    await listenToEvents(false)
    try {
      for (const [, run] of orders) {
        await upload(run)
        captured.set(run, await capturedNotifications(order.length))
      }
    } finally {
      await listenToEvents(true)
    }
  })

  it.each(orders)('%s', async (_, run, inOrder) => {
    const notifications = captured.get(run) ?? []
    expect(notifications).toHaveLength(order.length)
    for (const notification of inOrder(notifications)) await deliver(notification)
    await hubSettled()
    expect(await comparableState(run)).toEqual(expected)
  })
})

async function upload(run: Run): Promise<void> {
  for (const each of order) await run.put(each.key, await uploadBody(each))
}

/** Switches the way from the Events queue to `ingest` on or off. */
async function listenToEvents(Enabled: boolean): Promise<void> {
  const { EventSourceMappings = [] } = await lambda.send(
    new ListEventSourceMappingsCommand({ FunctionName: outputs.IngestFunctionName }),
  )
  for (const { UUID } of EventSourceMappings) {
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }))
  }
}

async function capturedNotifications(count: number): Promise<Notification[]> {
  const QueueUrl = outputs.EventsQueueUrl
  const found: Notification[] = []
  while (found.length < count) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    )
    for (const { Body = '', ReceiptHandle } of Messages) {
      found.push(Body)
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
    }
  }
  return found
}

async function deliver(body: Notification): Promise<void> {
  const Payload = JSON.stringify({ Records: [{ messageId: 'captured', body }] })
  const FunctionName = outputs.IngestFunctionName
  const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload }))
  const text = Buffer.from(answer.Payload ?? []).toString()
  expect(JSON.parse(text)).toEqual({ batchItemFailures: [] })
}

/** A fixed shuffle, so that a failure can be seen again. */
function shuffled(notifications: Notification[]): Notification[] {
  const stride = 17
  return notifications.map((_, at) => notifications[(at * stride + 5) % notifications.length] ?? '')
}
