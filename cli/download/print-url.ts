/** Prints a signed URL. */
import { uriOf } from '../../lib/hook/names.ts'
import { signedUrl } from '../../lib/query/signed-url.ts'
import { Failure } from '../failure.ts'
import type { Terminal } from '../output/terminal.ts'
import type { Wanted } from './wanted.ts'

/**
 * Signs a URL with the caller's own credentials.
 *
 * @throws {Failure} `refused` of a directory, which one URL cannot bring
 */
export async function printUrl(
  { bucket, object, directory }: Wanted,
  terminal: Terminal,
  expiresSeconds: number,
): Promise<void> {
  if (directory !== undefined) {
    throw new Failure(
      'refused',
      `${uriOf(bucket.name, directory)}: is a directory of many objects`,
      {
        advice: 'Bring it with `ckpt download`.',
      },
    )
  }
  const url = await signedUrl(bucket, object, { expires: expiresSeconds })
  const expires = new Date(Date.now() + expiresSeconds * 1000).toISOString()
  terminal.answer(
    { object: uriOf(bucket.name, object.key), version_id: object.version_id, url, expires },
    () => url,
  )
}
