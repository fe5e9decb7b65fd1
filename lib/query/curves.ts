/** The metrics of steps as curves, to be plotted. */
import { compareMetrics, type MetricFact, type StepFacts } from '../hook/history.ts'
import type { Series } from '../hook/names.ts'

/** A number; a text where JSON has none for it; `null` where the trainer said so. */
export type CurveValue = number | 'NaN' | 'Infinity' | '-Infinity' | null

/** One metric over the steps that have it: both lists are as long, the steps rise. */
export interface Curve {
  metric: string
  series: Series
  steps: number[]
  values: CurveValue[]
}

/**
 * Curves by metric and counter. A value of `metrics/…` outranks that of a log, and of one source the later
 * stands, whichever life it is of.
 *
 * @param steps rising in each series
 */
export function curvesOf(steps: readonly StepFacts[]): Curve[] {
  const curves = new Map<string, Curve>()
  for (const { series, step, metrics } of steps) {
    for (const [metric, { value }] of standing(metrics)) {
      const id = `${series} ${metric}`
      const curve = curves.get(id) ?? { metric, series, steps: [], values: [] }
      curve.steps.push(step)
      curve.values.push(curveValue(value))
      curves.set(id, curve)
    }
  }
  return [...curves.values()]
}

function standing(metrics: readonly MetricFact[]): Map<string, MetricFact> {
  const found = new Map<string, MetricFact>()
  for (const fact of metrics) {
    const rival = found.get(fact.metric)
    if (rival === undefined || outranks(fact, rival)) found.set(fact.metric, fact)
  }
  return found
}

function outranks(fact: MetricFact, rival: MetricFact): boolean {
  if (fact.source !== rival.source) return fact.source === 'event'
  return compareMetrics(fact, rival) > 0
}

function curveValue(value: number | null): CurveValue {
  if (value === null || Number.isFinite(value)) return value
  return String(value) as CurveValue
}
