/** `query`: the function URL. Answers with JSON and signed URLs, from the message hub. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import type { LambdaFunctionURLEvent } from 'aws-lambda'
import { type Answer, answer } from '../lib/query/route.ts'
import { required } from '../lib/run/settings.ts'

const table = { dynamodb: new DynamoDBClient({}), name: required(process.env, 'TABLE_NAME') }
const bucket = { s3: new S3Client({}), name: required(process.env, 'BUCKET_NAME') }

export async function handler(event: LambdaFunctionURLEvent): Promise<Answer> {
  const { method, path } = event.requestContext.http
  return answer(table, bucket, { method, path, parameters: event.queryStringParameters ?? {} })
}
