import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalCloud, type StackOutputs, startLocalCloud } from '../../local/cloud.ts'
import { groupExists } from '../../local/process-group.ts'
import { signedFetch } from '../../local/signed-fetch.ts'

const CLOUD = new URL('../../local/cloud.ts', import.meta.url).href
const TIMEOUT_MS = 120_000

describe('the local cloud', () => {
  let cloud: LocalCloud
  let outputs: StackOutputs

  beforeAll(async () => {
    cloud = await startLocalCloud()
    outputs = await cloud.deploy()
  }, TIMEOUT_MS)

  afterAll(() => cloud?.stop())

  test('answers on 127.0.0.1', async () => {
    expect(cloud.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect((await fetch(`${cloud.endpoint}/_localstack/health`)).ok).toBe(true)
  })

  test('an upload reaches the ingest function by way of the Events queue', async () => {
    const s3 = new S3Client({ ...cloud.clientConfig, forcePathStyle: true })
    await s3.send(
      new PutObjectCommand({ Bucket: outputs.BucketName, Key: 'run/epoch_1.pth', Body: 'x' }),
    )
    const invoked = `Lambda ${outputs.IngestFunctionName} processed`
    for (let waited = 0; !cloud.log().includes(invoked) && waited < 10_000; waited += 50) {
      await sleep(50)
    }
    expect(cloud.log()).toContain(invoked)
  })

  test('the query function answers a signed request, and no other', async () => {
    const url = cloud.queryUrl(outputs)
    expect((await fetch(url)).status).toBe(403)
    expect((await signedFetch(url, cloud)).status).not.toBe(403)
  })

  test('a second stack stands beside the first', { timeout: TIMEOUT_MS }, async () => {
    const second = await cloud.deploy({ stackName: 'Second', context: { keyPrefix: 'exps/' } })
    expect(second.BucketName).not.toBe(outputs.BucketName)
    const table = new DynamoDBClient(cloud.clientConfig)
    const entry = new GetItemCommand({
      TableName: second.TableName,
      Key: { run: { S: 'none' }, entry: { S: 'run' } },
    })
    expect((await table.send(entry)).Item).toBeUndefined()
  })

  test("a deployment that cannot be made fails with the CLI's own words", async () => {
    const wrong = cloud.deploy({ context: { brake: 'none' } })
    await expect(wrong).rejects.toThrow('context key brake: ')
  })

  test('stops without leaving a process or an open port', async () => {
    expect(groupExists(cloud.group)).toBe(true)
    await cloud.stop()
    expect(groupExists(cloud.group)).toBe(false)
    await expect(fetch(cloud.endpoint)).rejects.toThrow()
    await cloud.stop()
  })
})

describe('a process that started a local cloud', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
    'and ends by %s leaves no process and no file behind',
    { timeout: TIMEOUT_MS },
    async (signal) => {
      const { parent, group, folder } = await processWithCloud()
      expect(groupExists(group)).toBe(true)
      parent.kill(signal)
      await once(parent, 'exit')
      for (let waited = 0; groupExists(group) && waited < 10_000; waited += 50) await sleep(50)
      expect(groupExists(group)).toBe(false)
      expect(existsSync(folder)).toBe(false)
    },
  )
})

/** Another Node process, with a cloud of its own, that waits to be ended. */
async function processWithCloud(): Promise<{
  parent: ChildProcess
  group: number
  folder: string
}> {
  const script = `
    import { startMiniStack } from ${JSON.stringify(CLOUD.replace('cloud.ts', 'ministack.ts'))}
    const { group, folder } = await startMiniStack()
    console.log(JSON.stringify({ group, folder }))
  `
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(parent.stdout, 'data')
  return { parent, ...JSON.parse(String(line)) }
}
