/** What changed in a run from one look to the next. */
import type { Curve, CurveValue } from '../../lib/query/curves.ts'
import type { DescribedStep, RunAnswer } from '../../lib/query/describe-run.ts'

/** As `--json` prints it, beside the run and the time at which it was seen. */
export type Change =
  | {
      /** What there was when watching began. */
      readonly change: 'state'
      readonly last_ckpt?: string
      readonly best: readonly { metric: string; score: string; step: number }[]
      readonly kept: number
      readonly evicted: number
      readonly problems: number
    }
  | ({ readonly change: 'checkpoint' } & Told)
  | ({ readonly change: 'fate'; readonly was: string } & Told)
  | {
      readonly change: 'metrics'
      readonly series: string
      readonly step: number
      readonly metrics: Readonly<Record<string, CurveValue>>
    }
  | {
      readonly change: 'best'
      readonly metric: string
      readonly score: string
      readonly step: number
      readonly state: string
    }
  | {
      readonly change: 'file'
      readonly key: string
      readonly kind?: string
      readonly state: string
      readonly sha256?: string
    }
  | {
      readonly change: 'problem'
      readonly severity: string
      readonly key: string
      readonly field: string
      readonly reason: string
    }
  /** Evictions that the brake holds; none once they are let go. */
  | { readonly change: 'held'; readonly evicts: number }
  /** Training ended, and all that it asked for is done. */
  | { readonly change: 'ended' }

type Told = Pick<DescribedStep, 'series' | 'step' | 'fate' | 'reason' | 'size_bytes'>

/** A look at a run. */
export interface Look {
  readonly run: RunAnswer
  readonly isEnded: boolean
}

/** What there is to begin with. */
export function stateOf({ run }: Look): Change {
  const { last_ckpt, best, steps, problems } = run
  return {
    change: 'state',
    ...(last_ckpt !== undefined && { last_ckpt }),
    best: best.map(({ metric, score, step }) => ({ metric, score, step })),
    kept: keptOf(steps),
    evicted: steps.filter(({ fate }) => fate === 'evicted').length,
    problems: problems.length,
  }
}

/** How many checkpoints stay where they are. */
export function keptOf(steps: readonly DescribedStep[]): number {
  return steps.filter(({ fate }) => fate === 'kept' || fate === 'held').length
}

/** What changed, in the order in which it follows from each other: uploads, scores, what was made and went. */
export function changesBetween(before: Look, after: Look): Change[] {
  return [
    ...uploads(before.run, after.run),
    ...metrics(before.run, after.run),
    ...best(before.run, after.run),
    ...fates(before.run, after.run),
    ...files(before.run, after.run),
    ...problems(before.run, after.run),
    ...held(before.run, after.run),
    ...(after.isEnded && !before.isEnded ? [{ change: 'ended' } as const] : []),
  ]
}

function stepsById({ steps }: RunAnswer): Map<string, DescribedStep> {
  return new Map(steps.map((step) => [`${step.series} ${step.step}`, step]))
}

/** Of a step that was uploaded again too. */
function uploads(before: RunAnswer, after: RunAnswer): Change[] {
  const known = stepsById(before)
  return [...stepsById(after)]
    .filter(([id, step]) => known.get(id)?.uploaded !== step.uploaded)
    .map(([, step]) => ({ change: 'checkpoint', ...told(step) }))
}

function fates(before: RunAnswer, after: RunAnswer): Change[] {
  const known = stepsById(before)
  return [...stepsById(after)].flatMap(([id, step]): Change[] => {
    const was = known.get(id)
    if (was === undefined || was.uploaded !== step.uploaded || was.fate === step.fate) return []
    return [{ change: 'fate', was: was.fate, ...told(step) }]
  })
}

function told({ series, step, fate, reason, size_bytes }: DescribedStep): Told {
  return { series, step, fate, reason, size_bytes }
}

function metrics(before: RunAnswer, after: RunAnswer): Change[] {
  const known = valuesByStep(before)
  return [...valuesByStep(after)].flatMap(([id, { series, step, values }]): Change[] => {
    const was = known.get(id)?.values
    const fresh = [...values].filter(([metric, value]) => {
      return was?.has(metric) !== true || was.get(metric) !== value
    })
    if (fresh.length === 0) return []
    return [{ change: 'metrics', series, step, metrics: Object.fromEntries(fresh) }]
  })
}

interface Values {
  readonly series: string
  readonly step: number
  readonly values: Map<string, CurveValue>
}

/** An event tells a metric under both counters: that of the checkpoints is enough. */
function toldCurves({ curves, options }: RunAnswer): Curve[] {
  const byEpoch = options['by_epoch']
  if (typeof byEpoch !== 'boolean') return curves
  const own = byEpoch ? 'epoch' : 'iter'
  const metrics = new Set(curves.filter(({ series }) => series === own).map(({ metric }) => metric))
  return curves.filter(({ series, metric }) => series === own || !metrics.has(metric))
}

function valuesByStep(run: RunAnswer): Map<string, Values> {
  const found = new Map<string, Values>()
  for (const { metric, series, steps, values } of toldCurves(run)) {
    for (const [at, step] of steps.entries()) {
      const id = `${series} ${step}`
      const of = found.get(id) ?? { series, step, values: new Map() }
      of.values.set(metric, values[at] ?? null)
      found.set(id, of)
    }
  }
  return found
}

/** Of another best, and of its copy once that is made. */
function best(before: RunAnswer, after: RunAnswer): Change[] {
  return after.best.flatMap(({ metric, score, step, state }): Change[] => {
    const was = before.best.find((each) => each.metric === metric)
    if (was?.score === score && was.step === step && was.state === state) return []
    return [{ change: 'best', metric, score, step, state }]
  })
}

function files(before: RunAnswer, after: RunAnswer): Change[] {
  const known = new Map(before.artifacts.map((each) => [each['key'], each]))
  return after.artifacts.flatMap((artifact): Change[] => {
    const was = known.get(artifact['key'])
    if (was?.['state'] === artifact['state'] && was?.['sha256'] === artifact['sha256']) return []
    const { key, kind, state, sha256 } = artifact as {
      key: string
      kind?: string
      state: string
      sha256?: string
    }
    return [
      {
        change: 'file',
        key,
        ...(kind !== undefined && { kind }),
        state,
        ...(sha256 !== undefined && { sha256 }),
      },
    ]
  })
}

function problems(before: RunAnswer, after: RunAnswer): Change[] {
  const known = new Set(before.problems.map((problem) => JSON.stringify(problem)))
  return after.problems
    .filter((problem) => !known.has(JSON.stringify(problem)))
    .toReversed()
    .map(({ severity, key, field, reason }) => ({
      change: 'problem',
      severity,
      key,
      field,
      reason,
    }))
}

function held(before: RunAnswer, after: RunAnswer): Change[] {
  const evicts = after.held?.evicts ?? 0
  return evicts === (before.held?.evicts ?? 0) ? [] : [{ change: 'held', evicts }]
}
