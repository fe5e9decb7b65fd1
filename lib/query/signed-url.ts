/** Signed URLs: whoever has one downloads one version of one object until it expires. */
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { Bucket } from '../bucket/bucket.ts'
import { nameOf } from '../hook/names.ts'
import type { Pointer } from './pointers.ts'
import { QueryError } from './problem-details.ts'

/** An hour, where nobody asks for another time. */
export const DEFAULT_EXPIRES_SECONDS = 3600
/** A function's own credentials live some hours only, and a URL dies with them. */
export const MAX_EXPIRES_SECONDS = 6 * 3600

/**
 * Reads how long a URL is to live.
 *
 * @throws {QueryError} where it is no whole number of seconds within the limits
 */
export function expiresIn(text: string | undefined): number {
  if (text === undefined) return DEFAULT_EXPIRES_SECONDS
  const seconds = Number(text)
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_EXPIRES_SECONDS) return seconds
  throw new QueryError(
    'bad-request',
    `expected expires from 1 to ${MAX_EXPIRES_SECONDS} seconds, got ${JSON.stringify(text)}`,
  )
}

/** A URL that downloads the object under its own file name. */
export function signedUrl(
  bucket: Bucket,
  object: Pointer,
  expiresInSeconds: number,
): Promise<string> {
  const name = extendedValue(nameOf(object.key))
  const command = new GetObjectCommand({
    Bucket: object.bucket ?? bucket.name,
    Key: object.key,
    VersionId: object.version_id,
    ResponseContentDisposition: `attachment; filename*=UTF-8''${name}`,
  })
  return getSignedUrl(bucket.s3, command, { expiresIn: expiresInSeconds })
}

/** A text as RFC 8187 has it, which encodes four characters more than a URL needs. */
function extendedValue(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
