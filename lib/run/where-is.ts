import type { Bucket } from '../bucket/bucket.ts'
import { bareKey } from '../hook/names.ts'

/** The bucket and the key in it that a file of the hub's has: it may lie in another than its run. */
export function whereIs(bucket: Bucket, key: string): { bucket: Bucket; key: string } {
  const named = bareKey(key)
  return { bucket: { ...bucket, name: named.bucket ?? bucket.name }, key: named.key }
}
