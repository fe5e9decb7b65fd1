/**
 * The lives of a run: one for each time that a trainer began, resumed or started over in its prefix.
 *
 * Decides where a life begins, from `before_train.json` or from the bytes alone, and which life an
 * upload or a metric belongs to.
 */
import {
  type BeginFact,
  type CheckpointFact,
  compareMetrics,
  compareMoments,
  type MetricFact,
  type Moment,
  momentOf,
  momentOfCheckpoint,
} from './history.ts'

/** A life; it exists from its first complete checkpoint. */
export interface Life {
  /** Position among the run's lives, from 0. */
  ordinal: number
  begins: Moment
  /** How the hub knows of it. */
  by: 'first upload' | 'before_train.json' | 'bytes'
  /** The checkpoint name that the trainer says it resumed from. */
  resumeFrom: string | undefined
  /** The newest complete upload of each of its steps. */
  steps: Map<number, CheckpointFact>
}

/** Uploads of one step, once or more often, with which a life may have begun. */
interface Suspect {
  first: CheckpointFact
  fact: CheckpointFact
  /** What they replaced. */
  replaced: CheckpointFact
}

/**
 * Sorts complete uploads into lives.
 *
 * Without a `before_train.json` a life is inferred from bytes alone: two uploads in time order, rising
 * in step, both of steps recorded in this life at or below its highest, both with other bytes, begin one
 * at the first of them. The order of upload alone begins none.
 *
 * @param complete facts of whole checkpoints of the run's series
 */
export function livesOf(complete: CheckpointFact[], begins: BeginFact[]): Life[] {
  const marks = [
    ...complete.map((fact) => ({ moment: momentOfCheckpoint(fact), fact, begin: undefined })),
    ...begins
      .filter(({ fault }) => fault === undefined)
      .map((begin) => ({ moment: momentOf('begin', begin), fact: undefined, begin })),
  ].toSorted((a, b) => compareMoments(a.moment, b.moment))

  const lives: Life[] = []
  let announced: BeginFact | undefined
  let suspect: Suspect | undefined
  for (const { moment, fact, begin } of marks) {
    if (begin !== undefined) {
      announced = begin
      suspect = undefined
      continue
    }
    let life = lives.at(-1)
    if (life === undefined || announced !== undefined) {
      life = beginLife(
        lives,
        announced === undefined ? moment : momentOf('begin', announced),
        announced,
      )
      announced = undefined
    }
    const replaced = life.steps.get(fact.step)
    if (replaced === undefined) suspect = undefined
    else if (suspect !== undefined && suspect.fact.step < fact.step) {
      life.steps.set(suspect.fact.step, suspect.replaced)
      life = beginLife(lives, momentOfCheckpoint(suspect.first), undefined)
      life.steps.set(suspect.fact.step, suspect.fact)
      suspect = undefined
    } else if (suspect?.fact.step === fact.step) suspect.fact = fact
    else suspect = { first: fact, fact, replaced }
    life.steps.set(fact.step, fact)
  }
  return lives
}

function beginLife(lives: Life[], begins: Moment, announced: BeginFact | undefined): Life {
  const life: Life = {
    ordinal: lives.length,
    begins,
    by: announced ? 'before_train.json' : lives.length === 0 ? 'first upload' : 'bytes',
    resumeFrom: announced?.resumeFrom,
    steps: new Map(),
  }
  lives.push(life)
  return life
}

/** The steps of a life in step order. */
export function stepsInOrder(life: Life): [step: number, fact: CheckpointFact][] {
  return [...life.steps].toSorted(([a], [b]) => a - b)
}

/**
 * The metrics of one step in one life, in the order of the source text: `metrics/…` outranks logs, and
 * for one source the later version wins. A metric belongs to the life that its time falls in, or to that
 * of the checkpoint's version which it names.
 *
 * @param facts the metrics recorded for the step
 */
export function metricsInLife(
  facts: MetricFact[],
  life: Life,
  lives: Life[],
): Map<string, number | null> {
  const found = new Map<string, MetricFact>()
  for (const fact of facts) {
    if (lifeOfMetric(fact, lives) !== life) continue
    const rival = found.get(fact.metric)
    if (rival === undefined || outranks(fact, rival)) found.set(fact.metric, fact)
  }
  const inOrder = [...found.values()].toSorted(
    (a, b) => rank(a) - rank(b) || a.position - b.position || compareMetrics(a, b),
  )
  return new Map(inOrder.map(({ metric, value }) => [metric, value]))
}

function lifeOfMetric(fact: MetricFact, lives: Life[]): Life | undefined {
  if (fact.versionId !== undefined) {
    const bound = lives.find((life) =>
      [...life.steps.values()].some((upload) =>
        upload.versions.some(({ versionId }) => versionId === fact.versionId),
      ),
    )
    if (bound !== undefined) return bound
  }
  const moment: Moment = { seconds: fact.seconds, kind: 'metric' }
  return lives.findLast((life) => compareMoments(life.begins, moment) <= 0) ?? lives[0]
}

function outranks(fact: MetricFact, rival: MetricFact): boolean {
  if (fact.source !== rival.source) return fact.source === 'event'
  return compareMetrics(fact, rival) > 0
}

function rank(fact: MetricFact): number {
  return fact.source === 'event' ? 0 : 1
}
