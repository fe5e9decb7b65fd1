/** How far the sweep got in its round through the bucket: an entry of no run. */
import { type DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import * as z from 'zod/mini'

/** The hub's own folder, in which no run can be. */
const PARTITION = '.checkpoint-hub'
const ENTRY = 'sweep'

/** A round through the bucket. */
export interface Round {
  /** When it began, in seconds since 1970. */
  begunSeconds: number
  /** Where it goes on; nothing where it has come to its end. */
  next: { key?: string; versionId?: string } | undefined
}

const schema = z.looseObject({
  begun_seconds: z.number(),
  next_key: z.optional(z.string()),
  next_version_id: z.optional(z.string()),
  is_done: z.boolean(),
})

interface Table {
  dynamodb: DynamoDBClient
  tableName: string
}

/** The round that was begun last; nothing before the first, or where the entry is not as the hub writes it. */
export async function loadRound({ dynamodb, tableName }: Table): Promise<Round | undefined> {
  const { Items = [] } = await dynamodb.send(
    new QueryCommand({
      TableName: tableName,
      KeyConditionExpression: '#run = :hub AND entry = :sweep',
      ExpressionAttributeNames: { '#run': 'run' },
      ExpressionAttributeValues: marshall({ ':hub': PARTITION, ':sweep': ENTRY }),
      ConsistentRead: true,
    }),
  )
  const [item] = Items
  const round = schema.safeParse(item && unmarshall(item))
  // A round that cannot be read is begun again: it does no more than take time.
  if (!round.success) return undefined
  const { begun_seconds, next_key: key, next_version_id: versionId, is_done } = round.data
  const next = { ...(key !== undefined && { key }), ...(versionId !== undefined && { versionId }) }
  return { begunSeconds: begun_seconds, next: is_done ? undefined : next }
}

/** Remembers how far a round got. Of two sweeps at once the later one's place stands, and costs a page or so. */
export async function saveRound({ dynamodb, tableName }: Table, round: Round): Promise<void> {
  const { begunSeconds, next } = round
  const Item = marshall(
    {
      run: PARTITION,
      entry: ENTRY,
      begun_seconds: begunSeconds,
      next_key: next?.key,
      next_version_id: next?.versionId,
      is_done: next === undefined,
    },
    { removeUndefinedValues: true },
  )
  await dynamodb.send(new PutItemCommand({ TableName: tableName, Item }))
}
