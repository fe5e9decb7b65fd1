/** What the hub left of a run, in the words of what MMEngine's hook leaves on disk. */
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import { stepIn } from '../../lib/hook/names.ts'
import type { ClientConfig, StackOutputs } from '../../local/cloud.ts'
import type { LeftByHook } from '../train/recording.ts'

/** The hub's published names, hash and all, beside what is compared. */
export interface LeftByHub extends LeftByHook {
  readonly publishedNames: readonly string[]
}

/** The hook's own keys of `runtime_info`; the rest is the hub's. */
const HOOK_KEYS = /^(best_score|best_ckpt)(_.*)?$|^last_ckpt$|^keep_ckpt_ids$/
const PUBLISHED = /^(.*)-[0-9a-f]{8}\.pth$/

/**
 * Reads the bucket's listing and the message hub.
 *
 * @param template the run's `filename_tmpl`
 */
export async function leftByHub(
  clientConfig: ClientConfig,
  outputs: StackOutputs,
  run: string,
  template: string,
): Promise<LeftByHub> {
  const s3 = new S3Client({ ...clientConfig, forcePathStyle: true })
  const names = await namesIn(s3, outputs.BucketName, `${run}/`)
  const publishedNames = names.filter((name) => PUBLISHED.test(name))
  return {
    checkpoints: names.filter((name) => stepIn(template, name) !== undefined),
    best: names.filter((name) => name.startsWith('best_') && !PUBLISHED.test(name)),
    published: publishedNames.map((name) => name.replace(PUBLISHED, '$1')),
    publishedNames,
    last_checkpoint: names.includes('last_checkpoint')
      ? below(run, outputs, await textAt(s3, outputs.BucketName, `${run}/last_checkpoint`))
      : null,
    runtime_info: await runtimeInfo(clientConfig, outputs, run),
  }
}

/** Differences between what the hub left and what the hook left, each as a sentence. */
export function differences(hub: LeftByHub, hook: LeftByHook): string[] {
  const found: string[] = []
  const compare = (what: string, ours: unknown, theirs: unknown) => {
    const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)]
    if (a !== b) found.push(`${what}: the hub left ${a}, MMEngine's hook ${b}`)
  }
  for (const what of ['checkpoints', 'best', 'published'] as const) {
    compare(what, hub[what].toSorted(), hook[what].toSorted())
  }
  compare('last_checkpoint', hub.last_checkpoint, hook.last_checkpoint)
  const keys = new Set([...Object.keys(hub.runtime_info), ...Object.keys(hook.runtime_info)])
  for (const key of keys) compare(key, hub.runtime_info[key], hook.runtime_info[key])
  return found
}

async function namesIn(s3: S3Client, Bucket: string, Prefix: string): Promise<string[]> {
  const names: string[] = []
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix })) {
    for (const { Key = '' } of page.Contents ?? []) names.push(Key.slice(Prefix.length))
  }
  return names
}

async function textAt(s3: S3Client, Bucket: string, Key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
  return (await Body?.transformToString()) ?? ''
}

async function runtimeInfo(
  clientConfig: ClientConfig,
  outputs: StackOutputs,
  run: string,
): Promise<LeftByHook['runtime_info']> {
  const dynamodb = new DynamoDBClient(clientConfig)
  const Key = marshall({ run, entry: 'runtime_info' })
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName: outputs.TableName, Key }))
  const info = Item === undefined ? {} : unmarshall(Item)
  return Object.fromEntries(
    Object.entries(info)
      .filter(([name]) => HOOK_KEYS.test(name))
      .map(([name, value]) => [name, comparable(name, value, run, outputs)]),
  )
}

function comparable(name: string, value: unknown, run: string, outputs: StackOutputs) {
  // Scores are texts in the table, since its numbers know no NaN and no infinity.
  if (name.startsWith('best_score')) return Number(value)
  return typeof value === 'string' ? below(run, outputs, value) : (value as readonly number[])
}

function below(run: string, outputs: StackOutputs, uri: string): string {
  const prefix = `s3://${outputs.BucketName}/${run}/`
  return uri.startsWith(prefix) ? uri.slice(prefix.length) : uri
}
