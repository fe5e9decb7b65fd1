/**
 * The models against two emulators: the same calls, the same answers. Where an emulator answers otherwise than AWS
 * documents, the difference is listed with the reason, and the model goes by the documentation.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMiniStack } from '../../local/ministack.ts'
import { startMoto } from '../../local/moto.ts'
import { type StartedStore, startStore } from '../lib/bucket/store.ts'
import { newHub } from '../lib/message-hub/hub-table.ts'
import { tellDynamodb, tellS3 } from './calls-told.ts'
import { DynamodbModel } from './dynamodb/dynamodb-model.ts'
import { S3Model } from './s3/s3-model.ts'

const BUCKET = 'bucket'
const FREEDOM = { pageRows: 1000, computesHashes: true, pageItems: 1000, indexLagMs: 0 }

interface Command {
  readonly input: object
}

function modelClient(apply: (name: string, input: object) => object, prototype: object) {
  const send = async (command: Command) =>
    apply(command.constructor.name.replace(/Command$/, ''), command.input)
  return Object.assign(Object.create(prototype), { send })
}

const CONDITIONS =
  'CopyObject takes If-Match and If-None-Match for what it writes over (S3 API reference)'

/** Calls that an emulator answers otherwise than AWS documents, and what that says. */
const DIFFERENCES: Record<'MiniStack' | 'moto', Record<string, string>> = {
  MiniStack: {
    'copy with a hash': 'CopyObject computes a SHA-256 where it is asked to (S3 API reference)',
    'copy if absent, again': CONDITIONS,
  },
  moto: {
    'complete if nothing': 'If-Match of an object that is not there is answered with 404',
    'copy if absent, again': CONDITIONS,
    'copy of another': 'the source has to have the ETag of x-amz-copy-source-if-match',
  },
}

describe.each([
  { name: 'MiniStack', start: startMiniStack },
  { name: 'moto', start: startMoto },
] as const)('as $name answers', ({ name, start }) => {
  let store: StartedStore
  beforeAll(async () => {
    store = await startStore(start)
  })
  afterAll(() => store?.stop())

  test('the model of S3 does', async () => {
    const bucket = await store.newBucket()
    const model = new S3Model(BUCKET, () => Date.now(), FREEDOM)
    const s3 = modelClient((call, input) => model.apply(call, input, 'hub'), {}) as S3Client
    const told = await tellS3(s3, BUCKET)
    const emulated = await tellS3(bucket.s3, bucket.name)
    expect(differing(told, emulated)).toEqual(Object.keys(DIFFERENCES[name]))
  })

  test('the model of DynamoDB does', async () => {
    const hub = await newHub(store.newDynamodb())
    const model = new DynamodbModel(() => Date.now(), FREEDOM)
    const dynamodb = modelClient(
      (call, input) => model.apply(call, input),
      DynamoDBClient.prototype,
    )
    const told = await tellDynamodb(dynamodb, 'message-hub')
    const emulated = await tellDynamodb(hub.dynamodb, hub.tableName)
    expect(differing(told, emulated)).toEqual([])
  })
})

function differing(model: Map<string, unknown>, emulator: Map<string, unknown>): string[] {
  expect([...model.keys()]).toEqual([...emulator.keys()])
  return [...model].flatMap(([call, answer]) => {
    const [ours, theirs] = [answer, emulator.get(call)].map((each) => JSON.stringify(each))
    return ours === theirs ? [] : [call]
  })
}
