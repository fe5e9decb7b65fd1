/** Pinning, restoring and unpinning: what somebody says is written, and the hub does the rest. */
import type { Ledger } from '../../lib/hook/ledger.ts'
import { isEvicted } from '../../lib/hook/ledger.ts'
import { uriOf } from '../../lib/hook/names.ts'
import { statePin } from '../../lib/run/state-fact.ts'
import type { Terminal } from '../output/terminal.ts'
import { loadNamedRun } from '../stack/run.ts'
import type { Stack } from '../stack/stack.ts'
import { refuseLost } from './lost.ts'
import { checkpointNamed, type NamedCheckpoint } from './named-checkpoint.ts'
import type { Saying } from './saying.ts'
import { waitForHub } from './wait-for-hub.ts'

/**
 * Pins a checkpoint, which comes back if retention had evicted it.
 *
 * @param run and `step` as they were typed
 * @throws {Failure} `no-run`, `no-step`, `removed`, `expired`, `pending`
 */
export async function pinCheckpoint(
  stack: Stack,
  terminal: Terminal,
  run: string,
  step: string,
  saying: Saying,
): Promise<void> {
  const { ledger } = await loadNamedRun(stack, run)
  const before = checkpointNamed(ledger, stack.brake, step)
  await refuseLost(stack, ledger, before)
  const { name } = before
  const wasEvicted = isGone(before)
  if (before.pin === undefined) {
    await statePin(stack.bucket, ledger.run, { name, pinned: true, by: saying.by })
  }
  const after = await awaited(
    stack,
    ledger,
    before,
    saying,
    `${name} is pinned`,
    (each) => each.pin !== undefined && each.isSettled && (!isGone(each) || isLost(each)),
  )
  // It may have expired after all, which the hub finds as it tries.
  if (isLost(after.checkpoint)) await refuseLost(stack, after.ledger, after.checkpoint)
  const done = wasEvicted ? 'is back, and pinned' : 'is pinned'
  answer(stack, terminal, after, saying, { done, isRestored: wasEvicted })
}

/**
 * Unpins a checkpoint, and says what retention makes of it.
 *
 * @throws {Failure} `no-run`, `no-step`, `pending`
 */
export async function unpinCheckpoint(
  stack: Stack,
  terminal: Terminal,
  run: string,
  step: string,
  saying: Saying,
): Promise<void> {
  const { ledger } = await loadNamedRun(stack, run)
  const before = checkpointNamed(ledger, stack.brake, step)
  const { name } = before
  if (before.pin !== undefined) {
    await statePin(stack.bucket, ledger.run, { name, pinned: false, by: saying.by })
  }
  const after = await awaited(
    stack,
    ledger,
    before,
    saying,
    `${name} is unpinned`,
    (each) => each.pin === undefined && each.isSettled,
  )
  const done = before.pin === undefined ? 'is not pinned' : 'is unpinned'
  answer(stack, terminal, after, saying, { done, isRestored: false })
}

interface Found {
  readonly ledger: Ledger
  readonly checkpoint: NamedCheckpoint
}

async function awaited(
  stack: Stack,
  ledger: Ledger,
  before: NamedCheckpoint,
  { waitSeconds }: Saying,
  what: string,
  isDone: (checkpoint: NamedCheckpoint) => boolean,
): Promise<Found> {
  if (waitSeconds === 0) return { ledger, checkpoint: before }
  return waitForHub(stack, ledger.run, waitSeconds, what, (now) => {
    const checkpoint = checkpointNamed(now, stack.brake, before.name)
    return isDone(checkpoint) ? { ledger: now, checkpoint } : undefined
  })
}

function isGone({ fact, state }: NamedCheckpoint): boolean {
  return fact !== undefined && isEvicted(state, fact)
}

/** Not one of its versions is left. */
function isLost({ fact }: NamedCheckpoint): boolean {
  return fact?.versions.every(({ gone }) => gone) ?? false
}

function answer(
  { bucket }: Stack,
  terminal: Terminal,
  { ledger: { run }, checkpoint }: Found,
  { waitSeconds }: Saying,
  { done, isRestored }: { done: string; isRestored: boolean },
): void {
  const { key, step, fate, pin } = checkpoint
  const uri = uriOf(bucket.name, key)
  const isDone = waitSeconds > 0
  const json = {
    run,
    step,
    checkpoint: uri,
    pinned: pin !== undefined,
    ...(isDone ? { fate: fate.kind, reason: fate.reason, restored: isRestored } : { said: true }),
  }
  terminal.answer(json, () =>
    isDone ? `${uri}: ${done}\n${fate.reason}` : `${uri}: is said; the hub will follow`,
  )
}
