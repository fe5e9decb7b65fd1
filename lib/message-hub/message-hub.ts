/**
 * The message hub: the ledgers of all runs, in one DynamoDB table.
 *
 * Moves entries in and out, whole runs at a time, and never decides. Every commit is one conditional
 * transaction on the run's version number.
 */
import {
  type AttributeValue,
  type DynamoDBClient,
  paginateQuery,
  TransactGetItemsCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import type { NamedArguments } from '../hook/hook-arguments.ts'
import { emptyLedger, type Ledger } from '../hook/ledger.ts'
import type { Run } from '../hook/names.ts'
import type { Decision } from '../hook/plan.ts'
import { CLAIM, claimantIn } from './claims.ts'
import { type Change, chainAfter, chainOf, changedSince } from './commit-chain.ts'
import { entriesOf, type Setting } from './entries.ts'
import type { KnownRuns } from './known-runs.ts'
import { ConflictError } from './message-hub-error.ts'
import { ledgerOf, versionOf } from './reading.ts'
import { sameAttributes } from './same-attributes.ts'
import { type Attributes, type Entries, kindOf } from './schema.ts'

/** A run as it was read. */
export interface LoadedRun {
  ledger: Ledger
  entries: Entries
  version: number
}

/** Where the ledgers are, and what they show besides. */
export interface MessageHub {
  dynamodb: DynamoDBClient
  tableName: string
  setting: Omit<Setting, 'version'>
  /** The stack's default arguments: what a run that is met for the first time begins with. */
  stackArguments: NamedArguments
  /** Where a process that reads the same runs again keeps them in between; each time all is read without it. */
  known?: KnownRuns
}

/** As much of it as reading takes. */
export type ReadableHub = Pick<MessageHub, 'dynamodb' | 'tableName' | 'stackArguments' | 'known'>

/** DynamoDB takes 100 actions in a transaction. */
const ENTRIES_AT_ONCE = 95
/**
 * In the first part of a large commit: what the rest is derived from. That a metric file was read comes
 * after the steps that its metrics are in: a commit that breaks off in between has it read again.
 */
const PRIORITY = [
  'run',
  'effect',
  'artifact',
  'out_dir',
  'options',
  'life',
  'end',
  'pin',
  'consent',
  'step',
  'read',
]
/** What the hub writes and does not read back. */
const DERIVED = ['run', 'best', 'problem']
/** Attributes of a step that only explain. */
const EXPLANATIONS = ['fate', 'reason', 'restorable_days', 'restorable_until']

/** Other workers on the same run commit now and then, not without a pause. */
const READINGS = 8

/**
 * Reads all that the hub knows of a run, consistently; of a run that is known already, what changed since.
 *
 * @throws {ConflictError} where other workers committed during every reading
 * @throws {MessageHubError} where an entry is not as the hub writes it
 */
export async function loadRun(hub: ReadableHub, run: Run): Promise<LoadedRun> {
  const loaded = (await catchUp(hub, run)) ?? (await readAll(hub, run))
  hub.known?.keep(loaded)
  return loaded
}

/**
 * Neither a query nor its pages are one moment. So the version comes first, and all else must go with it: what
 * is older is read again, and what is newer makes the commit a conflict.
 */
async function readAll(hub: ReadableHub, run: Run): Promise<LoadedRun> {
  let known = versionOf(run, await entriesIn(hub, run, 'runtime_info'))
  for (let reading = 0; reading < READINGS; reading++) {
    const entries = await entriesIn(hub, run)
    const version = versionOf(run, entries)
    if (version === known) return loadedOf(hub, run, entries)
    known = version
  }
  throw new ConflictError(run)
}

function loadedOf({ stackArguments }: ReadableHub, run: Run, entries: Entries): LoadedRun {
  const version = versionOf(run, entries)
  const ledger = version === 0 ? emptyLedger(run, stackArguments) : ledgerOf(run, entries)
  return { ledger: { ...ledger, claimedBy: claimantIn(run, entries) }, entries, version }
}

/** Other runs write claims, which are no commits of this one. */
const ALWAYS_READ = ['runtime_info', CLAIM]

/** A known run as it is now, by as many entries as changed; nothing where that cannot be told. */
async function catchUp(hub: ReadableHub, run: Run): Promise<LoadedRun | undefined> {
  const known = hub.known?.get(run)
  const commit = known && chainOf(known.entries)?.commit
  if (known === undefined || commit === undefined) return undefined
  const head = await entriesAtOnce(hub, run, ALWAYS_READ)
  const chain = head && chainOf(head)
  const names = chain && changedSince(chain, commit)
  if (head === undefined || names === undefined) return undefined
  if (names.length === 0) {
    return { ...known, ledger: { ...known.ledger, claimedBy: claimantIn(run, head) } }
  }
  const wanted = [...ALWAYS_READ, ...names]
  const now = await entriesAtOnce(hub, run, wanted)
  // Where it was changed in between, too, other entries may have been.
  if (now === undefined || chainOf(now)?.commit !== chain?.commit) return undefined
  return loadedOf(hub, run, withEntries(known.entries, wanted, now))
}

/** Entries of which some were read again, in the order that a query gives. */
function withEntries(known: Entries, names: readonly string[], read: Entries): Entries {
  const entries = new Map(known)
  for (const name of names) {
    const attributes = read.get(name)
    if (attributes === undefined) entries.delete(name)
    else entries.set(name, attributes)
  }
  return new Map([...entries].toSorted(([a], [b]) => byUtf8(a, b)))
}

/** DynamoDB sorts keys by their UTF-8 bytes. */
function byUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/**
 * Entries by their names, as they were at one moment; nothing where somebody writes them at this very moment, or
 * where they are more than a transaction reads (4 MB).
 */
async function entriesAtOnce(
  { dynamodb, tableName: TableName }: ReadableHub,
  run: Run,
  names: readonly string[],
): Promise<Entries | undefined> {
  const TransactItems = names.map((entry) => ({
    Get: { TableName, Key: marshall({ run, entry }) },
  }))
  try {
    const { Responses = [] } = await dynamodb.send(new TransactGetItemsCommand({ TransactItems }))
    const items = Responses.flatMap(({ Item }) => (Item === undefined ? [] : [entryOf(Item)]))
    return new Map(items.map(({ entry, attributes }) => [entry, attributes]))
  } catch (error) {
    const isTooMuch = error instanceof Error && error.name === 'ValidationException'
    if (isTooMuch || isConflict(error)) return undefined
    throw error
  }
}

/** Entries of a run: all, or the one of a name. */
async function entriesIn({ dynamodb, tableName }: ReadableHub, run: Run, only?: string) {
  const pages = paginateQuery(
    { client: dynamodb },
    {
      TableName: tableName,
      KeyConditionExpression: only === undefined ? '#run = :run' : '#run = :run AND entry = :entry',
      ExpressionAttributeNames: { '#run': 'run' },
      ExpressionAttributeValues: marshall({
        ':run': run,
        ...(only !== undefined && { ':entry': only }),
      }),
      ConsistentRead: true,
    },
  )
  const items: Item[] = []
  for await (const { Items = [] } of pages) items.push(...Items)
  return entriesFrom(items)
}

type Item = Record<string, AttributeValue>

function entriesFrom(items: readonly Item[]): Entries {
  const entries: Entries = new Map()
  for (const item of items) {
    const { entry, attributes } = entryOf(item)
    entries.set(entry, attributes)
  }
  return entries
}

function entryOf(item: Item): { entry: string; attributes: Attributes } {
  const { run: _, entry, ...attributes } = unmarshall(item)
  return { entry: String(entry), attributes }
}

/**
 * Commits a decision: the entries that changed, conditional on the version that it was taken on.
 *
 * @returns the run as it now is; the same object where nothing changed
 * @throws {ConflictError} where another worker committed in between
 */
export async function commitRun(
  hub: MessageHub,
  loaded: LoadedRun,
  decision: Decision,
): Promise<LoadedRun> {
  const { run } = loaded.ledger
  const shown = entriesOf(decision, { ...hub.setting, version: loaded.version })
  let chain = chainOf(loaded.entries)
  shown.set('runtime_info', { ...shown.get('runtime_info'), ...chain })
  const changes = changesBetween(loaded.entries, shown)
  if (changes.length === 0) return { ...loaded, ledger: decision.ledger }
  let { version } = loaded
  for (let at = 0; at < changes.length; at += ENTRIES_AT_ONCE) {
    const part = changes.slice(at, at + ENTRIES_AT_ONCE)
    chain = chainAfter(chain, [['runtime_info', shown.get('runtime_info')], ...part])
    const info = { ...shown.get('runtime_info'), version: version + 1, ...chain }
    await transact(hub, run, version, [['runtime_info', info], ...part])
    version += 1
    shown.set('runtime_info', info)
  }
  const committed = { ledger: decision.ledger, entries: shown, version }
  hub.known?.keep(committed)
  return committed
}

/** A map with the key `constructor`, as a metric may be named, looks like an instance of some class. */
const AS_MAPS = { removeUndefinedValues: true, convertClassInstanceToMap: true }

/** Entries to write and, without attributes, to delete; `runtime_info` goes with every transaction. */
function changesBetween(before: Entries, after: Entries): Change[] {
  const written = [...after].filter(
    ([entry, attributes]) => !sameAttributes(before.get(entry), attributes),
  )
  const deleted = [...before.keys()]
    .filter((entry) => !after.has(entry) && isOfTheHub(entry))
    .map((entry): Change => [entry, undefined])
  const changes: Change[] = [...written, ...deleted]
  if (changes.length === 1 && changes[0]?.[0] === 'runtime_info') return changes
  return changes
    .filter(([entry]) => entry !== 'runtime_info')
    .toSorted((a, b) => priority(a, before) - priority(b, before))
}

/** Somebody's own entries beside the hub's are left alone. */
export function isOfTheHub(entry: string): boolean {
  return kindOf(entry) !== undefined || DERIVED.includes(entry.split('#', 1)[0] ?? '')
}

function priority([entry, attributes]: Change, before: Entries): number {
  const kind = entry.split('#', 1)[0] ?? ''
  const place = PRIORITY.indexOf(kind)
  if (place < 0) return PRIORITY.length + 1
  const known = before.get(entry)
  if (kind !== 'step' || known === undefined || attributes === undefined) return place
  const substance = (step: Attributes) =>
    Object.fromEntries(Object.entries(step).filter(([name]) => !EXPLANATIONS.includes(name)))
  return sameAttributes(substance(known), substance(attributes)) ? PRIORITY.length : place
}

async function transact(
  hub: MessageHub,
  run: Run,
  version: number,
  changes: Change[],
): Promise<void> {
  const unique = new Map(changes.toReversed())
  const items = [...unique].map(([entry, attributes]): TransactWriteItem => {
    if (attributes === undefined) {
      return { Delete: { TableName: hub.tableName, Key: marshall({ run, entry }) } }
    }
    const Item = marshall({ run, entry, ...attributes }, AS_MAPS)
    if (entry !== 'runtime_info') return { Put: { TableName: hub.tableName, Item } }
    return { Put: { TableName: hub.tableName, Item, ...onVersion(version) } }
  })
  try {
    await hub.dynamodb.send(new TransactWriteItemsCommand({ TransactItems: items }))
  } catch (error) {
    if (isConflict(error)) throw new ConflictError(run)
    throw error
  }
}

function onVersion(version: number) {
  if (version === 0) {
    return {
      ConditionExpression: 'attribute_not_exists(#version)',
      ExpressionAttributeNames: { '#version': 'version' },
    }
  }
  return {
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: marshall({ ':version': version }),
  }
}

function isConflict(error: unknown): boolean {
  if (!(error instanceof TransactionCanceledException)) return false
  const codes = error.CancellationReasons?.map(({ Code }) => Code) ?? []
  return codes.includes('ConditionalCheckFailed') || codes.includes('TransactionConflict')
}
