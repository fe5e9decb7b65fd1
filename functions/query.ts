/** `query`: the function URL. Answers with JSON and signed URLs, from the message hub. */
import type { LambdaFunctionURLEvent } from 'aws-lambda'
import { type Answer, answer } from '../lib/query/route.ts'
import { dynamodbClient, s3Client } from '../lib/run/clients.ts'
import { required, wholeNumber } from '../lib/run/settings.ts'

const stack = {
  bucket: { s3: s3Client(), name: required(process.env, 'BUCKET_NAME') },
  hub: { dynamodb: dynamodbClient(), tableName: required(process.env, 'TABLE_NAME') },
  brake: wholeNumber(process.env, 'BRAKE'),
}

export async function handler(event: LambdaFunctionURLEvent): Promise<Answer> {
  const { method, path } = event.requestContext.http
  return answer(stack, { method, path, parameters: event.queryStringParameters ?? {} })
}
