/**
 * Answers about runs, from the message hub alone. Never lists the bucket, and never names an object of
 * another run.
 */
import { type DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import * as z from 'zod/mini'
import { bareKey, isDirectory, parseRun, pathOf, type Run } from '../hook/names.ts'
import { QueryError } from './problem-details.ts'

/** The table to ask. */
export interface Table {
  dynamodb: DynamoDBClient
  name: string
}

/** An object that an answer points at: the exact version, so that a later one is not taken for it. */
export interface Pointer {
  /** Where it is not that of the hub. */
  bucket?: string
  key: string
  version_id: string
  etag: string
  /** Not of the marker of a directory: the hub records the size of the whole. */
  size_bytes?: number
  sha256?: string
}

type Attributes = Record<string, unknown>

/** What `runtime_info` holds for the hub itself. */
const BOOKKEEPING = [
  'stack_arguments',
  'next_effect',
  'last_checkpoint_text',
  'retired_etags',
  'answers',
]
/** Runs in a page. */
const RUNS_A_PAGE = 50

/** Runs, the one with the newest upload first. */
export async function listRuns(
  table: Table,
  { prefix, next }: { prefix: string; next: string | undefined },
): Promise<{ runs: Attributes[]; next: string | undefined }> {
  const page = await table.dynamodb.send(
    new QueryCommand({
      TableName: table.name,
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

/** Everything that a person asks about one run: its options, its checkpoints and their fates, its files. */
export async function describeRun(table: Table, run: Run): Promise<Attributes> {
  const info = await runtimeInfo(table, run)
  const steps = await entriesOf(table, run, 'step#')
  const artifacts = await entriesOf(table, run, 'artifact#')
  const problems = await entriesOf(table, run, 'problem#')
  return {
    run,
    ...withoutKeys(info, BOOKKEEPING),
    steps: steps.map(({ series, step, fate, reason, metrics }) => ({
      series,
      step,
      fate,
      reason,
      metrics: shownMetrics(metrics as Attributes[]),
    })),
    artifacts,
    problems,
  }
}

/** A value of `metrics/…` outranks that of a log, and of one source the later stands. */
function shownMetrics(metrics: Attributes[]): Attributes {
  const logs = metrics.filter(({ source }) => source === 'log')
  const events = metrics.filter(({ source }) => source !== 'log')
  return Object.fromEntries(
    [...logs, ...events].map(({ metric, value }) => [metric, value ?? null]),
  )
}

/**
 * The best copy of a metric, or of the only one that the run tracks. A best that is a directory has no copy:
 * the object is its marker.
 */
export async function bestOf(
  table: Table,
  run: Run,
  metric: string | undefined,
): Promise<Attributes & { object: Pointer }> {
  const { answers, options } = await runtimeInfo(table, run)
  const known = answers as Record<string, { score: string; key: string }>
  const asked = metric ?? onlyMetric(run, Object.keys(known), options)
  const answer = Object.hasOwn(known, asked) ? known[asked] : undefined
  if (answer === undefined) {
    const choice = Object.keys(known).map(quoted).join(', ') || 'none yet'
    throw new QueryError(
      'not-found',
      `the run ${quoted(run)} has no best ${quoted(asked)}; it has ${choice}`,
    )
  }
  const best = { run, metric: asked, score: answer.score }
  if (isDirectory(answer.key)) {
    const directory = await checkpointAt(table, run, pathOf(answer.key))
    if (directory !== undefined) return { ...best, ...directory }
  }
  const artifact = await artifactAt(table, run, answer.key)
  const source = artifact['source'] as { step: number }
  return { ...best, step: source.step, object: pointerOf(artifact) }
}

/** The metric that a question means which names none. */
function onlyMetric(run: Run, scored: string[], options: unknown): string {
  const { save_best: tracked = [] } = options as { save_best?: string[] }
  if (tracked.length > 1) {
    const choice = tracked.map(quoted).join(', ')
    throw new QueryError(
      'bad-request',
      `the run ${quoted(run)} tracks several metrics; name one of ${choice}`,
    )
  }
  const [only] = scored
  if (only !== undefined) return only
  throw new QueryError('not-found', `the run ${quoted(run)} has no best checkpoint yet`)
}

/** An upload of a step's entry, as far as it says where a checkpoint is. */
interface StoredUpload extends Required<Omit<Pointer, 'bucket' | 'sha256'>> {
  directory?: { marker: string; files: number }
}

/** The last checkpoint: the highest step of the newest life. Of a directory, the object is its marker. */
export async function lastOf(table: Table, run: Run): Promise<Attributes & { object: Pointer }> {
  const { last_ckpt } = await runtimeInfo(table, run)
  const key = typeof last_ckpt === 'string' ? last_ckpt.replace(/^s3:\/\/[^/]+\//, '') : undefined
  const last = key === undefined ? undefined : await checkpointAt(table, run, key)
  if (last !== undefined) return { run, ...last }
  throw new QueryError('not-found', `the run ${quoted(run)} has no complete checkpoint yet`)
}

/** The newest upload of a checkpoint, whose key is told without the slash at a directory's end. */
async function checkpointAt(
  table: Table,
  run: Run,
  path: string,
): Promise<(Attributes & { object: Pointer }) | undefined> {
  const steps = await entriesOf(table, run, 'step#')
  for (const { step, uploads } of steps) {
    const live = (uploads as StoredUpload[]).findLast(({ key }) => pathOf(key) === path)
    if (live === undefined) continue
    const { key, version_id, etag, size_bytes, directory } = live
    if (directory === undefined) return { step, object: { key, version_id, etag, size_bytes } }
    const { marker, files } = directory
    return {
      step,
      directory: { key: pathOf(key), files, size_bytes },
      object: { key: `${key}${marker}`, version_id, etag },
    }
  }
  return undefined
}

/** The published files of a run. */
export async function publishedOf(
  table: Table,
  run: Run,
): Promise<{ run: Run; published: (Attributes & { object: Pointer })[] }> {
  await runtimeInfo(table, run)
  const artifacts = await entriesOf(table, run, 'artifact#')
  return {
    run,
    published: artifacts
      .filter(({ kind, state }) => kind === 'published' && state === 'current')
      .map((artifact) => ({
        of: artifact['of_metric'] ?? 'last',
        step: (artifact['source'] as { step: number }).step,
        kept_keys: artifact['kept_keys'],
        removed_keys: artifact['removed_keys'],
        object: pointerOf(artifact),
      })),
  }
}

async function runtimeInfo(table: Table, run: Run): Promise<Attributes> {
  const { Item } = await table.dynamodb.send(
    new GetItemCommand({
      TableName: table.name,
      Key: marshall({ run, entry: 'runtime_info' }),
      ConsistentRead: true,
    }),
  )
  if (Item === undefined) throw new QueryError('not-found', `the hub knows no run ${quoted(run)}`)
  return withoutKeys(unmarshall(Item), ['run', 'entry'])
}

async function artifactAt(table: Table, run: Run, key: string): Promise<Attributes> {
  const artifacts = await entriesOf(table, run, 'artifact#')
  const found = artifacts.find((artifact) => artifact['key'] === key)
  if (found === undefined)
    throw new QueryError('not-found', `the run ${quoted(run)} has no ${quoted(key)}`)
  return found
}

async function entriesOf(table: Table, run: Run, prefix: string): Promise<Attributes[]> {
  const found: Attributes[] = []
  let from: Record<string, unknown> | undefined
  do {
    const page = await table.dynamodb.send(
      new QueryCommand({
        TableName: table.name,
        KeyConditionExpression: '#run = :run AND begins_with(entry, :prefix)',
        ExpressionAttributeNames: { '#run': 'run' },
        ExpressionAttributeValues: marshall({ ':run': run, ':prefix': prefix }),
        ConsistentRead: true,
        ...(from !== undefined && { ExclusiveStartKey: marshall(from) }),
      }),
    )
    found.push(...(page.Items ?? []).map((item) => withoutKeys(unmarshall(item), ['run', 'entry'])))
    from = page.LastEvaluatedKey && unmarshall(page.LastEvaluatedKey)
  } while (from !== undefined)
  return found
}

function pointerOf(artifact: Attributes): Pointer {
  const { key: named, ...object } = artifact as unknown as Required<Pointer>
  const { version_id, etag, size_bytes, sha256 } = object
  const { bucket, key } = bareKey(named)
  return { ...(bucket !== undefined && { bucket }), key, version_id, etag, size_bytes, sha256 }
}

/** The run that a question names. */
export function runIn(text: string | undefined): Run {
  if (text === undefined || text === '') {
    throw new QueryError(
      'bad-request',
      'name a run, such as ?run=experiments/resnet; "." is the root',
    )
  }
  return parseRun(text)
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

function withoutKeys(attributes: Attributes, names: string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)))
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
