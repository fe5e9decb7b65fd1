/**
 * The fold: from the history of a run to what should be.
 *
 * Pure, and blind to what the hub did so far: the same facts give the same outcome, in whatever order
 * and how often they were found. The plan compares it with what is.
 */
import type { Best } from './best.ts'
import {
  type CheckpointFact,
  checkpointFacts,
  compareMoments,
  type EndFact,
  type History,
  momentOf,
  type StepFacts,
} from './history.ts'
import type { HookOptions } from './hook-arguments.ts'
import type { Life } from './lives.ts'
import { bestName, isDirectory, keyIn, nameOf, pathOf, type Run } from './names.ts'
import { optionsNow } from './policy.ts'
import { type Problem, problemsOf } from './problems.ts'
import { decideRetention, type Fate } from './retention.ts'
import type { Standing } from './standing.ts'
import {
  checkpointKey,
  checkpointKeys,
  highestStep,
  historyBefore,
  type Survey,
  surveyOf,
} from './survey.ts'

/** A file that an end of training publishes. */
export interface Publication {
  /** `last`, or the metric whose best it is. */
  of: { last: true } | { metric: string }
  /** The trainer's upload that it is made from. */
  source: CheckpointFact
  /** The name whose stem the published file takes: that of the checkpoint or of its best copy. */
  name: string
  /** Top-level keys that stay. */
  publishedKeys: readonly string[]
  /** Top-level keys that go although `publishedKeys` may name them. */
  droppedKeys: readonly string[]
}

/** What one end of training publishes; nothing until the upload that it names is there. */
export interface Ending {
  end: EndFact
  publications: Publication[]
  /** The checkpoint name that it waits for. */
  waitsFor: string | undefined
}

/** What should be. */
export interface Outcome {
  options: HookOptions
  survey: Survey
  /** Fates by step id, of every step with an upload. */
  fates: Map<string, Fate>
  standings: Map<string, Standing>
  /** Checkpoints that may be called the last, the best choice first. */
  lastInOrder: CheckpointFact[]
  best: Best[]
  /** Those and the best of every metric that earlier options tracked. */
  everBest: Best[]
  /** Steps of the deque that stay: the hook's `keep_ckpt_ids`; nothing where all stay or none counts. */
  keepCkptIds: number[] | undefined
  /** Ends of training in their order. */
  endings: Ending[]
  /** True where later facts changed what the newest end published. */
  publishDue: boolean
  problems: Problem[]
}

/** What the hook never writes into a best file, and leaves out of others if told so. */
export const OPTIMIZER_KEYS = ['optimizer', 'optim_wrapper'] as const
export const SCHEDULER_KEYS = ['param_schedulers'] as const
/** What a best copy leaves out: the hook saves it with `save_optimizer=False, save_param_scheduler=False`. */
export const BEST_DROPPED_KEYS: readonly string[] = [...OPTIMIZER_KEYS, ...SCHEDULER_KEYS]

/**
 * Folds a history.
 *
 * @param brake how many evictions a change of the options may cause at once
 * @throws {HookArgumentError} where the stack's default arguments are invalid
 */
export function fold(run: Run, history: History, brake: number): Outcome {
  const survey = surveyOf(run, history)
  const options = optionsNow(survey.policy)
  const ends = readEnds(run, history)
  const retention = decideRetention(history, survey, lastsOf(ends), uncopiedOf(survey, ends), brake)
  const standings = new Map([...retention].map(([id, { standing }]) => [id, standing]))
  const fates = new Map([
    ...[...history.steps].flatMap(([id, facts]) => unstandingFate(run, id, facts, survey)),
    ...[...retention].map(([id, { fate }]): [string, Fate] => [id, fate]),
  ])
  const kept = [...retention.values()].filter(
    ({ fate }) => fate.kind === 'kept' || fate.kind === 'held',
  )
  return {
    options,
    survey,
    fates,
    standings,
    lastInOrder: kept
      .map(({ standing }) => standing)
      .toSorted(byLifeAndStep)
      .toReversed()
      .map(({ fact }) => fact),
    best: survey.walk.best,
    everBest: survey.walk.everBest,
    keepCkptIds:
      options.maxKeepCkpts > 0
        ? dequeOf(kept.filter(({ fate }) => fate.member).map(({ standing }) => standing))
        : undefined,
    endings: ends.map(({ ending }) => ending),
    publishDue: isPublishDue(survey, options, ends.at(-1)),
    problems: problemsOf(run, history, survey, fates),
  }
}

/** The hook's key appears with the first checkpoint that counts. */
function dequeOf(kept: Standing[]): number[] | undefined {
  const members = kept.filter(({ member }) => member).toSorted(byLifeAndStep)
  return members.length === 0 ? undefined : members.map(({ fact }) => fact.step)
}

function byLifeAndStep(a: Standing, b: Standing): number {
  return a.life.ordinal - b.life.ordinal || a.fact.step - b.fact.step
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

/** An end of training, and what it saw. */
interface ReadEnd {
  ending: Ending
  before: Survey
  /** Nothing while it waits. */
  last: CheckpointFact | undefined
}

function readEnds(run: Run, history: History): ReadEnd[] {
  return history.ends
    .filter(({ fault }) => fault === undefined)
    .toSorted((a, b) => compareMoments(momentOf('end', a), momentOf('end', b)))
    .map((end) => readEnd(run, history, end))
}

function readEnd(run: Run, history: History, end: EndFact): ReadEnd {
  const { before, last } = lastOfEnd(run, history, end)
  const publications =
    last === undefined ? [] : publicationsOf(before, last, optionsNow(before.policy))
  const waitsFor = last === undefined ? end.last : undefined
  return { ending: { end, publications, waitsFor }, before, last }
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

/** The lasts that count in the deque. */
function lastsOf(ends: ReadEnd[]): Set<CheckpointFact['first']> {
  return new Set(
    ends.flatMap(({ before, last }) =>
      last !== undefined && optionsNow(before.policy).saveLast ? [last.first] : [],
    ),
  )
}

/**
 * The last of an end: what it names, of the life that it ended, whenever that upload comes; other uploads
 * of the same name, that of a later life above all, change nothing.
 */
function lastOfEnd(run: Run, history: History, end: EndFact): Omit<ReadEnd, 'ending'> {
  const before = surveyOf(run, historyBefore(history, end))
  if (end.last === undefined) return { before, last: highestStep(before.lives) }
  const key = keyIn(run, end.last)
  const inTime = withKey(run, key, before, before.lives.slice(-1))
  if (inTime !== undefined) return { before, last: inTime }
  const awaited = [...history.steps.values()]
    .flatMap((facts) => [...checkpointFacts(facts, key), ...checkpointFacts(facts, `${key}/`)])
    .find(({ first }) => first.fault === undefined && first.seconds > end.seconds)
  const since = awaited ? surveyOf(run, historyBefore(history, end, awaited.first)) : before
  return { before: since, last: withKey(run, key, since, since.lives) }
}

/** The checkpoint of a key, of the newest of these lives that has it. */
function withKey(
  run: Run,
  key: string,
  { naming }: Survey,
  lives: Life[],
): CheckpointFact | undefined {
  if (naming === undefined) return undefined
  return lives
    .toReversed()
    .flatMap(({ steps }) => [...steps.values()])
    .find(
      (fact) =>
        pathOf(fact.key) === key && checkpointKeys(run, naming, fact.step).includes(fact.key),
    )
}

function publicationsOf(survey: Survey, last: CheckpointFact, options: HookOptions): Publication[] {
  const { publishedKeys } = options
  if (publishedKeys === undefined) return []
  const common = { publishedKeys, droppedKeys: droppedKeys(options) }
  const ofLast: Publication[] = options.saveLast
    ? [{ of: { last: true }, source: last, name: nameOf(last.key), ...common }]
    : []
  const ofBest = survey.walk.best.map(
    ({ metric, checkpoint }): Publication => ({
      of: { metric },
      source: checkpoint,
      name: bestName(metric, nameOf(checkpoint.key)),
      publishedKeys,
      droppedKeys: BEST_DROPPED_KEYS,
    }),
  )
  return [...ofLast, ...ofBest]
}

/** The keys that `save_optimizer` and `save_param_scheduler` keep out of a checkpoint. */
function droppedKeys({ saveOptimizer, saveParamScheduler }: HookOptions): readonly string[] {
  return [...(saveOptimizer ? [] : OPTIMIZER_KEYS), ...(saveParamScheduler ? [] : SCHEDULER_KEYS)]
}

/** Whether an end that came now would publish other files than the newest one did. */
function isPublishDue(survey: Survey, options: HookOptions, newest: ReadEnd | undefined): boolean {
  const highest = highestStep(survey.lives)
  if (newest?.last === undefined || highest === undefined) return false
  const isUnmoved = highest.first === highestStep(newest.before.lives)?.first
  const last = isUnmoved ? newest.last : highest
  return filesOf(publicationsOf(survey, last, options)) !== filesOf(newest.ending.publications)
}

function filesOf(publications: Publication[]): string {
  return JSON.stringify(
    publications.map(({ name, source, publishedKeys, droppedKeys }) => [
      name,
      source.first.versionId,
      publishedKeys,
      droppedKeys,
    ]),
  )
}
