/** Forgetting a run: its entries go, and its claims on folders. */
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import type { Run } from '../hook/names.ts'
import { releaseFolder } from './claims.ts'
import { isOfTheHub, type LoadedRun, type MessageHub } from './message-hub.ts'
import { ConflictError } from './message-hub-error.ts'

/** DynamoDB takes 100 actions in a transaction, of which one looks at the version. */
const ENTRIES_AT_ONCE = 99

/** The entries of a run that go with it; somebody's own beside them stay. */
export function entriesToForget({ entries }: LoadedRun): string[] {
  return [...entries.keys()].filter(isOfTheHub)
}

/** The folders that a run claimed. */
export function claimsOf({ ledger }: LoadedRun): string[] {
  return [...ledger.claims].flatMap(([folder, { state }]) => (state === 'granted' ? [folder] : []))
}

/**
 * Deletes all entries of a run, and then what tells that there is such a run. Nothing is deleted of a run
 * that changed since it was read; where it breaks off, forgetting again goes on.
 *
 * @throws {ConflictError} where the run was changed meanwhile: somebody uploads into it
 */
export async function forgetRun(hub: MessageHub, loaded: LoadedRun): Promise<void> {
  const { run } = loaded.ledger
  for (const folder of claimsOf(loaded)) await releaseFolder(hub, run, folder)
  const rest = entriesToForget(loaded).filter((entry) => entry !== 'runtime_info')
  for (let at = 0; at < rest.length; at += ENTRIES_AT_ONCE) {
    await deleteEntries(hub, loaded, rest.slice(at, at + ENTRIES_AT_ONCE))
  }
  await deleteInfo(hub, loaded)
}

async function deleteEntries(
  { dynamodb, tableName: TableName }: MessageHub,
  { ledger: { run }, version }: LoadedRun,
  entries: string[],
): Promise<void> {
  // Whoever knows the run reads it anew: that these entries went is in no commit.
  const unchanged: TransactWriteItem = {
    Update: {
      TableName,
      Key: marshall({ run, entry: 'runtime_info' }),
      UpdateExpression: 'REMOVE #commit, recent_commits',
      ...ofVersion(version, { '#commit': 'commit' }),
    },
  }
  const deletions = entries.map(
    (entry): TransactWriteItem => ({ Delete: { TableName, Key: marshall({ run, entry }) } }),
  )
  const TransactItems = [unchanged, ...deletions]
  await ifUnchanged(run, () => dynamodb.send(new TransactWriteItemsCommand({ TransactItems })))
}

async function deleteInfo(
  { dynamodb, tableName: TableName }: MessageHub,
  { ledger: { run }, version }: LoadedRun,
): Promise<void> {
  const Key = marshall({ run, entry: 'runtime_info' })
  const command = new DeleteItemCommand({ TableName, Key, ...ofVersion(version) })
  await ifUnchanged(run, () => dynamodb.send(command))
}

function ofVersion(version: number, names: Record<string, string> = {}) {
  return {
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: { '#version': 'version', ...names },
    ExpressionAttributeValues: marshall({ ':version': version }),
  }
}

async function ifUnchanged(run: Run, send: () => Promise<unknown>): Promise<void> {
  try {
    await send()
  } catch (error) {
    const isRefused =
      error instanceof TransactionCanceledException ||
      error instanceof ConditionalCheckFailedException
    throw isRefused ? new ConflictError(run) : error
  }
}
