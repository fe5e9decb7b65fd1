/** Where a checkpoint lies, as people name it on the command line. */
import { Failure } from './failure.ts'

/** A file of this machine, or an object of a bucket. */
export type Place =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'object'; readonly bucket: string; readonly key: string }

const S3_URI = /^s3:\/\/([^/]+)\/?(.*)$/s

/**
 * Reads a place. Keys are taken as they stand, as the AWS CLI does: nothing in them is decoded.
 *
 * @param text a path, or `s3://bucket/key`
 * @throws {Failure} `usage` where a URI names no bucket, or is of another kind
 */
export function parsePlace(text: string): Place {
  if (text === '') throw new Failure('usage', 'a path or an s3:// URI is missing: it is empty')
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { kind: 'file', path: text }
  const [, bucket, key] = S3_URI.exec(text) ?? []
  if (bucket === undefined || key === undefined) {
    throw new Failure('usage', `${text}: is neither a path nor s3://<bucket>/<key>`)
  }
  return { kind: 'object', bucket, key }
}

/** A place as `parsePlace` reads it. */
export function textOfPlace(place: Place): string {
  return place.kind === 'file' ? place.path : `s3://${place.bucket}/${place.key}`
}
