/** Signed URLs: whoever has one downloads one version of one object until it expires. */
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { Bucket } from '../bucket/bucket.ts'
import { nameOf } from '../hook/names.ts'
import type { Pointer } from './pointers.ts'

/** An hour, where nobody asks for another time. */
export const DEFAULT_EXPIRES_SECONDS = 3600
/** A function's own credentials live some hours only, and a URL dies with them. */
export const MAX_EXPIRES_SECONDS = 6 * 3600

export interface LinkOptions {
  /** In seconds, at most `MAX_EXPIRES_SECONDS`. */
  expires: number
  /** What a browser saves the object as; its own name if not given. */
  filename?: string | undefined
}

/** A URL that downloads the object. */
export function signedUrl(
  bucket: Bucket,
  object: Pointer,
  { expires, filename }: LinkOptions,
): Promise<string> {
  const name = extendedValue(filename ?? nameOf(object.key))
  const command = new GetObjectCommand({
    Bucket: object.bucket ?? bucket.name,
    Key: object.key,
    VersionId: object.version_id,
    ResponseContentDisposition: `attachment; filename*=UTF-8''${name}`,
  })
  return getSignedUrl(bucket.s3, command, { expiresIn: expires })
}

/** A text as RFC 8187 has it, which encodes four characters more than a URL needs. */
function extendedValue(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
