import { ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { ListBucketsCommand } from '@aws-sdk/client-s3'
import { ListQueuesCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { dynamodbClient, longestSilenceMs, s3Client, sqsClient } from '../../../lib/run/clients.ts'
import { endpointVariables } from '../../../local/environment.ts'

/** Nobody listens there: the first call makes a client read its settings, and fails. */
const NOBODY = 'http://127.0.0.1:1'

beforeAll(() => {
  for (const [name, value] of Object.entries(endpointVariables(NOBODY))) vi.stubEnv(name, value)
})
afterAll(() => vi.unstubAllEnvs())

describe('a connection on which nothing moves is given up', () => {
  test('to DynamoDB after 15 s', async () => {
    const client = dynamodbClient()
    await expect(client.send(new ListTablesCommand())).rejects.toThrow('ECONNREFUSED')
    expect(patienceOf(client)).toEqual({ connectionTimeout: 5_000, socketTimeout: 15_000 })
  })

  test('to SQS after 15 s', async () => {
    const client = sqsClient()
    await expect(client.send(new ListQueuesCommand())).rejects.toThrow('ECONNREFUSED')
    expect(patienceOf(client)).toEqual({ connectionTimeout: 5_000, socketTimeout: 15_000 })
  })

  test('to S3 after 15 s', async () => {
    const client = s3Client()
    await expect(client.send(new ListBucketsCommand())).rejects.toThrow('ECONNREFUSED')
    expect(patienceOf(client)).toEqual({ connectionTimeout: 5_000, socketTimeout: 15_000 })
  })

  test.each([
    ['a copy', 'PUT', { 'x-amz-copy-source': 'b/k' }, {}, 90_000],
    ['a copy of a part', 'PUT', { 'x-amz-copy-source': 'b/k' }, { uploadId: 'u' }, 90_000],
    ['an object put together', 'POST', {}, { uploadId: 'u' }, 90_000],
    ['a part that is sent', 'PUT', {}, { uploadId: 'u' }, 15_000],
    ['an upload that is begun', 'POST', {}, { uploads: '' }, 15_000],
    ['a read', 'GET', {}, {}, 15_000],
  ])('to S3, for %s', (_, method, headers, query, silenceMs) => {
    expect(longestSilenceMs({ method, headers, query })).toBe(silenceMs)
  })
})

/** What is set of a client's patience, in milliseconds. */
function patienceOf({ config }: { config: { requestHandler: object } }): Record<string, unknown> {
  const handler: { httpHandlerConfigs?(): Record<string, unknown> } = config.requestHandler
  const { connectionTimeout, socketTimeout } = handler.httpHandlerConfigs?.() ?? {}
  return { connectionTimeout, socketTimeout }
}
