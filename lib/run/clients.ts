/**
 * The functions' clients of AWS.
 *
 * The SDK waits for ever for an answer that does not come. A function would then wait until it is ended, and its
 * messages until they are shown again, much later. So a connection on which nothing moves is given up, and the
 * SDK asks again.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { SQSClient } from '@aws-sdk/client-sqs'

const CONNECT_MS = 5_000
/** Both answer within milliseconds. */
const SILENT_MS = 15_000
/** S3 is silent while it copies a part of 5 GiB, at some 80 MB/s. */
const SILENT_COPY_MS = 90_000

/** Reaches S3; an answer is waited for as long as the largest copy takes. */
export function s3Client(): S3Client {
  return new S3Client({ requestHandler: giveUpAfter(SILENT_COPY_MS) })
}

/** Reaches DynamoDB. */
export function dynamodbClient(): DynamoDBClient {
  return new DynamoDBClient({ requestHandler: giveUpAfter(SILENT_MS) })
}

/** Reaches SQS. */
export function sqsClient(): SQSClient {
  return new SQSClient({ requestHandler: giveUpAfter(SILENT_MS) })
}

function giveUpAfter(socketTimeout: number) {
  return { connectionTimeout: CONNECT_MS, socketTimeout }
}
