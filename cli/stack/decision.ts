/** What the hub would decide on a run now, without doing it. */
import { keepsVersions } from '../../lib/bucket/versioning.ts'
import { decideAll } from '../../lib/hook/decide-all.ts'
import type { Ledger } from '../../lib/hook/ledger.ts'
import type { Decision } from '../../lib/hook/plan.ts'
import type { Stack } from './stack.ts'

/**
 * Decides as the functions of a stack do.
 *
 * @param nowSeconds the time, in seconds since 1970
 */
export async function decisionOn(
  { bucket, brake, reach }: Stack,
  ledger: Ledger,
  nowSeconds = Math.floor(Date.now() / 1000),
): Promise<Decision> {
  const unversioned = (await keepsVersions(bucket)) ? [] : [bucket.name]
  return decideAll(ledger, { bucket: bucket.name, brake, reach, unversioned, nowSeconds })
}
