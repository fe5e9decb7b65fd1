/** Pages of what an index of the table lists, filled whatever a filter leaves out. */
import { QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import * as z from 'zod/mini'
import type { Attributes } from './entries.ts'
import { QueryError } from './problem-details.ts'
import type { Stack } from './stack.ts'

/** Megabytes of the index that one page looks through, each some 2,000 runs. */
const MOST_REQUESTS = 20

/** What an index is asked: which one, for what, in which order. */
export type IndexQuery = Pick<
  QueryCommandInput,
  'KeyConditionExpression' | 'FilterExpression' | 'ExpressionAttributeNames' | 'ScanIndexForward'
> & { IndexName: string; values: Attributes }

export interface IndexPage {
  items: Attributes[]
  /** The place after the last item; nothing where there are no more. */
  after: Attributes | undefined
}

/**
 * One page. It is full unless the index ends, or nothing more was found for a long stretch of it.
 *
 * @param keys names of the attributes that are the place of an item: of the index and of the table
 * @param from a place that a page before gave
 */
export async function indexPage(
  { hub }: Stack,
  { values, ...query }: IndexQuery,
  keys: readonly string[],
  limit: number,
  from: Attributes | undefined,
): Promise<IndexPage> {
  const items: Attributes[] = []
  let start = from && marshall(from)
  for (let requests = 1; ; requests++) {
    const page = await hub.dynamodb.send(
      new QueryCommand({
        TableName: hub.tableName,
        ...query,
        ExpressionAttributeValues: marshall(values),
        // The limit counts what the filter then leaves out.
        ...(query.FilterExpression === undefined && { Limit: limit + 1 }),
        ...(start !== undefined && { ExclusiveStartKey: start }),
      }),
    )
    items.push(...(page.Items ?? []).map((item) => unmarshall(item)))
    if (items.length > limit) {
      const shown = items.slice(0, limit)
      return { items: shown, after: placeOf(shown.at(-1) ?? {}, keys) }
    }
    start = page.LastEvaluatedKey
    if (start === undefined || requests === MOST_REQUESTS) {
      return { items, after: start && unmarshall(start) }
    }
  }
}

function placeOf(item: Attributes, keys: readonly string[]): Attributes {
  return Object.fromEntries(keys.map((key) => [key, item[key]]))
}

/** A text of the place where the next page begins. */
export function placeText(place: object): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/**
 * Reads what `placeText` wrote and somebody sent back.
 *
 * @throws {QueryError}
 */
export function placeIn<T extends z.ZodMiniType>(schema: T, text: string): z.output<T> {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()))
  } catch {
    const reason = 'expected what the page before gave'
    throw new QueryError('invalid-parameter', `next: ${reason}`, {
      invalid: [{ parameter: 'next', reason }],
    })
  }
}

/** A key of the table or of an index, as far as DynamoDB takes it. */
export function keyText(maxBytes: number) {
  const isKey = (text: string) => text.isWellFormed() && Buffer.byteLength(text) <= maxBytes
  return z.string().check(z.minLength(1), z.refine(isKey))
}
