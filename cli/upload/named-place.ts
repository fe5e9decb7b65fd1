/** A run that something is uploaded to: by its name where the stack is asked, by its URI in any bucket. */
import type { Bucket } from '../../lib/bucket/bucket.ts'
import { parseRun, type Run } from '../../lib/hook/names.ts'
import { s3Client } from '../connection.ts'
import { Failure } from '../failure.ts'
import type { SharedOptions, StackOption } from '../options.ts'
import { parsePlace } from '../place.ts'

/** Where to upload. */
export interface RunPlace {
  readonly bucket: Bucket
  readonly run: Run
  /** Closes the connections. */
  close(): void
}

/**
 * Finds the bucket of a run. A run does not have to be there: its first upload makes it.
 *
 * @param text the run's prefix, in the bucket of the stack, or `s3://bucket/prefix`, for which no stack is asked
 * @throws {Failure} `usage`, `no-stack`, `no-region`, `AccessDenied`
 */
export async function placeOfRun(
  options: SharedOptions & StackOption,
  text: string,
): Promise<RunPlace> {
  const place = parsePlace(text)
  if (place.kind === 'object') {
    const s3 = s3Client(options)
    const bucket = { s3, name: place.bucket }
    return { bucket, run: checkedRun(place.key), close: () => s3.destroy() }
  }
  const { connectStack } = await import('../stack/stack.ts')
  const stack = await connectStack(options)
  return { bucket: stack.bucket, run: checkedRun(place.path), close: () => stack.close() }
}

/** What a shell makes of a path is no key: `./run` and `/run` would be other runs than `run`. */
function checkedRun(text: string): Run {
  const run = parseRun(text)
  if (run !== '.' && /^\.{0,2}\/|\/\.{1,2}(\/|$)|\/\//.test(run)) {
    throw new Failure('usage', `${text}: is no name of a run`, {
      advice: 'Name it as it stands in the bucket, without a slash or a dot at its start.',
    })
  }
  return run
}
