/** Errors as the SDK's client throws them for an answer of S3. */
import { S3ServiceException } from '@aws-sdk/client-s3'
import { answeredError } from '../answered-error.ts'

/** What S3 answers where a call is refused. */
export function s3Error(name: string, status: number): S3ServiceException {
  const $fault = status >= 500 ? 'server' : 'client'
  const $metadata = { httpStatusCode: status }
  return answeredError(() => new S3ServiceException({ name, message: name, $fault, $metadata }))
}

export const noSuchKey = () => s3Error('NoSuchKey', 404)
export const preconditionFailed = () => s3Error('PreconditionFailed', 412)
