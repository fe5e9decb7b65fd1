/**
 * The fold: from the history of a run to what should be.
 *
 * Pure, and blind to what the hub did so far: the same facts give the same outcome, in whatever order
 * and how often they were found. The plan compares it with what is.
 */
import type { Best, RemovedBests } from './best.ts'
import { type Ending, isPublishDue, lastsOf, type ReadEnd, readEnds } from './endings.ts'
import type { Held } from './evictions.ts'
import type { CheckpointFact, History, StepFacts } from './history.ts'
import type { HookOptions } from './hook-arguments.ts'
import { type Ledger, removedBests } from './ledger.ts'
import { isDirectory, type Run } from './names.ts'
import { optionsNow } from './policy.ts'
import { type Problem, problemsOf } from './problems.ts'
import { decideRetention, type Fate, stays } from './retention.ts'
import type { Standing } from './standing.ts'
import { checkpointKey, type Survey, surveyOf } from './survey.ts'

/** What should be. */
export interface Outcome {
  options: HookOptions
  survey: Survey
  /** Fates by step id, of every step with an upload. */
  fates: Map<string, Fate>
  standings: Map<string, Standing>
  /** By step id: the top-level keys that the stored checkpoint is to be without. */
  droppedKeys: Map<string, readonly string[]>
  /** Checkpoints that may be called the last, the best choice first. */
  lastInOrder: CheckpointFact[]
  best: Best[]
  /** Those and the best of every metric that earlier options tracked. */
  everBest: Best[]
  /** Steps of the deque that stay: the hook's `keep_ckpt_ids`; nothing where all stay or none counts. */
  keepCkptIds: number[] | undefined
  /** What the brake holds until somebody agrees. */
  held: Held | undefined
  /** Ends of training in their order. */
  endings: Ending[]
  /** True where later facts changed what the newest end published. */
  publishDue: boolean
  problems: Problem[]
}

/**
 * Folds a history.
 *
 * @param brake how many evictions a change of the options may cause at once
 * @param removed best copies that a person removed
 * @throws {HookArgumentError} where the stack's default arguments are invalid
 */
export function fold(run: Run, history: History, brake: number, removed?: RemovedBests): Outcome {
  const survey = surveyOf(run, history, removed)
  const options = optionsNow(survey.policy)
  const ends = readEnds(run, history)
  const retention = decideRetention(history, survey, lastsOf(ends), uncopiedOf(survey, ends), brake)
  const standings = new Map([...retention].map(([id, { standing }]) => [id, standing]))
  const fates = new Map([
    ...[...history.steps].flatMap(([id, facts]) => unstandingFate(run, id, facts, survey)),
    ...[...retention].map(([id, { fate }]): [string, Fate] => [id, fate]),
  ])
  // In the order of lives and steps, as retention gives them.
  const kept = [...retention.values()].filter(({ fate }) => stays(fate))
  return {
    options,
    survey,
    fates,
    standings,
    droppedKeys: new Map([...retention].map(([id, { droppedKeys }]) => [id, droppedKeys])),
    lastInOrder: kept.map(({ standing }) => standing.fact).toReversed(),
    best: survey.walk.best,
    everBest: survey.walk.everBest,
    keepCkptIds:
      options.maxKeepCkpts > 0
        ? dequeOf(kept.filter(({ fate }) => fate.member).map(({ standing }) => standing))
        : undefined,
    held: heldIn(fates),
    endings: ends.map(({ ending }) => ending),
    publishDue: isPublishDue(survey, options, ends.at(-1)),
    problems: problemsOf(run, history, survey, fates),
  }
}

/**
 * The outcome of all that a ledger holds.
 *
 * @param brake how many evictions a change of the options may cause at once
 * @throws {HookArgumentError} where the stack's default arguments are invalid
 */
export function outcomeOf(
  ledger: Pick<Ledger, 'run' | 'history' | 'artifacts'>,
  brake: number,
): Outcome {
  return fold(ledger.run, ledger.history, brake, removedBests(ledger))
}

/** Only the newest options hold anything: each version decides again what the one before it held. */
function heldIn(fates: Map<string, Fate>): Held | undefined {
  for (const fate of fates.values()) if (fate.kind === 'held') return fate.held
  return undefined
}

/** The hook's key appears with the first checkpoint that counts. */
function dequeOf(members: Standing[]): number[] | undefined {
  return members.length === 0 ? undefined : members.map(({ fact }) => fact.step)
}

/** A step none of whose uploads stands: torn ones, and those of the other series. */
function unstandingFate(
  run: Run,
  id: string,
  facts: StepFacts,
  { naming }: Survey,
): [string, Fate][] {
  if (facts.uploads.length === 0) return []
  const isOfSeries = naming === undefined || facts.series === naming.series
  const key = naming && checkpointKey(run, naming, facts)
  const top = facts.uploads.findLast((upload) => key === undefined || upload.key === key)
  if (facts.removal !== undefined && facts.removal.key === (top ?? facts.uploads.at(-1))?.key) {
    return [[id, { kind: 'removed', reason: 'removed: not by the hub', member: false }]]
  }
  if (naming !== undefined && (!isOfSeries || top === undefined)) {
    const reason = `kept: the run's checkpoints are named ${naming.template}`
    return [[id, { kind: 'other series', reason, member: false }]]
  }
  const reason = `kept: not whole: ${top?.fault ?? ''}`
  return [[id, { kind: 'torn', reason, member: false }]]
}

/** Directories that are a best or were to be published: neither is made of them, so they stay. */
function uncopiedOf(
  { walk }: Survey,
  ends: ReadEnd[],
): ReadonlyMap<CheckpointFact['first'], string> {
  const published = ends.flatMap(({ ending }) =>
    ending.publications.map(({ source }) => ({ source, what: 'to be published' })),
  )
  const best = walk.everBest.map(({ metric, checkpoint: source }) => ({
    source,
    what: `the best ${metric}`,
  }))
  return new Map(
    [...published, ...best]
      .filter(({ source }) => isDirectory(source.key))
      .map(({ source, what }) => [source.first, what]),
  )
}
