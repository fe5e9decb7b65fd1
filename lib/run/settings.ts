/** A function's environment, read once when it starts. */
import type { Bucket } from '../bucket/bucket.ts'
import { keepsVersions } from '../bucket/versioning.ts'
import { type GlobalName, globalNamed } from '../checkpoint/rewrite.ts'
import {
  HookArgumentError,
  type NamedArguments,
  parseArguments,
  resolveOptions,
} from '../hook/hook-arguments.ts'
import { KnownRuns } from '../message-hub/known-runs.ts'
import { dynamodbClient, s3Client, sqsClient } from './clients.ts'
import type { MessageSource } from './failed-messages.ts'
import type { Worker } from './worker.ts'

/** The stack gave a function an environment that it cannot work with. */
export class SettingError extends Error {
  override readonly name = 'SettingError'
  readonly code = 'setting'
  readonly field: string
  constructor(field: string, reason: string) {
    super(`environment variable ${field}: ${reason}. Deploy the stack again.`)
    this.field = field
  }
}

/** For this long a function believes what it heard of the bucket's versioning. */
const VERSIONING_REMEMBERED_MS = 60_000

/**
 * The worker of a function, from its environment.
 *
 * @throws {SettingError} that names the variable, and of the default arguments the one that is invalid
 */
export function workerFromEnvironment(environment: NodeJS.ProcessEnv): Worker {
  const bucket = { s3: s3Client(), name: required(environment, 'BUCKET_NAME') }
  return {
    bucket,
    hub: {
      dynamodb: dynamodbClient(),
      tableName: required(environment, 'TABLE_NAME'),
      stackArguments: stackArguments(environment, 'DEFAULT_HOOK_ARGUMENTS'),
      known: new KnownRuns(),
      setting: {
        bucket: bucket.name,
        noncurrentDays: wholeNumber(environment, 'NONCURRENT_DAYS'),
      },
    },
    jobs: { sqs: sqsClient(), queueUrl: required(environment, 'JOBS_QUEUE_URL') },
    reach: {
      keyPrefix: environment['KEY_PREFIX'] ?? '',
      outBuckets: listIn(environment, 'OUT_BUCKETS'),
    },
    allowedGlobals: listIn(environment, 'ALLOWED_GLOBALS').map(allowedGlobal),
    brake: wholeNumber(environment, 'BRAKE'),
    keepsVersions: rememberedVersioning(bucket),
    nowSeconds: () => Math.floor(Date.now() / 1000),
  }
}

/** The queue that a function takes messages from, by the client that its worker has. */
export function messageSourceFromEnvironment(
  environment: NodeJS.ProcessEnv,
  { jobs: { sqs } }: Pick<Worker, 'jobs'>,
): MessageSource {
  return {
    sqs,
    queueUrl: required(environment, 'SOURCE_QUEUE_URL'),
    deadLettersUrl: required(environment, 'DEAD_LETTERS_URL'),
    maxReceives: wholeNumber(environment, 'MAX_RECEIVES'),
  }
}

/** Whether buckets keep versions, as a function asks: again only after a minute. */
export function rememberedVersioning(bucket: Bucket): Worker['keepsVersions'] {
  return remembered((name) => keepsVersions({ ...bucket, name }), VERSIONING_REMEMBERED_MS)
}

/** Asks again only after a while. */
function remembered(
  ask: (name: string) => Promise<boolean>,
  forMilliseconds: number,
): (name: string) => Promise<boolean> {
  const answers = new Map<string, { at: number; value: boolean }>()
  return async (name) => {
    const before = answers.get(name)
    if (before !== undefined && Date.now() - before.at <= forMilliseconds) return before.value
    const answer = { at: Date.now(), value: await ask(name) }
    answers.set(name, answer)
    return answer.value
  }
}

/** A variable that the stack always sets. */
export function required(environment: NodeJS.ProcessEnv, name: string): string {
  const value = environment[name]
  if (value === undefined || value === '') throw new SettingError(name, 'is not set')
  return value
}

/** A variable that holds a whole number of 0 or more. */
export function wholeNumber(environment: NodeJS.ProcessEnv, name: string): number {
  const text = required(environment, name)
  if (!/^\d+$/.test(text)) throw new SettingError(name, `expected a whole number, got ${text}`)
  return Number(text)
}

/** A variable that holds texts separated by commas; none where it is not set. */
function listIn(environment: NodeJS.ProcessEnv, name: string): string[] {
  return (environment[name] ?? '').split(',').filter((text) => text !== '')
}

function allowedGlobal(text: string): GlobalName {
  const named = globalNamed(text)
  if (named !== undefined) return named
  throw new SettingError(
    'ALLOWED_GLOBALS',
    `expected names such as package.module.Name, got ${text}`,
  )
}

function stackArguments(environment: NodeJS.ProcessEnv, name: string): NamedArguments {
  const text = required(environment, name)
  try {
    const named = parseArguments(JSON.parse(text))
    resolveOptions(named, {})
    return named
  } catch (error) {
    if (error instanceof HookArgumentError) throw new SettingError(name, error.message)
    throw new SettingError(name, `expected a JSON object, got ${text.slice(0, 200)}`)
  }
}
