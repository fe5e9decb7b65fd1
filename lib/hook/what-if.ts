/**
 * What if: what other options would keep and delete. The history gets one fact more, and is decided on as ever;
 * the two decisions are compared.
 */
import { factsInOrder } from './history-until.ts'
import { type NamedArguments, resolveOptions } from './hook-arguments.ts'
import { isEvicted, type Ledger, UNTOUCHED } from './ledger.ts'
import { keyIn } from './names.ts'
import type { Decision } from './plan.ts'
import { record } from './record.ts'
import type { Fate } from './retention.ts'

/** No version of a bucket is called so. */
const PLANNED_VERSION = 'planned'

/** What options would change of one checkpoint. */
export interface PlannedFate {
  id: string
  step: number
  key: string
  sizeBytes: number
  now: Fate['kind']
  planned: Fate['kind']
  /** What it would be and by which rule, in words. */
  reason: string
  change: 'none' | 'goes' | 'comes back' | 'is held'
}

/** What options would change of a run. */
export interface Forecast {
  /** In the order of steps. */
  checkpoints: PlannedFate[]
  /** Files that would be made, and that would be deleted since none is to be there any more. */
  made: { key: string; kind: 'best' | 'published'; metric: string | undefined }[]
  retired: { key: string; sizeBytes: number }[]
  /** What checkpoints and files that go take now. Their versions are kept, and paid for, for some days. */
  freedBytes: number
}

/**
 * The ledger with a version of `checkpoint_hook.json` in it, newer than everything else.
 *
 * @param nowSeconds the time, in seconds since 1970
 * @throws {HookArgumentError} where these arguments, over those of the stack, are invalid
 */
export function withOptions(ledger: Ledger, named: NamedArguments, nowSeconds: number): Ledger {
  const { run, history } = ledger
  resolveOptions(history.stackArguments, named)
  const newest = factsInOrder(history).at(-1)?.moment.seconds ?? 0
  const fact = {
    key: keyIn(run, 'checkpoint_hook.json'),
    versionId: PLANNED_VERSION,
    seconds: Math.max(nowSeconds, newest + 1),
    ordinal: history.options.length,
    fault: undefined,
    named,
  }
  return record(ledger, { kind: 'options', facts: [fact] })
}

/** Compares what is decided now with what would be. */
export function forecast(now: Decision, then: Decision): Forecast {
  const checkpoints = [...then.outcome.fates]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, fate]) => plannedFate(now, then, id, fate))
  // Told by what they do: effects that stand now may have other numbers then.
  const before = new Set(now.ledger.effects.map(({ action }) => JSON.stringify(action)))
  const fresh = then.ledger.effects
    .map(({ action }) => action)
    .filter((action) => !before.has(JSON.stringify(action)))
  const retired = fresh.flatMap((action) => {
    if (action.kind !== 'retire') return []
    const artifact = then.ledger.artifacts.get(action.key)
    const sizeBytes = artifact && 'object' in artifact ? artifact.object.sizeBytes : 0
    return [{ key: action.key, sizeBytes }]
  })
  const going = checkpoints.filter(({ change }) => change === 'goes')
  return {
    checkpoints,
    made: fresh.flatMap((action) => {
      if (action.kind !== 'make') return []
      const { kind, metric } = action.identity
      return [{ key: action.key, kind, metric }]
    }),
    retired,
    freedBytes: [...going, ...retired].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }
}

function plannedFate(now: Decision, then: Decision, id: string, fate: Fate): PlannedFate[] {
  const facts = then.ledger.history.steps.get(id)
  const fact = then.outcome.standings.get(id)?.fact
  const live = fact?.live ?? facts?.uploads.at(-1)
  const before = now.outcome.fates.get(id)
  if (facts === undefined || live === undefined || before === undefined) return []
  const { key, sizeBytes } = live
  const state = now.ledger.checkpoints.get(id) ?? UNTOUCHED
  const isOut = fact !== undefined && isEvicted(state, fact)
  return [
    {
      id,
      step: facts.step,
      key,
      sizeBytes,
      now: before.kind,
      planned: fate.kind,
      reason: fate.reason,
      change: changeOf(before, fate, isOut, live.gone),
    },
  ]
}

/** What is out may be kept by now, as the newest that is left, and not be brought back for that. */
function changeOf(
  before: Fate,
  fate: Fate,
  isOut: boolean,
  isGone: boolean,
): PlannedFate['change'] {
  const isGoing = isOut || isGone || before.kind === 'evicted'
  if (fate.kind === 'evicted') return isGoing ? 'none' : 'goes'
  if (fate.kind === 'held') return before.kind === 'held' ? 'none' : 'is held'
  const isWanted = fate.kind === 'kept' && fate.restorable
  return isOut && isWanted ? 'comes back' : 'none'
}
