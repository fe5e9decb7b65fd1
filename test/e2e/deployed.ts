/** The deployed stack as a person with an S3 client and an AWS CLI sees it. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { DeleteItemCommand, DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb'
import { LambdaClient } from '@aws-sdk/client-lambda'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketNotificationConfigurationCommand,
  GetObjectCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { SQSClient } from '@aws-sdk/client-sqs'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import { expect, inject } from 'vitest'
import { uploadPath } from '../../examples/train/recording.ts'
import { endOfLog } from '../../local/emulator.ts'
import { settled } from '../../local/settled.ts'
import { signedFetch } from '../../local/signed-fetch.ts'
import { faultsOf } from '../lib/query/described.ts'

const { logFile, ...stack } = inject('stack')
export const { clientConfig, outputs, queryUrl } = stack
/** What talks to the cloud, and the end of its log. */
export const cloud = { clientConfig, log: () => endOfLog(logFile) }
export const s3 = new S3Client({ ...clientConfig, forcePathStyle: true })
export const sqs = new SQSClient(clientConfig)
export const lambda = new LambdaClient(clientConfig)
const dynamodb = new DynamoDBClient(clientConfig)
const Bucket = outputs.BucketName

/** An entry of the message hub, without its run. */
export type Entry = Record<string, unknown>

/** Waits until the hub has nothing left to do. */
export function hubSettled(): Promise<void> {
  return settled(cloud, outputs)
}

/** Asks the query function, whose answer has to be as it is described. */
export async function ask(question: string): Promise<{ status: number; body: Entry }> {
  const answer = await signedFetch(`${queryUrl}${question}`, clientConfig)
  const { status } = answer
  const body = await answer.text()
  const headers = Object.fromEntries(answer.headers)
  expect(faultsOf(`/${question.split('?', 1)[0]}`, { status, headers, body })).toEqual([])
  return { status, body: JSON.parse(body) as Entry }
}

/** Has S3 tell nobody of what is done meanwhile. */
export async function withoutNotifications(work: () => Promise<void>): Promise<void> {
  const get = new GetBucketNotificationConfigurationCommand({ Bucket })
  const { $metadata: _, ...before } = await s3.send(get)
  const set = (NotificationConfiguration: object) =>
    s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }))
  await set({})
  try {
    await work()
  } finally {
    await set(before)
  }
}

/** A run of its own for a test. */
export class Run {
  readonly name: string

  constructor(name = `e2e/${randomUUID().slice(0, 8)}`) {
    this.name = name
  }

  key(name: string): string {
    return this.name === '.' ? name : `${this.name}/${name}`
  }

  async put(name: string, body: Uint8Array | string | object): Promise<void> {
    const isData = typeof body === 'string' || body instanceof Uint8Array
    const Body = isData ? body : JSON.stringify(body)
    await s3.send(new PutObjectCommand({ Bucket, Key: this.key(name), Body }))
  }

  /** Uploads in two parts, which gives another ETag than one PUT of the same bytes. */
  async putInParts(name: string, body: Uint8Array): Promise<void> {
    const where = { Bucket, Key: this.key(name) }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(where))
    const half = body.byteLength >> 1
    const Parts = []
    for (const [at, Body] of [body.subarray(0, half), body.subarray(half)].entries()) {
      const PartNumber = at + 1
      const part = new UploadPartCommand({ ...where, UploadId, PartNumber, Body })
      Parts.push({ PartNumber, ETag: (await s3.send(part)).ETag })
    }
    const MultipartUpload = { Parts }
    await s3.send(new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload }))
  }

  async remove(name: string): Promise<void> {
    await s3.send(new DeleteObjectCommand({ Bucket, Key: this.key(name) }))
  }

  async bytes(name: string): Promise<Buffer> {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: this.key(name) }))
    return Buffer.from((await Body?.transformToByteArray()) ?? [])
  }

  /** ETags by name, as a listing of the prefix shows them. */
  async listing(): Promise<Record<string, string>> {
    const found: Record<string, string> = {}
    const Prefix = this.key('')
    for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix })) {
      for (const { Key = '', ETag = '' } of page.Contents ?? []) {
        const name = Key.slice(Prefix.length)
        // At the bucket's root, what lies deeper belongs to other runs.
        if (this.name !== '.' || !name.includes('/')) found[name] = ETag
      }
    }
    return found
  }

  /** Names of the checkpoints that a listing shows, in the order of their steps. */
  async checkpoints(): Promise<string[]> {
    const names = Object.keys(await this.listing())
    const step = (name: string) => Number(/\d+/.exec(name)?.[0])
    return names
      .filter((name) => /^(epoch|iter)_\d+\.pth$/.test(name))
      .sort((a, b) => step(a) - step(b))
  }

  /** Loses what the message hub knows of the run. */
  async loseEntries(): Promise<void> {
    for (const entry of (await this.entries()).keys()) {
      const Key = marshall({ run: this.name, entry })
      await dynamodb.send(new DeleteItemCommand({ TableName: outputs.TableName, Key }))
    }
  }

  /** The message hub's entries of the run, by sort key. */
  async entries(): Promise<Map<string, Entry>> {
    const found = new Map<string, Entry>()
    const pages = paginateQuery(
      { client: dynamodb },
      {
        TableName: outputs.TableName,
        KeyConditionExpression: '#run = :run',
        ExpressionAttributeNames: { '#run': 'run' },
        ExpressionAttributeValues: { ':run': { S: this.name } },
        ConsistentRead: true,
      },
    )
    for await (const { Items = [] } of pages) {
      for (const item of Items) {
        const { run: _, entry, ...attributes } = unmarshall(item)
        found.set(String(entry), attributes)
      }
    }
    return found
  }

  async runtimeInfo(): Promise<Entry> {
    return (await this.entries()).get('runtime_info') ?? {}
  }

  async problems(): Promise<Entry[]> {
    const entries = [...(await this.entries())]
    return entries.filter(([entry]) => entry.startsWith('problem#')).map(([, problem]) => problem)
  }

  /** The fate of each uploaded step, in the hub's words. */
  async fates(): Promise<Record<string, unknown>> {
    const steps = [...(await this.entries())].filter(
      ([entry, { uploads }]) => entry.startsWith('step#') && (uploads as unknown[]).length > 0,
    )
    return Object.fromEntries(
      steps.map(([, { series, step, fate }]) => [`${series}_${step}`, fate]),
    )
  }
}

/** A whole checkpoint that torch wrote; different numbers from 1 to 10 give different bytes. */
export function recordedCheckpoint(number: number): Promise<Buffer> {
  return readFile(uploadPath(`epoch_${((number - 1) % 10) + 1}.pth`))
}
