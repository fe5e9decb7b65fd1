/** Agreeing to what the brake holds. */
import type { Held } from '../../lib/hook/evictions.ts'
import { type Outcome, outcomeOf } from '../../lib/hook/fold.ts'
import type { Ledger } from '../../lib/hook/ledger.ts'
import { stateConsent } from '../../lib/run/state-fact.ts'
import { Failure } from '../failure.ts'
import { tableOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import { readableTime } from '../output/times.ts'
import { loadNamedRun } from '../stack/run.ts'
import type { Stack } from '../stack/stack.ts'
import type { Saying } from './saying.ts'
import { waitForHub } from './wait-for-hub.ts'

/** What was typed beside the run. */
export interface ApplyOptions {
  /** Without it nothing is agreed to. */
  readonly yes?: true
  /** Agree only if it is this version of the options that is held. */
  readonly optionsVersion?: string
}

interface HeldCheckpoint {
  readonly step: number
  readonly key: string
}

/**
 * Shows what the brake holds, and agrees to it if it is told to.
 *
 * @param run as it was typed
 * @throws {Failure} `no-run`; `other-version` where another version is held than was named; `pending`
 */
export async function applyHeld(
  stack: Stack,
  terminal: Terminal,
  run: string,
  { yes, optionsVersion }: ApplyOptions,
  { by, waitSeconds }: Saying,
): Promise<void> {
  const { ledger } = await loadNamedRun(stack, run)
  const outcome = outcomeOf(ledger, stack.brake)
  const { held } = outcome
  if (held === undefined) {
    const json = { run: ledger.run, held: null, checkpoints: [], agreed: false }
    terminal.answer(json, () => 'Nothing is held.')
    return
  }
  const { versionId: optionsVersionId } = held.options
  if (optionsVersion !== undefined && optionsVersion !== optionsVersionId) throw otherVersion(held)
  const checkpoints = heldIn(outcome)
  if (yes === true) {
    const { evicts } = held
    await stateConsent(stack.bucket, ledger.run, { optionsVersionId, evicts, by })
    await followed(stack, ledger, held, waitSeconds)
  }
  terminal.answer(jsonOf(ledger, held, checkpoints, yes === true), () =>
    textOf(terminal, held, checkpoints, yes === true),
  )
}

function heldIn({ fates, standings }: Outcome): HeldCheckpoint[] {
  return [...standings].flatMap(([id, { fact }]) =>
    fates.get(id)?.kind === 'held' ? [{ step: fact.step, key: fact.key }] : [],
  )
}

function otherVersion({ options }: Held): Failure {
  return new Failure(
    'failed',
    `another version of the options is held: ${options.versionId}, of ${readableTime(options.seconds)}`,
    { code: 'other-version', advice: 'Look again at what it would evict, without --yes.' },
  )
}

/** Held no longer, and nothing left to evict. */
async function followed(
  stack: Stack,
  { run }: Ledger,
  held: Held,
  waitSeconds: number,
): Promise<void> {
  if (waitSeconds === 0) return
  await waitForHub(stack, run, waitSeconds, 'the consent is given', (now) => {
    const still = outcomeOf(now, stack.brake).held
    const isHeld = still?.options.versionId === held.options.versionId
    const isAtWork = now.effects.some(({ action }) => action.kind === 'evict')
    return isHeld || isAtWork ? undefined : true
  })
}

function jsonOf(
  { run }: Ledger,
  { options, evicts, maxKeepCkpts }: Held,
  checkpoints: readonly HeldCheckpoint[],
  agreed: boolean,
): object {
  const { versionId, seconds } = options
  const held = { options_version_id: versionId, seconds, max_keep_ckpts: maxKeepCkpts, evicts }
  return { run, held, checkpoints, agreed }
}

function textOf(
  terminal: Terminal,
  { options, evicts, maxKeepCkpts }: Held,
  checkpoints: readonly HeldCheckpoint[],
  agreed: boolean,
): string {
  const { key, seconds, versionId } = options
  const rows = checkpoints.map((each) => [each.step, each.key])
  const asked = `max_keep_ckpts=${maxKeepCkpts}`
  return [
    tableOf(terminal, ['step', 'checkpoint'], rows),
    '',
    `${key} of ${readableTime(seconds)} asks for ${asked}, which evicts ${evicts} at once.`,
    agreed
      ? 'Agreed: they are evicted, and can be restored for a while.'
      : `Nothing was done. To let them go: ckpt apply … --options-version ${versionId} --yes`,
  ].join('\n')
}
