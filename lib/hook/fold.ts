/**
 * The fold: from the history of a run to what should be.
 *
 * Pure, and blind to what the hub did so far: the same facts give the same outcome, in whatever order
 * and how often they were found. The plan compares it with what is.
 */
import type { Best } from './best.ts'
import {
  type CheckpointFact,
  compareMoments,
  type EndFact,
  type History,
  momentOf,
  type StepFacts,
} from './history.ts'
import type { HookOptions } from './hook-arguments.ts'
import { bestName, nameOf, type Run } from './names.ts'
import { optionsNow } from './policy.ts'
import { type Problem, problemsOf } from './problems.ts'
import { decideRetention, type Fate, type Standing } from './retention.ts'
import { checkpointKey, highestStep, historyBefore, type Survey, surveyOf } from './survey.ts'

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
  /** Steps of the deque that stay: the hook's `keep_ckpt_ids`; nothing where it keeps all. */
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
  const ends = endsOf(run, history)
  const retention = decideRetention(history, survey, ends.lasts, brake)
  const standings = new Map([...retention].map(([id, { standing }]) => [id, standing]))
  const fates = new Map([
    ...[...history.steps].flatMap(([id, facts]) => unstandingFate(id, facts, survey)),
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
        ? kept
            .filter(({ fate }) => fate.member)
            .map(({ standing }) => standing)
            .toSorted(byLifeAndStep)
            .map(({ fact }) => fact.step)
        : undefined,
    endings: ends.endings,
    publishDue: isPublishDue(survey, options, ends.endings.at(-1)),
    problems: problemsOf(run, history, survey, fates),
  }
}

function byLifeAndStep(a: Standing, b: Standing): number {
  return a.life.ordinal - b.life.ordinal || a.fact.step - b.fact.step
}

/** A step none of whose uploads stands: torn ones, and those of the other series. */
function unstandingFate(id: string, facts: StepFacts, survey: Survey): [string, Fate][] {
  const top = facts.uploads.at(-1)
  if (top === undefined) return []
  if (survey.naming !== undefined && facts.series !== survey.naming.series) {
    const reason = `kept: the run's checkpoints are named ${survey.naming.template}`
    return [[id, { kind: 'other series', reason, member: false }]]
  }
  const reason = `kept: not whole: ${top.fault ?? 'an upload under another name'}`
  return [[id, { kind: 'torn', reason, member: false }]]
}

function endsOf(
  run: Run,
  history: History,
): { endings: Ending[]; lasts: Set<CheckpointFact['first']> } {
  const lasts = new Set<CheckpointFact['first']>()
  const ends = history.ends
    .filter(({ fault }) => fault === undefined)
    .toSorted((a, b) => compareMoments(momentOf('end', a), momentOf('end', b)))
  const endings = ends.map((end): Ending => {
    const before = surveyOf(run, historyBefore(run, history, end))
    const last = lastOfEnd(run, end, before)
    if (last === undefined) return { end, publications: [], waitsFor: end.last }
    const options = optionsNow(before.policy)
    if (options.saveLast) lasts.add(last.first)
    return { end, publications: publicationsOf(before, last, options), waitsFor: undefined }
  })
  return { endings, lasts }
}

function lastOfEnd(run: Run, end: EndFact, before: Survey): CheckpointFact | undefined {
  if (end.last === undefined) return highestStep(before.lives)
  const { naming } = before
  if (naming === undefined) return undefined
  return before.lives
    .toReversed()
    .flatMap(({ steps }) => [...steps.values()])
    .find(({ key, step }) => nameOf(key) === end.last && key === checkpointKey(run, naming, step))
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

function isPublishDue(survey: Survey, options: HookOptions, newest: Ending | undefined): boolean {
  const last = highestStep(survey.lives)
  if (newest === undefined || newest.waitsFor !== undefined || last === undefined) return false
  const sources = (publications: Publication[]): string =>
    publications.map(({ name, source }) => `${name} ${source.first.versionId}`).join('\n')
  return sources(publicationsOf(survey, last, options)) !== sources(newest.publications)
}
