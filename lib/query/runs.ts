/** Which runs there are. */
import { QueryCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import * as z from 'zod/mini'
import { type Attributes, withoutKeys } from './entries.ts'
import { QueryError } from './problem-details.ts'
import type { Stack } from './stack.ts'

/** Runs in a page. */
const RUNS_A_PAGE = 50

/** Runs, the one with the newest upload first. */
export async function listRuns(
  { hub }: Stack,
  { prefix, next }: { prefix: string; next: string | undefined },
): Promise<{ runs: Attributes[]; next: string | undefined }> {
  const page = await hub.dynamodb.send(
    new QueryCommand({
      TableName: hub.tableName,
      IndexName: 'runs',
      KeyConditionExpression: 'listed = :runs',
      FilterExpression: 'begins_with(#run, :prefix)',
      ExpressionAttributeNames: { '#run': 'run' },
      ExpressionAttributeValues: marshall({ ':runs': 'runs', ':prefix': prefix }),
      ScanIndexForward: false,
      Limit: RUNS_A_PAGE,
      ...(next !== undefined && { ExclusiveStartKey: pageKey(next) }),
    }),
  )
  const last = page.LastEvaluatedKey
  return {
    runs: (page.Items ?? []).map((item) => withoutKeys(unmarshall(item), ['entry', 'listed'])),
    next: last && Buffer.from(JSON.stringify(unmarshall(last))).toString('base64url'),
  }
}

/** What DynamoDB asks for to go on in the index `runs`. */
const pageKeySchema = z.strictObject({
  run: z.string(),
  entry: z.literal('run'),
  listed: z.literal('runs'),
  last_upload: z.string(),
})

function pageKey(next: string) {
  try {
    return marshall(pageKeySchema.parse(JSON.parse(Buffer.from(next, 'base64url').toString())))
  } catch {
    throw new QueryError('bad-request', '"next" is not what the page before gave')
  }
}
