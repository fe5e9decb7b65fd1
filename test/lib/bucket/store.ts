/** A real S3 and DynamoDB for one test file: the local cloud's emulator, without a deployment. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll } from 'vitest'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import { CREDENTIALS, REGION } from '../../../local/environment.ts'
import { startMiniStack } from '../../../local/ministack.ts'

export interface Store {
  endpoint: string
  /** A client of its own, so that a test may put faults into it. */
  newS3(): S3Client
  newDynamodb(): DynamoDBClient
  /** An empty versioned bucket. */
  newBucket(): Promise<Bucket>
}

/** One that whoever started it has to stop. */
export interface StartedStore extends Store {
  stop(): Promise<void>
}

/** @param start which emulator: MiniStack, or moto for S3 alone */
export async function startStore(start = startMiniStack): Promise<StartedStore> {
  const { endpoint, stop } = await start()
  const config = { endpoint, region: REGION, credentials: CREDENTIALS }
  const newS3 = () => new S3Client({ ...config, forcePathStyle: true })
  let buckets = 0
  return {
    endpoint,
    newS3,
    newDynamodb: () => new DynamoDBClient(config),
    newBucket: async () => {
      buckets += 1
      const bucket = { s3: newS3(), name: `bucket-${buckets}` }
      await bucket.s3.send(new CreateBucketCommand({ Bucket: bucket.name }))
      await bucket.s3.send(
        new PutBucketVersioningCommand({
          Bucket: bucket.name,
          VersioningConfiguration: { Status: 'Enabled' },
        }),
      )
      return bucket
    },
    stop,
  }
}

/** A store of MiniStack for all tests of a file: started before the first of them, stopped after the last. */
export function storeOfFile(): Store {
  let store: StartedStore | undefined
  beforeAll(async () => {
    store = await startStore()
  })
  afterAll(() => store?.stop())
  const started = (): Store => {
    if (store === undefined) throw new Error('the store is not there before the first test')
    return store
  }
  return {
    get endpoint() {
      return started().endpoint
    },
    newS3: () => started().newS3(),
    newDynamodb: () => started().newDynamodb(),
    newBucket: () => started().newBucket(),
  }
}
