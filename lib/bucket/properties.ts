/** What an object is besides its bytes, and the conditions under which one is written. */
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { type Bucket, statusOf } from './bucket.ts'

/** The user's metadata and the media type of an object. */
export interface Properties {
  ContentType?: string
  Metadata: Record<string, string>
}

/** Under which circumstances S3 is to write, and not to answer 412. */
export type Condition =
  | { IfNoneMatch: '*'; IfMatch?: never }
  | { IfMatch: string; IfNoneMatch?: never }

/** The properties that an uploader gave a version; nothing where it is no longer there. */
export async function objectProperties(
  bucket: Bucket,
  { key, versionId }: { key: string; versionId: string },
): Promise<Properties | undefined> {
  try {
    const { Metadata = {}, ContentType } = await bucket.s3.send(
      new HeadObjectCommand({ Bucket: bucket.name, Key: key, VersionId: versionId }),
    )
    return { Metadata, ...(ContentType !== undefined && { ContentType }) }
  } catch (error) {
    if (statusOf(error) !== 404) throw error
    return undefined
  }
}
