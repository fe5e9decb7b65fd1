import {
  type ChangeMessageVisibilityCommandInput,
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  failuresToRetry,
  type MessageFailure,
  type MessageSource,
  type ReceivedMessage,
} from '../../../lib/run/failed-messages.ts'
import { CREDENTIALS, REGION } from '../../../local/environment.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls, Unavailable } from '../bucket/wire.ts'

const store = storeOfFile()
let source: MessageSource
let queues = 0

beforeEach(async () => {
  queues += 1
  const sqs = newSqs()
  const newQueue = async (name: string) =>
    (await sqs.send(new CreateQueueCommand({ QueueName: `${name}-${queues}` }))).QueueUrl ?? ''
  source = {
    sqs,
    queueUrl: await newQueue('source'),
    deadLettersUrl: await newQueue('dead'),
    maxReceives: 5,
  }
})

const FAILED: MessageFailure = { run: 'exp/run', key: 'exp/run/epoch_1.pth', reason: 'no' }

describe('a message that failed', () => {
  test.each([1, 4])(
    'for the %dth time of five comes again, and lies nowhere else',
    async (times) => {
      expect(await fail(message(times), FAILED)).toEqual([{ itemIdentifier: 'one' }])
      expect(await inQueue()).toEqual([])
    },
  )

  test.each([5, 6])(
    'for the %dth time is put away with run, key and reason, and comes no more',
    async (times) => {
      expect(await fail(message(times), FAILED)).toEqual([])
      expect(await inQueue()).toEqual([
        { body: 'the text', run: 'exp/run', key: 'exp/run/epoch_1.pth', reason: 'no' },
      ])
    },
  )

  test.each([
    [1, 5, 10],
    [2, 30, 60],
    [3, 150, 300],
    [4, 900, 1800],
  ])('for the %dth time comes again after %d to %d seconds', async (times, least, most) => {
    const seconds = await hiddenSeconds(times)
    expect(seconds).toBeGreaterThanOrEqual(least)
    expect(seconds).toBeLessThanOrEqual(most)
  })

  test('can be taken again once its pause is over, and not when its queue would show it', async () => {
    const { sqs, queueUrl: QueueUrl } = source
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'the text' }))
    const take = (seconds: number) =>
      sqs.send(
        new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 3600, WaitTimeSeconds: seconds }),
      )
    const [taken] = (await take(0)).Messages ?? []
    await fail({ ...message(1), receiptHandle: taken?.ReceiptHandle ?? '' }, FAILED)
    expect((await take(0)).Messages ?? []).toEqual([])
    expect((await take(15)).Messages).toMatchObject([{ Body: 'the text' }])
  })

  test('is left to SQS where the dead letters cannot be reached (invariant 9)', async () => {
    const sqs = newSqs()
    aroundCalls(sqs, async () => {
      throw new Unavailable()
    })
    source = { ...source, sqs }
    expect(await fail(message(5), FAILED)).toEqual([{ itemIdentifier: 'one' }])
  })

  test('and whose text names no run is put away with the reason alone', async () => {
    await fail(message(5), { reason: 'is none of ours' })
    expect(await inQueue()).toEqual([{ body: 'the text', reason: 'is none of ours' }])
  })

  test('for a reason, or of a run, that SQS would refuse is put away with that written out', async () => {
    const run = 'a\u0000b\ud800c\uffffd\u001b[31m'
    expect(await fail(message(5), { run, reason: 'x'.repeat(10_000) })).toEqual([])
    const [put] = await inQueue()
    expect(put?.['run']).toBe('a\\u0000b\ufffdc\\uffffd\\u001b[31m')
    expect(put?.['reason']).toHaveLength(2_000)
  })
})

test('messages that did not fail are neither put away nor come again', async () => {
  const ids = await failuresToRetry(source, [message(5)], new Map())
  expect([ids, await inQueue()]).toEqual([[], []])
})

function newSqs(): SQSClient {
  return new SQSClient({ endpoint: store.endpoint, region: REGION, credentials: CREDENTIALS })
}

function message(times: number): ReceivedMessage {
  const attributes = { ApproximateReceiveCount: `${times}` }
  return { messageId: 'one', receiptHandle: 'unknown', body: 'the text', attributes }
}

function fail(failed: ReceivedMessage, failure: MessageFailure) {
  return failuresToRetry(source, [failed], new Map([['one', failure]]))
}

/** Seconds for which a message is hidden that came so often, as SQS is told. */
async function hiddenSeconds(received: number): Promise<number | undefined> {
  const sqs = newSqs()
  const told: (number | undefined)[] = []
  aroundCalls(sqs, async ({ name, input, go }) => {
    if (name === 'ChangeMessageVisibility') {
      told.push((input as ChangeMessageVisibilityCommandInput).VisibilityTimeout)
    }
    await go()
  })
  source = { ...source, sqs }
  await fail(message(received), FAILED)
  expect(told).toHaveLength(1)
  return told[0]
}

async function inQueue(): Promise<Record<string, string | undefined>[]> {
  const QueueUrl = source.deadLettersUrl
  const { Messages = [] } = await newSqs().send(
    new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'] }),
  )
  return Messages.map(({ Body: body, MessageAttributes = {} }) => ({
    ...(body !== undefined && { body }),
    ...Object.fromEntries(
      Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue]),
    ),
  }))
}
