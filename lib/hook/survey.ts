/**
 * What a history amounts to before retention: which names count, the lives, the best, the last.
 */
import { type BestWalk, type RemovedBests, walkBest } from './best.ts'
import {
  type CheckpointFact,
  checkpointFacts,
  compareMoments,
  type EndFact,
  type History,
  momentOf,
  momentOfCheckpoint,
  type StepFacts,
  type Upload,
} from './history.ts'
import type { HookOptions } from './hook-arguments.ts'
import { type Life, livesOf, stepsInOrder } from './lives.ts'
import { checkpointName, defaultTemplate, keyIn, type Run, type Series, stemOf } from './names.ts'
import { optionsNow, type Policy, policyOf } from './policy.ts'

/** The series and the template whose names are this run's checkpoints. */
export interface Naming {
  series: Series
  template: string
}

/** A history, read. */
export interface Survey {
  policy: Policy
  /** Nothing while no option and no checkpoint has decided. */
  naming: Naming | undefined
  lives: Life[]
  walk: BestWalk
}

/**
 * Reads a history in the hook's own order.
 *
 * @param removed best copies that a person removed
 * @throws {HookArgumentError} where the stack's default arguments are invalid
 */
export function surveyOf(run: Run, history: History, removed: RemovedBests = new Set()): Survey {
  const policy = policyOf(history)
  const naming = namingOf(run, history, optionsNow(policy))
  const complete = naming === undefined ? [] : completeFacts(run, history, naming)
  const lives = livesOf(complete, history.begins)
  return { policy, naming, lives, walk: walkBest(history, lives, policy, removed) }
}

/** The whole uploads of the run's series, as facts. */
function completeFacts(run: Run, history: History, naming: Naming): CheckpointFact[] {
  return [...history.steps.values()]
    .filter(({ series }) => series === naming.series)
    .flatMap((facts) => checkpointFacts(facts, checkpointKey(run, naming, facts)))
    .filter(({ first }) => first.fault === undefined)
}

/**
 * The key of a step's checkpoint: a file, else a directory of its name, with its extension or without.
 * Where several are there, one that was whole at some time comes before those that never were.
 */
export function checkpointKey(run: Run, naming: Naming, facts: StepFacts): string {
  const [file, ...directories] = checkpointKeys(run, naming, facts.step)
  const present = [file, ...directories].filter((key) =>
    facts.uploads.some((each) => each.key === key),
  )
  const isWhole = (key: string) =>
    facts.uploads.some((upload) => upload.key === key && upload.fault === undefined)
  return present.find(isWhole) ?? present[0] ?? file
}

/** The keys that a step's checkpoint may have, the one that comes first. */
function checkpointKeys(run: Run, naming: Naming, step: number): [string, ...string[]] {
  const name = checkpointName(naming.template, step)
  return [keyIn(run, name), keyIn(run, `${name}/`), keyIn(run, `${stemOf(name)}/`)]
}

/** Where nobody named `by_epoch` or `filename_tmpl`, the first whole checkpoint's name decides. */
function namingOf(run: Run, history: History, options: HookOptions): Naming | undefined {
  if (options.naming !== undefined) return options.naming
  let first: CheckpointFact | undefined
  for (const facts of history.steps.values()) {
    const naming = { series: facts.series, template: defaultTemplate(facts.series) }
    for (const fact of checkpointFacts(facts, checkpointKey(run, naming, facts))) {
      if (fact.first.fault !== undefined) continue
      if (
        first === undefined ||
        compareMoments(momentOfCheckpoint(fact), momentOfCheckpoint(first)) < 0
      ) {
        first = fact
      }
    }
  }
  return first && { series: first.series, template: defaultTemplate(first.series) }
}

/** The highest step of the newest life: what a trainer would resume from. */
export function highestStep(lives: Life[]): CheckpointFact | undefined {
  const newest = lives.at(-1)
  return newest === undefined ? undefined : stepsInOrder(newest).at(-1)?.[1]
}

/**
 * The history up to an end of training, which is what that end publishes: everything before it, and the
 * upload that it waited for.
 */
export function historyBefore(history: History, end: EndFact, awaited?: Upload): History {
  const limit = momentOf('end', end)
  return {
    stackArguments: history.stackArguments,
    options: history.options.filter((fact) => compareMoments(momentOf('options', fact), limit) < 0),
    begins: history.begins.filter((fact) => compareMoments(momentOf('begin', fact), limit) < 0),
    ends: [],
    pins: [],
    consents: [],
    steps: new Map(
      [...history.steps].map(([id, facts]) => [id, factsBefore(facts, limit.seconds, awaited)]),
    ),
  }
}

function factsBefore(facts: StepFacts, seconds: number, awaited: Upload | undefined): StepFacts {
  return {
    ...facts,
    uploads: facts.uploads.filter((upload) => upload.seconds <= seconds || upload === awaited),
    metrics: facts.metrics.filter((metric) => metric.seconds <= seconds),
    removal: undefined,
  }
}
