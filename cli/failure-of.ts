/** Other people's errors, as failures of the command. */
import { BucketError, statusOf } from '../lib/bucket/bucket.ts'
import { CheckpointFormatError } from '../lib/checkpoint/checkpoint-format-error.ts'
import { FileChangedError } from '../lib/files/file-reader.ts'
import { NameTakenError } from '../lib/files/write-file.ts'
import { ConflictError, MessageHubError } from '../lib/message-hub/message-hub-error.ts'
import { QueryError } from '../lib/query/problem-details.ts'
import type { PassedOver } from '../lib/query/resume.ts'
import { Failure, type FailureKind } from './failure.ts'

/** What Node says of a path, and whether it is there. */
const FILE_ERRORS: Readonly<Record<string, readonly [FailureKind, string]>> = {
  ENOENT: ['not-found', 'no such file or folder'],
  ENOTDIR: ['not-found', 'a part of the path is a file, not a folder'],
  EISDIR: ['refused', 'is a folder; name one file in it'],
  EACCES: ['failed', 'may not be read or written by this user'],
  EPERM: ['failed', 'may not be changed by this user'],
  ENOSPC: ['failed', 'the disk is full'],
  EROFS: ['failed', 'the file system is read-only'],
}

/** What to do where there are no credentials, or they are no longer good. */
const CREDENTIALS_ADVICE =
  'Set AWS_PROFILE or name a --profile, sign in with `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.'
const EXPIRED =
  /^(ExpiredToken|RequestExpired|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken)/

/**
 * Says what an error means for the person who typed the command.
 *
 * @param place what was read or written, for errors that do not name it
 */
export function failureOf(error: unknown, place?: string): Failure {
  if (error instanceof Failure) return error
  const about = place === undefined ? '' : `${place}: `
  if (error instanceof CheckpointFormatError) {
    const advice =
      error.code === 'forbidden-global'
        ? 'If you know that a name holds only data, allow it: --allow-global module.name'
        : ''
    return new Failure('refused', about + error.message, { code: error.code, advice, cause: error })
  }
  if (error instanceof NameTakenError) return new Failure('taken', error.message, { cause: error })
  if (error instanceof FileChangedError) {
    return new Failure('failed', error.message, { code: 'changed', cause: error })
  }
  if (error instanceof BucketError) {
    const kind = error.code === 'gone' ? 'not-found' : 'failed'
    return new Failure(kind, error.message, { code: error.code.replaceAll(' ', '-'), cause: error })
  }
  if (error instanceof MessageHubError || error instanceof ConflictError) {
    return new Failure('failed', error.message, { code: error.code, cause: error })
  }
  if (error instanceof QueryError) return questionFailure(error)
  if (!(error instanceof Error)) return new Failure('failed', about + String(error))
  return fileFailure(error) ?? awsFailure(error, about)
}

/** A question about a run that has no answer. */
function questionFailure({ code, status, message, more }: QueryError): Failure {
  const kinds: Readonly<Record<number, FailureKind>> = { 400: 'usage', 404: 'not-found' }
  const { passed_over: passedOver = [] } = more as { passed_over?: PassedOver[] }
  const advice = passedOver.map(({ key, reason }) => `${key}: ${reason}`).join('\n')
  return new Failure(kinds[status] ?? 'failed', message, { code, advice })
}

function fileFailure(error: Error): Failure | undefined {
  if (!('code' in error && 'path' in error)) return undefined
  const code = String(error.code)
  const [kind, reason] = FILE_ERRORS[code] ?? ['failed', error.message]
  return new Failure(kind, `${error.path}: ${reason}`, { code, cause: error })
}

function awsFailure(error: Error, about: string): Failure {
  const status = statusOf(error)
  const fail = (kind: FailureKind, reason: string, advice = '') =>
    new Failure(kind, about + reason, { code: error.name, advice, cause: error })
  if (error.name === 'CredentialsProviderError' || error.name === 'TokenProviderError') {
    return fail('failed', 'no AWS credentials were found', CREDENTIALS_ADVICE)
  }
  if (EXPIRED.test(error.name)) {
    return fail(
      'failed',
      `the AWS credentials are not accepted (${error.name})`,
      CREDENTIALS_ADVICE,
    )
  }
  // Other services than S3 say which right is missing, and on what.
  if (error.name === 'AccessDeniedException') {
    return fail('failed', 'access denied', error.message)
  }
  if (status === 404) return fail('not-found', 'no such object, or no such bucket')
  if (status === 403) {
    return fail('failed', 'access denied', 'Reading takes s3:GetObject, writing s3:PutObject.')
  }
  if (status === 412) {
    return fail('failed', 'became another object while it was read', 'Try again.')
  }
  if (status === 301 || status === 400) {
    const advice = 'Is it the right --region and --endpoint-url?'
    return fail('failed', `the store refused the request (${error.name})`, advice)
  }
  if (status !== undefined) return fail('failed', `${error.name}: ${error.message}`)
  const connection = 'code' in error ? String(error.code) : undefined
  if (connection !== undefined) {
    const advice = 'Is the --endpoint-url right, and the network there?'
    return new Failure('failed', `${about}no answer from the store (${connection})`, {
      code: connection,
      advice,
      cause: error,
    })
  }
  return fail('failed', error.message)
}
