/** The runs that the hub knows. */
import { type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import type { Run } from '../hook/names.ts'

/** Runs, the one with the newest upload first, for as long as somebody asks on. */
export async function* runsNewestFirst({
  dynamodb,
  tableName,
}: {
  dynamodb: DynamoDBClient
  tableName: string
}): AsyncGenerator<Run> {
  const pages = paginateQuery(
    { client: dynamodb },
    {
      TableName: tableName,
      IndexName: 'runs',
      KeyConditionExpression: 'listed = :runs',
      ExpressionAttributeNames: { '#run': 'run' },
      ExpressionAttributeValues: { ':runs': { S: 'runs' } },
      ProjectionExpression: '#run',
      ScanIndexForward: false,
    },
  )
  for await (const { Items = [] } of pages) {
    for (const item of Items) yield String(unmarshall(item)['run']) as Run
  }
}
