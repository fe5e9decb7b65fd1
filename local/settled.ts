/** Waits until the hub has nothing left to do: queues empty, no effect outstanding. */
import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb'
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { LocalCloud, StackOutputs } from './cloud.ts'

/** What still stands when the time is up, so that an error can say it. */
export interface Outstanding {
  /** Messages by queue, waiting or being worked on. */
  messages: Record<string, number>
  /** Effects that are committed and not carried out. */
  effects: number
}

/** The hub did not settle in time. */
export class UnsettledError extends Error {
  override readonly name = 'UnsettledError'
}

const POLL_MS = 200
/** Between a notification and the message in the queue there is a moment in which nothing shows. */
const QUIET_POLLS = 5
/** How much of a log an error shows. */
const TOLD_COMPLAINTS = 40
const TOLD_CHARACTERS = 4_000

/**
 * Waits until the queues are empty and no effect is outstanding, for a while without a break.
 *
 * @param onPoll is told what stands, for a progress display
 * @throws {UnsettledError} after `timeoutSeconds`
 */
export async function settled(
  cloud: Pick<LocalCloud, 'clientConfig' | 'log'>,
  outputs: StackOutputs,
  { timeoutSeconds = 120, onPoll = (_: Outstanding) => {} } = {},
): Promise<void> {
  const sqs = new SQSClient(cloud.clientConfig)
  const dynamodb = new DynamoDBClient(cloud.clientConfig)
  const deadline = Date.now() + timeoutSeconds * 1000
  let quiet = 0
  for (;;) {
    const outstanding = await look(sqs, dynamodb, outputs)
    onPoll(outstanding)
    const isQuiet = outstanding.effects === 0 && total(outstanding.messages) === 0
    quiet = isQuiet ? quiet + 1 : 0
    if (quiet >= QUIET_POLLS) return
    if (Date.now() > deadline) {
      throw new UnsettledError(
        `The hub did not settle within ${timeoutSeconds} s: ${JSON.stringify(outstanding)}\n${telling(cloud.log())}`,
      )
    }
    await sleep(POLL_MS)
  }
}

/** Of a log, what complains, and the end. */
function telling(log: string): string {
  const complaints = log.split('\n').filter((line) => /warning|error|fail|timed out/i.test(line))
  return [...complaints.slice(-TOLD_COMPLAINTS), '...', log.slice(-TOLD_CHARACTERS)].join('\n')
}

async function look(
  sqs: SQSClient,
  dynamodb: DynamoDBClient,
  outputs: StackOutputs,
): Promise<Outstanding> {
  const effects = await dynamodb.send(
    new QueryCommand({
      TableName: outputs.TableName,
      IndexName: 'outbox',
      KeyConditionExpression: 'pending = :effects',
      ExpressionAttributeValues: { ':effects': { S: 'effects' } },
      Select: 'COUNT',
    }),
  )
  return {
    messages: {
      events: await depth(sqs, outputs.EventsQueueUrl),
      jobs: await depth(sqs, outputs.JobsQueueUrl),
    },
    effects: effects.Count ?? 0,
  }
}

async function depth(sqs: SQSClient, QueueUrl: string): Promise<number> {
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] }),
  )
  return total(Object.fromEntries(names.map((name) => [name, Number(Attributes[name] ?? 0)])))
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
