/**
 * The functions' clients of AWS.
 *
 * The SDK waits for minutes or for ever for an answer that does not come. A function would then wait until it is
 * ended, and its messages until they are shown again, much later. So a connection on which nothing moves is given up, and the
 * SDK asks again.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { SQSClient } from '@aws-sdk/client-sqs'
import { NodeHttpHandler } from '@smithy/node-http-handler'

type Request = Parameters<NodeHttpHandler['handle']>[0]
type Options = Parameters<NodeHttpHandler['handle']>[1]

const CONNECT_MS = 5_000
/** All answers come within milliseconds, and begin within a second where S3 reads from its disks. */
const SILENT_MS = 15_000
/** S3 is silent while it copies up to 5 GiB, at some 80 MB/s, or puts an object together. */
const SILENT_WORK_MS = 90_000

/** Reaches S3. */
export function s3Client(): S3Client {
  return new S3Client({ requestHandler: new PatientWithWork() })
}

/** Reaches DynamoDB. */
export function dynamodbClient(): DynamoDBClient {
  return new DynamoDBClient({ requestHandler: giveUpAfter(SILENT_MS) })
}

/** Reaches SQS. */
export function sqsClient(): SQSClient {
  return new SQSClient({ requestHandler: giveUpAfter(SILENT_MS) })
}

/** Waits longer for what S3 works on than for what it only reads or stores. */
class PatientWithWork extends NodeHttpHandler {
  readonly #forWork = new NodeHttpHandler(giveUpAfter(SILENT_WORK_MS))

  constructor() {
    super(giveUpAfter(SILENT_MS))
  }

  override handle(request: Request, options?: Options): ReturnType<NodeHttpHandler['handle']> {
    if (longestSilenceMs(request) === SILENT_MS) return super.handle(request, options)
    return this.#forWork.handle(request, options)
  }

  override destroy(): void {
    this.#forWork.destroy()
    super.destroy()
  }
}

/**
 * For how long S3 may be silent about a request, in milliseconds.
 *
 * A copy, of an object or a part, names its source; `POST ?uploadId` completes an upload.
 */
export function longestSilenceMs({
  method,
  headers,
  query,
}: Pick<Request, 'method' | 'headers' | 'query'>): number {
  const isWork = 'x-amz-copy-source' in headers || (method === 'POST' && 'uploadId' in query)
  return isWork ? SILENT_WORK_MS : SILENT_MS
}

function giveUpAfter(socketTimeout: number) {
  return { connectionTimeout: CONNECT_MS, socketTimeout }
}
