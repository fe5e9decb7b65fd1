/** Everything that a person asks about one run. */
import * as z from 'zod/mini'
import { type Outcome, outcomeOf } from '../hook/fold.ts'
import { compareTexts, type StepFacts } from '../hook/history.ts'
import { pathOf, type Run, type Series } from '../hook/names.ts'
import type { Rule } from '../hook/rule.ts'
import type { LoadedRun } from '../message-hub/message-hub.ts'
import { type Curve, curvesOf } from './curves.ts'
import { type Attributes, loadedRun } from './entries.ts'
import { placeIn, placeText } from './index-page.ts'
import { type ScoredBest, scoredBest } from './scored-best.ts'
import type { Stack } from './stack.ts'
import { type Storage, storageOf } from './storage.ts'

/** A checkpoint, and what became of it. */
export interface DescribedStep {
  series: Series
  step: number
  /** Of its newest upload; a directory's without the slash at its end. */
  key: string
  size_bytes: number
  /** ISO 8601, of its newest upload. */
  uploaded: string
  /** Position among the run's lives, from 0; missing where it belongs to none. */
  life?: number
  /** Whether it was better by a tracked metric than all before it. */
  set_record: boolean
  fate: string
  reason: string
  restorable_until?: string
  removed_keys?: string[]
}

/** The best of a metric that is tracked now. */
export interface DescribedBest extends ScoredBest {
  metric: string
  rule: Rule
}

/** What is wrong with an upload. */
export interface DescribedProblem {
  /** ISO 8601, of the upload that shows it. */
  time: string
  severity: 'error' | 'warning'
  key: string
  field: string
  reason: string
}

export interface RunAnswer {
  run: Run
  last_ckpt?: string
  keep_ckpt_ids?: number[]
  /** The options in force, every argument resolved. */
  options: Attributes
  publish_due: boolean
  waits_for?: string
  held?: { options_version_id: string; evicts: number }
  storage: Storage
  best: DescribedBest[]
  /** Checkpoints, by series and step. */
  steps: DescribedStep[]
  curves: Curve[]
  /** As in the table. */
  artifacts: Attributes[]
  /** The newest first. */
  problems: DescribedProblem[]
  /** Where steps and curves go on with what is older; missing where all was told. */
  next?: string
}

/** What `runtime_info` says of a run to people. */
const TOLD = ['last_ckpt', 'keep_ckpt_ids', 'options', 'publish_due', 'waits_for', 'held']

/**
 * A run's options, its checkpoints and their fates, its metrics, its files.
 *
 * @param limit steps that are told, the newest by the time of what was last said of them
 * @param next what the page before gave, to be told of older ones
 * @throws {QueryError} where the hub knows no such run
 * @throws {ConflictError} where the hub changed the run during every reading
 */
export async function describeRun(
  stack: Stack,
  { run, limit, next }: { run: Run; limit: number; next?: string | undefined },
): Promise<RunAnswer> {
  const before = next === undefined ? undefined : placeIn(PLACE, next)
  const loaded = await loadedRun(stack, run)
  const { ledger, entries } = loaded
  const { told, after } = newestSteps(ledger.history.steps, limit, before)
  const outcome = outcomeOf(ledger, stack.brake)
  return {
    run,
    ...toldOf(entries.get('runtime_info') ?? {}),
    storage: storageOf(ledger),
    best: startingWith(loaded, 'best#').map(([, entry]) => bestOf(entry)),
    steps: told.flatMap(([id, facts]) => describedStep(loaded, outcome, id, facts)),
    curves: curvesOf(told.map(([, facts]) => facts)),
    artifacts: startingWith(loaded, 'artifact#').map(([, entry]) => entry),
    problems: startingWith(loaded, 'problem#').map(problemOf).toReversed(),
    ...(after && { next: placeText(after) }),
  }
}

function toldOf(info: Attributes) {
  const told = Object.entries(info).filter(([name]) => TOLD.includes(name))
  return Object.fromEntries(told) as Pick<RunAnswer, 'options' | 'publish_due'>
}

/** A step, by the time of what was last said of it. */
const PLACE = z.strictObject({ seconds: z.number(), id: z.string() })
type Place = z.output<typeof PLACE>

/** By series and step; `after` is where the older ones begin. */
function newestSteps(
  steps: ReadonlyMap<string, StepFacts>,
  limit: number,
  before: Place | undefined,
): { told: [string, StepFacts][]; after: Place | undefined } {
  const newestFirst = [...steps]
    .map(([id, facts]) => ({ id, facts, seconds: newestSeconds(facts) }))
    .filter((each) => before === undefined || comparePlaces(each, before) < 0)
    .toSorted((a, b) => comparePlaces(b, a))
  const page = newestFirst.slice(0, limit)
  const last = page.at(-1)
  const told = page.map(({ id, facts }): [string, StepFacts] => [id, facts])
  return {
    told: told.toSorted(([a], [b]) => compareTexts(a, b)),
    after: newestFirst.length > limit && last ? { seconds: last.seconds, id: last.id } : undefined,
  }
}

function comparePlaces(a: Place, b: Place): number {
  return a.seconds - b.seconds || compareTexts(a.id, b.id)
}

function newestSeconds({ uploads, metrics }: StepFacts): number {
  return [...uploads, ...metrics].reduce((most, { seconds }) => Math.max(most, seconds), 0)
}

/** Nothing of a step that has metrics only: the curves have it. */
function describedStep(
  { entries }: LoadedRun,
  { standings, survey }: Outcome,
  id: string,
  { series, step, uploads }: StepFacts,
): DescribedStep[] {
  const standing = standings.get(id)
  const upload = standing?.fact.live ?? uploads.at(-1)
  if (upload === undefined) return []
  const { fate, reason, restorable_until, removed_keys } = entries.get(`step#${id}`) ?? {}
  return [
    {
      series,
      step,
      key: pathOf(upload.key),
      size_bytes: upload.sizeBytes,
      uploaded: new Date(1000 * upload.seconds).toISOString(),
      ...(standing && { life: standing.life.ordinal }),
      set_record: standing !== undefined && survey.walk.records.has(standing.fact),
      fate: String(fate),
      reason: String(reason),
      ...(restorable_until !== undefined && { restorable_until: String(restorable_until) }),
      ...(removed_keys !== undefined && { removed_keys: removed_keys as string[] }),
    },
  ]
}

function startingWith({ entries }: LoadedRun, prefix: string): [string, Attributes][] {
  return [...entries].filter(([entry]) => entry.startsWith(prefix))
}

function bestOf(entry: Attributes): DescribedBest {
  const { metric, rule } = entry as unknown as DescribedBest
  return { metric, rule, ...scoredBest(entry) }
}

function problemOf([entry, attributes]: [string, Attributes]): DescribedProblem {
  const [, time = ''] = entry.split('#')
  const { severity, key, field, reason } = attributes as unknown as DescribedProblem
  return { time, severity, key, field, reason }
}
