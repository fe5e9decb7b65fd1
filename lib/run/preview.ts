/** What the hub would know of a run, had it looked at some keys: for whoever asks before it does. */
import { forEachAtOnce } from '../bucket/at-once.ts'
import type { Bucket } from '../bucket/bucket.ts'
import type { Ledger } from '../hook/ledger.ts'
import { keyIn } from '../hook/names.ts'
import { record } from '../hook/record.ts'
import { observe } from './observe.ts'

/** Each look reads a few ranges of an object. */
const LOOKS_AT_ONCE = 16

/**
 * Looks at keys as `ingest` would, and records what is there in a ledger that nobody keeps.
 *
 * @param keys of this run
 * @throws the error of S3 where something cannot be read
 */
export async function preview(
  bucket: Bucket,
  ledger: Ledger,
  keys: readonly string[],
): Promise<Ledger> {
  // A run's options are read when it is first met, whichever key was told of.
  const options = keyIn(ledger.run, 'checkpoint_hook.json')
  const all = [options, ...keys.filter((key) => key !== options)]
  const seen = await forEachAtOnce(all, LOOKS_AT_ONCE, (key) => observe(bucket, ledger, key))
  return seen.flat().reduce(record, ledger)
}
