/**
 * Claims on folders that `out_dir` leads to: each belongs to the run that asked first, for good.
 *
 * A claim lies in the partition of the folder, as if that were a run, so that whoever looks at a key there
 * finds whose file it may be.
 */
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  paginateQuery,
  QueryCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import { type Folder, isElsewhere, type Run } from '../hook/names.ts'
import { type Claim, foldersAbove } from '../hook/out-dir.ts'
import { ConflictError, MessageHubError } from './message-hub-error.ts'
import { claimSchema, type Entries } from './schema.ts'

/** The sort key of a claim. */
export const CLAIM = 'claim'

/** Where claims lie. */
interface Table {
  dynamodb: DynamoDBClient
  tableName: string
}

/** The run that claimed a prefix, as its entries say. */
export function claimantIn(prefix: Run, entries: Entries): Run | undefined {
  const entry = entries.get(CLAIM)
  if (entry === undefined) return undefined
  const claim = claimSchema.safeParse(entry)
  if (claim.success) return claim.data.by as Run
  throw new MessageHubError(prefix, CLAIM, 'by', 'expected the name of a run')
}

/**
 * Claims a folder for a run, if no other run claimed it, is it, or holds it. Asking again gives the same
 * answer; a run that begins in the folder later does not change it.
 *
 * @throws {ConflictError} where others wrote the same entries at this very moment
 * @throws the error of DynamoDB where the outcome is not known; asking again is safe
 */
export async function claimFolder(table: Table, run: Run, folder: Folder): Promise<Claim> {
  const by = await claimantOf(table, folder)
  if (by === run) return { state: 'granted' }
  if (by !== undefined) return refused(folder, `is claimed by the run ${said(by)}`)
  const held = isElsewhere(folder) ? undefined : await runBelow(table, run, folder)
  if (held !== undefined) return refused(folder, `holds the run ${said(held)}`)
  const checks = checksOf(table, run, folder)
  const claim: TransactWriteItem = {
    Put: {
      TableName: table.tableName,
      Item: marshall({ run: folder, entry: CLAIM, by: run }),
      ...UNLESS_ANOTHERS,
      ExpressionAttributeValues: marshall({ ':run': run }),
    },
  }
  try {
    const TransactItems = [claim, ...checks.map(({ item }) => item)]
    await table.dynamodb.send(new TransactWriteItemsCommand({ TransactItems }))
    return { state: 'granted' }
  } catch (error) {
    const reasons = reasonsOf(error)
    if (reasons.includes('TransactionConflict')) throw new ConflictError(run)
    const failed = reasons.indexOf('ConditionalCheckFailed')
    if (failed < 0) throw error
    const check = checks[failed - 1]
    if (check !== undefined) return refused(folder, check.why)
    // Another run was faster.
    return claimFolder(table, run, folder)
  }
}

/** Gives a folder back that a run claimed; one that is another's, or nobody's, stays as it is. */
export async function releaseFolder(
  { dynamodb, tableName: TableName }: Table,
  run: Run,
  folder: string,
): Promise<void> {
  try {
    await dynamodb.send(
      new DeleteItemCommand({
        TableName,
        Key: marshall({ run: folder, entry: CLAIM }),
        ...UNLESS_ANOTHERS,
        ExpressionAttributeValues: marshall({ ':run': run }),
      }),
    )
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error
  }
}

const UNLESS_ANOTHERS = {
  ConditionExpression: 'attribute_not_exists(#by) OR #by = :run',
  ExpressionAttributeNames: { '#by': 'by' },
}

interface Check {
  item: TransactWriteItem
  /** What it means where it fails. */
  why: string
}

/** What must not be there: a run of that name, and runs and claims of others above. */
function checksOf({ tableName: TableName }: Table, run: Run, folder: Folder): Check[] {
  const above = foldersAbove(folder)
  const noRun = [folder, ...above]
    .filter((each) => each !== run && !isElsewhere(each))
    .map((each): Check => {
      const Key = marshall({ run: each, entry: 'runtime_info' })
      const ConditionExpression = 'attribute_not_exists(#run)'
      const ExpressionAttributeNames = { '#run': 'run' }
      return {
        item: { ConditionCheck: { TableName, Key, ConditionExpression, ExpressionAttributeNames } },
        why: each === folder ? 'is a run' : `lies in the run ${said(each)}`,
      }
    })
  const noClaim = above.map((each): Check => {
    const Key = marshall({ run: each, entry: CLAIM })
    const ExpressionAttributeValues = marshall({ ':run': run })
    return {
      item: { ConditionCheck: { TableName, Key, ...UNLESS_ANOTHERS, ExpressionAttributeValues } },
      why: `lies in ${said(each)}, which another run claims`,
    }
  })
  return [...noRun, ...noClaim]
}

/** What became of each action of a transaction that was refused; nothing for any other error. */
function reasonsOf(error: unknown): (string | undefined)[] {
  if (!(error instanceof TransactionCanceledException)) return []
  return error.CancellationReasons?.map(({ Code }) => Code) ?? []
}

async function claimantOf(
  { dynamodb, tableName }: Table,
  folder: Folder,
): Promise<Run | undefined> {
  const { Items = [] } = await dynamodb.send(
    new QueryCommand({
      TableName: tableName,
      KeyConditionExpression: '#run = :folder AND entry = :claim',
      ExpressionAttributeNames: { '#run': 'run' },
      ExpressionAttributeValues: marshall({ ':folder': folder, ':claim': CLAIM }),
      ConsistentRead: true,
    }),
  )
  const entries: Entries = new Map(Items.map((item) => [CLAIM, unmarshall(item)]))
  return claimantIn(folder as Run, entries)
}

/** Another run below a folder. The index may lag behind by moments; files of the two never meet. */
async function runBelow(
  { dynamodb, tableName }: Table,
  run: Run,
  folder: Folder,
): Promise<string | undefined> {
  const pages = paginateQuery(
    { client: dynamodb },
    {
      TableName: tableName,
      IndexName: 'runs',
      KeyConditionExpression: 'listed = :runs',
      FilterExpression: 'begins_with(#run, :below) AND #run <> :own',
      ExpressionAttributeNames: { '#run': 'run' },
      ExpressionAttributeValues: marshall({ ':runs': 'runs', ':below': `${folder}/`, ':own': run }),
    },
  )
  for await (const { Items = [] } of pages) {
    for (const item of Items) return String(unmarshall(item)['run'])
  }
  return undefined
}

function refused(folder: Folder, why: string): Claim {
  return { state: 'refused', reason: `leads to ${said(folder)}, which ${why}; choose another` }
}

function said(text: string): string {
  return JSON.stringify(text)
}
