/** What a run left on a deployed stack: its objects, and its keys of the message hub. */
import { createHash } from 'node:crypto'
import { type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb'
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import type { StackOutputs } from '../../../local/cloud.ts'
import { hookKeys, type Left, nameIn, problemText } from '../ours.ts'
import { isDirectoryAt } from '../schedule.ts'
import type { LifeTrace } from '../trainer-trace.ts'
import { keysOf } from './torch-files.ts'

/** Where to look. */
export interface Place {
  s3: S3Client
  dynamodb: DynamoDBClient
  outputs: StackOutputs
  /** The run's prefix. In what is returned it is called `exp`, as in the hook's folder. */
  run: string
  /** Where its files go if `out_dir` says so. In what is returned it is called `out/exp`. */
  outFolder: string
}

/** An object of a run, or of where its `out_dir` leads. */
interface Found {
  key: string
  name: string
  /** Its path in the hook's folder. */
  path: string
}

/** What is there, and what should not be. */
export interface LeftOnStack {
  left: Left
  problems: string[]
  /** Objects that nobody accounts for, files whose name is not their hash, and effects left to do. */
  odd: string[]
}

/** How the hook's folder calls the run. */
const RUN = 'exp'
const OUT = `out/${RUN}`
const TOLD =
  /^(checkpoint_hook|before_train|after_train)\.json$|^metrics\/|\/vis_data\/scalars\.json$/
const PUBLISHED = /^(.*)-([0-9a-f]{8})\.pth$/
/** What a best copy leaves out. */
const NEVER_IN_BEST = ['optimizer', 'param_schedulers']

/** Reads the listing of a run, its entries, and what the hub wrote, which torch loads. */
export async function leftOnStack(
  place: Place,
  traces: readonly LifeTrace[],
): Promise<LeftOnStack> {
  const { outputs, run, outFolder } = place
  const own = await listing(place, run, RUN)
  const all = [...own, ...(await listing(place, outFolder, OUT))]
  const entries = await entriesOf(place)
  const published = all.filter(({ name }) => PUBLISHED.test(name))
  const best = all.filter(({ name }) => name.startsWith('best_') && !PUBLISHED.test(name))
  const files = await Promise.all([...published, ...best].map(({ key }) => bytesOf(place, key)))
  const keys = files.length === 0 ? [] : await keysOf(files)
  const names = own.map(({ name }) => name)
  const checkpoints = checkpointsIn(names, traces)
  const pointer = own.find(({ name }) => name === 'last_checkpoint')
  const below = (text: string) => {
    const key = text.replace(`s3://${outputs.BucketName}/`, '')
    const [prefix, path] = key.startsWith(`${outFolder}/`) ? [outFolder, OUT] : [run, RUN]
    return key.startsWith(`${prefix}/`) ? `${path}${key.slice(prefix.length)}` : text
  }
  const info = hookKeys(entries.get('runtime_info') ?? {}, '')
  const known = new Set([...published, ...best, pointer])
  const isAccounted = (each: Found) =>
    known.has(each) ||
    (own.includes(each) &&
      (TOLD.test(each.name) || [...checkpoints.values()].flat().includes(each.name)))
  return {
    left: {
      checkpoints: [...checkpoints.keys()].map((name) => `${RUN}/${name}`).toSorted(),
      best: best.map(({ path }) => path).toSorted(),
      published: published
        .map(({ path }, at) => `${path.replace(PUBLISHED, '$1')}: ${keys[at]?.join(' ')}`)
        .toSorted(),
      last_checkpoint: pointer ? below(String(await bytesOf(place, pointer.key))) : null,
      runtime_info: Object.fromEntries(
        Object.entries(info).map(([key, value]) => [
          key,
          typeof value === 'string' ? below(value) : value,
        ]),
      ),
    },
    problems: [...entries]
      .filter(([entry]) => entry.startsWith('problem#'))
      .map(([, problem]) => problemText(problem).replaceAll(run, RUN))
      .toSorted(),
    odd: [
      ...all.filter((each) => !isAccounted(each)).map(({ path }) => path),
      ...published
        .filter(({ name }, at) => PUBLISHED.exec(name)?.[2] !== hashOf(files[at]))
        .map(({ path }) => path),
      ...best
        .filter((_, at) => keys[published.length + at]?.some((key) => NEVER_IN_BEST.includes(key)))
        .map(({ path }) => path),
      ...[...entries.keys()].filter((entry) => entry.startsWith('effect#')),
    ],
  }
}

/** Names of checkpoints, a directory's with a slash, each with its objects. */
function checkpointsIn(
  names: readonly string[],
  traces: readonly LifeTrace[],
): Map<string, string[]> {
  const uploaded = traces.flatMap(({ told, layout, steps }) =>
    steps.map((step) => nameIn(told, step) + (isDirectoryAt(layout, step) ? '/' : '')),
  )
  const found = new Map<string, string[]>()
  for (const name of new Set(uploaded)) {
    const objects = names.filter(
      (each) => each === name || (name.endsWith('/') && each.startsWith(name)),
    )
    const isThere = name.endsWith('/') ? objects.includes(`${name}.complete.json`) : true
    if (objects.length > 0 && isThere) found.set(name, objects)
  }
  return found
}

function hashOf(bytes: Buffer | undefined): string {
  return createHash('sha256')
    .update(bytes ?? '')
    .digest('hex')
    .slice(0, 8)
}

async function listing({ s3, outputs }: Place, prefix: string, path: string): Promise<Found[]> {
  const found: Found[] = []
  const where = { Bucket: outputs.BucketName, Prefix: `${prefix}/` }
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, where)) {
    for (const { Key: key = '' } of Contents) {
      const name = key.slice(prefix.length + 1)
      found.push({ key, name, path: `${path}/${name}` })
    }
  }
  return found
}

async function bytesOf({ s3, outputs }: Place, Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: outputs.BucketName, Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

async function entriesOf({ dynamodb, outputs, run }: Place) {
  const found = new Map<string, Record<string, unknown>>()
  const pages = paginateQuery(
    { client: dynamodb },
    {
      TableName: outputs.TableName,
      KeyConditionExpression: '#run = :run',
      ExpressionAttributeNames: { '#run': 'run' },
      ExpressionAttributeValues: { ':run': { S: run } },
      ConsistentRead: true,
    },
  )
  for await (const { Items = [] } of pages) {
    for (const item of Items) {
      const { entry, ...attributes } = unmarshall(item)
      found.set(String(entry), attributes)
    }
  }
  return found
}
