/** What lies below a prefix and the hub does not know of, by run. */
import { rowsBelow } from '../../lib/bucket/versions.ts'
import type { Ledger } from '../../lib/hook/ledger.ts'
import { keyIn, type Run } from '../../lib/hook/names.ts'
import { loadRun } from '../../lib/message-hub/message-hub.ts'
import { lostKeys, rowsByRun } from '../../lib/run/find-lost.ts'
import { Failure } from '../failure.ts'
import type { Stack } from '../stack/stack.ts'

/** Pins and consents of a run lie here, and are facts of it as its uploads are. */
const FACTS_PREFIX = '.checkpoint-hub/facts/'

/** A run, as the hub knows it, and the keys of it that the hub is to look at. */
export interface Missed {
  readonly run: Run
  readonly isKnown: boolean
  readonly ledger: Ledger
  readonly keys: readonly string[]
}

/**
 * Lists all versions below a prefix, and tells those that the hub does not have.
 *
 * @param prefix of one run, or of many; `.` is all of the bucket
 * @throws {Failure} `outside-prefix` where the stack does not look, `not-found` where there is nothing
 */
export async function missedBelow(stack: Stack, prefix: Run): Promise<Missed[]> {
  const below = keyIn(prefix, '')
  if (!below.startsWith(stack.reach.keyPrefix)) {
    throw new Failure('usage', `${below}: is outside the prefix ${stack.reach.keyPrefix}`, {
      code: 'outside-prefix',
      advice: `The stack ${JSON.stringify(stack.name)} looks at no other keys.`,
    })
  }
  const rows = [
    ...(await rowsBelow(stack.bucket, below)),
    ...(await rowsBelow(stack.bucket, `${FACTS_PREFIX}${below}`)),
  ]
  if (rows.length === 0) {
    throw new Failure('not-found', `s3://${stack.bucket.name}/${below}: nothing lies there`, {
      advice: 'Is it the right prefix, and the right --stack?',
    })
  }
  const missed: Missed[] = []
  for (const [run, ofRun] of rowsByRun(rows)) {
    // A key may be a file of a directory that belongs to a run above.
    if (run !== prefix && !run.startsWith(below)) continue
    const { ledger, version } = await loadRun(stack.hub, run)
    const keys = lostKeys(ledger, ofRun)
    if (keys.length > 0) missed.push({ run, isKnown: version > 0, ledger, keys })
  }
  return missed
}
