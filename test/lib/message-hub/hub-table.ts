/** A real table of the message hub, with the keys and indexes of the stack's own. */
import {
  CreateTableCommand,
  type DynamoDBClient,
  type GlobalSecondaryIndex,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import type { NamedArguments } from '../../../lib/hook/hook-arguments.ts'
import type { Run } from '../../../lib/hook/names.ts'
import type { MessageHub } from '../../../lib/message-hub/message-hub.ts'

const INDEXES = {
  runs: ['listed', 'last_upload'],
  leaderboard: ['metric', 'score_rank'],
  outbox: ['pending', 'due'],
} as const
let tables = 0

/** An empty table and a hub over it. */
export async function newHub(
  dynamodb: DynamoDBClient,
  stackArguments: NamedArguments = { interval: 1 },
): Promise<MessageHub> {
  tables += 1
  const tableName = `message-hub-${tables}`
  await dynamodb.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['run', 'entry', ...Object.values(INDEXES).flat()].map((name) => ({
        AttributeName: name,
        AttributeType: 'S',
      })),
      KeySchema: keySchema('run', 'entry'),
      GlobalSecondaryIndexes: Object.entries(INDEXES).map(
        ([IndexName, [partition, sort]]): GlobalSecondaryIndex => ({
          IndexName,
          KeySchema: keySchema(partition, sort),
          Projection: { ProjectionType: IndexName === 'outbox' ? 'KEYS_ONLY' : 'ALL' },
        }),
      ),
    }),
  )
  return { dynamodb, tableName, stackArguments, setting: { bucket: 'bucket', noncurrentDays: 30 } }
}

function keySchema(partition: string, sort: string): GlobalSecondaryIndex['KeySchema'] {
  return [
    { AttributeName: partition, KeyType: 'HASH' },
    { AttributeName: sort, KeyType: 'RANGE' },
  ]
}

/** All items of a run as a person reads them, by sort key. */
export async function itemsOf(
  { dynamodb, tableName }: MessageHub,
  run: Run,
): Promise<Map<string, Record<string, unknown>>> {
  const found = new Map<string, Record<string, unknown>>()
  let from: Record<string, unknown> | undefined
  do {
    const page = await dynamodb.send(
      new QueryCommand({
        TableName: tableName,
        KeyConditionExpression: '#run = :run',
        ExpressionAttributeNames: { '#run': 'run' },
        ExpressionAttributeValues: { ':run': { S: run } },
        ...(from !== undefined && { ExclusiveStartKey: marshall(from) }),
      }),
    )
    for (const item of page.Items ?? []) {
      const attributes = unmarshall(item)
      found.set(String(attributes['entry']), attributes)
    }
    from = page.LastEvaluatedKey && unmarshall(page.LastEvaluatedKey)
  } while (from !== undefined)
  return found
}

/** What an index holds under one partition key, in its order. */
export async function indexed(
  { dynamodb, tableName }: MessageHub,
  index: keyof typeof INDEXES,
  value: string,
): Promise<Record<string, unknown>[]> {
  const { Items = [] } = await dynamodb.send(
    new QueryCommand({
      TableName: tableName,
      IndexName: index,
      KeyConditionExpression: '#partition = :value',
      ExpressionAttributeNames: { '#partition': INDEXES[index][0] },
      ExpressionAttributeValues: { ':value': { S: value } },
    }),
  )
  return Items.map((item) => unmarshall(item))
}

/** Writes an item as a person with a console would. */
export async function putByHand(
  { dynamodb, tableName }: MessageHub,
  item: Record<string, unknown>,
): Promise<void> {
  await dynamodb.send(new PutItemCommand({ TableName: tableName, Item: marshall(item) }))
}
