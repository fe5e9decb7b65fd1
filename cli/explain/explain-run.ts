/** Explaining a run: what the hub knows, what it would decide, and what the bucket has left. */
import { statusOf } from '../../lib/bucket/bucket.ts'
import { decidingFacts } from '../../lib/hook/deciding-facts.ts'
import { type Explanation, explain } from '../../lib/hook/explain.ts'
import type { Decision } from '../../lib/hook/plan.ts'
import type { Terminal } from '../output/terminal.ts'
import { decisionOn } from '../stack/decision.ts'
import { loadNamedRun } from '../stack/run.ts'
import type { Stack } from '../stack/stack.ts'
import { stepNamed } from '../stack/step.ts'
import type { Explained } from './explained.ts'
import { jsonOfExplanations } from './json.ts'
import { CHECKPOINTS_DECIDED } from './limits.ts'
import { type Remainder, remaindersOf } from './restorable.ts'
import { paragraphOf, tableOfExplanations } from './text.ts'

/**
 * Explains a run, or one step of it.
 *
 * @param text the run, as it was typed
 * @param step a step, or the name of its checkpoint
 * @throws {Failure} `no-run`, `no-step`
 */
export async function explainRun(
  stack: Stack,
  terminal: Terminal,
  text: string,
  step: string | undefined,
): Promise<void> {
  const { ledger } = await loadNamedRun(stack, text)
  const decision = await decisionOn(stack, ledger)
  const all = explain(decision)
  const wanted = step === undefined ? all : [stepNamed(all, decision.outcome.survey, step)]
  const isDecided = wanted.length <= CHECKPOINTS_DECIDED
  const ids = isDecided ? wanted.map(({ id }) => id) : []
  const decided = decidingFacts(ledger, stack.brake, ids)
  const remainders = await remaindersIfAllowed(stack, terminal, decision, wanted)
  const explained = {
    run: ledger.run,
    bucket: stack.bucket.name,
    checkpoints: wanted.map((each) => ({
      ...each,
      decidedBy: decided.get(each.id),
      remainder: remainders.get(each.id),
    })),
  }
  terminal.answer(jsonOfExplanations(explained), () => textOf(terminal, explained, step))
}

function textOf(
  terminal: Terminal,
  explained: Parameters<typeof tableOfExplanations>[1],
  step: string | undefined,
): string {
  const [only]: readonly Explained[] = explained.checkpoints
  if (step !== undefined && only !== undefined) {
    return paragraphOf(terminal, explained.bucket, only)
  }
  if (only === undefined) return 'No checkpoint of this run was uploaded yet.'
  return tableOfExplanations(terminal, explained)
}

/** Whoever may not list versions is told all but until when. */
async function remaindersIfAllowed(
  { bucket, hub }: Stack,
  terminal: Terminal,
  { ledger: { run } }: Decision,
  wanted: readonly Explanation[],
): Promise<Map<string, Remainder>> {
  try {
    return await remaindersOf(bucket, run, wanted, hub.setting.noncurrentDays)
  } catch (error) {
    if (statusOf(error) !== 403) throw error
    terminal.note(
      `Until when a checkpoint can be restored takes s3:ListBucketVersions; it is ${hub.setting.noncurrentDays} days from its eviction.`,
    )
    return new Map()
  }
}
