/** Entries of the table, as plain values without their keys. */
import { GetItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import type { Run } from '../hook/names.ts'
import { type LoadedRun, loadRun } from '../message-hub/message-hub.ts'
import { QueryError, quoted } from './problem-details.ts'
import type { Stack } from './stack.ts'

export type Attributes = Record<string, unknown>

/**
 * What the hub knows of a run as a whole.
 *
 * @throws {QueryError} where it knows no such run
 */
export async function runtimeInfo({ hub }: Stack, run: Run): Promise<Attributes> {
  const { Item } = await hub.dynamodb.send(
    new GetItemCommand({
      TableName: hub.tableName,
      Key: marshall({ run, entry: 'runtime_info' }),
      ConsistentRead: true,
    }),
  )
  if (Item === undefined) throw noRun(run)
  return withoutKeys(unmarshall(Item), ['run', 'entry'])
}

/**
 * All that the hub knows of a run.
 *
 * @throws {QueryError} where it knows no such run
 * @throws {ConflictError} where it changed the run during every reading
 */
export async function loadedRun({ hub }: Stack, run: Run): Promise<LoadedRun> {
  // The stack's own arguments matter only to a run that is not there yet.
  const loaded = await loadRun({ ...hub, stackArguments: {} }, run)
  if (loaded.version === 0) throw noRun(run)
  return loaded
}

/** All entries of a run whose sort keys begin with a prefix, in their order. */
export async function entriesOf(stack: Stack, run: Run, prefix: string): Promise<Attributes[]> {
  return (await Array.fromAsync(pagesOf(stack, run, prefix, 'forwards'))).flat()
}

/** The same, a megabyte at a time, for as long as somebody asks on. */
export async function* pagesOf(
  { hub }: Stack,
  run: Run,
  prefix: string,
  direction: 'forwards' | 'backwards',
): AsyncGenerator<Attributes[]> {
  const pages = paginateQuery(
    { client: hub.dynamodb },
    {
      TableName: hub.tableName,
      KeyConditionExpression: '#run = :run AND begins_with(entry, :prefix)',
      ExpressionAttributeNames: { '#run': 'run' },
      ExpressionAttributeValues: marshall({ ':run': run, ':prefix': prefix }),
      ScanIndexForward: direction === 'forwards',
      ConsistentRead: true,
    },
  )
  for await (const { Items = [] } of pages) {
    yield Items.map((item) => withoutKeys(unmarshall(item), ['run', 'entry']))
  }
}

function noRun(run: Run): QueryError {
  return new QueryError('unknown-run', `the hub knows no run ${quoted(run)}`)
}

export function withoutKeys(attributes: Attributes, names: readonly string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)))
}
