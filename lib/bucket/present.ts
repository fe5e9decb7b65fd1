/** What a bucket holds now, as a plain listing shows it: no deleted objects. */
import { ListObjectsV2Command, paginateListObjectsV2 } from '@aws-sdk/client-s3'
import { type Bucket, bareEtag } from './bucket.ts'

/** An object that is there. */
export interface PresentObject {
  key: string
  etag: string
  sizeBytes: number
}

/** Whether any object is there below a prefix. */
export async function isAnythingBelow({ s3, name }: Bucket, prefix: string): Promise<boolean> {
  const one = new ListObjectsV2Command({ Bucket: name, Prefix: prefix, MaxKeys: 1 })
  return ((await s3.send(one)).KeyCount ?? 0) > 0
}

/**
 * The objects below a prefix, in S3's order.
 *
 * @param depth `here` leaves out those in its folders
 */
export async function* objectsBelow(
  { s3, name }: Bucket,
  prefix: string,
  depth: 'here' | 'everywhere',
): AsyncGenerator<PresentObject> {
  const where = { Bucket: name, Prefix: prefix, ...(depth === 'here' && { Delimiter: '/' }) }
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, where)) {
    for (const { Key = '', ETag, Size = 0 } of Contents) {
      yield { key: Key, etag: bareEtag(ETag), sizeBytes: Size }
    }
  }
}
