/** An object as what a command reads. */
import type { Bucket } from '../lib/bucket/bucket.ts'
import { rememberEnds } from '../lib/bucket/ends-reader.ts'
import { lookUp } from '../lib/bucket/look-up.ts'
import { objectReader } from '../lib/bucket/object-reader.ts'
import { type ConnectionOptions, s3Client } from './connection.ts'
import { Failure } from './failure.ts'
import { failureOf } from './failure-of.ts'
import { type Place, textOfPlace } from './place.ts'
import { counted, type Source } from './source.ts'

/** Holds the directory and the pickle of most checkpoints; each request saved is worth more than its bytes. */
const WINDOW_BYTES = 128 * 1024

/**
 * Finds an object, and reads that one alone from then on.
 *
 * @throws {Failure} `not-found`, `usage`
 */
export async function openObject(
  place: Extract<Place, { kind: 'object' }>,
  connection: ConnectionOptions,
): Promise<Source> {
  if (place.key === '' || place.key.endsWith('/')) {
    throw new Failure('usage', `${textOfPlace(place)}: names no object; add its name`)
  }
  const bucket: Bucket = { s3: s3Client(connection), name: place.bucket }
  const found = await lookUp(bucket, place.key).catch((error) => {
    throw failureOf(error, textOfPlace(place))
  })
  if (found === undefined) {
    throw new Failure('not-found', `${textOfPlace(place)}: no such object, or no such bucket`)
  }
  const traffic = { requests: 1, bytes: 0 }
  return {
    place,
    fileName: place.key.slice(place.key.lastIndexOf('/') + 1),
    object: { bucket, ...found },
    reader: rememberEnds(counted(objectReader(bucket, found), traffic), WINDOW_BYTES),
    traffic,
    // Each range is read on the condition that the object is still the one that was found.
    requireUnchanged: async () => {},
    close: async () => bucket.s3.destroy(),
  }
}
