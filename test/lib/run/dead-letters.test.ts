import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  type DeadLetters,
  failuresToRetry,
  type MessageFailure,
} from '../../../lib/run/dead-letters.ts'
import { CREDENTIALS, REGION } from '../../../local/environment.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls, Unavailable } from '../bucket/wire.ts'

const store = storeOfFile()
let deadLetters: DeadLetters
let queues = 0

beforeEach(async () => {
  queues += 1
  const sqs = newSqs()
  const made = await sqs.send(new CreateQueueCommand({ QueueName: `dead-${queues}` }))
  deadLetters = { sqs, queueUrl: made.QueueUrl ?? '', maxReceives: 5 }
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

  test('is left to SQS where the dead letters cannot be reached (invariant 9)', async () => {
    const sqs = newSqs()
    aroundCalls(sqs, async () => {
      throw new Unavailable()
    })
    deadLetters = { ...deadLetters, sqs }
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
  const ids = await failuresToRetry(deadLetters, [message(5)], new Map())
  expect([ids, await inQueue()]).toEqual([[], []])
})

function newSqs(): SQSClient {
  return new SQSClient({ endpoint: store.endpoint, region: REGION, credentials: CREDENTIALS })
}

function message(times: number) {
  return { messageId: 'one', body: 'the text', attributes: { ApproximateReceiveCount: `${times}` } }
}

function fail(failed: ReturnType<typeof message>, failure: MessageFailure) {
  return failuresToRetry(deadLetters, [failed], new Map([['one', failure]]))
}

async function inQueue(): Promise<Record<string, string | undefined>[]> {
  const { sqs, queueUrl: QueueUrl } = { ...deadLetters, sqs: newSqs() }
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'] }),
  )
  return Messages.map(({ Body: body, MessageAttributes = {} }) => ({
    ...(body !== undefined && { body }),
    ...Object.fromEntries(
      Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue]),
    ),
  }))
}
