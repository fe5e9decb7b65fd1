/** `ckpt adopt` and `ckpt rebuild`: the hub is asked to look at what it does not know of. */
import { explain } from '../../lib/hook/explain.ts'
import { loadRun } from '../../lib/message-hub/message-hub.ts'
import { askToLook } from '../../lib/run/look.ts'
import { preview } from '../../lib/run/preview.ts'
import { Failure } from '../failure.ts'
import type { Terminal } from '../output/terminal.ts'
import { decisionOn } from '../stack/decision.ts'
import { runNamed } from '../stack/run.ts'
import type { Stack } from '../stack/stack.ts'
import { type Missed, missedBelow } from './missed.ts'
import { type Adoption, reportAdoptions } from './report.ts'

/** Whether it is done, or only said what would come of it. */
export type Mode = 'dry run' | 'for real'

/**
 * Adopts all runs below a prefix.
 *
 * @param text the prefix, as it was typed
 * @throws {Failure} `outside-prefix`, `not-found`
 */
export async function adopt(
  stack: Stack,
  terminal: Terminal,
  text: string,
  mode: Mode,
): Promise<void> {
  await ask(stack, terminal, await missedBelow(stack, runNamed(stack, text)), mode)
}

/**
 * Rebuilds a run whose entries are gone.
 *
 * @param text the run, as it was typed
 * @throws {Failure} `known-run` where its entries are there, `outside-prefix`, `not-found`
 */
export async function rebuild(
  stack: Stack,
  terminal: Terminal,
  text: string,
  mode: Mode,
): Promise<void> {
  const run = runNamed(stack, text)
  if ((await loadRun(stack.hub, run)).version > 0) {
    throw new Failure('taken', `the hub knows the run ${run}: there is nothing to rebuild`, {
      code: 'known-run',
      advice: `What it missed of it is found by: ckpt adopt ${run}`,
    })
  }
  const missed = await missedBelow(stack, run)
  await ask(
    stack,
    terminal,
    missed.filter((each) => each.run === run),
    mode,
  )
}

async function ask(
  stack: Stack,
  terminal: Terminal,
  missed: readonly Missed[],
  mode: Mode,
): Promise<void> {
  const adoptions: Adoption[] = []
  for (const each of missed) adoptions.push(await previewOf(stack, each))
  if (mode === 'for real') {
    const { sqs, eventsUrl: queueUrl } = stack.queues
    for (const { keys } of missed) await askToLook({ sqs, queueUrl }, keys)
  }
  reportAdoptions(terminal, stack.bucket.name, adoptions, mode)
}

async function previewOf(stack: Stack, { run, isKnown, ledger, keys }: Missed): Promise<Adoption> {
  const decision = await decisionOn(stack, await preview(stack.bucket, ledger, keys))
  const checkpoints = explain(decision)
  return {
    run,
    isKnown,
    keys,
    checkpoints,
    // Also what waits for a copy that is made of it first.
    evicted: checkpoints
      .filter(({ fate, deletion }) => fate === 'evicted' && deletion.state !== 'done')
      .map(({ key }) => key),
    made: decision.ledger.effects.flatMap(({ action }) =>
      action.kind === 'make' ? [action.key] : [],
    ),
    best: decision.outcome.best.map(({ metric, score, checkpoint }) => ({
      metric,
      score,
      step: checkpoint.step,
    })),
    lastStep: decision.last?.step,
  }
}
