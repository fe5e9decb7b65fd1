/** Waiting until the hub has done what somebody asked for. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger } from '../../lib/hook/ledger.ts'
import type { Run } from '../../lib/hook/names.ts'
import { loadRun } from '../../lib/message-hub/message-hub.ts'
import { Failure } from '../failure.ts'
import type { Stack } from '../stack/stack.ts'

/** An upload is heard of within seconds, most of them S3's. */
const POLL_MS = 500

/**
 * Asks the hub until something holds.
 *
 * @param seconds for how long
 * @param what was written and has not come about, in words
 * @throws {Failure} `pending` where it does not come about in time: what was said stays said
 */
export async function waitForHub<Found>(
  { hub }: Stack,
  run: Run,
  seconds: number,
  what: string,
  look: (ledger: Ledger) => Found | undefined,
): Promise<Found> {
  const until = Date.now() + seconds * 1000
  for (;;) {
    const found = look((await loadRun(hub, run)).ledger)
    if (found !== undefined) return found
    if (Date.now() >= until) break
    await sleep(POLL_MS)
  }
  throw new Failure('failed', `${what}; the hub has not followed within ${seconds} seconds`, {
    code: 'pending',
    advice: 'It will: nothing has to be said again. `ckpt explain` shows when it has.',
  })
}
