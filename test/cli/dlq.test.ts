import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs'
import { beforeEach, describe, expect, test } from 'vitest'
import { failuresToRetry } from '../../lib/run/failed-messages.ts'
import { storeOfFile } from '../lib/bucket/store.ts'
import { ckptHere, jsonHere } from './ckpt-here.ts'
import { startGate } from './gate.ts'
import { newStack, type StackOfTests } from './stack/a-stack.ts'

interface Listed {
  queue: string
  run: string | null
  key: string | null
  reason: string | null
  since: string
  body: string
}

const EVENT = JSON.stringify({ Records: [{ s3: { object: { key: 'exp/run/epoch_2.pth' } } }] })
const JOB = JSON.stringify({ run: 'exp/run', effect: 7 })
const store = storeOfFile()
let stack: StackOfTests

beforeEach(async () => {
  stack = await newStack(store)
})

/** As a function puts away what fails for the last time. */
async function putAway(title: 'EventsDlqUrl' | 'JobsDlqUrl', body: string, reason: string) {
  const deadLettersUrl = stack.outputs[title] ?? ''
  const source = { sqs: stack.sqs, queueUrl: 'not asked', deadLettersUrl, maxReceives: 5 }
  const attributes = { ApproximateReceiveCount: '5' }
  const message = { messageId: 'one', receiptHandle: 'of one', body, attributes }
  const failure = { run: 'exp/run', key: 'exp/run/epoch_2.pth', reason }
  await failuresToRetry(source, [message], new Map([['one', failure]]))
}

/** As SQS moves it, where the function could not say why. */
async function moved(title: 'EventsDlqUrl' | 'JobsDlqUrl', body: string): Promise<void> {
  const QueueUrl = stack.outputs[title]
  await stack.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }))
}

async function bodiesIn(title: string): Promise<string[]> {
  const { Messages = [] } = await stack.sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: stack.outputs[title],
      MaxNumberOfMessages: 10,
      VisibilityTimeout: 0,
    }),
  )
  return Messages.map(({ Body = '' }) => Body)
}

const list = async () => (await jsonHere<{ messages: Listed[] }>(['dlq'], stack)).messages

describe('the list', () => {
  test('has the messages of both queues, with run, key and reason', async () => {
    await putAway('EventsDlqUrl', EVENT, 'MessageHubError: entry step')
    await putAway('JobsDlqUrl', JOB, 'no answer')
    const listed = await list()
    expect(
      listed.map(({ queue, run, key, reason, body }) => [queue, run, key, reason, body]),
    ).toEqual([
      ['events', 'exp/run', 'exp/run/epoch_2.pth', 'MessageHubError: entry step', EVENT],
      ['jobs', 'exp/run', 'exp/run/epoch_2.pth', 'no answer', JOB],
    ])
    expect(Date.now() - Date.parse(listed[0]?.since ?? '')).toBeLessThan(600_000)
  })

  test('of those that SQS moved itself says what their text says, and no reason', async () => {
    await moved('EventsDlqUrl', EVENT)
    await moved('JobsDlqUrl', JOB)
    await moved('JobsDlqUrl', 'hello')
    const listed = await list()
    expect(listed).toMatchObject([
      { queue: 'events', run: 'exp/run', key: 'exp/run/epoch_2.pth', reason: null },
      { queue: 'jobs', run: 'exp/run', key: null, reason: null },
      { queue: 'jobs', run: null, key: null, body: 'hello' },
    ])
  })

  test('takes none of them away: they can be listed again at once', async () => {
    for (let at = 0; at < 12; at++) await moved('EventsDlqUrl', EVENT)
    expect(await list()).toHaveLength(12)
    expect(await list()).toHaveLength(12)
  })

  test('says so where there are none', async () => {
    expect((await ckptHere(['dlq'], stack)).out).toMatch(/^No message failed/)
  })

  test('on a pipe has a line for each', async () => {
    await putAway('EventsDlqUrl', EVENT, 'two\nlines')
    await moved('JobsDlqUrl', JOB)
    const { out } = await ckptHere(['dlq'], stack)
    const [heads, row, other, ...others] = out.trimEnd().split('\n')
    expect(heads?.split('\t')).toEqual(['since', 'queue', 'run', 'key', 'reason'])
    expect(row?.split('\t').slice(1)).toEqual([
      'events',
      'exp/run',
      'exp/run/epoch_2.pth',
      'two\\nlines',
    ])
    expect(other).toContain('not said: the function ended before it could')
    expect(others).toEqual([])
  })
})

describe('--redrive', () => {
  const redrive = () => jsonHere<{ redriven: Listed[] }>(['dlq', '--redrive'], stack)

  test('sends each to its own queue as it was, and leaves the dead letters empty', async () => {
    await putAway('EventsDlqUrl', EVENT, 'no')
    await moved('JobsDlqUrl', JOB)
    const { redriven } = await redrive()
    expect(redriven.map(({ queue, reason }) => [queue, reason])).toEqual([
      ['events', 'no'],
      ['jobs', null],
    ])
    expect(await bodiesIn('EventsQueueUrl')).toEqual([EVENT])
    expect(await bodiesIn('JobsQueueUrl')).toEqual([JOB])
    expect(await list()).toEqual([])
  })

  test('loses none that cannot be sent: it stays where it is', async () => {
    await moved('EventsDlqUrl', EVENT)
    const gate = await startGate(store.endpoint, /./)
    try {
      // Stands for the queue that is to have it, so that only sending fails.
      const half = await newStack(store, {
        EventsQueueUrl: `${gate.endpoint}/000000000000/events`,
        EventsDlqUrl: stack.outputs['EventsDlqUrl'],
      })
      const { code } = await ckptHere(['dlq', '--redrive'], half)
      expect(code).toBe(1)
      expect(await list()).toHaveLength(1)
    } finally {
      await gate.stop()
    }
  })

  test('says so where there is nothing to send', async () => {
    expect((await ckptHere(['dlq', '--redrive'], stack)).out).toMatch(/^Nothing to send back/)
  })
})
