/** The facts of a history in their order, and the history as it was when only some of them were there. */
import {
  type CheckpointFact,
  type ControlFact,
  type ControlKind,
  compareMoments,
  type FactKind,
  type History,
  type MetricFact,
  type Moment,
  momentOf,
  type StepFacts,
} from './history.ts'

/** A fact of the history: a version of a key, or that a key was removed. */
export interface FactAt {
  kind: FactKind | 'removal'
  moment: Moment
  key: string
  /** The version that it is; of metrics, which are told by their key, nothing. */
  versionId: string | undefined
  /** The step of a checkpoint, or that metrics are of. */
  step: Pick<CheckpointFact, 'series' | 'step'> | undefined
  /** The values that one version of a metric file first gave a step. */
  metrics: readonly Pick<MetricFact, 'metric' | 'value'>[]
}

/** All facts in the order in which they count. */
export function factsInOrder(history: History): FactAt[] {
  const { options, begins, ends, pins, consents, steps } = history
  const facts = [
    ...options.map((fact) => controlAt('options', fact)),
    ...begins.map((fact) => controlAt('begin', fact)),
    ...ends.map((fact) => controlAt('end', fact)),
    ...pins.map((fact) => controlAt('pin', fact)),
    ...consents.map((fact) => controlAt('consent', fact)),
    ...[...steps.values()].flatMap(factsOfStep),
  ]
  return facts.toSorted((a, b) => compareMoments(a.moment, b.moment))
}

/**
 * The history up to a fact and with it. Which noncurrent versions have expired is known all along: no fact
 * says when.
 */
export function historyUntil(history: History, { moment: limit }: Pick<FactAt, 'moment'>): History {
  const isIn = (moment: Moment) => compareMoments(moment, limit) <= 0
  return {
    ...history,
    options: history.options.filter((fact) => isIn(momentOf('options', fact))),
    begins: history.begins.filter((fact) => isIn(momentOf('begin', fact))),
    ends: history.ends.filter((fact) => isIn(momentOf('end', fact))),
    pins: history.pins.filter((fact) => isIn(momentOf('pin', fact))),
    consents: history.consents.filter((fact) => isIn(momentOf('consent', fact))),
    steps: new Map([...history.steps].map(([id, facts]) => [id, stepUntil(facts, isIn)])),
  }
}

function stepUntil(facts: StepFacts, isIn: (moment: Moment) => boolean): StepFacts {
  const removal = removalMoment(facts)
  return {
    ...facts,
    uploads: facts.uploads.filter((_, at) => isIn(uploadMoment(facts, at))),
    metrics: facts.metrics.filter((metric) => isIn(metricMoment(facts, metric))),
    removal: removal !== undefined && isIn(removal) ? facts.removal : undefined,
  }
}

function controlAt(kind: ControlKind, fact: ControlFact): FactAt {
  const { key, versionId } = fact
  return { kind, moment: momentOf(kind, fact), key, versionId, step: undefined, metrics: [] }
}

function factsOfStep(facts: StepFacts): FactAt[] {
  const { series, step } = facts
  const common = { step: { series, step }, metrics: [], versionId: undefined }
  const uploads = facts.uploads.map(({ key, versionId }, at): FactAt => {
    return { ...common, kind: 'checkpoint', moment: uploadMoment(facts, at), key, versionId }
  })
  const removal = removalMoment(facts)
  const removals: FactAt[] =
    removal === undefined || facts.removal === undefined
      ? []
      : [{ ...common, kind: 'removal', moment: removal, key: facts.removal.key }]
  return [...uploads, ...metricsOfStep(facts), ...removals]
}

/** Values that came with one version of a file are one fact. */
function metricsOfStep(facts: StepFacts): FactAt[] {
  const { series, step } = facts
  const found = new Map<string, FactAt & { metrics: FactAt['metrics'] }>()
  for (const fact of facts.metrics) {
    const moment = metricMoment(facts, fact)
    const id = JSON.stringify([moment.seconds, moment.key, moment.ordinal])
    const before = found.get(id)?.metrics ?? []
    found.set(id, {
      kind: 'metric',
      moment,
      key: fact.key,
      versionId: undefined,
      step: { series, step },
      metrics: [...before, { metric: fact.metric, value: fact.value }],
    })
  }
  return [...found.values()]
}

function uploadMoment({ uploads, step }: StepFacts, at: number): Moment {
  const { seconds = 0, key = '' } = uploads[at] ?? {}
  return { seconds, kind: 'checkpoint', step, key, ordinal: at }
}

function metricMoment({ step }: StepFacts, { seconds, key, ordinal }: MetricFact): Moment {
  return { seconds, kind: 'metric', step, key, ordinal }
}

/** After whatever was uploaded under the key in the same second. */
function removalMoment({ uploads, step, removal }: StepFacts): Moment | undefined {
  if (removal === undefined) return undefined
  const { seconds, key } = removal
  return { seconds, kind: 'checkpoint', step, key, ordinal: uploads.length }
}
